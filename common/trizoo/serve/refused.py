"""What a client is told where there is no answer."""

from http import HTTPStatus


class RefusedError(Exception):
    """A request that gets no answer. The text is one sentence: what was received, what would do.

    Args:
        status: of HTTP, 4xx or 5xx
        retry_after: seconds after which another attempt may succeed, None where it would not
    """

    def __init__(self, status, sentence, retry_after=None):
        super().__init__(sentence)
        self.status, self.retry_after = HTTPStatus(status), retry_after

    def headers(self):
        """Of its response. The connection ends, since the request's body may not have been read."""
        more = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return {"Connection": "close", **more}
