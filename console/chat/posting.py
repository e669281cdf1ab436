"""What a command does: compose, post, and wait a while to see it arrive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from console.chat.composing import composed, for_programs
from console.chat.letter import PICTURE_OF
from console.chat.message import Message
from console.chat.office import Office
from console.config.chat import ChatDestination, ChatKind
from console.feeds.clock import wait_until
from console.model.instant import Clock
from console.redaction.redactor import Redactor
from console.rows.digest import Digest

LOOK_S = 0.2
_LOG = logging.getLogger(__name__)


class Posted(msgspec.Struct, frozen=True):
    """How a posting stands. What has neither arrived nor been given up is on the disk, and leaves with the next who
    delivers.
    """

    id: str
    has_arrived: bool
    dead: str = ""  # why the text was given up
    trouble: str = ""  # the last, while it waits
    picture: str = ""  # "" arrived or none was asked for; else what became of it


async def post(
    office: Office,
    name: str,
    destination: ChatDestination,
    digest: Digest,
    picture: Callable[[], Awaitable[bytes]] | None,
    clock: Clock,
    *,
    thread: str = "",
    said: str = "",
    wait_s: float = 30.0,
) -> Posted:
    """Post a digest, then draw its picture (which the text does not wait for) and post that; return when both have arrived or
    were given up, or after `wait_s` seconds. `office` is open.

    Raises UnknownDestination, QueueFull and OSError: then nothing was posted.
    """
    message, document = await asyncio.to_thread(_made, digest, office.redactor, said, destination.kind is ChatKind.WEBHOOK)
    return await carry(office, name, message, picture, clock, thread=thread, document=document, wait_s=wait_s)


async def carry(
    office: Office,
    name: str,
    message: Message,
    picture: Callable[[], Awaitable[bytes]] | None,
    clock: Clock,
    *,
    thread: str = "",
    document: dict[str, Any] | None = None,
    wait_s: float = 30.0,
    told: Callable[[Posted], None] | None = None,
) -> Posted:
    """The same for a message that is made already. `told`: how it stands, once it is on the disk and whenever that changes."""
    await office.post(name, message, thread=thread, document=document)
    if told is not None:
        told(Posted(message.id, False))
    without = office.carrier(name).service.no_picture if picture is not None else ""
    has_picture = picture is not None and not without
    if picture is not None and has_picture:
        (drawn,) = await asyncio.gather(picture(), return_exceptions=True)
        if isinstance(drawn, bytes):
            await office.post_picture(name, message, drawn)
        else:
            assert isinstance(drawn, BaseException)
            _LOG.error("the picture of %s could not be drawn", message.id, exc_info=drawn)
            has_picture, without = False, f"could not be drawn: {type(drawn).__name__}, see the log"
    return await _watched(office, name, message, has_picture, without, clock, wait_s, told)


def _made(digest: Digest, redactor: Redactor, said: str, is_for_programs: bool) -> tuple[Message, dict[str, Any] | None]:
    """Off the loop: a fleet's digest has megabytes."""
    return composed(digest, redactor, said=said), for_programs(digest, redactor) if is_for_programs else None


async def _watched(
    office: Office,
    name: str,
    message: Message,
    has_picture: bool,
    without: str,
    clock: Clock,
    wait_s: float,
    told: Callable[[Posted], None] | None,
) -> Posted:
    carrier = office.carrier(name)
    ids = [message.id, message.id + PICTURE_OF] if has_picture else [message.id]
    until = clock.now().mono + wait_s
    never = asyncio.Event()
    last: Posted | None = None
    while True:
        arrived, dead = await asyncio.to_thread(
            lambda: (
                {id for id in ids if carrier.store.receipt(id) is not None},
                {slot.id: why for slot, why in carrier.store.dead() if slot.id in ids},
            )
        )
        now = clock.now().mono
        is_over = all(id in arrived or id in dead for id in ids) or now >= until
        if is_over or told is not None:
            trouble = (await carrier.standing()).trouble
            picture = without
            if has_picture and ids[-1] not in arrived:
                picture = dead.get(ids[-1]) or trouble or "it waits"
            stands = Posted(message.id, message.id in arrived, dead.get(message.id, ""), trouble, picture)
            if is_over:
                return stands
            if told is not None and stands != last:
                told(stands)
            last = stands
        await wait_until(never, clock, min(until, now + LOOK_S))
