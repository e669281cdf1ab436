"""Whether players can have the keys: asked when a key is first seen, and once a segment while it is in use.

One question per vantage and address, however many renditions name it; each of them is told of, because each is unplayable
without it. What is told is that a key came and whether it has the length of one. Its bytes are counted and dropped here: they
never come into an observation, a log or an error text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from console.model.channel import Vantage
from console.model.instant import Clock
from console.model.observation import Asked, Observation, Outcome
from console.model.remark import Remark
from console.probe import schedule
from console.probe.address import shown
from console.probe.asking import Asker
from console.probe.heartbeat import Pulse
from console.probe.listed import KeyTag
from console.probe.outbox import Outbox

AGAIN_T, AGAIN_S = 0.75, 1.0  # a key that came is asked for again after so many T, and not before so many seconds: a key that
# is refused stops every new viewer at once, and players ask for it once each
RETRY_S = 1.0
KEY_LIMIT = 4096  # bytes read at most of what should be 16
KEY_BYTES = {"AES-128": 16, "SAMPLE-AES": 16, "SAMPLE-AES-CTR": 16, "AES-256": 32, "AES-256-CTR": 32, "AES-256-GCM": 32}
KEYS_PER_PLAYLIST = 8
CODE = "KEY"

Place = tuple[str, str]  # channel, vantage


class _Key:
    """One address at one vantage."""

    def __init__(self, tag: KeyTag, vantage: Vantage) -> None:
        self.tag = tag
        self.vantage = vantage
        self.used_by: dict[str | None, float] = {}  # rendition -> when its playlist last named it
        self.due_at = 0.0
        self.is_retry = False
        self.task: asyncio.Task[None] | None = None


class Keys:
    """All keys of the present orders."""

    def __init__(
        self,
        clock: Clock,
        asker: Asker,
        outbox: Outbox,
        pulse: Pulse,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._clock = clock
        self._asker = asker
        self._outbox = outbox
        self._pulse = pulse
        self._spawn = spawn
        self._keys: dict[Place, dict[str, _Key]] = {}

    def shown(
        self, place: Place, vantage: Vantage, rendition: str | None, tags: tuple[KeyTag, ...], target_s: float | None
    ) -> None:
        """A playlist has answered, and these are the keys of its newest segments."""
        known = self._keys.get(place)
        if not tags and known is None:
            return
        if known is None:
            known = self._keys[place] = {}
        now = self._clock.now().mono
        for tag in [tag for tag in tags if tag.is_fetched][:KEYS_PER_PLAYLIST]:
            key = known.get(tag.url)
            if key is None:
                key = known[tag.url] = _Key(tag, vantage)
            key.used_by[rendition] = now
            if key.task is None and now >= key.due_at:
                key.task = self._spawn(self._ask(place, key, target_s))
        self._forget_unused(place, known, now, target_s)

    def forget(self, place: Place) -> None:
        """The vantage is watched no longer."""
        for key in self._keys.pop(place, {}).values():
            if key.task is not None:
                key.task.cancel()

    def _forget_unused(self, place: Place, known: dict[str, _Key], now: float, target_s: float | None) -> None:
        """A key that was rotated out: no playlist has named it for a while."""
        patience_s = 4 * (target_s or schedule.UNKNOWN_TARGET_S)
        for url, key in list(known.items()):
            for rendition, at in list(key.used_by.items()):
                if now - at > patience_s:
                    del key.used_by[rendition]
            if not key.used_by and key.task is None:
                del known[url]
        if not known:
            self._keys.pop(place, None)

    async def _ask(self, place: Place, key: _Key, target_s: float | None) -> None:
        try:
            for is_retry in (False, True):
                if is_retry:
                    await self._clock.sleep(min(RETRY_S, (target_s or schedule.UNKNOWN_TARGET_S) / 4))
                answer = await self._asker.body(key.vantage, key.tag.url, schedule.timeout_s(target_s), KEY_LIMIT)
                size, answer.body = len(answer.body), b""
                self._pulse.received(size)
                remarks = _remarks(key.tag, size) if answer.outcome is Outcome.OK else ()
                seen = Observation(
                    channel=place[0],
                    vantage=place[1],
                    asked=Asked.KEY,
                    rendition=None,
                    at=answer.at,
                    elapsed_s=answer.elapsed_s,
                    outcome=answer.outcome,
                    status=answer.status,
                    detail=answer.detail,
                    url=shown(key.tag.url),
                    is_retry=is_retry,
                    remarks=remarks,
                    served_by=answer.served_by,
                )
                for rendition in key.used_by:
                    self._outbox.put(msgspec.structs.replace(seen, rendition=rendition))
                if answer.outcome is Outcome.OK and not remarks:
                    break
        finally:
            key.task = None
        wait_t = target_s or schedule.UNKNOWN_TARGET_S
        is_well = answer.outcome is Outcome.OK and not remarks
        key.due_at = self._clock.now().mono + (max(AGAIN_T * wait_t, AGAIN_S) if is_well else wait_t)


def _remarks(tag: KeyTag, size: int) -> tuple[Remark, ...]:
    wanted = KEY_BYTES.get(tag.method)
    if wanted is None or size == wanted:
        return ()
    says = f"the key is {size} bytes long, a {tag.method} key has {wanted}"
    return (Remark(code=CODE, value=1.0, says=says, evidence={"bytes": size, "url": shown(tag.url)}),)
