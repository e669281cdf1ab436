"""A page of a list, split into objects that are still undecoded, in slices that let the loop breathe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from console.model.failure import FailureKind
from console.sources.kubernetes.answer import Body
from console.sources.kubernetes.decode import UNREADABLE_ERRORS, Unreadable, item
from console.sources.kubernetes.kinds import Kind, Place, Whole
from console.sources.kubernetes.wire import ListMeta, Page, WholePage
from console.sources.sanitise import clean

T = TypeVar("T")
_R = TypeVar("_R", bytes, msgspec.Raw)

# Between two turns of the loop: 2-3 ms, decoded and made sense of.
SLICE_BYTES = 512 * 1024
SLICE_OBJECTS = 200
WHOLE_BYTES = 2 * 1024 * 1024  # of a page decoded in one go, which takes as long as a slice


class Missed(msgspec.Struct):
    """Objects of a list that cannot be read: their keys, and how many have not even one."""

    keys: set[str]
    nameless: int = 0


def objects_of(body: Body, kind: Kind[T], place: Place, missed: Missed) -> tuple[ListMeta, Iterator[dict[str, T]]]:
    """The head of a page, and its objects by key, in slices between which the loop should have its turn.

    Raises SourceError BAD_ANSWER at once when it is no page.
    """
    whole = kind.whole
    page = _in_one_scan(body.data, whole.page) if whole is not None else None
    if whole is None or page is None or page.metadata is None:
        plain = page_of(body)
        return plain.metadata or ListMeta(), _one_by_one(plain.items or [], kind, place, missed)
    return page.metadata, _together(body, page.items or [], whole, kind, place, missed)


def _in_one_scan(data: bytes, decoder: msgspec.json.Decoder[WholePage[Any]]) -> WholePage[Any] | None:
    """A page that is not large and in which every object is of the right shape; of any other `page_of` tells more."""
    if len(data) > WHOLE_BYTES:
        return None
    try:
        page = decoder.decode(data)
    except UNREADABLE_ERRORS:
        return None
    return page if (page.kind or "").endswith("List") else None


def _together(
    body: Body, objects: list[Any], whole: Whole[T], kind: Kind[T], place: Place, missed: Missed
) -> Iterator[dict[str, T]]:
    made = whole.made
    for start in range(0, len(objects), SLICE_OBJECTS):
        some: dict[str, T] = {}
        try:
            for each in objects[start : start + SLICE_OBJECTS]:
                key, value, _ = made(each, place)
                some[key] = value
        except UNREADABLE_ERRORS:  # one of these: from here on each by itself
            yield from _one_by_one((page_of(body).items or [])[start:], kind, place, missed)
            return
        yield some


def _one_by_one(raws: list[msgspec.Raw], kind: Kind[T], place: Place, missed: Missed) -> Iterator[dict[str, T]]:
    for group in slices(raws):
        some: dict[str, T] = {}
        for raw in group:
            try:
                got = item(kind, raw, place)
            except Unreadable as error:
                if error.key is None:
                    missed.nameless += 1
                else:
                    missed.keys.add(error.key)
            else:
                some[got.key] = got.value
        yield some


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


def slices(raws: list[_R]) -> list[list[_R]]:
    """Groups small enough that decoding one does not hold up the loop."""
    if len(raws) <= SLICE_OBJECTS and sum(map(len, raws)) <= SLICE_BYTES:
        return [raws] if raws else []
    groups: list[list[_R]] = []
    size = SLICE_BYTES
    for raw in raws:
        length = len(raw)
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


def changed_in(some: dict[str, T], before: dict[str, T]) -> Iterable[str]:
    """Keys of what is not as it was; what is as it was becomes the very object that it was."""
    if not before:
        return some.keys()
    changed = set()
    for key, value in some.items():
        known = before.get(key)
        if known is not None and known == value:
            some[key] = known
        else:
            changed.add(key)
    return changed
