"""List, then watch, for ever: one collection (a kind, in one namespace or in all) kept equal to the server's.

The contract: take the list's resourceVersion, watch from it, move it with every event and bookmark, and start
over when the server says that it is too old (410, inside the stream or as a status). The package's own Watch
does none of the recovery: it reconnects at once without end, repeats a 410 at the same version, and never
lists again. What this does not do either: guarantee every intermediate state. It converges to the newest.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from console.model.failure import Failure, FailureKind, SourceError
from console.model.instant import Clock, Instant
from console.sources.backoff import Backoff
from console.sources.kubernetes.answer import (
    BODY_LIMIT,
    PAGE_BYTES,
    Answer,
    Body,
    Expired,
    Where,
    in_band,
    no_watch,
    refusal,
)
from console.sources.kubernetes.connection import Connection
from console.sources.kubernetes.decode import UNREADABLE_ERRORS, Unreadable, item
from console.sources.kubernetes.kinds import Kind, Place
from console.sources.kubernetes.lines import Lines, LineTooLong
from console.sources.kubernetes.pace import Pace
from console.sources.kubernetes.pages import SLICE_BYTES, Missed, changed_in, is_json, objects_of, slices
from console.sources.kubernetes.wire import Bookmark, Frame, Status
from console.sources.meter import Meter

T = TypeVar("T")
log = logging.getLogger(__name__)

LEAST_PAGE = 8  # objects of 2 MB, the most that etcd holds, in a page of 16
OBJECTS_LIMIT = 250_000
SHORT_S = 1.0  # a watch that lived less has not proved anything
FRUITFUL_SHORT_WATCHES = 3  # short ones that brought something, before even those are slowed down
# A watch that lived longer and brought not even a bookmark may be at a version from the future.
SILENT_S = 60.0
_CHANGES = frozenset(("ADDED", "MODIFIED", "DELETED"))


class ListWatch(Generic[T]):
    """One collection. `items` is replaced or changed in place; `touched` collects keys until the reflector
    takes them.
    """

    def __init__(
        self,
        kind: Kind[T],
        connection: Connection,
        namespace: str | None,
        clock: Clock,
        meter: Meter,
        rng: random.Random,
        pace: Pace,
        changed: Callable[[], None],
    ) -> None:
        self.namespace = namespace
        self.items: dict[str, T] = {}
        self.touched: set[str] = set()
        self.unreadable: set[str] = set()
        self.nameless = 0  # unreadable, and not even the name could be read; counted since the last list
        self.version: str | None = None
        self.failure: Failure | None = None
        self.is_listed = False
        self.lists = 0
        self.cuts = 0  # watches that ended without the proper end: torn, reset, silent
        self.skew_s: float | None = None
        self._kind = kind
        self._connection = connection
        self._clock = clock
        self._meter = meter
        self._rng = rng
        self._pace = pace
        self._changed = changed
        target = connection.target
        self._place = Place(target.cluster, target.region_label, target.service_labels)
        self._path = kind.path(namespace)
        self._page_objects = pace.page_objects
        self._is_watching = False
        self._proof: Instant | None = None
        self._followed_at: float | None = None
        self._short_watches = 0
        self._applied_bytes = 0  # since the loop had its turn

    @property
    def alive_at(self) -> Instant | None:
        """When this was last known to be the server's state. An open watch within its read timeout is proof
        as of now.
        """
        return self._clock.now() if self._is_watching else self._proof

    @property
    def where(self) -> str:
        return self.namespace if self.namespace is not None else "all namespaces"

    async def run(self) -> None:
        """Until cancelled. What goes wrong becomes `failure`, and is tried again after a jittered wait."""
        backoff = Backoff(rng=self._rng)
        while True:
            failure: Failure | None = None
            is_fruitful = False
            self._followed_at = None
            try:
                if self.version is None:
                    await self._list()
                is_fruitful = await self._watch(self.version or "")
            except Expired:
                self.version = None
                is_fruitful = True  # it said what to do, and that is done at once
            except SourceError as error:
                failure = error.failure
            except Exception as error:  # ours: one source tells it, nothing else is disturbed
                failure = self._internal(error)
                self.version = None
            # One that could not even be asked for is no short watch, but a failure, and waits as one: after an outage
            # the server's 410 must be followed at once, however long we had been knocking.
            if failure is None or self._followed_at is not None:
                lived_s = 0.0 if self._followed_at is None else self._clock.now().mono - self._followed_at
                self._short_watches = 0 if lived_s >= SHORT_S else self._short_watches + 1
                if self._short_watches == 0:
                    backoff.reset()
            if failure is not None:
                self._fail(failure)
                await self._clock.sleep(backoff.next_s(failure.retry_after_s))
            elif self._short_watches > (FRUITFUL_SHORT_WATCHES if is_fruitful else 0):
                await self._clock.sleep(backoff.next_s())

    async def _list(self) -> None:
        """Everything anew, in pages. A continue token that expires means the pages no longer fit together:
        start again, and at the third time ask for all in one answer (the server's fresh token would give an
        inconsistent remainder, with a version from which the changes to the first pages can no longer be
        watched).
        """
        for limit in (self._page_objects, self._page_objects, 0):
            try:
                await self._list_in_pages(limit)
                return
            except Expired:
                continue
            except SourceError as error:
                if error.failure.kind is FailureKind.TOO_LARGE and limit:
                    self._page_objects = max(LEAST_PAGE, limit // 8)  # of large objects, when it is tried again
                raise
        raise Where(f"list {self._kind.plural}", self._connection.on).error(
            FailureKind.BAD_ANSWER,
            "410: every list expires before it ends",
            "is the server compacting all the time?",
        )

    async def _list_in_pages(self, limit: int) -> None:
        before = self.items
        fresh: dict[str, T] = {}
        touched: set[str] = set()
        missed = Missed(set())
        version = token = ""
        while True:
            body = await self._page(limit, token)
            head, slices_of_it = objects_of(body, self._kind, self._place, missed)
            version = version or head.resource_version or ""
            for some in slices_of_it:
                touched.update(changed_in(some, before))
                fresh.update(some)
                await asyncio.sleep(0)
            if len(fresh) > OBJECTS_LIMIT:
                raise self._too_many(body.where)
            token = head.continue_ or ""
            if not token:
                break
        if not version:
            raise body.where.error(FailureKind.BAD_ANSWER, "a list without a resourceVersion", "is it an API server?")
        touched.update(before.keys() - fresh.keys())  # deleted while nobody watched
        self.items, self.version = fresh, version
        self.unreadable, self.nameless = missed.keys, missed.nameless
        self.touched |= touched
        self.lists += 1
        self.is_listed = True
        self._alive(body.server_date)

    async def _page(self, limit: int, token: str) -> Body:
        params = {"limit": str(limit)} if limit else {}
        if token:
            params["continue"] = token
        is_good = False
        read = 0
        try:
            most = PAGE_BYTES if limit else BODY_LIMIT
            body = await self._connection.read(self._path, f"list {self._kind.plural}", params, limit=most)
            read = len(body.data)
            is_good = 200 <= body.status < 300
        finally:
            self._meter.asked(read, failed=not is_good)
        if not is_good:
            raise self._explained(refusal(body.where, body.status, body.headers, body.data), "list")
        return body

    async def _watch(self, version: str) -> bool:
        """One watch to its end, proper or not; True when it brought something. Raises as `_list` does."""
        timeout_s = self._rng.randint(*self._pace.watch_s)
        if not self._kind.has_bookmarks:  # its proper end must come before its silence would be taken for a dead line
            silence_s = int(self._pace.silence_s)
            timeout_s = min(timeout_s, self._rng.randint(max(1, silence_s // 2), max(1, silence_s * 3 // 4)))
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(timeout_s),
        }
        tried = f"watch {self._kind.plural}"
        is_opened = False
        try:
            async with self._connection.ask(self._path, tried, params, silence_s=self._pace.silence_s) as answer:
                if not 200 <= answer.status < 300:
                    body = await answer.body()
                    raise self._explained(refusal(body.where, body.status, body.headers, body.data), "watch")
                self._meter.asked()
                is_opened = True
                return await self._follow(answer)
        finally:
            if not is_opened:
                self._meter.asked(failed=True)
            self._is_watching = False

    async def _follow(self, answer: Answer) -> bool:
        if "html" in answer.headers.get("Content-Type", ""):
            raise answer.where.error(FailureKind.BAD_ANSWER, "an HTML page for a watch", "a login page or a proxy?")
        opened = self._followed_at = self._clock.now().mono
        lines = Lines(self._pace.line_bytes)
        has_lines = False
        before = self._proof, self.failure
        self._is_watching = True
        self._alive(answer.server_date)
        while True:
            try:
                chunk = await answer.chunk()
            except SourceError:  # cut off or silent: the torn line is worth nothing, the version is
                self.cuts += 1
                return has_lines
            self._proof = self._clock.now()
            if not chunk:
                break
            self._meter.received(len(chunk))
            try:
                has_lines = await self._take(lines, chunk, answer.where) or has_lines
            except Expired:
                if not has_lines:  # what we have is older than the server remembers: that it let us in proved nothing
                    self._proof, self.failure = before
                    self._changed()
                raise
        if lines.torn.strip() and (is_json(lines.torn) or not has_lines):
            self._apply(lines.torn, answer.where)  # a whole event without its newline, or no watch at all
        if not has_lines and self._clock.now().mono - opened >= SILENT_S:
            # A version from the future (a restored etcd) is watched in silence. Servers with bookmarks are
            # never this quiet.
            self.version = None
        return has_lines

    async def _take(self, lines: Lines, chunk: bytes, where: Where) -> bool:
        """Apply the lines that this chunk completed; True when there were any."""
        try:
            whole = lines.feed(chunk)
        except LineTooLong:
            self.version = None  # the same version would bring the same line again
            got = f"an event of more than {self._pace.line_bytes:,} bytes"
            raise where.error(FailureKind.TOO_LARGE, got, "the collection is listed again") from None
        for some in slices(whole):
            if self._applied_bytes >= SLICE_BYTES // 4:  # many small chunks hold up the loop as one large one does
                self._applied_bytes = 0
                await asyncio.sleep(0)
            self._apply_all(some, where)
            self._applied_bytes += sum(map(len, some))
        if whole:
            self._changed()
        return bool(whole)

    def _apply_all(self, lines: list[bytes], where: Where) -> None:
        """Changes of readable objects in one scan each; every other line takes the long way."""
        whole = self._kind.whole
        if whole is None:
            for line in lines:
                self._apply(line, where)
            return
        decode, made, place = whole.frame.decode, whole.made, self._place
        for line in lines:
            try:
                frame = decode(line)
                change = made(frame.object, place) if frame.type in _CHANGES else None
            except UNREADABLE_ERRORS:
                change = None
            if change is None:
                self._apply(line, where)
            else:
                self._put(*change, frame.type == "DELETED", where)

    def _apply(self, line: bytes, where: Where) -> None:
        try:
            frame = msgspec.json.decode(line, type=Frame)
        except UNREADABLE_ERRORS:
            self.version = None
            raise no_watch(where, line) from None
        match frame.type:
            case "ADDED" | "MODIFIED":
                self._store(frame.object, where, is_deleted=False)
            case "DELETED":
                self._store(frame.object, where, is_deleted=True)
            case "BOOKMARK":
                self._bookmark(frame.object)
            case "ERROR":
                raise self._error(frame.object, where)
            case None:
                self.version = None
                raise no_watch(where, line)
            case _:
                return  # a type that a newer server knows

    def _store(self, raw: msgspec.Raw, where: Where, is_deleted: bool) -> None:
        key: str | None
        version: str | None
        try:
            got = item(self._kind, raw, self._place)
        except Unreadable as error:
            # The row we have is no longer true, so it goes; the count in the note says that something is
            # missing.
            key, version = error.key, error.version
            if key is None:
                self.nameless += 1
            else:
                self.items.pop(key, None)
                self.unreadable.discard(key) if is_deleted else self.unreadable.add(key)
            if key is not None:
                self.touched.add(key)
            self.version = version or self.version
        else:
            self._put(got.key, got.value, got.version, is_deleted, where)

    def _put(self, key: str, value: T, version: str, is_deleted: bool, where: Where) -> None:
        if self.unreadable:
            self.unreadable.discard(key)
        if is_deleted:
            self.items.pop(key, None)
        else:
            self.items[key] = value
            if len(self.items) > OBJECTS_LIMIT:
                raise self._too_many(where)
        self.touched.add(key)
        if version:
            self.version = version

    def _bookmark(self, raw: msgspec.Raw) -> None:
        """Only its version counts: it is an almost empty object and never stored."""
        try:
            meta = msgspec.json.decode(raw, type=Bookmark).metadata
        except UNREADABLE_ERRORS:
            return
        self.version = (meta.resource_version if meta else None) or self.version

    def _error(self, raw: msgspec.Raw, where: Where) -> SourceError | Expired:
        try:
            said = msgspec.json.decode(raw, type=Status)
        except UNREADABLE_ERRORS:
            said = Status()
        self.version = self.version if said.code in (429, 503) else None
        return self._explained(in_band(where, said), "watch")

    def _alive(self, server_date: datetime | None) -> None:
        now = self._clock.now()
        self._proof = now
        self.failure = None
        if server_date is not None:
            self.skew_s = (server_date - now.utc).total_seconds()
        self._changed()

    def _fail(self, failure: Failure) -> None:
        self.failure = failure
        self._changed()

    def _explained(self, error: SourceError | Expired, verb: str) -> SourceError | Expired:
        """A 403 tells which permission is missing in the words of RBAC."""
        if isinstance(error, SourceError) and error.failure.got.startswith("403"):
            place = f"namespace {self.namespace}" if self.namespace is not None else "the whole cluster"
            hint = f"needs the verbs list and watch on {self._kind.resource} in {place}; refused: {verb}"
            return SourceError(msgspec.structs.replace(error.failure, hint=hint))
        return error

    def _too_many(self, where: Where) -> SourceError:
        self.version = None
        got = f"more than {OBJECTS_LIMIT:,} {self._kind.plural}"
        return where.error(FailureKind.TOO_LARGE, got, "name the namespaces to watch in the configuration")

    def _internal(self, error: Exception) -> Failure:
        ref = f"{self._rng.getrandbits(32):08x}"
        log.error("%s %s: ref %s: our own exception", self._connection.on, self._kind.plural, ref, exc_info=error)
        return Failure(
            kind=FailureKind.INTERNAL,
            tried=f"watch {self._kind.plural}",
            on=self._connection.on,
            got=f"midwatch's own {type(error).__name__}",
            hint=f"look for ref {ref} in the log file and report it",
            ref=ref,
        )
