"""The exceptions for what the user can put right."""


class UserError(Exception):
    """Bad input. The text is one sentence: what was received, where, and what would do.

    Command lines print it as `error: ...` and exit with code 2, without a traceback.
    """


class UnwrittenError(UserError):
    """A file that can't be written, since the disk is full or refuses.

    Args:
        fact: what couldn't be written, and the system's words
        advice: what would do, where the caller knows no better
    """

    def __init__(self, fact, advice=None):
        super().__init__(f"{fact}; {advice}" if advice else fact)
        self.fact = fact
