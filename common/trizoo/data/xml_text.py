"""XML from strangers as a tree: without DTDs, within limits, and with the faults put right that are common."""

import re
from xml.etree.ElementTree import ParseError, TreeBuilder, XMLParser
from xml.parsers.expat import ExpatError

from trizoo.data.reading import Problem
from trizoo.ground.errors import UserError
from trizoo.ground.xml import DTDError, parser_of

MOST_BYTES = 1 << 24  # of a file
_MOST_MARKS = 1 << 18  # of one kind, as those of 10,000 objects; trees of more take seconds and gigabytes
_BEFORE_PROLOG = re.compile(r"[\s\ufeff]+(?:<\?xml[^>]*>)?")
_BARE_AMPERSAND = re.compile(r"&(?!(?:[A-Za-z_:][\w:.-]*|#[0-9]+|#x[0-9A-Fa-f]+);)")


def parse_xml(text, path, with_lines=False):
    """The outermost element, tags in lower case and without namespaces; and a list of `Problem`, what was put right.

    The text should come from a file of at most MOST_BYTES. Raises UserError where it isn't well-formed or too large,
    and for DTDs: no annotation needs one, and entities are an attack.

    Args:
        with_lines: whether elements have no attributes but "line", on which they begin; slower
    """
    if len(text) > _MOST_MARKS and (count := max(map(text.count, "<=&"))) > _MOST_MARKS:
        raise UserError(f"{path} has {count:,} tags, attributes or &; an annotation may have {_MOST_MARKS:,}")
    try:
        try:
            root, remarks = _element(text, with_lines), []
        except DTDError:
            raise
        except (ParseError, ExpatError, ValueError):
            mended, remarks = _mend(text, path)
            if not remarks:
                raise
            root = _element(mended, with_lines)
    except DTDError as error:
        raise UserError(f"{path} brings a DTD or entities along, which no annotation needs; remove them") from error
    except (ParseError, ExpatError, ValueError) as error:
        state = "empty" if not text.strip() else f"not well-formed XML ({error})"
        raise UserError(f"{path} is {state}; annotate the image again, or take both out of the data set") from error
    tags = "".join([element.tag for element in root.iter()])
    if ":" in tags or tags != tags.lower():
        for element in root.iter():
            element.tag = element.tag.rpartition(":")[2].lower()
    return root, remarks


def _element(text, with_lines):
    """The outermost element, by ElementTree's own parser where there are but elements after a prolog.

    Text, not bytes, is given to the parsers: so they see what is looked through here, whatever encoding it declares.
    """
    if "\0" in text:  # makes expat take the text for UTF-16, and see another one than is seen here
        raise ValueError("it holds a character 0")
    if with_lines or "<!" in text or "xmlns" in text or text.find("<?", 1) > 0:
        return _element_with_care(text, with_lines)
    parser = XMLParser()
    parser.feed(text)
    return parser.close()


def _element_with_care(text, with_lines):
    """The outermost element, by a parser that refuses DTDs and leaves prefixes of namespaces as they are written.

    ElementTree's own would copy the text that it has at every comment and processing instruction in it.
    """
    builder = TreeBuilder()

    def start(tag, attributes):
        builder.start(tag, {"line": parser.CurrentLineNumber} if with_lines else attributes)

    parser = parser_of(start, builder.end, builder.data)
    parser.Parse(text, True)
    return builder.close()


def _mend(text, path):
    """The text with the faults put right that are common, lines kept, and a list of `Problem` about them."""
    remarks = []
    before = _BEFORE_PROLOG.match(text)
    if before and before[0].strip():  # a prolog, which decoded text doesn't need, or byte order marks amid blanks
        text = "\n" * before[0].count("\n") + text[before.end() :]
        remarks.append(Problem("mended XML", path, "doesn't begin with its XML prolog, as XML wants it"))
    text, count = _BARE_AMPERSAND.subn("&amp;", text)
    if count:
        remarks.append(Problem("mended XML", path, f"has a bare & in {count:,} places, where XML wants &amp;"))
    return text, remarks
