"""What stands behind `S`: one counter a process, and a clerk a session, who drafts, asks whether that may be sent, has it
recorded and hands it in.

A draft is made of what the session's own desk shows, which has only what its person may read; redaction takes away more and
adds nothing. What was looked at is what is sent: the message of a draft is kept, not made again. Files are read, texts redacted
and pictures rendered in threads and a child: the loop has screens to serve.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import msgspec

from console.actions.audit import kinds
from console.actions.audit.entry import Unwritable
from console.actions.audit.journal import Journal
from console.actions.audit.operation import Actor
from console.actions.audit.writer import JournalClosed
from console.app.pivots import Place
from console.app.sending import Draft, NotSent, Step
from console.chat import elsewhere
from console.chat.composing import composed, for_programs
from console.chat.message import Message
from console.chat.office import Office
from console.chat.posting import Posted, carry
from console.chat.store import QueueFull
from console.config import Config
from console.config.chat import ChatDestination, ChatKind
from console.config.paths import state_dir
from console.feeds.desk import OVERVIEW, VIEWS, Desk
from console.model.cell import Tone
from console.model.instant import Clock
from console.redaction.known import known_secrets
from console.redaction.redactor import Redactor
from console.redaction.veil import veiled
from console.rows import channel, streams
from console.rows.digest import Digest
from console.rows.units import si
from console.snapshot import session

FOLDER = "chat"  # of all queues, below the state directory
SETTLE_S = 2.0  # for panes that the session has not opened yet
SEEN_S = 60.0  # how long one is told what becomes of it
SIZE = (120, 36)
PICTURES = 1  # drawn at a time
KEPT = 8  # drafts of a session

log = logging.getLogger(__name__)

May = Callable[[str], Awaitable[str]]  # a destination -> by which right; raises NotSent


async def anybody(_destination: str) -> str:
    """Who sits before a process of their own needs no right but its credentials."""
    return ""


class Counter:
    """One a process, over one office. Nothing is opened before somebody sends."""

    def __init__(self, config: Config, environ: Mapping[str, str], clock: Clock, theme: str | None) -> None:
        self.config, self.environ, self.clock, self.theme = config, environ, clock, theme
        self.destinations = {
            name: each
            for name, each in config.chat.items()
            if each.kind is not ChatKind.APPRISE or elsewhere.is_installed()
        }
        self.office = Office(config.chat, state_dir(environ) / FOLDER, clock, environ, Redactor())
        self.drawing = asyncio.Semaphore(PICTURES)
        self._tasks: set[asyncio.Task[None]] = set()

    def clerk(
        self,
        desk: Desk,
        site: str,
        *,
        is_prod: bool,
        who: str,
        by: Actor,
        may: May = anybody,
        journal: Callable[[], Journal | None] = lambda: None,
    ) -> Clerk | None:
        """For one session; None where the configuration names no chat."""
        if not self.destinations:
            return None
        return Clerk(self, desk, site, is_prod=is_prod, who=who, by=by, may=may, journal=journal)

    def keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Goes on when the session that began it is over."""
        task = asyncio.create_task(work, name="sending")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:  # its session may have gone
            log.warning("a snapshot was not posted: %s", error)

    def redactor(self) -> Redactor:
        """What is secret now, files that were changed meanwhile too. Blocks."""
        return Redactor((*known_secrets(self.config, self.environ), *self.office.redactor.known))

    async def close(self) -> None:
        """What is not delivered yet waits on the disk."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.office.close()


class _Kept(msgspec.Struct, frozen=True):
    """What a draft was made of, and makes what is sent."""

    digest: Digest
    message: Message
    document: dict[str, Any] | None
    redactor: Redactor


class Clerk:
    """A `Courier` for one session."""

    def __init__(
        self,
        counter: Counter,
        desk: Desk,
        site: str,
        *,
        is_prod: bool,
        who: str,
        by: Actor,
        may: May,
        journal: Callable[[], Journal | None],
    ) -> None:
        self._counter, self._desk, self._site = counter, desk, site
        self._is_prod, self._who, self._by, self._may, self._journal = is_prod, who, by, may, journal
        self._kept: dict[tuple[str, str], _Kept] = {}

    async def drafts(self, place: Place) -> tuple[Draft, ...]:
        """See `Courier`."""
        permitted = await self._permitted()
        view, scope = place.view, place.scope
        if view == channel.VIEW:
            view = streams.VIEW  # whose scope names the one channel
        if view not in VIEWS:
            view = OVERVIEW
        with session(self._desk, self._site, view, scope) as taking:
            digest = await taking.settled(SETTLE_S)
        made = await asyncio.to_thread(self._drafted, digest, permitted)
        for draft, kept in made:
            self._kept[draft.id, draft.destination] = kept
        while len(self._kept) > max(KEPT, len(made)):
            del self._kept[next(iter(self._kept))]
        return tuple(draft for draft, _ in made)

    async def _permitted(self) -> list[str]:
        """The destinations. Raises NotSent with why there is none."""
        found, refusal = [], ""
        for name in self._counter.destinations:
            try:
                await self._may(name)
            except NotSent as why:
                refusal = refusal or str(why)
            else:
                found.append(name)
        if not found:
            raise NotSent(refusal)
        return found

    def _drafted(self, digest: Digest, names: list[str]) -> list[tuple[Draft, _Kept]]:
        """Blocks: a fleet's digest has megabytes."""
        redactor = self._counter.redactor()
        message = composed(digest, redactor)
        made = []
        for name in names:
            destination = self._counter.destinations[name]
            document = for_programs(digest, redactor) if destination.kind is ChatKind.WEBHOOK else None
            draft = self._draft(name, destination, message, document)
            made.append((draft, _Kept(digest, message, document, redactor)))
        return made

    def _draft(self, name: str, destination: ChatDestination, message: Message, document: dict[str, Any] | None) -> Draft:
        service = self._counter.office.carrier(name).service
        shown = service.shown(message)
        without = service.no_picture
        return Draft(
            id=message.id,
            destination=name,
            kind=destination.kind.value,
            text=shown.text,
            size=shown.size,
            left_out=shown.left_out,
            beside=f"all rows as JSON, {si(len(msgspec.json.encode(document)))}B" if document is not None else "",
            picture="" if without else f"a picture of {SIZE[0]}x{SIZE[1]}",
            no_picture=without,
            taken_at=message.taken_at,
        )

    async def send(self, draft: Draft, told: Callable[[Step], None]) -> None:
        """See `Courier`. Recorded before it may leave: what cannot be recorded is not sent."""
        kept = self._kept.get((draft.id, draft.destination))
        if kept is None:
            raise NotSent("that moment is not kept any more: take it anew")
        right = await self._may(draft.destination)
        journal = self._journal()
        if journal is not None:
            entry = kinds.SnapshotPosted(
                by=self._by,
                destination=draft.destination,
                message=draft.id,
                site=self._site,
                view=kept.digest.view,
                scope=str(kept.digest.scope),
                right=right,
            )
            try:
                await journal.append(entry)
            except (JournalClosed, Unwritable, OSError) as wrong:
                raise NotSent(f"it could not be recorded in the audit: {wrong}") from wrong
        await asyncio.shield(self._counter.keep(self._carried(draft.destination, kept, told)))

    async def _carried(self, name: str, kept: _Kept, told: Callable[[Step], None]) -> None:
        office = self._counter.office
        sizes: list[int] = []

        async def picture() -> bytes:
            drawn = await self._pictured(kept)
            sizes.append(len(drawn))
            return drawn

        def so_far(posted: Posted) -> None:
            told(_step(name, posted, sizes, is_over=False))

        try:
            office.open(name)
            posted = await carry(
                office, name, kept.message, picture, self._counter.clock, document=kept.document, wait_s=SEEN_S, told=so_far
            )
        except (QueueFull, OSError) as wrong:
            raise NotSent(kept.redactor(str(wrong), 300)) from wrong
        told(_step(name, posted, sizes, is_over=True))

    async def _pictured(self, kept: _Kept) -> bytes:
        """Drawn at a veiled desk. The texts are redacted ahead, in a thread."""
        from console.app.picture import drawn
        from console.serve.hall.spoken import fit

        counter, digest = self._counter, kept.digest
        async with counter.drawing:
            desk, _ = await veiled(self._desk, kept.redactor, digest)
            return await drawn(
                desk,
                self._site,
                is_prod=self._is_prod,
                who=self._who,
                view=digest.view,
                scope=digest.scope,
                theme=counter.theme,
                size=SIZE,
                format="png",
                fit=lambda app: fit(app, None),
                is_apart=True,
            )


def _step(name: str, posted: Posted, sizes: list[int], *, is_over: bool) -> Step:
    """Where a posting stands, in words."""
    if posted.dead:
        return Step(f"{name} did not take {posted.id}: {posted.dead}", Tone.CRIT, is_over)
    trouble = f" ({posted.trouble})" if posted.trouble else ""
    if not posted.has_arrived:
        if is_over:
            return Step(f"{posted.id} is not at {name} yet{trouble}: it is kept, and tried again", Tone.WARN, is_over)
        return Step(f"{posted.id} is on the disk, and on its way to {name}{trouble}", Tone.NORMAL)
    arrived = f"{posted.id} arrived at {name}"
    if posted.picture:
        if posted.picture == "it waits":
            return Step(f"{arrived}; its picture is on its way", Tone.NORMAL, is_over)
        return Step(f"{arrived}; its picture did not: {posted.picture}", Tone.WARN, is_over)
    size = f", its picture ({si(sizes[0])}B) too" if sizes else ""
    return Step(f"{arrived}{size}", Tone.ACCENT, is_over)
