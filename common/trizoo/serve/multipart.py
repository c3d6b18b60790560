"""The one file of a multipart form, taken from its stream; nothing is written to disk."""

from trizoo.serve.refused import RefusedError

_MOST_PARTS = 8
_MOST_HEADERS = 8192  # bytes, of all parts together


class FilePart:
    """Takes a body block by block and keeps the file in it.

    Args:
        content_type: of the request, with the boundary
    """

    def __init__(self, content_type):
        from python_multipart.multipart import MultipartParser, parse_options_header

        self._options_of = parse_options_header
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if not 1 <= len(boundary) <= 70:  # RFC 2046, section 5.1.1
            raise RefusedError(
                400, "the form's Content-Type has no boundary of 1 to 70 characters; a client library sets it"
            )
        self.data, self.name = bytearray(), None
        self._parts = self._headers = 0
        self._field, self._value, self._disposition = bytearray(), bytearray(), b""
        self._is_file = self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._on_headers,
                "on_part_data": self._on_data,
                "on_end": self._on_end,
            },
        )

    def add(self, block):
        """Takes the next bytes. Raises RefusedError where they are no form."""
        from python_multipart.exceptions import FormParserError

        try:
            self._parser.write(block)
        except FormParserError:
            raise RefusedError(400, "the body isn't the multipart form that its Content-Type says") from None

    def finish(self):
        """The file's bytes and its name. Raises RefusedError for a form that is cut off, or has no file."""
        if not self._ended:
            raise RefusedError(400, "the multipart form ends before its last boundary")
        if self.name is None:
            raise RefusedError(400, "the form has no file; send the image as one, as curl -F image=@photo.jpg does")
        return bytes(self.data), self.name

    def _begin(self):
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise RefusedError(400, f"the form has more than {_MOST_PARTS} parts; one file is needed")
        self._disposition, self._is_file = b"", False

    def _on_field(self, data, start, end):
        self._field += self._counted(data[start:end])

    def _on_value(self, data, start, end):
        self._value += self._counted(data[start:end])

    def _counted(self, block):
        self._headers += len(block)
        if self._headers > _MOST_HEADERS:
            raise RefusedError(400, f"the form's headers have more than {_MOST_HEADERS} bytes")
        return block

    def _on_header(self):
        if self._field.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _on_headers(self):
        _, options = self._options_of(self._disposition)
        # newer parsers leave out a name in RFC 5987's form
        self._is_file = b"filename" in options or b"filename*=" in self._disposition.lower()
        if not self._is_file:
            return
        if self.name is not None:
            raise RefusedError(400, "the form has two files; one image a request is answered")
        self.name = options.get(b"filename", b"").decode("utf-8", "replace")

    def _on_data(self, data, start, end):
        if self._is_file:
            self.data += data[start:end]

    def _on_end(self):
        self._ended = True
