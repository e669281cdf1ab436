"""A live HLS channel as a function of time: what its packager, and each cache before it, answers at `t` (seconds since the epoch).

Segment `n` covers [n T, (n+1) T) and is published `latency_s` after its end, a little later each time (`jitter_s`, by the seed). An
edge is a cache with a TTL in front of the origin. A fault bends the time a copy is made at, the copy itself, or the answer; what it
does at the origin, the edges inherit through their caches.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import floor

import msgspec

from tests.streams import bodies, media
from tests.streams.faults import Fault, Where
from tests.streams.station import Reply

GRACE = 3  # segments kept after they left the longest playlist (RFC 8216bis 6.2.2), besides the window itself
ERROR_PAGE = b"no such thing here\n"
_SUFFIX = {"ts": "ts", "fmp4": "m4s", "aac": "aac"}


class Rung(msgspec.Struct, frozen=True):
    """One rendition. `name` is what the prober calls it."""

    name: str
    bandwidth: int
    average: int
    kind: str = "video"  # video | audio | iframe
    height: int | None = None
    width: int | None = None
    codecs: str = "mp4a.40.2"  # of its own media; the sound's is added where it comes from another playlist


# thin, so that a hundred channels fit through a core: what is compared is bytes with BANDWIDTH, and both are thin
LADDER = (
    Rung("1080p", 130_000, 110_000, height=1080, width=1920, codecs=media.codec_of(1080)),
    Rung("720p", 82_000, 68_000, height=720, width=1280, codecs=media.codec_of(720)),
    Rung("480p", 48_000, 40_000, height=480, width=854, codecs=media.codec_of(480)),
)


class Style(msgspec.Struct, frozen=True):
    """How a channel is made. All of these are healthy."""

    target_s: float = 4.0
    window: int = 8
    ladder: tuple[Rung, ...] = LADDER
    edges: tuple[str, ...] = ("lhr", "syd", "nrt")
    has_origin: bool = True
    container: str = "ts"  # ts | fmp4
    has_pdt: bool = True
    is_pdt_sparse: bool = False  # only on the first segment and at discontinuities
    is_encrypted: bool = False
    rotate_every: int = 0  # segments to a key; 0: one key
    ad_every: int = 0  # segments from one ad break to the next; a break is two segments between two discontinuities
    has_own_numbers: bool = False  # renditions number independently of each other
    has_audio: bool = False
    has_iframes: bool = False
    ttl_s: float = 1.0
    latency_s: float = 0.4
    jitter_s: float = 0.2
    wobble_s: float = 0.0  # EXTINF swings by so much around T
    has_age: bool = True
    delay_s: float = 0.02
    seed: int = 1

    @property
    def renditions(self) -> tuple[Rung, ...]:
        more = []
        if self.has_audio:
            more.append(Rung("audio-English", 0, 32_000, kind="audio"))
        if self.has_iframes:
            more.append(Rung("iframe", 16_000, 8_000, kind="iframe", height=480, width=854, codecs=media.codec_of(480)))
        return (*self.ladder, *more)

    @property
    def vantages(self) -> tuple[str, ...]:
        return (*(("origin",) if self.has_origin else ()), *(f"edge-{pop}" for pop in self.edges))


class Segment(msgspec.Struct, frozen=True):
    """As a playlist lists it."""

    n: int
    uri: str
    extinf_s: float
    at: float | None  # PROGRAM-DATE-TIME, seconds since the epoch
    is_dated: bool = True  # the date is written, not only known
    is_discontinuous: bool = False
    is_gap: bool = False
    key: str = ""  # its EXT-X-KEY line
    extra: tuple[str, ...] = ()


class Copy(msgspec.Struct, frozen=True):
    """A media playlist before it is text."""

    target_s: float
    media_sequence: int
    discontinuity_sequence: int
    segments: tuple[Segment, ...]
    version: int = 6
    playlist_type: str = ""
    has_endlist: bool = False
    map_uri: str = ""
    is_iframe: bool = False
    head: tuple[str, ...] = ()  # more tags before the first segment


class HlsShow:
    """One channel. `epoch` is the time at which its MEDIA-SEQUENCE was 0."""

    def __init__(self, name: str, style: Style, epoch: float, faults: Sequence[Fault] = ()) -> None:
        self.name, self.style, self.epoch = name, style, epoch
        self.faults = tuple(faults)
        self._rng = random.Random(f"{name}/{style.seed}")
        self.phase_s = round(self._rng.uniform(0, style.target_s), 3)
        self._rungs = {rung.name: rung for rung in style.renditions}
        self._bases = {rung.name: self._rng.randrange(0, 5000) if style.has_own_numbers else 1000 for rung in style.renditions}
        self._caches: dict[tuple[object, ...], tuple[float, Reply]] = {}

    # ---- time
    def published(self, rendition: str, n: int) -> float:
        """When segment n is listed."""
        late = zlib.crc32(f"{self.name}/{self.style.seed}/{n}".encode()) / 2**32 * self.style.jitter_s
        own = zlib.crc32(f"{rendition}/{n}".encode()) / 2**32 * 0.05
        return self.epoch + (n + 1) * self.style.target_s + self.phase_s + self.style.latency_s + late + own

    def newest(self, rendition: str, t: float) -> int:
        """The newest segment listed at t."""
        n = floor((t - self.epoch - self.phase_s - self.style.latency_s) / self.style.target_s)
        while self.published(rendition, n) > t:
            n -= 1
        return n

    def starts_at(self, n: int) -> float:
        return self.epoch + self.phase_s + n * self.style.target_s

    def breaks_before(self, n: int) -> int:
        """Discontinuities before segment n: what EXT-X-DISCONTINUITY-SEQUENCE has to be when n is the first."""
        every = self.style.ad_every
        if not every:
            return 0
        whole, rest = divmod(n, every)
        return 2 * whole + (rest > 0) + (rest > 2)

    def next_break(self, n: int) -> int:
        """The first segment from n on that has a discontinuity before it."""
        while not self.is_break(n):
            n += 1
        return n

    def is_break(self, n: int) -> bool:
        return bool(self.style.ad_every) and n % self.style.ad_every in (0, 2)

    # ---- content
    def copy(self, rendition: str, t: float, faults: Sequence[tuple[Fault, Where]] = ()) -> Copy:
        """The media playlist at t, with what the faults make of it."""
        style, rung = self.style, self._rungs[rendition]
        newest = self.newest(rendition, t)
        first = newest - style.window + 1
        segments = tuple(self._segment(rung, n, first) for n in range(first, newest + 1))
        copy = Copy(
            target_s=style.target_s,
            media_sequence=first + self._bases[rendition],
            discontinuity_sequence=self.breaks_before(first),
            segments=segments,
            map_uri="init.mp4" if style.container == "fmp4" and rung.kind != "audio" else "",
            is_iframe=rung.kind == "iframe",
            version=7 if style.container == "fmp4" else 6,
        )
        for fault, where in faults:
            copy = fault.copied(self, where, copy, t)
        return copy

    def _segment(self, rung: Rung, n: int, first: int) -> Segment:
        style = self.style
        suffix = _SUFFIX[bodies.container_of(rung, style.container)]
        is_break = self.is_break(n)
        wobble = style.wobble_s * (1 if n % 2 else -1)
        is_dated = style.has_pdt and (not style.is_pdt_sparse or n == first or is_break)
        extra: tuple[str, ...] = ()
        if rung.kind == "iframe":
            extra = (f"#EXT-X-BYTERANGE:{len(bodies.segment(rung, n, style.target_s, style.container))}@0",)
        return Segment(
            n=n,
            uri=f"seg-{n}.{suffix}",
            extinf_s=style.target_s + wobble,
            at=self.starts_at(n) - max(0.0, wobble),
            is_dated=is_dated,
            is_discontinuous=is_break,
            key=self._key(n) if style.is_encrypted and rung.kind != "iframe" else "",
            extra=extra,
        )

    def key_of(self, n: int) -> int:
        return n // self.style.rotate_every if self.style.rotate_every else 0

    def _key(self, n: int) -> str:
        return f'#EXT-X-KEY:METHOD=AES-128,URI="../key-{self.key_of(n)}.bin",IV=0x{n:032x}'

    def master(self, rungs: Sequence[Rung]) -> bytes:
        """The master playlist that names these."""
        lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"]
        has_audio = any(rung.kind == "audio" for rung in rungs)
        for rung in rungs:
            folder = _folder(rung)
            if rung.kind == "audio":
                lines.append(
                    f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,URI="{folder}/index.m3u8"'
                )
                continue
            attributes = (
                f"BANDWIDTH={rung.bandwidth},AVERAGE-BANDWIDTH={round(rung.average * 1.05)},RESOLUTION={rung.width}x{rung.height},"
                f'CODECS="{rung.codecs}{",mp4a.40.2" if has_audio and rung.kind == "video" else ""}"'
            )
            if rung.kind == "iframe":
                lines.append(f'#EXT-X-I-FRAME-STREAM-INF:{attributes},URI="{folder}/index.m3u8"')
                continue
            audio = ',AUDIO="a"' if has_audio else ""
            lines += [f"#EXT-X-STREAM-INF:{attributes},FRAME-RATE={bodies.FPS:.3f}{audio}", f"{folder}/index.m3u8"]
        return ("\n".join(lines) + "\n").encode()

    # ---- answers
    def answer(self, vantage: str, path: str, headers: Mapping[str, str], t: float) -> Reply:
        where = self._where(vantage, path.partition("?")[0])
        if where is None or vantage not in ("origin", *self.style.vantages):
            return Reply(404, body=ERROR_PAGE, delay_s=self.style.delay_s)
        active = [fault for fault in self.faults if fault.is_at(where.vantage, t)]
        if vantage == "origin":
            return self._made(where, t, active)
        own = tuple(id(fault) for fault in active if not fault.is_at("origin", t))  # what breaks an edge breaks its cache, too
        key = (vantage, path, own)
        made_at, reply = self._caches.get(key, (-1e18, None))
        is_hit = reply is not None and t - made_at < self._ttl_s(where, active)
        if not is_hit or reply is None:
            made_at, reply = t, self._made(where, t, active)
            if len(self._caches) > 400:
                self._caches.clear()
            if reply.status == 200 and not (reply.is_dropped or reply.is_cut or reply.is_endless or reply.trickle_s):
                self._caches[key] = (t, reply)
        said = dict(reply.headers)
        said["X-Cache"] = "HIT" if is_hit else "MISS"
        said["Via"] = f"1.1 {vantage}"
        if self.style.has_age and "Age" not in said and reply.status == 200:
            said["Age"] = str(int(t - made_at))
        return msgspec.structs.replace(reply, headers=said, delay_s=self.style.delay_s / 4 if is_hit else reply.delay_s)

    def _ttl_s(self, where: Where, active: Sequence[Fault]) -> float:
        if where.kind == "key":
            return 0.0  # whether a viewer may have it is asked anew each time
        return self.style.ttl_s if where.kind in ("master", "media") else 600.0

    def _where(self, vantage: str, path: str) -> Where | None:
        parts = path.split("/")
        name = parts[-1]
        if parts == ["master.m3u8"]:
            return Where(vantage, "master", None)
        if name.startswith("key-") and name.endswith(".bin") and len(parts) == 1:
            return Where(vantage, "key", None, int(name[4:-4]) if name[4:-4].isdigit() else -1)
        rung = next((rung for rung in self.style.renditions if _folder(rung) == parts[0]), None)
        if rung is None or len(parts) != 2:
            return None
        if name == "index.m3u8":
            return Where(vantage, "media", rung.name)
        if name == "init.mp4":
            return Where(vantage, "init", rung.name)
        number = name.partition(".")[0].removeprefix("seg-").removesuffix("-b")  # a fault may have it under another name
        return Where(vantage, "segment", rung.name, int(number)) if number.isdigit() else None

    def _made(self, where: Where, t: float, active: Sequence[Fault]) -> Reply:
        """The answer, made now, with all that these faults do to it."""
        touching = [fault for fault in active if fault.concerns(where)]
        shown = t
        for fault in touching:
            shown = fault.shown_at(self, where, shown)
        reply = self._plain(where, shown, t, touching)
        for fault in touching:
            reply = fault.answered(self, where, reply, t)
        return reply

    def _plain(self, where: Where, shown: float, t: float, faults: Sequence[Fault]) -> Reply:
        style = self.style
        headers = {"Access-Control-Allow-Origin": "*", "Vary": "Accept-Encoding"}
        missing = Reply(404, {**headers, "Cache-Control": "no-store"}, ERROR_PAGE, style.delay_s)
        if where.kind in ("master", "media"):
            if where.kind == "master":
                rungs: Sequence[Rung] = style.renditions
                for fault in faults:
                    rungs = fault.named(self, rungs)
                body = self.master(rungs)
            else:
                assert where.rendition is not None
                body = rendered(self.copy(where.rendition, shown, [(fault, where) for fault in faults]))
            headers |= {
                "Content-Type": "application/vnd.apple.mpegurl",
                "Cache-Control": f"max-age={max(1, int(style.ttl_s))}",
                "ETag": f'"{zlib.crc32(body):x}-{len(body)}"',
            }
            return Reply(200, headers, body, style.delay_s, is_zippable=True)
        headers["Cache-Control"] = "no-store" if where.kind == "key" else "max-age=600"
        if where.kind == "key":
            body = bodies.key(f"{self.name}/{where.n}")
            return Reply(200, {**headers, "Content-Type": "application/octet-stream"}, body, style.delay_s)
        assert where.rendition is not None
        rung = self._rungs[where.rendition]
        if where.kind == "init":
            return Reply(200, {**headers, "Content-Type": "video/mp4"}, bodies.init(rung), style.delay_s)
        newest = self.newest(where.rendition, t)
        if not newest - 2 * style.window - GRACE < where.n <= newest:
            return missing
        body = bodies.segment(rung, where.n, style.target_s, style.container)
        if style.is_encrypted and rung.kind != "iframe":
            body = bodies.encrypted(body, bodies.key(f"{self.name}/{self.key_of(where.n)}"), where.n)
        headers |= {
            "Content-Type": bodies.CONTENT_TYPES[bodies.container_of(rung, style.container)],
            "ETag": f'"{rung.name}-{where.n}"',
        }
        return Reply(200, headers, body, style.delay_s)


def _folder(rung: Rung) -> str:
    return "iframe" if rung.kind == "iframe" else "audio" if rung.kind == "audio" else rung.name


@lru_cache(maxsize=4096)
def rendered(copy: Copy) -> bytes:
    """The text of a media playlist."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{copy.version}", f"#EXT-X-TARGETDURATION:{copy.target_s:g}"]
    lines.append(f"#EXT-X-MEDIA-SEQUENCE:{copy.media_sequence}")
    if copy.discontinuity_sequence or any(segment.is_discontinuous for segment in copy.segments):
        lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{copy.discontinuity_sequence}")
    if copy.playlist_type:
        lines.append(f"#EXT-X-PLAYLIST-TYPE:{copy.playlist_type}")
    if copy.is_iframe:
        lines.append("#EXT-X-I-FRAMES-ONLY")
    lines += copy.head
    if copy.map_uri:
        lines.append(f'#EXT-X-MAP:URI="{copy.map_uri}"')
    key = ""
    for segment in copy.segments:
        if segment.is_discontinuous:
            lines.append("#EXT-X-DISCONTINUITY")
            key = "" if segment.key else key
        if segment.key != key:
            lines.append(segment.key or "#EXT-X-KEY:METHOD=NONE")
            key = segment.key
        if segment.at is not None and segment.is_dated:
            at = datetime.fromtimestamp(segment.at, UTC).isoformat(timespec="milliseconds")
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{at[:-6]}Z")
        if segment.is_gap:
            lines.append("#EXT-X-GAP")
        lines += segment.extra
        lines += [f"#EXTINF:{segment.extinf_s:.3f},", segment.uri]
    if copy.has_endlist:
        lines.append("#EXT-X-ENDLIST")
    return ("\n".join(lines) + "\n").encode()
