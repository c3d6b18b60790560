"""The exceptions for what the user can put right."""

import re

LONGEST_WORD, LONGEST_SENTENCE = 200, 4000  # characters that are shown of what came from outside
# control characters, and those that turn the direction of what follows: a terminal would obey them
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_OBEYED = re.compile(rf"(?![\t\n]){_UNSEEN.pattern}")
_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")


class UserError(Exception):
    """Bad input. The text is one sentence: what was received, where, and what would do.

    Command lines print it as `error: ...` and exit with code 2, without a traceback. Whatever it quotes, control
    characters are written out and words of more than 200 characters are cut.
    """

    def __str__(self):
        return sentence(super().__str__())


def sentence(text):
    """A text that may quote a stranger's, on one line and of bounded length."""
    text = _UNSEEN.sub(_written_out, text[: 4 * LONGEST_SENTENCE])
    text = _WORD.sub(lambda found: f"{found[0][: LONGEST_WORD - 61]}…{found[0][-60:]}", text)
    return text if len(text) <= LONGEST_SENTENCE else text[: LONGEST_SENTENCE - 1] + "…"


def harmless(text):
    """Lines that may quote a stranger's, for a terminal: what it would obey instead of show is written out, as \\u001b.

    JSON means the same afterwards.
    """
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _written_out(found):
    return found[0].encode("unicode_escape").decode()


class UnwrittenError(UserError):
    """A file that can't be written, since the disk is full or refuses.

    Args:
        fact: what couldn't be written, and the system's words
        advice: what would do, where the caller knows no better
    """

    def __init__(self, fact, advice=None):
        super().__init__(f"{fact}; {advice}" if advice else fact)
        self.fact = fact
