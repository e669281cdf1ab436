"""The watch stream: one JSON event a line, for as long as the client asked.

A watch that cannot start because its version is too old is still a 200, with one ERROR event in it. It ends
without a word at its timeout; the client goes on from the last version it saw, which bookmarks keep young.
"""

from __future__ import annotations

import asyncio
from random import Random

import msgspec
from aiohttp import web

from console.demo.kubernetes import status, tables
from console.demo.kubernetes.options import ListOptions
from console.demo.kubernetes.serving import Serving
from console.demo.kubernetes.store import Expired, Stored
from console.demo.kubernetes.views import PARTIAL, PLAIN, TABLE, View
from console.demo.kubernetes.watch import Watch

_encode = msgspec.json.encode
BOOKMARK_BEFORE_END_S = 2.0
_LOOK_AGAIN_S = 1.0
"""How often a silent watch looks whether its client is still there."""


class _Lines:
    """Events as lines, in the form the client asked for."""

    def __init__(self, serving: Serving, view: View, form: str, include: str) -> None:
        self.serving, self.view, self.form, self.include = serving, view, form, include
        self._described = False

    def _table(self, obj: dict[str, object], revision: str) -> bytes:
        minor, shelf = self.serving.catalogue.minor, self.view.resource.shelf
        definitions = None if self._described else tables.columns(shelf, minor)
        self._described = True
        embedded = self.serving.embedded(self.view, obj, self.include)
        row = tables.row(shelf, obj, embedded, self.serving.clock(), minor)
        return _encode(tables.table({"resourceVersion": revision}, definitions, [row]))

    def event(self, type_: str, stored: Stored) -> bytes:
        if self.form == TABLE:
            body = self._table(stored.read(), str(stored.revision))
        elif self.form == PARTIAL:
            body = _encode(self.view.partial(stored))
        else:
            body = self.view.alone(stored)
        return b'{"type":"%b","object":%b}\n' % (type_.encode(), body)

    def bookmark(self, revision: int, initial_end: bool = False) -> bytes:
        body = self.view.bookmark(revision, initial_end)
        if self.form != PLAIN:
            marked = msgspec.json.decode(body)
            shape = {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": marked["metadata"],
            }
            body = (
                _encode(shape)
                if self.form == PARTIAL
                else _encode(tables.table({"resourceVersion": str(revision)}, None, []))
            )
        return b'{"type":"BOOKMARK","object":%b}\n' % body


def error_line(message: str) -> bytes:
    return b'{"type":"ERROR","object":%b}\n' % _encode(status.watch_expired(message))


async def watch(
    request: web.Request, serving: Serving, view: View, options: ListOptions, form: str, include: str
) -> web.StreamResponse:
    store, shelf = serving.store, view.resource.shelf
    response = web.StreamResponse(headers={"Content-Type": status.JSON, "Cache-Control": "no-cache, private"})
    response.enable_chunked_encoding()
    since = int(options.version) if options.version not in ("", "0") else None
    if options.initial_events:
        since = None
    try:
        opened = store.watch(shelf, options.selection, since)
    except Expired as old:
        await response.prepare(request)
        # Events have no watch cache: there the words are the storage's own.
        said = "The resourceVersion for the provided watch is too old." if shelf == "events" else str(old)
        await response.write(error_line(said))
        return response
    try:
        await response.prepare(request)
        await _pump(request, response, serving, opened, _Lines(serving, view, form, include), options)
    except ConnectionResetError:
        pass
    finally:
        store.unwatch(shelf, opened)
    return response


async def _pump(
    request: web.Request,
    response: web.StreamResponse,
    serving: Serving,
    opened: Watch,
    lines: _Lines,
    options: ListOptions,
) -> None:
    loop, store = asyncio.get_running_loop(), serving.store
    unit = serving.timeout_unit_s
    lasts = options.timeout_s * unit if options.timeout_s else Random().uniform(1800.0, 3600.0)
    end = loop.time() + lasts
    if options.initial_events and options.bookmarks:
        initial = opened.take()
        await response.write(
            b"".join([lines.event(*one) for one in initial] + [lines.bookmark(opened.after, True)])
        )
    # As a real server: events are watched without the cache that makes bookmarks, and a version from the future is
    # waited for in silence.
    has_bookmarks = options.bookmarks and lines.view.resource.shelf != "events" and opened.after <= store.revision
    bookmark_at = min(loop.time() + serving.bookmark_s, _last_bookmark(end, lasts, unit))
    while True:
        if request.transport is None or request.transport.is_closing():
            return
        if store.stalled:
            await asyncio.sleep(0.02)
            continue
        events = opened.take()
        for start in range(0, len(events), 200):
            await response.write(b"".join([lines.event(*one) for one in events[start : start + 200]]))
        now = loop.time()
        if opened.ended is not None:
            await _finish(request, response, serving, opened, lines)
            return
        if now >= end:
            return
        if has_bookmarks and now >= bookmark_at and not events:
            await response.write(lines.bookmark(max(store.revision, opened.after)))
            bookmark_at = now + serving.bookmark_s
            if bookmark_at > _last_bookmark(end, lasts, unit) > now:
                bookmark_at = _last_bookmark(end, lasts, unit)
        until = min(end, bookmark_at) if has_bookmarks else end
        await opened.wait(max(0.0, min(_LOOK_AGAIN_S, until - now)))


def _last_bookmark(end: float, lasts: float, unit: float) -> float:
    """One shortly before the timeout, unless the watch is shorter than that."""
    before = BOOKMARK_BEFORE_END_S * unit
    return end - before if lasts > before else float("inf")


async def _finish(
    request: web.Request, response: web.StreamResponse, serving: Serving, opened: Watch, lines: _Lines
) -> None:
    if opened.ended == "expired":
        await response.write(
            error_line(f"too old resource version: {opened.after} ({serving.store.revision})")
        )
    elif opened.ended == "cut":
        existing = serving.store.all(lines.view.resource.shelf, opened.selection)
        line = lines.event("MODIFIED", existing[0]) if existing else lines.bookmark(serving.store.revision)
        await response.write(line[: len(line) // 2])
        if request.transport is not None:
            request.transport.close()
