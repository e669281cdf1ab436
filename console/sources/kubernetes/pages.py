"""A page of a list, split into objects that are still undecoded, in slices that let the loop breathe."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from console.model.failure import FailureKind
from console.sources.kubernetes.answer import Body
from console.sources.kubernetes.decode import UNREADABLE_ERRORS
from console.sources.kubernetes.wire import Page
from console.sources.sanitise import clean

SLICE_BYTES = 256 * 1024  # decoded between two turns of the loop: 2-3 ms
SLICE_OBJECTS = 50


def page_of(body: Body) -> Page:
    """Split into undecoded objects. Raises SourceError BAD_ANSWER for HTML, half a document, or another kind
    of document.
    """
    try:
        page = msgspec.json.decode(body.data, type=Page)
    except UNREADABLE_ERRORS as error:
        begin = body.data[:80].decode("utf-8", "replace").strip()
        got = f"no list but {begin!r}" if not begin.startswith("{") else f"a list cut short or misshapen: {error}"
        raise body.where.error(FailureKind.BAD_ANSWER, got, "a proxy or a login page before the API server?") from None
    if not (page.kind or "").endswith("List") or page.metadata is None:
        got = f"a document of kind {clean(page.kind or 'none', 80)}, not a list"
        raise body.where.error(FailureKind.BAD_ANSWER, got, "does the url point at an API server?")
    return page


_R = TypeVar("_R", bytes, msgspec.Raw)


def slices(raws: list[_R]) -> list[list[_R]]:
    """Groups small enough that decoding one does not hold up the loop."""
    groups: list[list[_R]] = []
    size = SLICE_BYTES
    for raw in raws:
        length = len(memoryview(raw))
        if not groups or size + length > SLICE_BYTES or len(groups[-1]) >= SLICE_OBJECTS:
            groups.append([])
            size = 0
        groups[-1].append(raw)
        size += length
    return groups


def is_json(data: bytes) -> bool:
    """Whether these bytes are one whole JSON value: half an object never is."""
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except UNREADABLE_ERRORS:
        return False
    return True
