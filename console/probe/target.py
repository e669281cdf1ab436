"""One document that is watched: what it is called, what it last said, and when it is asked next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from console.model.channel import Channel, Vantage
from console.model.observation import Asked, MediaFacts, Observation, Outcome, Variant
from console.model.remark import Remark
from console.probe.address import printable, shown
from console.probe.date import parsed_date
from console.probe.delivery import Delivery
from console.probe.fetch import Answer
from console.probe.kind import reader_for
from console.probe.manifest import Manifest, ManifestReader, Unreadable, top_of
from console.probe.schedule import Pace

if TYPE_CHECKING:
    from console.probe.dash.clock import ClockWatch
    from console.probe.lowlatency import Reloads

GENTLE_KINDS = ("iframe", "subtitles")
SKEW_EVERY_S = 20.0
DATE_ROUNDING_S = 0.5


def _is_fixed(facts: MediaFacts) -> bool:
    """An MPD whose segments follow from the clock, and that is never to be asked for again: it may be kept for long."""
    return not facts.is_timed and facts.update_period_s is None


class Target:
    """Mutable on purpose: it belongs to one loop, and nothing outside the prober sees it."""

    def __init__(
        self,
        channel: Channel,
        vantage: Vantage,
        asked: Asked,
        rendition: str | None,
        url: str,
        pace: Pace,
        variant: Variant | None = None,
    ):
        self.channel = channel
        self.vantage = vantage
        self.asked = asked
        self.rendition = rendition
        self.url = url
        self.pace = pace
        self.variant = variant  # what the master says of it
        self.is_root = rendition is None  # the vantage's own URL, whatever it turns out to name
        self.timer: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[None] | None = None
        self.last_start = 0.0
        self.is_dropped = False
        self.etag: str | None = None
        self.manifest: Manifest | None = None  # the last one that could be read
        self.climbed: tuple[Variant, ...] | None = None  # the ladder whose rungs are being watched
        self.looked_into: frozenset[str] = frozenset()  # the renditions of its MPD whose segments are looked at
        self.variables: dict[str, str] = {}  # of its master, for EXT-X-DEFINE:IMPORT
        self.reloads: Reloads | None = None  # who follows it by blocking reloads
        self._reader: ManifestReader | None = None
        self._delivery = Delivery()
        self.has_headers = False  # its last answer's headers were remarked upon
        self._body_size = 0
        self._skew_at = 0.0  # when a server's Date is read next
        self._top: tuple[tuple[Variant, ...], Variant | None] = ((), None)  # a ladder, and its top
        self._ladder: tuple[tuple[Variant, ...], tuple[Variant, ...]] = ((), ())  # as read, as told
        self._shown = ("", "")  # a URL, and what of it may be told

    @property
    def place(self) -> tuple[str, str]:
        """(channel, vantage)."""
        return (self.channel.name, self.vantage.name)

    @property
    def is_gentle(self) -> bool:
        """A rendition that hardly any player needs at once."""
        return self.variant is not None and self.variant.kind in GENTLE_KINDS

    def top(self) -> Variant | None:
        """The rung of its ladder that matters most; found anew only for another ladder."""
        variants = self.manifest.variants if self.manifest is not None else ()
        if self._top[0] is not variants:
            self._top = (variants, top_of(variants))
        return self._top[1]

    def observed(self, answer: Answer, is_retry: bool) -> Observation:
        """The fact of one answer. `manifest` is that of this answer afterwards, when the outcome is OK."""
        outcome, detail = answer.outcome, answer.detail
        manifest: Manifest | None = None
        if outcome is Outcome.OK:
            try:
                manifest = self._taken(answer, is_retry)
            except Unreadable as error:
                self.etag = None
                outcome = Outcome.MALFORMED if error.is_manifest else Outcome.NOT_PLAYLIST
                detail = printable(str(error))
        track = manifest.track if manifest is not None else None
        if self._shown[0] != self.url:
            self._shown = (self.url, shown(self.url))
        return Observation(
            channel=self.channel.name,
            vantage=self.vantage.name,
            asked=Asked.MEDIA if track is not None else self.asked,
            rendition=self.rendition,
            at=answer.at,
            elapsed_s=answer.elapsed_s,
            outcome=outcome,
            status=answer.status,
            detail=detail,
            url=self._shown[1],
            variants=self._told(manifest) if manifest is not None else (),
            media=track.facts if track is not None else None,
            is_unchanged=manifest is not None and manifest.is_unchanged,
            age_header_s=answer.age_header_s,
            skew_s=self._skew_s(answer) if answer.at.mono >= self._skew_at else None,
            is_retry=is_retry,
            remarks=self._remarks(manifest, answer) if manifest is not None else (),
            served_by=answer.served_by,
        )

    def _skew_s(self, answer: Answer) -> float | None:
        """Our clock less the server's, which writes its Date when it begins to answer, in whole seconds. The Date of a copy out
        of a cache may be when the copy was made.
        """
        sent = parsed_date(answer.date) if answer.date and not answer.age_header_s else None
        if sent is None:
            return None
        self._skew_at = answer.at.mono + SKEW_EVERY_S
        return (answer.at.utc - sent).total_seconds() - DATE_ROUNDING_S

    def became(self, asked: Asked, rendition: str | None) -> None:
        """The vantage's URL turned out to name something else than was thought."""
        self.asked, self.rendition = asked, rendition

    def renamed(self, seen: Observation) -> Observation:
        """The same, under the name that its document turned out to have. Not read again: a reader takes an answer once."""
        return msgspec.structs.replace(seen, asked=self.asked, rendition=self.rendition)

    def observed_tracks(self, whole: Observation) -> list[Observation]:
        """What the same answer said of each rendition: an MPD is one document about all of them."""
        if self.manifest is None:
            return []
        is_good = whole.outcome is Outcome.OK  # one that cannot be had takes every rendition with it
        return [
            msgspec.structs.replace(
                whole,
                asked=Asked.MEDIA,
                rendition=name,
                variants=(),
                media=track.facts if is_good else None,
                remarks=track.remarks if is_good else (),
            )
            for name, track in self.manifest.tracks.items()
        ]

    def clock(self) -> ClockWatch | None:
        """The watch over its document's time source."""
        return self._reader.clock() if self._reader is not None else None

    def _taken(self, answer: Answer, is_retry: bool) -> Manifest:
        """Raises Unreadable."""
        reader = self._reader or reader_for(answer)
        manifest = reader.take(answer, is_retry, self.variables)
        if manifest.is_ladder and not self.is_root:
            raise Unreadable("a master playlist where a media playlist was expected", is_manifest=True)
        if self.climbed is not None and not manifest.is_ladder:
            raise Unreadable("a media playlist where a master playlist was before", is_manifest=True)
        self._reader, self.manifest = reader, manifest
        if answer.status != 304:
            self.etag, self._body_size = answer.etag, len(answer.body)
        return manifest

    def _remarks(self, manifest: Manifest, answer: Answer) -> tuple[Remark, ...]:
        track = manifest.track
        facts = track.facts if track is not None else next((one.facts for one in manifest.tracks.values()), None)
        is_dash = self._reader is not None and self._reader.is_dash
        headers = self._delivery.remarks(
            answer,
            self._body_size,
            # a copy of an MPD is valid for its minimumUpdatePeriod, however short its segments are
            max(facts.target_duration_s, facts.update_period_s or 0.0) if facts is not None else None,
            is_live=facts is not None and not facts.has_endlist and facts.playlist_type != "VOD" and not _is_fixed(facts),
            is_dash=is_dash,
        )
        own = manifest.remarks + track.remarks if track is not None else manifest.remarks
        return own + headers if headers else own

    def _told(self, manifest: Manifest) -> tuple[Variant, ...]:
        """The ladder without credentials and queries; made anew only for another ladder."""
        if self._ladder[0] is not manifest.variants:
            told = tuple(msgspec.structs.replace(rung, uri=shown(rung.uri)) for rung in manifest.variants)
            self._ladder = (manifest.variants, told)
        return self._ladder[1]
