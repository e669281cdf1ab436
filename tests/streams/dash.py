"""A live DASH channel as a function of time: what its packager, and the caches before it, answer at `t` (seconds since the epoch).

The schedule is on the wall: segment n covers [n T, (n+1) T) of the time since availabilityStartTime, and is in the MPD and on disk
`latency_s` after its end. A fault bends the MPD before it becomes text (`Copy`), the segments, or the time source. Segments are
valid CMAF whose tfdt is their place in the timeline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from math import floor

import msgspec

from tests.streams import media
from tests.streams.dash_faults import TIMESCALE, Fault, NoClock, Unreadable
from tests.streams.station import Reply

SOUND_HEIGHT = 32  # of the picture that stands for sound
WAY_S = 0.01  # every answer takes its time, or a re-fetch would come at the same instant
MISSING = Reply(404, body=b"no such thing here\n")


class Rung(msgspec.Struct, frozen=True):
    """One Representation."""

    id: str
    name: str  # what the prober calls it
    bandwidth: int
    height: int = 0  # 0: sound


LADDER = (Rung("v1", "288p", 400_000, 288), Rung("v2", "144p", 200_000, 144), Rung("a1", "audio-a1", 200_000))  # small: cheap


class Style(msgspec.Struct, frozen=True):
    """How a channel is made. All of these are healthy."""

    target_s: float = 1.0
    window: int = 12  # segments that the MPD lists, and that timeShiftBufferDepth promises
    addressing: str = "time"  # time ($Time$ timeline) | number ($Number$ timeline) | clock (@duration)
    ladder: tuple[Rung, ...] = LADDER
    edges: tuple[str, ...] = ()
    has_origin: bool = True
    update_s: float = 1.0
    delay_s: float | None = 3.0
    utc: str = "http-iso"  # "" for none
    period_every: int = 0  # segments of one Period; 0: one Period for ever
    has_continuity: bool = False
    sound_wobbles: bool = False  # sound is cut on its own frames: segments a few milliseconds longer and shorter
    is_open: bool = False  # one S with r="-1" that the clock fills
    offset_s: float = 0.0  # presentationTimeOffset
    latency_s: float = 0.3
    ttl_s: float = 0.0  # of an edge's copy
    ast_before_s: float = 3600.0  # how long the channel has been on air at the night's begin

    @property
    def vantages(self) -> tuple[str, ...]:
        return (*(("origin",) if self.has_origin else ()), *(f"edge-{pop}" for pop in self.edges))


class Period(msgspec.Struct, frozen=True):
    """A Period before it is text: segments [first, last] by number, its start in segments."""

    index: int
    start: int
    first: int
    last: int
    is_last: bool


class Copy(msgspec.Struct, frozen=True):
    """An MPD before it is text."""

    ast: float  # seconds since the epoch
    made_at: float
    periods: tuple[Period, ...]
    is_dynamic: bool = True
    update_s: float | None = 1.0
    delay_s: float | None = 3.0
    depth_s: float = 12.0
    shifts: Mapping[int, int] = {}  # segment -> ticks by which it begins later, and with it all that follow: a gap
    lengths: Mapping[int, int] = {}  # segment -> ticks by which its duration is written wrong
    hole_s: float = 0.0  # by which every Period but the first listed begins late


class DashShow:
    """One channel. `epoch` is the night's begin, seconds since the epoch."""

    def __init__(self, name: str, style: Style, epoch: float, faults: Sequence[Fault] = ()) -> None:
        self.name, self.style, self.faults = name, style, tuple(faults)
        self.ast = floor(epoch - style.ast_before_s)
        self._caches: dict[str, tuple[float, Reply]] = {}

    # ---- time
    def listed_at(self, n: int) -> float:
        """When segment n is in the MPD and on disk."""
        return self.ast + (n + 1) * self.style.target_s + self.style.latency_s

    def newest(self, t: float) -> int:
        """The newest segment at t."""
        return floor((t - self.ast - self.style.latency_s) / self.style.target_s) - 1

    # ---- answers
    def answer(self, vantage: str, path: str, headers: Mapping[str, str], t: float) -> Reply:
        reply = self._answer(vantage, path.partition("?")[0], t)
        return msgspec.structs.replace(reply, delay_s=WAY_S)

    def _answer(self, vantage: str, name: str, t: float) -> Reply:
        faults = [fault for fault in self.faults if fault.is_at(vantage, t)]
        if name == "time":
            at = t + sum(fault.clock_s() for fault in faults)
            return Reply(headers={"Content-Type": "text/plain", "Date": formatdate(at, usegmt=True)}, body=iso(at).encode())
        for fault in faults:
            if name == "live.mpd" and isinstance(fault, Unreadable):
                return fault.reply
        if name == "live.mpd":
            return self._mpd(vantage, faults, t)
        if name.endswith("init.mp4"):
            rung = next((one for one in self.style.ladder if name.startswith(f"{one.id}/")), self.style.ladder[0])
            return Reply(headers=_headers("video/mp4"), body=_init(rung.height or SOUND_HEIGHT))
        return self._segment(name, faults, t)

    def _mpd(self, vantage: str, faults: Sequence[Fault], t: float) -> Reply:
        is_edge = vantage.startswith("edge-") and self.style.ttl_s > 0
        kept = self._caches.get(vantage)
        if is_edge and kept is not None and t < kept[0] + self.style.ttl_s:
            return msgspec.structs.replace(kept[1], headers={**kept[1].headers, "Age": str(int(t - kept[0]))})
        at = t
        for fault in faults:
            at = fault.shown_at(at)
        copy = self.copy(at)
        for fault in faults:
            copy = fault.copied(self, copy, t)
        has_clock = not any(isinstance(fault, NoClock) for fault in faults)
        body = self.text(copy, has_clock).encode()
        told = {"ETag": f'"{hash(body):x}"', "Date": formatdate(t, usegmt=True)}
        reply = Reply(headers={**_headers("application/dash+xml"), **told}, body=body, is_zippable=True)
        if is_edge:
            self._caches[vantage] = (t, reply)
        return reply

    def _segment(self, name: str, faults: Sequence[Fault], t: float) -> Reply:
        parts = name.split("/")
        if len(parts) != 2 or not parts[1].endswith(".m4s"):
            return MISSING
        rung = next((one for one in self.style.ladder if one.id == parts[0]), None)
        stem = parts[1][: -len(".m4s")]
        period, _, asked = stem.rpartition("-")
        if rung is None or not asked.isdigit():
            return MISSING
        n = self._number(rung, int(period.removeprefix("p") or 0), int(asked), faults, t)
        if n is None or n > self.newest(t) or n < self.newest(t) - self.style.window - 4:
            return MISSING
        if any(fault.is_gone(self, n, t) for fault in faults):
            return MISSING
        drift_s = sum(fault.carried_s(self, n, t) for fault in faults)
        return Reply(headers=_headers("video/mp4"), body=self._body(rung, n, drift_s))

    def _number(self, rung: Rung, period: int, asked: int, faults: Sequence[Fault], t: float) -> int | None:
        """The segment that a URL means: faults that write the MPD wrong do not rename what is on disk."""
        every = self.style.period_every
        if self.style.addressing != "time":
            return period * every + asked - 1 if every else asked
        n = round((asked - self._offset()) / (self.style.target_s * TIMESCALE))
        n += period * every if every and not self.style.has_continuity else 0
        return n if abs(self._time(rung, period, n) - asked) < TIMESCALE * self.style.target_s / 2 else None

    def _body(self, rung: Rung, n: int, drift_s: float) -> bytes:
        period = self._period_of(n)
        start = self._time(rung, period, n) / TIMESCALE + drift_s
        return _media(rung.height or SOUND_HEIGHT, round(max(0.0, start), 6), self.style.target_s, n)

    # ---- the MPD
    def _offset(self) -> int:
        return round(self.style.offset_s * TIMESCALE)

    def _period_of(self, n: int) -> int:
        return n // self.style.period_every if self.style.period_every else 0

    def _time(self, rung: Rung, period: int, n: int) -> int:
        """The time of segment n in its Period's timeline, ticks."""
        every = self.style.period_every
        first = period * every if every and not self.style.has_continuity else 0
        ticks = round((n - first) * self.style.target_s * TIMESCALE) + self._offset()
        if self.style.sound_wobbles and rung.height == 0:
            ticks += (n * 7 % 5) * TIMESCALE // 400 if n != first else 0  # up to 10 ms
        return ticks

    def copy(self, t: float) -> Copy:
        """The MPD at t, as it should be."""
        style = self.style
        last = self.newest(t)
        first = max(0, last - style.window + 1)
        every = style.period_every
        periods = []
        for index in range(self._period_of(first), self._period_of(last) + 1):
            begin, end = (index * every, (index + 1) * every - 1) if every else (0, last)
            periods.append(Period(index, begin, max(first, begin), min(last, end), is_last=index == self._period_of(last)))
        return Copy(
            ast=self.ast,
            made_at=self.listed_at(last),
            periods=tuple(periods),
            update_s=style.update_s,
            delay_s=style.delay_s,
            depth_s=style.window * style.target_s,
        )

    def text(self, copy: Copy, has_clock: bool = True) -> str:
        style = self.style
        attributes = [
            'xmlns="urn:mpeg:dash:schema:mpd:2011"',
            'profiles="urn:mpeg:dash:profile:isoff-live:2011"',
            f'type="{"dynamic" if copy.is_dynamic else "static"}"',
            f'minBufferTime="PT{style.target_s:g}S"',
            f'publishTime="{iso(copy.made_at)}"',
        ]
        if copy.is_dynamic:
            attributes += [f'availabilityStartTime="{iso(copy.ast)}"', f'timeShiftBufferDepth="PT{copy.depth_s:g}S"']
        else:
            attributes.append(f'mediaPresentationDuration="PT{(copy.periods[-1].last + 1) * style.target_s:g}S"')
        if copy.update_s is not None and copy.is_dynamic:
            attributes.append(f'minimumUpdatePeriod="PT{copy.update_s:g}S"')
        if copy.delay_s is not None:
            attributes.append(f'suggestedPresentationDelay="PT{copy.delay_s:g}S"')
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<MPD {' '.join(attributes)}>"]
        for i, period in enumerate(copy.periods):
            lines += self._period_text(copy, period, late_s=copy.hole_s if i else 0.0)
        if style.utc and has_clock:
            lines.append(f'<UTCTiming schemeIdUri="urn:mpeg:dash:utc:{style.utc}:2014" value="time"/>')
        return "\n".join([*lines, "</MPD>", ""])

    def _period_text(self, copy: Copy, period: Period, late_s: float) -> list[str]:
        lines = [f'<Period id="p{period.index}" start="PT{period.start * self.style.target_s + late_s:.3f}S">']
        for kind, rungs in (
            ("video", [rung for rung in self.style.ladder if rung.height]),
            ("audio", [rung for rung in self.style.ladder if not rung.height]),
        ):
            if not rungs:
                continue
            lines.append(f'<AdaptationSet contentType="{kind}" mimeType="{kind}/mp4" segmentAlignment="true">')
            if self.style.has_continuity and period.index:
                scheme = "urn:mpeg:dash:period-continuity:2015"
                lines.append(f'<SupplementalProperty schemeIdUri="{scheme}" value="p{period.index - 1}"/>')
            lines += self._addresses(copy, period, rungs[0])
            for rung in rungs:
                size = f' width="{rung.height * 16 // 9}" height="{rung.height}"' if rung.height else ""
                codecs = f' codecs="{media.codec_of(rung.height)}"' if rung.height else ""  # its sound is really a small picture
                lines.append(f'<Representation id="{rung.id}" bandwidth="{rung.bandwidth}"{codecs}{size}/>')
            lines.append("</AdaptationSet>")
        return [*lines, "</Period>"]

    def _addresses(self, copy: Copy, period: Period, rung: Rung) -> list[str]:
        style = self.style
        number = period.first - period.start + 1 if style.period_every else period.first
        pto = self._offset() + (period.start * round(style.target_s * TIMESCALE) if style.has_continuity else 0)
        common = f'timescale="{TIMESCALE}" presentationTimeOffset="{pto}"'
        init = 'initialization="$RepresentationID$/init.mp4"'
        ticks = round(style.target_s * TIMESCALE)
        if style.addressing == "clock":
            begin = 1 if style.period_every else 0
            media_url = f"$RepresentationID$/p{period.index}-$Number%06d$.m4s"
            return [f'<SegmentTemplate {common} {init} media="{media_url}" startNumber="{begin}" duration="{ticks}"/>']
        word = "$Time$" if style.addressing == "time" else "$Number%05d$"
        return [
            f'<SegmentTemplate {common} {init} media="$RepresentationID$/p{period.index}-{word}.m4s" startNumber="{number}">',
            "<SegmentTimeline>",
            *self._timeline(copy, period, rung),
            "</SegmentTimeline>",
            "</SegmentTemplate>",
        ]

    def _timeline(self, copy: Copy, period: Period, rung: Rung) -> list[str]:
        if self.style.is_open and period.is_last:
            return [f'<S t="{self._time(rung, period.index, period.first)}" d="{round(self.style.target_s * TIMESCALE)}" r="-1"/>']
        lines: list[str] = []
        for n in range(period.first, period.last + 1):
            start = self._time(rung, period.index, n)
            end = self._time(rung, period.index, n + 1)
            shift = sum(by for at, by in copy.shifts.items() if n >= at)
            length = end - start + copy.lengths.get(n, 0)
            moved = sum(by for at, by in copy.lengths.items() if at < n)
            lines.append(f'<S t="{start + shift + moved}" d="{length}"/>')
        return lines


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _headers(kind: str) -> dict[str, str]:
    return {"Content-Type": kind, "Access-Control-Allow-Origin": "*", "Cache-Control": "max-age=0"}


@lru_cache(maxsize=8)
def _init(height: int) -> bytes:
    return media.fmp4_init(height)


@lru_cache(maxsize=512)
def _media(height: int, start_s: float, duration_s: float, n: int) -> bytes:
    return media.fmp4_segment(start_s, duration_s, height=height, sequence=n)
