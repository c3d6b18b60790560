"""XML from strangers, tag by tag: without document types and entities, and with namespaces left as they are written.

ElementTree's own parser would write a namespace's whole address into every tag that has its prefix, so that a file of
1.5 MB with a long one takes minutes.
"""

from xml.parsers.expat import ParserCreate


class DTDError(ValueError):
    """A document type or an entity is declared."""


def parser_of(start, end, data=None):
    """expat's parser, which raises a DTDError for declarations, and xml.parsers.expat.ExpatError for what is no XML.

    Args:
        start: called with a tag and its attributes, {name: text}
        end: called with a tag
        data: called with the text between two tags
    """
    parser = ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse
    parser.StartElementHandler, parser.EndElementHandler = start, end
    if data is not None:
        parser.CharacterDataHandler = data
    return parser


def _refuse(*_):
    raise DTDError("a document type")
