"""A healthy live stream of any shape, as a correct packager would publish it, copy after copy."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate

BEGAN = datetime(2024, 3, 1, 2, 0, tzinfo=UTC)
URL = "http://h.test/live/one/index.m3u8?token=geheim&session=s1"


@dataclass(frozen=True)
class Shape:
    """What a packager may do and still be right."""

    target_s: int = 4
    window: int = 6
    start: int = 0  # MSN of the first segment ever
    grown_from: int = 6  # segments in the first copy
    digits: int = 3  # of EXTINF
    dates: str = "all"  # none | all | first | some: on which segments of a copy PROGRAM-DATE-TIME stands
    discontinuities: frozenset[int] = frozenset()  # of segments, counted from 0
    drops_leading: bool = False  # the tag of the first segment of a window is left out, and counted
    key_every: int = 0  # segments between rotations
    keyformats: int = 1
    has_iv: bool = False
    has_map: bool = False
    ranges: str = ""  # "" | explicit | implicit
    signs: str = ""  # "" | query | path: URIs signed anew with every answer
    defines: str = ""  # "" | value | import | query
    kind: str | None = None  # None | EVENT
    has_bitrate: bool = False
    parts: int = 0  # of a segment; 0: no low latency
    has_delta: bool = False
    eol: str = "\n"
    seed: int = 0


@dataclass
class Stream:
    """`copy(last, ...)` is the body when segment `last` (counted from 0) is the newest."""

    shape: Shape
    length: int = 80
    durations: list[float] = field(init=False)
    begins: list[float] = field(init=False)
    answers: int = 0

    def __post_init__(self) -> None:
        chance = random.Random(self.shape.seed)
        least = 0.75 if self.shape.window * 0.75 >= 3 else 1.0
        self.durations = [round(self.shape.target_s * chance.uniform(least, 1.0), 6) for _ in range(self.length)]
        jumps = [1000.0 if k in self.shape.discontinuities else 0.0 for k in range(self.length)]
        lasted = accumulate(a + b for a, b in zip([0.0, *self.durations], [*jumps, 0.0], strict=True))
        self.begins = list(lasted)[: self.length]
        self.sizes = [chance.randrange(1000, 9999) for _ in range(self.length)]

    def first(self, last: int) -> int:
        """The oldest segment of the copy whose newest is `last`."""
        return 0 if self.shape.kind == "EVENT" else max(0, last + 1 - self.shape.window)

    def ends_at(self, last: int) -> datetime:
        return BEGAN + timedelta(seconds=self.begins[last] + self.durations[last])

    def copy(self, last: int, part: int = 0, since: int | None = None) -> bytes:
        """`part`: parts of the next segment that are there. `since`: the newest segment of the copy that a delta is made for."""
        shape, first = self.shape, self.first(last)
        self.answers += 1
        discontinuous = sum(1 for k in shape.discontinuities if k < first)
        is_leading_dropped = shape.drops_leading and first in shape.discontinuities
        lines = ["#EXTM3U", "#EXT-X-VERSION:9", f"#EXT-X-TARGETDURATION:{shape.target_s}"]
        lines.append(f"#EXT-X-MEDIA-SEQUENCE:{shape.start + first}")
        if shape.discontinuities:
            lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuous + is_leading_dropped}")
        if shape.kind:
            lines.append(f"#EXT-X-PLAYLIST-TYPE:{shape.kind}")
        lines += {
            "": [],
            "value": ['#EXT-X-DEFINE:NAME="at",VALUE="cdn/live"'],
            "import": ['#EXT-X-DEFINE:IMPORT="at"'],
            "query": ['#EXT-X-DEFINE:QUERYPARAM="session"'],
        }[shape.defines]
        if shape.parts:
            part_s = shape.target_s / shape.parts
            control = f"CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={3.5 * part_s:g},HOLD-BACK={3 * shape.target_s}"
            if shape.has_delta:
                control += f",CAN-SKIP-UNTIL={6 * shape.target_s}"
            lines += [f"#EXT-X-SERVER-CONTROL:{control}", f"#EXT-X-PART-INF:PART-TARGET={part_s:g}"]
        skipped = self._skipped(first, last, since)
        if skipped:
            lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
        for k in range(first + skipped, last + 1):
            lines += self._segment(k, first, last, k == first, is_leading_dropped, k == first + skipped)
        if shape.parts:
            lines += [self._part(last + 1, index) for index in range(part)]
            comes = (last + 1, part) if part < shape.parts else (last + 2, 0)
            lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{self._name(comes[0])}.{comes[1]}.m4s"')
            lines.append(f'#EXT-X-RENDITION-REPORT:URI="../two/index.m3u8",LAST-MSN={shape.start + last},LAST-PART=0')
        return (shape.eol.join(lines) + shape.eol).encode()

    def _skipped(self, first: int, last: int, since: int | None) -> int:
        if since is None or not self.shape.has_delta:
            return 0
        count, listed = 0, sum(self.durations[first : last + 1])
        while first + count <= since and listed - self.durations[first + count] >= 6 * self.shape.target_s:
            listed -= self.durations[first + count]
            count += 1
        return count

    def _name(self, k: int) -> str:
        place = {"": "", "value": "{$at}/", "import": "{$at}/", "query": "{$session}/"}[self.shape.defines]
        signed = f"tok{self.answers}/" if self.shape.signs == "path" else ""
        return f"{signed}{place}seg-{self.shape.start + k}"

    def _part(self, k: int, index: int) -> str:
        return f'#EXT-X-PART:DURATION={self.shape.target_s / self.shape.parts:g},URI="{self._name(k)}.{index}.m4s"'

    def _segment(self, k: int, first: int, last: int, is_first: bool, is_dropped: bool, is_listed_first: bool) -> list[str]:
        shape = self.shape
        lines: list[str] = []
        if shape.parts and k > last - 2:
            lines += [self._part(k, index) for index in range(shape.parts)]
        if k in shape.discontinuities and not (is_first and is_dropped):
            lines.append("#EXT-X-DISCONTINUITY")
        if shape.key_every and (is_first or k % shape.key_every == 0):
            age = k - k % shape.key_every
            signature = f"?s={self.answers}" if shape.signs else ""
            iv = f",IV=0x{age:032X}" if shape.has_iv else ""
            for number in range(shape.keyformats):
                keyformat = f',KEYFORMAT="com.test.{number}"' if number else ""
                method = "SAMPLE-AES" if number else "AES-128"
                lines.append(f'#EXT-X-KEY:METHOD={method},URI="key-{age}.bin{signature}"{iv}{keyformat}')
        if shape.has_map and (is_first or k in shape.discontinuities):
            lines.append(f'#EXT-X-MAP:URI="init-{sum(1 for d in shape.discontinuities if d <= k)}.mp4"')
        if shape.has_bitrate and (is_first or k % 5 == 0):
            lines.append(f"#EXT-X-BITRATE:{1000 + k - k % 5}")
        if shape.dates == "all" or (shape.dates == "first" and is_first) or (shape.dates == "some" and k % 3 == 0):
            at = (BEGAN + timedelta(seconds=self.begins[k])).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{at}")
        extinf = f"{self.durations[k]:.{shape.digits}f}" if shape.digits else str(round(self.durations[k]))
        lines.append(f"#EXTINF:{extinf},")
        name = self._name(k) + ".m4s"
        if shape.ranges:
            is_told = shape.ranges == "explicit" or is_listed_first or k % 10 == 0
            offset = f"@{sum(self.sizes[k - k % 10 : k])}" if is_told else ""
            lines.append(f"#EXT-X-BYTERANGE:{self.sizes[k]}{offset}")
            name = f"file-{k // 10}.mp4"
        lines.append(name + (f"?sig={self.answers}" if shape.signs == "query" else ""))
        return lines
