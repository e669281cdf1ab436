"""Everything else, by way of apprise: some hundred services, each taken as a place for plain text and a picture.

apprise is no dependency: `pip install 'midwatch[chat]'`. It speaks blockingly, in a thread that nobody can end, so there is
never more than one for a destination; it tells yes or no and nothing of why, and knows no Retry-After.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
from typing import Any

from console.chat.keys import Keys
from console.chat.letter import Letter, Receipt
from console.chat.message import Message, as_text, fitted
from console.chat.outcome import Again, Delivered, Outcome, Refused
from console.chat.shown import Shown
from console.sources.loading import load

TEXT = 1800  # characters: Discord takes 2000, a text message less than that and is cut by apprise
LIMIT_S = 30.0
MISSING = "this needs the library apprise, which is not installed: pip install 'midwatch[chat]'"


def is_installed() -> bool:
    """Without importing it, which costs 200 ms."""
    return importlib.util.find_spec("apprise") is not None


def _fit(message: Message, late_s: float) -> Message:
    return fitted(message, lambda each: len(as_text(each, late_s)) <= TEXT)


class Elsewhere:
    """One address of apprise."""

    rate, burst = 0.5, 1
    no_picture = ""
    has_threads = False

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._busy: asyncio.Task[bool] | None = None

    def shown(self, message: Message) -> Shown:
        fit = _fit(message, 0.0)
        text = as_text(fit)
        return Shown(text, len(text.encode()), fit.left_out)

    async def text(self, letter: Letter, opener: Receipt | None, late_s: float) -> Outcome:
        head, _, body = as_text(_fit(letter.message, late_s), late_s).partition("\n")
        return await self._told(letter, head, body, None)

    async def picture(self, letter: Letter, picture: bytes, text: Receipt | None) -> Outcome:
        return await self._told(letter, letter.message.head[:100], f"picture of {letter.of}", picture)

    async def close(self) -> None:
        """The thread, if one hangs, is left to its own timeout."""

    async def _told(self, letter: Letter, title: str, body: str, picture: bytes | None) -> Outcome:
        if not is_installed():
            return Refused(MISSING, is_broken=True)
        if self._busy is not None and not self._busy.done():
            return Again("the attempt before it has not come back yet")
        address = await self._keys.address()
        await load("apprise")
        self._busy = asyncio.create_task(asyncio.to_thread(_notified, address, title, body, picture, f"{letter.of}.png"))
        done, _ = await asyncio.wait({self._busy}, timeout=LIMIT_S)
        if not done:
            return Again("no answer in time; it may have arrived")
        try:
            was_taken = self._busy.result()
        except TypeError as wrong:
            return Refused(str(wrong), is_broken=True)
        except (OSError, ValueError) as wrong:
            return Again(f"apprise stopped with {type(wrong).__name__}")
        return Delivered(Receipt(letter.id, letter.at, letter.thread)) if was_taken else Again("apprise says no, and not why")


def _notified(address: str, title: str, body: str, picture: bytes | None, name: str) -> bool:
    """Blocks. Raises TypeError for an address that apprise does not know; its text never holds the address."""
    apprise: Any = importlib.import_module("apprise")  # by name: it need not be there when this is type-checked
    memory: Any = importlib.import_module("apprise.attachment.memory")

    # What apprise logs of a request may hold its address, and everything we log stays.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    asset = apprise.AppriseAsset(app_id="midwatch", secure_logging=True, interpret_escapes=False, interpret_emojis=False)
    told = apprise.Apprise(asset=asset)
    if not told.add(address):
        raise TypeError("apprise knows no service for this address")
    attached = memory.AttachMemory(content=picture, name=name, mimetype="image/png") if picture is not None else None
    taken = told.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT, attach=attached)
    return bool(taken)
