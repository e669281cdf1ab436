"""Any address: the snapshot's own JSON, for programs, signed so that the receiver can tell it from anybody's.

`Midwatch-Signature: t=<unix seconds>,v1=<hex>` is HMAC-SHA256 of `<t>.<body>` with the shared secret; a receiver checks it
before it reads, and refuses an old `t`. `Idempotency-Key` is the same for every attempt at the same letter.
A 2xx is an arrival, unless it is a web page or its JSON says `ok: false` or `success: false`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import msgspec

from console.chat.keys import Keys
from console.chat.letter import Letter, Receipt
from console.chat.message import Message, as_text, fitted
from console.chat.outcome import Again, Delivered, Outcome, unwell
from console.chat.shown import Shown
from console.chat.wire import Wire
from console.model.instant import Clock

TEXT_BYTES = 16 * 1024


def signature(secret: str, at: int, body: bytes) -> str:
    """The header's value."""
    made = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={made.hexdigest()}"


def _fit(message: Message, late_s: float) -> Message:
    return fitted(message, lambda each: len(as_text(each, late_s).encode()) <= TEXT_BYTES)


class Webhook:
    """Text and picture are two requests to the same address, told apart by Content-Type."""

    rate, burst = 5.0, 5
    no_picture = ""
    has_threads = True

    def __init__(self, keys: Keys, wire: Wire, clock: Clock) -> None:
        self._keys = keys
        self._wire = wire
        self._clock = clock

    def shown(self, message: Message) -> Shown:
        fit = _fit(message, 0.0)
        text = as_text(fit)
        return Shown(text, len(text.encode()), fit.left_out)

    async def text(self, letter: Letter, opener: Receipt | None, late_s: float) -> Outcome:
        told = {
            **(letter.document or {}),
            "message_id": letter.id,
            "thread": letter.thread,
            "answers": opener.id if opener is not None else "",
            "late_s": round(late_s),
            "text": as_text(_fit(letter.message, late_s), late_s),
        }
        return await self._posted(letter, msgspec.json.encode(told), {"Content-Type": "application/json"})

    async def picture(self, letter: Letter, picture: bytes, text: Receipt | None) -> Outcome:
        headers = {"Content-Type": "image/png", "Midwatch-Message": letter.of}
        return await self._posted(letter, picture, headers)

    async def close(self) -> None:
        await self._wire.close()

    async def _posted(self, letter: Letter, body: bytes, headers: Mapping[str, str]) -> Outcome:
        told = {**headers, "Idempotency-Key": letter.id}
        secret = await self._keys.secret()
        if secret:
            told["Midwatch-Signature"] = signature(secret, int(self._clock.now().utc.timestamp()), body)
        token = await self._keys.token()
        if token:
            told["Authorization"] = f"Bearer {token}"
        answer = await self._wire.post(await self._keys.address(), body, told)
        wrong = unwell(answer)
        if wrong is not None:
            return wrong
        said = answer.json() or {}
        if said.get("ok") is False or said.get("success") is False:
            return Again("HTTP 200 that says it was not taken")
        return Delivered(Receipt(letter.id, letter.at, letter.thread))
