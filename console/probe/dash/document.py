"""Bytes to a small tree of elements, within bounds.

expat alone is asked, with handlers of our own: a DOCTYPE is refused before any entity of it could be declared, so that nothing
expands, and elements, depth, attributes and text are counted while they come, so that a bad document costs no more than a good
one of the largest allowed size.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.parsers import expat

from console.probe.dash.errors import MpdError

BODY_LIMIT = 4 * 1024 * 1024  # bytes
ELEMENT_LIMIT = 80_000  # half a day of DVR in which each segment of 2 s, of picture and of sound, has an S of its own
DEPTH_LIMIT = 32
ATTRIBUTE_LIMIT = 64  # of one element
VALUE_LIMIT = 4096  # characters of one attribute or text
_HEAD = 4096  # bytes in which the root element is looked for
_BOM = b"\xef\xbb\xbf"


class Element:
    """One element: its local name, attributes by local name, the text directly in it (of a BaseURL), and its children."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.text = ""
        self.children: list[Element] = []

    def all(self, name: str) -> Iterator[Element]:
        """The children of that name."""
        return (child for child in self.children if child.name == name)

    def first(self, name: str) -> Element | None:
        """The first child of that name."""
        return next(self.all(name), None)


def is_mpd(body: bytes) -> bool:
    """Whether the body looks like an MPD: XML whose root is named so, whatever may be wrong with the rest."""
    head = body[:_HEAD].removeprefix(_BOM).lstrip()
    return head.startswith(b"<") and _root_name(head) == b"MPD"


def _root_name(head: bytes) -> bytes:
    """The local name of the first element that is no declaration, comment or DOCTYPE."""
    at = 0
    while (at := head.find(b"<", at)) >= 0:
        if head.startswith(b"<!--", at):
            end = head.find(b"-->", at)
            if end < 0:
                return b""
            at = end
        elif head[at + 1 : at + 2] not in (b"?", b"!"):
            break
        elif head.startswith(b"<!DOCTYPE", at) and b"<MPD" in head[at:]:
            return b"MPD"  # refused later, by its right name
        at += 1
    if at < 0:
        return b""
    name = head[at + 1 : at + 65].replace(b">", b" ").replace(b"/", b" ").split(None, 1)
    return name[0].rpartition(b":")[2] if name else b""


def parse(body: bytes) -> Element:
    """The root element. Raises MpdError, and nothing else."""
    if len(body) > BODY_LIMIT:
        raise MpdError(f"{len(body)} bytes, the limit is {BODY_LIMIT}", is_mpd=False)
    if not is_mpd(body):
        raise MpdError(_first_line(body), is_mpd=False)
    builder = _Builder()
    try:
        builder.parser.Parse(body, True)
    except expat.ExpatError as error:
        said = expat.ErrorString(error.code) or "not well-formed"
        raise MpdError(f"XML line {error.lineno}: {said}") from error
    except ValueError as error:
        raise MpdError(f"XML: {error}") from error
    if builder.root is None:
        raise MpdError("an MPD without its root element")
    return builder.root


def _first_line(body: bytes) -> str:
    line = body.lstrip()[:200].split(b"\n", 1)[0].decode("ascii", "replace").strip()
    return line or "an empty body"


class _Builder:
    """expat's handlers. The encoding is set to UTF-8 whatever the document claims: any other would be looked up by a name
    that the document chose.
    """

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0
        self.parser = expat.ParserCreate("UTF-8", " ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._entity

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > ELEMENT_LIMIT:
            raise MpdError(f"more than {ELEMENT_LIMIT} elements")
        if len(self._open) >= DEPTH_LIMIT:
            raise MpdError(f"elements more than {DEPTH_LIMIT} deep")
        if len(attributes) > ATTRIBUTE_LIMIT:
            raise MpdError(f"an element of {len(attributes)} attributes, the limit is {ATTRIBUTE_LIMIT}")
        for key, value in attributes.items():
            if len(value) > VALUE_LIMIT:
                raise MpdError(f"an attribute of {len(value)} characters, the limit is {VALUE_LIMIT}")
            if " " in key:  # of another namespace: xlink:href, xsi:schemaLocation
                attributes = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        element = Element(name.rpartition(" ")[2], attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, name: str) -> None:
        self._open.pop()

    def _data(self, text: str) -> None:
        here = self._open[-1]
        if here.name == "BaseURL" and len(here.text) <= VALUE_LIMIT:  # the only element whose text is read
            here.text += text[: VALUE_LIMIT + 1]

    def _doctype(self, *_: object) -> None:
        raise MpdError("a DOCTYPE, which no MPD needs and which could make it grow without bound")

    def _entity(self, *_: object) -> None:
        raise MpdError("an entity is declared, which could make the MPD grow without bound")
