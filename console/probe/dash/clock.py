"""DASH_UTC's measure: what a UTCTiming source says, against our own clock.

The source is asked seldom (it is no part of the stream's way, and players ask it once each), and the moment compared with its
answer is the middle of the round trip. One odd answer is no proof: a bad one is asked again soon, and the milder of the two is
told, from then on with every copy of the MPD until a good answer comes. Sources that are no HTTP (ntp, sntp, direct) count as
present and are not measured.

Our own clock may be the wrong one. Where the server of the MPD dates its answers like the source does, and unlike us, nothing
is told: the stream and its players agree, and the odd one out is this machine.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

import msgspec

from console.model.instant import Instant
from console.model.remark import Fact, Remark
from console.probe.address import shown
from console.probe.dash.errors import MpdError
from console.probe.dash.manifest import Manifest, Timing
from console.probe.dash.numbers import moment
from console.probe.date import parsed_date

EVERY_S = 15.0  # between two questions to a source; WARN and CRIT are due within 30 s
EVERY_T = 4.0  # or so many target durations, if that is less
LEAST_EVERY_S = 4.0
AGAIN_S = 1.0  # after an answer that would prove something
TOLD_FROM_S = 0.5
DATE_ROUNDING_S = 1.0  # a Date header has whole seconds
BELIEVED_S = 3600.0  # a clock that is further off than this tells nothing
SPOILT_S = 2.0  # a round trip as long as this measures nothing
_MEASURED = ("http-iso", "http-xsdate", "http-head")
_TEXT_LIMIT = 256


class Source(msgspec.Struct, frozen=True):
    """One question to a UTCTiming source."""

    url: str
    method: str  # GET, or HEAD for http-head
    scheme: str


class ClockWatch:
    """The watch over one MPD's time source. Belongs to one loop."""

    def __init__(self) -> None:
        self._source: Source | None = None
        self._next_at = 0.0
        self._target_s = 4.0
        self._suspect: float | None = None
        self._offset_s: float | None = None  # source minus us, proven; None: good, or not known
        self._last_offset_s: float | None = None  # as the newest answer had it
        self._server_offset_s: float | None = None  # the MPD's own server minus us, by its Date
        self._anchor_s: float | None = None  # our wall clock minus our monotonic one when the watch began
        self._stepped_s = 0.0  # by how much our wall clock has been set since

    def follow(self, manifest: Manifest, target_s: float) -> None:
        """From now on watch what this copy names first of what can be measured."""
        found = next((source for one in manifest.timings if (source := source_of(one)) is not None), None)
        source = found if manifest.is_dynamic else None
        self._target_s = target_s
        if source != self._source:
            self._source, self._suspect, self._offset_s, self._last_offset_s = source, None, None, None
            self._next_at = 0.0

    def looked(self, at: Instant) -> None:
        """It is `at` by both of our clocks. One of them cannot be set: it tells when the other is."""
        wall_s = at.utc.timestamp() - at.mono
        if self._anchor_s is None:
            self._anchor_s = wall_s
        stepped_s = wall_s - self._anchor_s
        if abs(stepped_s - self._stepped_s) > TOLD_FROM_S:  # what was measured against the clock as it was is void
            self._suspect = self._offset_s = self._last_offset_s = None
            self._next_at = at.mono
        self._stepped_s = stepped_s

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """The earliest and the latest that it may be, by every clock that says something: ours, ours as it was before it was
        set, the source's, and the MPD's server's. Nobody is blamed for what only some of them say.
        """
        offsets = [-self._stepped_s, self._last_offset_s or 0.0, self._server_offset_s or 0.0]
        believed = [one for one in offsets if TOLD_FROM_S < abs(one) < BELIEVED_S]
        return now + timedelta(seconds=min([0.0, *believed])), now + timedelta(seconds=max([0.0, *believed]))

    def served(self, date: str, at: Instant, elapsed_s: float) -> None:
        """The Date of the MPD's own answer, when no cache held it."""
        sent = parsed_date(date)
        self._server_offset_s = None
        if sent is not None and elapsed_s < SPOILT_S:
            offset_s = _offset_s(sent + timedelta(seconds=DATE_ROUNDING_S / 2), at, elapsed_s)
            self._server_offset_s = offset_s if abs(offset_s) > DATE_ROUNDING_S else 0.0

    def due(self, now: float) -> Source | None:
        """The question to ask now, at most once each time it is due."""
        if self._source is None or now < self._next_at:
            return None
        self._next_at = now + max(LEAST_EVERY_S, min(EVERY_S, EVERY_T * self._target_s))
        return self._source

    def answered(self, source: Source, body: bytes, date: str, at: Instant, elapsed_s: float) -> None:
        """What came back. An answer that cannot be read says nothing: that a source fails is its server's matter, and players
        fall back on the next one.
        """
        told = parsed_date(date) if source.scheme == "http-head" else parsed_body(body)
        if told is not None and source.scheme == "http-head":
            told += timedelta(seconds=DATE_ROUNDING_S / 2)  # a Date is cut to whole seconds
        if source != self._source or told is None or elapsed_s > SPOILT_S:
            return
        offset_s = _offset_s(told, at, elapsed_s)
        self._last_offset_s = offset_s
        slack_s = elapsed_s / 2 + (DATE_ROUNDING_S / 2 if source.scheme == "http-head" else 0.0)
        if abs(offset_s) - slack_s <= TOLD_FROM_S:
            self._suspect = self._offset_s = None
        elif self._suspect is None:
            self._suspect = offset_s
            self._next_at = at.mono + AGAIN_S
        else:
            self._offset_s = min(self._suspect, offset_s, key=abs)
            self._suspect = offset_s

    def remark(self) -> Remark | None:
        """DASH_UTC while the source is proven to be off."""
        offset_s, source = self._offset_s, self._source
        if offset_s is None or source is None or self._is_ours():
            return None
        way = "ahead of" if offset_s > 0 else "behind"
        evidence: dict[str, Fact] = {"source": shown(source.url), "scheme": source.scheme, "offset_s": round(offset_s, 3)}
        says = f"the UTCTiming source is {abs(offset_s):.1f} s {way} our clock"
        return Remark("DASH_UTC", round(abs(offset_s), 3), says, evidence)

    def _is_ours(self) -> bool:
        server_s, offset_s = self._server_offset_s, self._offset_s
        if offset_s is None:
            return False
        if abs(self._stepped_s) > TOLD_FROM_S and abs(self._stepped_s + offset_s) < abs(offset_s) / 2:
            return True
        return server_s is not None and abs(server_s - offset_s) < DATE_ROUNDING_S < abs(server_s)


def source_of(timing: Timing) -> Source | None:
    """How a UTCTiming is asked; None when it is not to be measured by HTTP."""
    if timing.scheme not in _MEASURED or not timing.value.lower().startswith(("http://", "https://")):
        return None
    return Source(timing.value, "HEAD" if timing.scheme == "http-head" else "GET", timing.scheme)


def parsed_body(body: bytes) -> datetime | None:
    """The time that an http-iso or http-xsdate source answers with."""
    with contextlib.suppress(MpdError):
        return moment("UTCTiming", body[:_TEXT_LIMIT].decode("ascii", "replace").strip().strip('"'))
    return None


def _offset_s(told: datetime, at: Instant, elapsed_s: float) -> float:
    """The source's time minus ours in the middle of the round trip."""
    return (told - at.utc).total_seconds() + elapsed_s / 2
