"""The one exception for what the user can put right."""


class UserError(Exception):
    """Bad input. The text is one sentence: what was received, where, and what would do.

    Command lines print it as `error: ...` and exit with code 2, without a traceback.
    """
