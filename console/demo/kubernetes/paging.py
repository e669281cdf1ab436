"""Lists: which revision answers, and how it is cut into pages.

All pages of one list are the state as of the first page's revision; the token carries that revision and the
key to go on after. A token whose revision was compacted away is refused together with one that goes on at the
current state.
"""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from bisect import bisect_left

import msgspec

from console.demo.kubernetes import status
from console.demo.kubernetes.options import EXACT, NOT_OLDER, ListOptions
from console.demo.kubernetes.store import Expired, Store, Stored

_INCONSISTENT = -1
"""Revision in a token that goes on at whatever is current."""


class _Token(msgspec.Struct, frozen=True):
    v: str
    rv: int
    start: str


class Page(msgspec.Struct, frozen=True):
    revision: int
    items: list[Stored]
    token: str = ""
    remaining: int | None = None
    """Objects after this page; None when it is the last or a selector makes the number unknown."""

    def metadata(self) -> dict[str, object]:
        found: dict[str, object] = {"resourceVersion": str(self.revision)}
        if self.token:
            found["continue"] = self.token
            if self.remaining is not None:
                found["remainingItemCount"] = self.remaining
        return found


def _encode(revision: int, start: str) -> str:
    raw = msgspec.json.encode(_Token("meta.k8s.io/v1", revision, start))
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> _Token:
    try:
        return msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Token)
    except (ValueError, Base64Error) as error:
        raise status.bad_request(f"invalid continue token: continue key is not valid: {error}") from None


async def caught_up(store: Store, version: str, wait_s: float) -> None:
    """Waits until the store has reached `version`, as a watch cache does; raises the 504 when it does not."""
    wanted = int(version or 0)
    deadline = asyncio.get_running_loop().time() + wait_s
    while store.revision < wanted:
        if asyncio.get_running_loop().time() >= deadline:
            raise status.too_large(wanted, store.revision)
        await asyncio.sleep(min(0.05, wait_s))


async def page(store: Store, shelf: str, options: ListOptions, too_large_wait_s: float) -> Page:
    """Raises ApiError: 400 for a bad token, 410 for an expired revision, 504 for one from the future."""
    start, limit = "", options.limit
    if options.token:
        if options.version and options.version != "0":
            raise status.bad_request("specifying resource version is not allowed when using continue")
        token = _decode(options.token)
        start, at = token.start, token.rv
        if at == _INCONSISTENT:
            at = store.revision
    else:
        await caught_up(store, options.version, too_large_wait_s)
        asked = int(options.version or 0)
        if not options.version:
            at = store.revision
        elif asked == 0 or (not options.match and not limit) or (options.match == NOT_OLDER and not limit):
            # The watch cache answers: all of it, whatever the limit, and at its own version.
            at = max(asked, store.cached_revision(shelf))
            limit = 0
        elif options.match == EXACT or not options.match:
            at = asked
        else:
            at = store.revision
    await caught_up(store, str(at), too_large_wait_s)
    try:
        return _cut(store, shelf, options, at, start, limit)
    except Expired:
        if options.token:
            raise status.continue_expired(_encode(_INCONSISTENT, start)) from None
        raise status.list_expired() from None


def _cut(store: Store, shelf: str, options: ListOptions, at: int, start: str, limit: int) -> Page:
    by = options.selection
    snapshot = store.shelf(shelf).snapshot(at)
    low, high = snapshot.span(by.namespace)
    prefix = f"{by.namespace}/" if by.namespace is not None else ""
    position = bisect_left(snapshot.keys, prefix + start, low, high) if start else low
    if by.whole:
        end = min(position + limit, high) if limit else high
        items = snapshot.items[position:end]
    else:
        items, end = [], position
        while end < high and not (limit and len(items) >= limit):
            if snapshot.items[end].selected(by):
                items.append(snapshot.items[end])
            end += 1
    if end >= high:
        return Page(at, items)
    # The token goes on at the key directly after the last one read; NUL sorts before everything.
    token = _encode(at, snapshot.keys[end - 1].removeprefix(prefix) + "\0")
    return Page(at, items, token, high - end if by.whole else None)
