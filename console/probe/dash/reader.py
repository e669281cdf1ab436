"""One MPD over time: the prober's `ManifestReader` for DASH.

An MPD is one document about every rendition, so one answer gives the ladder, the facts of each of them, and the remarks of the
document. It remembers the copy before, and while an event waits for its re-fetch the copy that the event was seen against; no
more than these two.

What a segment's own fetch shows is told by the `Promised` that each listed segment takes along.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from console.model.instant import Instant
from console.model.observation import MediaFacts, Variant
from console.model.remark import Remark
from console.probe.address import printable, shown
from console.probe.dash import changes, facts, segments
from console.probe.dash.addresses import initialization_url
from console.probe.dash.clock import ClockWatch
from console.probe.dash.errors import MpdError
from console.probe.dash.facts import Found
from console.probe.dash.manifest import Manifest as Mpd
from console.probe.dash.numbering import Numbered
from console.probe.dash.reach import Segment
from console.probe.dash.reading import read
from console.probe.dash.standing import of_copy, standing
from console.probe.fetch import Answer
from console.probe.listed import Init, KeyTag, Listed
from console.probe.manifest import Manifest, Unreadable

LEAST_PERIOD_S = 1.0
STALE_SEGMENTS = (2, 3)  # past the validity of a copy: where a judgement falls (DASH-IF timing model, MPD snapshot validity)
JUST_AFTER_S = 0.01
OLD_COPIES = 3  # in a row that are older than what was seen: then it is what there is now, and no cache's mistake


class DashTrack:
    """One rendition of one copy. Valid until the next answer is taken."""

    def __init__(self, mpd: Mpd, found: Found, now: datetime, bounds: tuple[datetime, datetime]) -> None:
        self._mpd = mpd
        self._found = found
        self._earliest, self._latest = bounds  # what the time may be
        self._now = now
        self._facts = msgspec.structs.replace(found.facts, newest_uri=shown(found.facts.newest_uri))

    @property
    def facts(self) -> MediaFacts:
        return self._facts

    @property
    def remarks(self) -> tuple[Remark, ...]:
        return ()  # whatever an MPD says of one rendition, it says of itself: see Manifest.remarks

    @property
    def window(self) -> tuple[int, float]:
        return self._facts.media_sequence, self._facts.window_s

    def newest(self, count: int) -> tuple[Listed, ...]:
        """At most `count` of the newest segments whose availability time has come, oldest first."""
        with contextlib.suppress(MpdError):  # the URL of an older Period's segment; the newest one's was read with the copy
            there = segments.newest_available(self._mpd, self._found.stretches, self._earliest, count)
            return tuple(self._listed(one) for one in there)
        return ()

    def oldest(self) -> Listed | None:
        """The oldest segment that timeShiftBufferDepth says is there."""
        with contextlib.suppress(MpdError):
            one = segments.oldest_promised(self._mpd, self._found.stretches, self._latest)
            return self._listed(one, is_old=True) if one is not None else None
        return None

    def keys(self) -> tuple[KeyTag, ...]:
        return ()  # ContentProtection names licences, no keys

    def _listed(self, one: Segment, is_old: bool = False) -> Listed:
        numbers = self._found.numbered
        before = 0
        for stretch in self._found.stretches:
            if stretch.track is one.track:
                break
            before += stretch.total
        url = initialization_url(one.track)
        return Listed(
            sequence=(numbers.first if numbers is not None else 0) + before + one.place,
            url=one.url,
            extinf_s=one.duration_s,
            init=Init(url) if url else None,
            promise=segments.Promised(
                self._mpd.depth_s, self._mpd.starts_at, one, is_old, (self._latest if is_old else self._earliest) - self._now
            ),
        )


class DashReader:
    """Mutable on purpose: it belongs to one target in one loop."""

    def __init__(self) -> None:
        self._clock = ClockWatch()
        self._said: tuple[Mpd | None, tuple[Remark, ...]] = (None, ())
        self._ladder: tuple[Mpd | None, tuple[Variant, ...]] = (None, ())
        self._anchor: tuple[datetime, float] | None = None
        self._extended_at: float | None = None  # monotonic: when a copy was first seen that reaches further than all before it
        self._newest: dict[str, int] = {}
        self._mpd: Mpd | None = None  # the newest copy
        self._digest = b""
        self._older: Mpd | None = None  # what an event was seen against, until its re-fetch
        self._numbers: dict[str, Numbered] = {}
        self._last: Mpd | None = None  # what the last answer was, were it an older copy
        self._old_copies = 0

    @property
    def is_dash(self) -> bool:
        return True

    def clock(self) -> ClockWatch:
        """The watch over the UTCTiming source that the newest copy names."""
        return self._clock

    def take(self, answer: Answer, is_retry: bool, variables: Mapping[str, str]) -> Manifest:
        """What the answer says at its own moment. Raises Unreadable."""
        mpd, is_unchanged = self._read(answer)
        before = self._older if is_retry and self._older is not None else self._mpd
        events = changes.changes(before, mpd, mpd.elapsed_s(answer.at.utc)) if before is not None and before is not mpd else ()
        if events and not is_retry:
            self._older = self._mpd
        else:
            self._older = None
        is_restarted = before is not None and bool(changes.moved(before, mpd))
        self._clock.looked(answer.at)
        bounds = self._clock.bounds(answer.at.utc)
        try:
            found = facts.find(mpd, self._now(answer.at), self._numbers, is_restarted)
            if self._said[0] is not mpd:
                self._said = (mpd, of_copy(mpd))
            remarks = (*self._said[1], *standing(mpd, answer.at.utc))
            tracks = {name: DashTrack(mpd, one, answer.at.utc, bounds) for name, one in found.items()}
        except (MpdError, ValueError, OverflowError, ArithmeticError) as error:
            raise Unreadable(printable(str(error)), is_manifest=True) from error
        self._keep(mpd, found)
        target_s = max((one.facts.target_duration_s for one in found.values()), default=4.0)
        self._clock.follow(mpd, target_s)
        if not answer.age_header_s:
            self._clock.served(answer.date, answer.at, answer.elapsed_s)
        clock = self._clock.remark()
        if self._ladder[0] is not mpd:
            ladder = facts.variants(mpd)
            self._ladder = (mpd, ladder if ladder != self._ladder[1] else self._ladder[1])
        return Manifest(
            variants=self._ladder[1],
            tracks=tracks,
            remarks=(*remarks, *((clock,) if clock is not None else ()), *events),
            is_unchanged=is_unchanged,
            period_s=_period_s(mpd, target_s),
            ask_at=self._deadline(mpd, found, answer.at.mono),
        )

    def _deadline(self, mpd: Mpd, found: Mapping[str, Found], now: float) -> float | None:
        """The next moment at which an answer proves that the MPD is not extended any more: its validity and two, then three,
        segments after the answer that first showed its newest ones.
        """
        newest = {name: one.facts.newest_sequence for name, one in found.items() if one.facts.is_timed}
        if self._extended_at is None or any(number > self._newest.get(name, -1) for name, number in newest.items()):
            self._extended_at = now
        self._newest = newest
        if mpd.is_over or mpd.update_period_s is None or not newest:
            return None
        longest_s = max(one.facts.longest_extinf_s for one in found.values())
        valid_until = self._extended_at + mpd.update_period_s + JUST_AFTER_S
        moments = (valid_until + late * longest_s for late in STALE_SEGMENTS)
        return next((at for at in moments if at > now), None)

    def _now(self, at: Instant) -> datetime:
        """What the timelines are held against: time goes on here though our wall clock is set back."""
        if self._anchor is None:
            self._anchor = (at.utc, at.mono)
        utc, mono = self._anchor
        return max(at.utc, utc + timedelta(seconds=at.mono - mono))

    def _read(self, answer: Answer) -> tuple[Mpd, bool]:
        if answer.status == 304 and self._last is not None:
            return self._last, True
        digest = hashlib.blake2b(answer.body, digest_size=16).digest()
        if self._last is not None and digest == self._digest:
            return self._last, True
        try:
            mpd = read(answer.body, answer.url)
        except MpdError as error:
            raise Unreadable(printable(str(error)), is_manifest=error.is_mpd) from error
        if not mpd.renditions():
            raise Unreadable("an MPD without a picture or a sound", is_manifest=True)
        self._last, self._digest = mpd, digest
        return mpd, False

    def _keep(self, mpd: Mpd, found: Mapping[str, Found]) -> None:
        if self._mpd is not None and mpd is not self._mpd and changes.is_older(self._mpd, mpd):
            self._old_copies += 1
            if self._old_copies < OLD_COPIES:
                return
        self._old_copies = 0
        self._mpd = mpd
        self._numbers = {name: one.numbered for name, one in found.items() if one.numbered is not None}


def _period_s(mpd: Mpd, target_s: float) -> float | None:
    """A live MPD is asked as often as it says, and at least twice a segment: a player would see the new one no sooner."""
    if mpd.is_over:
        return None
    wanted_s = target_s / 2 if not mpd.update_period_s else min(mpd.update_period_s, target_s / 2)
    return max(LEAST_PERIOD_S, wanted_s)
