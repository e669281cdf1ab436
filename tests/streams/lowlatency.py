"""A live low-latency HLS channel as a function of time: parts, preload hints, rendition reports, delta updates, blocking reloads.

Segment n covers [n T, (n+1) T) of the media and is cut into parts; part k is published `latency_s` after its end, and with the
last part the segment is complete. A blocking reload is answered when its part is there: the station holds the answer back for as
long. An edge is a cache that has directives in its key and lets several players wait for one answer. Master and media come from
`show.py`; a fault bends the cutting, the copy before it is text, the answer to a reload, or the cache's key.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import ceil, floor

import msgspec

from console.model.channel import Channel
from tests.streams import show
from tests.streams.lowlatency_faults import Fault
from tests.streams.night import channel_of as plain_channel_of
from tests.streams.show import LADDER, HlsShow, Rung
from tests.streams.station import Reply

WAY_S = 0.01
PARTS_T = 3  # target durations from the end within which parts are listed (6.2.2)
HOLD_T = 3  # until a reload for what never comes is answered 503
AHEAD = 2  # segments past the newest that may be waited for
_TINY = 1e-6


class Style(msgspec.Struct, frozen=True):
    """How a channel is made. All of these are healthy."""

    target_s: float = 2.0
    part_s: float = 0.5  # how long a part lasts
    part_target_s: float | None = None  # what PART-TARGET says; None: as long as a part is
    window: int = 10
    ladder: tuple[Rung, ...] = LADDER[:2]
    edges: tuple[str, ...] = ("lhr",)
    has_origin: bool = True
    has_delta: bool = True
    has_hints: bool = True
    has_audio: bool = False
    is_segment_late: bool = False  # the last part is published a little before its segment is
    container: str = "fmp4"
    ttl_s: float = 1.0
    latency_s: float = 0.4
    jitter_s: float = 0.0  # by which a part may be late; less than a part
    way_s: float = 0.0  # by which an answer may take longer, differently each time
    token: str = ""  # every question for a playlist must have this in its query

    @property
    def vantages(self) -> tuple[str, ...]:
        return (*(("origin",) if self.has_origin else ()), *(f"edge-{pop}" for pop in self.edges))

    @property
    def plain(self) -> show.Style:
        """The same without low latency: segments are there a moment before they are listed."""
        return show.Style(
            target_s=self.target_s, window=self.window, ladder=self.ladder, edges=self.edges, has_origin=self.has_origin,
            container=self.container, has_audio=self.has_audio, ttl_s=self.ttl_s, latency_s=self.latency_s - 0.2, jitter_s=0.0,
        )  # fmt: skip


class Copy(msgspec.Struct, frozen=True):
    """A media playlist before it is text."""

    newest: int  # the newest complete segment
    parts: int  # of the one after it
    hint: tuple[int, int]  # segment, part
    part_hold_back_s: float
    can_skip_until_s: float | None
    report_lag: int = 0
    is_plain: bool = False  # without anything of low latency


class LowLatencyShow:
    """One channel. `epoch` is the time at which its MEDIA-SEQUENCE was 0."""

    def __init__(self, name: str, style: Style, epoch: float, faults: Sequence[Fault] = ()) -> None:
        self.name, self.style, self.faults = name, style, tuple(faults)
        self.inner = HlsShow(name, style.plain, epoch)
        self._caches: dict[tuple[str, str, str], tuple[float, Reply]] = {}
        self._stops_at = min((fault.stops_at() for fault in self.faults), default=1e18)
        self._ends: dict[int, list[float]] = {}
        self._texts: dict[tuple[int, str, bool], list[str]] = {}
        self.asked: list[tuple[float, str, str]] = []  # (t, vantage, path with its query) of media playlists

    # ---- time
    def ends(self, n: int) -> list[float]:
        """When the parts of segment n end, seconds after it begins."""
        known = self._ends.get(n)
        if known is not None:
            return known
        begins_at, target_s = self.inner.starts_at(n), self.style.target_s
        ends: list[float] = []
        at = 0.0
        while at < target_s - _TINY:
            lasts_s = max((fault.part_s(self, begins_at + at) for fault in self.faults), default=self.style.part_s)
            at = min(at + lasts_s, target_s)
            ends.append(at)
        self._ends[n] = ends
        return ends

    def part_at(self, n: int, k: int) -> float:
        """When part k of segment n is listed."""
        late_s = self._by_chance("part", n, k) * self.style.jitter_s
        return self._unless_stopped(self.inner.starts_at(n) + self.ends(n)[k] + self.style.latency_s + late_s)

    def complete_at(self, n: int) -> float:
        """When segment n is listed as a whole."""
        late_s = 0.15 if self.style.is_segment_late else 0.0
        late_s += self._by_chance("part", n, len(self.ends(n)) - 1) * self.style.jitter_s
        return self._unless_stopped(self.inner.starts_at(n + 1) + self.style.latency_s + late_s)

    def _by_chance(self, *what: object) -> float:
        """From 0 to 1, the same for the same."""
        if not self.style.jitter_s and not self.style.way_s:
            return 0.0
        return zlib.crc32(f"{self.name}/{what}".encode()) / 2**32

    def _unless_stopped(self, at: float) -> float:
        return at if at < self._stops_at else 1e18

    def state(self, t: float) -> tuple[int, int]:
        """The newest complete segment, and the parts after it."""
        n = floor((t - self.inner.starts_at(0)) / self.style.target_s) + 1
        while self.complete_at(n) > t:
            n -= 1
        count = 0
        for k in range(len(self.ends(n + 1))):
            at = self.part_at(n + 1, k)
            if at > t or not all(fault.has_parts(at) for fault in self.faults):
                break
            count = k + 1
        return n, count

    # ---- answers
    def answer(self, vantage: str, path: str, headers: Mapping[str, str], t: float) -> Reply:
        name, _, query = path.partition("?")
        if self.style.token and name.endswith(".m3u8") and self.style.token not in query.split("&"):
            return Reply(403, body=b"no token\n", delay_s=WAY_S)
        if not name.endswith("index.m3u8"):
            reply = self.inner.answer(vantage, path, headers, t)
            if self.style.token and name == "master.m3u8":
                signed = reply.body.replace(b"index.m3u8", f"index.m3u8?{self.style.token}".encode())
                return msgspec.structs.replace(reply, body=signed)
            return reply
        self.asked.append((t, vantage, path))
        rendition = next((r.name for r in self.inner.style.renditions if show._folder(r) == name.split("/")[0]), None)
        if rendition is None or vantage not in self.style.vantages:
            return Reply(404, body=b"no such thing here\n", delay_s=WAY_S)
        active = [fault for fault in self.faults if fault.is_at(vantage, t)]
        if vantage == "origin":
            reply = self._made(rendition, _directives(query), active, t)
        else:
            reply = self._cached(vantage, rendition, query, active, t)
        for fault in active:
            reply = fault.answered(reply)
        way_s = self._by_chance(t, path) * self.style.way_s
        return msgspec.structs.replace(reply, delay_s=reply.delay_s + way_s) if way_s else reply

    def _cached(self, vantage: str, rendition: str, query: str, active: Sequence[Fault], t: float) -> Reply:
        """An edge: one question goes to the origin, whoever asks the same meanwhile waits for its answer."""
        directives = {} if any(fault.is_merging for fault in active) else _directives(query)
        is_reload = any(name in directives for name in ("msn", "part"))
        key = (vantage, rendition, "&".join(f"{name}={value}" for name, value in sorted(directives.items())))
        there_at, reply = self._caches.get(key, (-1e18, Reply()))
        is_hit = t < there_at + (6 * self.style.target_s if is_reload else self.style.ttl_s)
        if not is_hit:
            reply = self._made(rendition, _directives(query), active, t)
            there_at = t + reply.delay_s
            if reply.status == 200 and reply.delay_s < 100:
                if len(self._caches) > 400:
                    self._caches.clear()
                self._caches[key] = (there_at, reply)
        headers = {**reply.headers, "X-Cache": "HIT" if is_hit else "MISS", "Via": f"1.1 {vantage}"}
        if reply.status == 200:
            headers["Age"] = str(max(0, int(t - there_at)))
        return msgspec.structs.replace(reply, headers=headers, delay_s=max(WAY_S, there_at - t))

    def _made(self, rendition: str, directives: dict[str, int], active: Sequence[Fault], t: float) -> Reply:
        plain = self._playlist(rendition, t, "skip" in directives, active)
        if not ("msn" in directives or "part" in directives):
            return plain
        reply = self._reload(rendition, directives, active, t)
        for fault in active:
            reply = fault.reloaded(self, directives, reply, plain)
        return reply

    def _reload(self, rendition: str, directives: dict[str, int], active: Sequence[Fault], t: float) -> Reply:
        """6.2.5.2 to the letter."""
        refusal = Reply(400, {"Cache-Control": "no-store"}, b"bad directives\n", WAY_S)
        if "msn" not in directives:
            return refusal
        msn, part = directives["msn"] - self._base(rendition, t), directives.get("part")
        newest, count = self.state(t)
        if msn > newest + AHEAD + (1 if count else 0):
            return refusal
        limit = ceil(3 / self.style.part_s) if self.style.part_s < 1 else 3
        if part is not None and msn == newest + 1 and part > count + limit:
            return refusal
        at = t
        hold_s = HOLD_T * self.style.target_s
        while not self._is_there(msn, part, at):
            at = self._next_change(at)
            if at > t + hold_s:
                return Reply(503, {"Cache-Control": "no-store"}, b"nothing came\n", hold_s)
        made = self._playlist(rendition, at, "skip" in directives, active)
        return msgspec.structs.replace(made, delay_s=at - t + WAY_S)

    def _is_there(self, msn: int, part: int | None, t: float) -> bool:
        newest, count = self.state(t)
        if part is not None and part >= len(self.ends(msn)):  # the first of the next segment
            return newest > msn or (newest == msn and count > 0)
        return newest >= msn or (part is not None and newest == msn - 1 and count > part)

    def _next_change(self, t: float) -> float:
        """When something is listed next."""
        newest, _ = self.state(t)
        moments = [self.complete_at(n) for n in (newest + 1, newest + 2)]
        moments += [self.part_at(n, k) for n in (newest + 1, newest + 2) for k in range(len(self.ends(n)))]
        return min(at for at in moments if at > t) + _TINY

    # ---- the playlist
    def _base(self, rendition: str, t: float) -> int:
        return self.inner._bases[rendition] + sum(fault.renumbered(t) for fault in self.faults)

    def copy(self, rendition: str, t: float, active: Sequence[Fault]) -> Copy:
        newest, count = self.state(t)
        is_whole = count == len(self.ends(newest + 1))
        copy = Copy(
            newest=newest,
            parts=count,
            hint=(newest + 2, 0) if is_whole else (newest + 1, count),
            part_hold_back_s=3 * (self.style.part_target_s or self.style.part_s),
            can_skip_until_s=6 * self.style.target_s if self.style.has_delta else None,
        )
        for fault in active:
            copy = fault.copied(self, rendition, copy, t)
        return copy

    def _playlist(self, rendition: str, t: float, wants_delta: bool, active: Sequence[Fault]) -> Reply:
        body = self.text(rendition, self.copy(rendition, t, active), t, wants_delta, active).encode()
        headers = {
            "Content-Type": "application/vnd.apple.mpegurl", "Access-Control-Allow-Origin": "*",
            "Cache-Control": f"max-age={max(1, int(self.style.ttl_s))}", "ETag": f'"{zlib.crc32(body):x}-{len(body)}"',
        }  # fmt: skip
        return Reply(200, headers, body, WAY_S, is_zippable=True)

    def text(self, rendition: str, copy: Copy, t: float, wants_delta: bool, active: Sequence[Fault]) -> str:
        style, base = self.style, self._base(rendition, t)
        first = copy.newest - style.window + 1
        control = ["CAN-BLOCK-RELOAD=YES", f"PART-HOLD-BACK={copy.part_hold_back_s:.3f}"]
        if copy.can_skip_until_s is not None:
            control.append(f"CAN-SKIP-UNTIL={copy.can_skip_until_s:g}")
        lines = ["#EXTM3U", "#EXT-X-VERSION:9", f"#EXT-X-TARGETDURATION:{style.target_s:g}"]
        if not copy.is_plain:
            lines.append(f"#EXT-X-SERVER-CONTROL:{','.join(control)}")
            lines.append(f"#EXT-X-PART-INF:PART-TARGET={style.part_target_s or style.part_s:.3f}")
        lines.append(f"#EXT-X-MEDIA-SEQUENCE:{first + base}")
        begin = first
        if wants_delta and copy.can_skip_until_s is not None:
            tail_s = (self.ends(copy.newest + 1)[copy.parts - 1] if copy.parts else 0.0) - copy.can_skip_until_s
            skipped = sum(1 for n in range(first, copy.newest) if (copy.newest - n) * style.target_s + tail_s > 0)
            told, left_out = skipped, skipped
            for fault in active:
                told, left_out = fault.delta(self, skipped)
            if skipped and not copy.is_plain:
                lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={told}")
                begin = first + left_out
        has_map = style.container == "fmp4" and not rendition.startswith("audio")
        if has_map and begin == first:
            lines.append('#EXT-X-MAP:URI="init.mp4"')
        suffix = "aac" if rendition.startswith("audio") else "m4s" if style.container == "fmp4" else "ts"
        for n in range(begin, copy.newest + 1):
            lines += self._segment(n, suffix, n > copy.newest - PARTS_T and not copy.is_plain)
        if copy.is_plain:
            return "\n".join([*lines, ""])
        lines += self._parts(copy.newest + 1, copy.parts)
        if style.has_hints:
            lines.append('#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-{}-{}.m4s"'.format(*copy.hint))
        lines += self._reports(rendition, copy, t)
        return "\n".join([*lines, ""])

    def _segment(self, n: int, suffix: str, has_parts: bool) -> list[str]:
        known = self._texts.get((n, suffix, has_parts))
        if known is None:
            at = datetime.fromtimestamp(self.inner.starts_at(n), UTC).isoformat(timespec="milliseconds")
            parts = self._parts(n, len(self.ends(n))) if has_parts else []
            known = [
                f"#EXT-X-PROGRAM-DATE-TIME:{at[:-6]}Z", *parts, f"#EXTINF:{self.style.target_s:.3f},", f"seg-{n}.{suffix}",
            ]  # fmt: skip
            self._texts[n, suffix, has_parts] = known
        return known

    def _parts(self, n: int, count: int) -> list[str]:
        """Those that are listed: parts that were not there when they were due never are."""
        ends = self.ends(n)[:count]
        lines = []
        for k, (begin, end) in enumerate(zip([0.0, *ends], ends, strict=False)):
            if all(fault.has_parts(self.inner.starts_at(n) + end + self.style.latency_s) for fault in self.faults):
                independent = "" if k else ",INDEPENDENT=YES"
                lines.append(f'#EXT-X-PART:DURATION={end - begin:.3f},URI="part-{n}-{k}.m4s"{independent}')
        return lines

    def _reports(self, rendition: str, copy: Copy, t: float) -> list[str]:
        lines = []
        for rung in self.inner.style.renditions:
            if rung.name == rendition:
                continue
            n, k = (copy.newest + 1, copy.parts - 1) if copy.parts else (copy.newest, len(self.ends(copy.newest)) - 1)
            msn = n - copy.report_lag + self._base(rung.name, t)
            lines.append(f'#EXT-X-RENDITION-REPORT:URI="../{show._folder(rung)}/index.m3u8",LAST-MSN={msn},LAST-PART={k}')
        return lines


def _directives(query: str) -> dict[str, int]:
    """`_HLS_*` of a query: msn and part as numbers, skip as 1."""
    found: dict[str, int] = {}
    for word in query.split("&"):
        name, _, value = word.partition("=")
        if name in ("_HLS_msn", "_HLS_part") and value.isdigit():
            found[name[5:]] = int(value)
        elif name == "_HLS_skip" and value == "YES":
            found["skip"] = 1
    return found


def channel_of(name: str, style: Style) -> Channel:
    """As a site's list would have it."""
    master = f"master.m3u8?{style.token}" if style.token else "master.m3u8"
    return plain_channel_of(name, style.plain, master)
