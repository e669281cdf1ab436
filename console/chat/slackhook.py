"""Slack's incoming webhook: text into the one channel it was made for. It has no names for messages, so no threads, and takes
no pictures: those need a bot (kind = "slack").
"""

from __future__ import annotations

import msgspec

from console.chat import slackblocks
from console.chat.keys import Keys
from console.chat.letter import Letter, Receipt
from console.chat.message import Message
from console.chat.outcome import Again, Delivered, Outcome, Refused, unwell
from console.chat.shown import Shown
from console.chat.wire import Wire
from console.sources.sanitise import clean

_BROKEN = (
    *("no_service", "no_team", "no_active_hooks", "invalid_token"),
    *("channel_not_found", "channel_is_archived", "action_prohibited"),
)


class SlackHook:
    """One address, one channel."""

    rate, burst = 1.0, 1
    no_picture = "an incoming webhook of Slack takes no pictures: that needs a bot (kind = \"slack\", token_file, channel)"
    has_threads = False

    def __init__(self, keys: Keys, wire: Wire) -> None:
        self._keys = keys
        self._wire = wire

    def shown(self, message: Message) -> Shown:
        return slackblocks.shown(message)

    async def text(self, letter: Letter, opener: Receipt | None, late_s: float) -> Outcome:
        told = {**slackblocks.said(letter.message, late_s), "unfurl_links": False, "unfurl_media": False}
        address = await self._keys.address()
        answer = await self._wire.post(address, msgspec.json.encode(told), {"Content-Type": "application/json"})
        wrong = unwell(answer)
        word = clean(answer.body[:80].decode("utf-8", "replace").strip(), 80)
        if isinstance(wrong, Refused):
            return Refused(f"{wrong.why}: {word}", is_broken=word in _BROKEN or wrong.is_broken)
        if wrong is not None:
            return wrong
        if word != "ok":
            return Again("an answer that Slack does not give")
        return Delivered(Receipt(letter.id, letter.at, letter.thread))

    async def picture(self, letter: Letter, picture: bytes, text: Receipt | None) -> Outcome:
        return Refused(self.no_picture)

    async def close(self) -> None:
        await self._wire.close()
