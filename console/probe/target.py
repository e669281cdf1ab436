"""One playlist that is watched: what it is called, what it last said, and when it is asked next."""

from __future__ import annotations

import asyncio
import hashlib

import msgspec

from console.model.channel import Channel, Vantage
from console.model.observation import Asked, MediaFacts, Observation, Outcome, Variant
from console.probe.address import printable, shown
from console.probe.fetch import Answer
from console.probe.playlist import MasterFacts, PlaylistError, read
from console.probe.schedule import Pace


class Target:
    """Mutable on purpose: it belongs to one loop, and nothing outside the prober sees it."""

    def __init__(
        self, channel: Channel, vantage: Vantage, asked: Asked, rendition: str | None, url: str, pace: Pace
    ):
        self.channel = channel
        self.vantage = vantage
        self.asked = asked
        self.rendition = rendition
        self.url = url
        self.pace = pace
        self.timer: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[None] | None = None
        self.last_start = 0.0
        self.is_dropped = False
        self.etag: str | None = None
        self.facts: MasterFacts | MediaFacts | None = None
        self._digest = b""
        self.climbed: MasterFacts | None = None  # the ladder whose rungs are being watched
        self._told: tuple[Variant, ...] = ()
        self._told_media: MediaFacts | None = None
        self._shown = ("", "")  # a URL, and what of it may be told

    @property
    def key(self) -> tuple[str, str, str | None]:
        """(channel, vantage, rendition); None as rendition is the master."""
        return (self.channel.name, self.vantage.name, self.rendition)

    def observed(self, answer: Answer, is_retry: bool) -> Observation:
        """The fact of one answer; reads the body only when it is not the one we have already read."""
        outcome, detail, is_unchanged = answer.outcome, answer.detail, False
        if outcome is Outcome.OK:
            outcome, detail, is_unchanged = self._read(answer)
        is_good = outcome is Outcome.OK
        media = self._told_media if is_good else None
        if self._shown[0] != self.url:
            self._shown = (self.url, shown(self.url))
        return Observation(
            channel=self.channel.name,
            vantage=self.vantage.name,
            asked=Asked.MEDIA if media is not None else self.asked,
            rendition=self.rendition,
            at=answer.at,
            elapsed_s=answer.elapsed_s,
            outcome=outcome,
            status=answer.status,
            detail=detail,
            url=self._shown[1],
            variants=self._told if is_good and media is None else (),
            media=media,
            is_unchanged=is_unchanged,
            age_header_s=answer.age_header_s,
            is_retry=is_retry,
        )

    def _read(self, answer: Answer) -> tuple[Outcome, str, bool]:
        if answer.status == 304 and self.facts is not None:
            return Outcome.OK, "", True
        digest = hashlib.blake2b(answer.body, digest_size=16).digest()
        if self.facts is not None and digest == self._digest:
            self.etag = answer.etag
            return Outcome.OK, "", True
        try:
            facts = read(answer.body, answer.url)
        except PlaylistError as error:
            self.etag = None
            return (
                (Outcome.MALFORMED if error.is_playlist else Outcome.NOT_PLAYLIST),
                printable(str(error)),
                False,
            )
        if self.asked is Asked.MEDIA and isinstance(facts, MasterFacts):
            return Outcome.MALFORMED, "a master playlist where a media playlist was expected", False
        self.facts, self.etag, self._digest = facts, answer.etag, digest
        if isinstance(facts, MediaFacts):
            self._told_media = msgspec.structs.replace(facts, newest_uri=shown(facts.newest_uri))
        else:
            self._told_media = None
            self._told = tuple(msgspec.structs.replace(rung, uri=shown(rung.uri)) for rung in facts.variants)
        return Outcome.OK, "", False
