"""Segments out of text: blocks by one regular expression, their rare tags line by line.

The expression takes a block at a time (tags, EXTINF, tags, URI), possessively and with every piece optional, so it never walks
a line twice whatever a hostile body holds. Most blocks hold nothing but a date and an EXTINF; the line reader sees the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite

from console.probe.hls.attributes import attributes, number, seconds, whole
from console.probe.hls.define import Variables, define
from console.probe.hls.keys import Key, key_of
from console.probe.hls.limits import (
    KEYS_LIMIT,
    LARGEST_SEQUENCE,
    LONGEST_TARGET_S,
    PART_LIMIT,
    REPORTS_LIMIT,
    SEGMENT_LIMIT,
    URI_LIMIT,
)
from console.probe.hls.media import Control, Hint, Map, Media, Part, Range, Report
from console.probe.hls.redacted import word

BLOCK = re.compile(
    r"((?:#(?!EXTINF:)[^\n]*\n|\n)*+)(?:#EXTINF:([^,\n]*)[^\n]*\n((?:#(?!EXTINF:)[^\n]*\n|\n)*+))?+([^#\n][^\n]*)?+\n?"
)
_DATE = "#EXT-X-PROGRAM-DATE-TIME:"
_MANY = 16  # segments from which on columns pay
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Block = tuple[str, str, str, str]


class Draft:
    """What the blocks read so far have said. Filled by `take`; belongs to one reading."""

    def __init__(self, url: str, imported: Variables, before: Media | None) -> None:
        self._url = url
        self._imported = imported
        self._before = before
        self._known_parts: Mapping[str, Part] = before.part_lines if before is not None else {}
        self.part_lines: dict[str, Part] = {}
        self._key_lines: dict[str, Key] = {}
        self.in_force: dict[str, Key] = {}
        self._is_new_key = False
        self.cursor: tuple[str, int] | None = None  # the resource of the last byte range, and where it ended
        self._parts: list[Part] = []
        self.target: str | None = None
        self.sequence = 0
        self._has_sequence = False
        self.discontinuity_sequence: int | None = None
        self.playlist_type: str | None = None
        self.control: str | None = None
        self.part_target: str | None = None
        self.has_endlist = self.is_image = False
        self.skipped = 0
        self.is_head = True  # nothing was read yet but the head and the first segment
        self.variables: dict[str, str] = {}
        self.next: int | None = None  # MSN of the segment that is read next, once the first was read
        self.uris: list[str] = []
        self.extinfs: list[str] = []
        self.dates: list[float | None] = []
        self.discontinuities: list[int] = []
        self.gaps: list[int] = []
        self.ranges: dict[int, Range] = {}
        self.keys: list[tuple[int, tuple[Key, ...]]] = []
        self.maps: list[tuple[int, Map | None]] = []
        self.parts: dict[int, tuple[Part, ...]] = {}
        self.part_count = 0
        self.hint: Hint | None = None
        self.reports: list[Report] = []
        # of the segment that is being read
        self._date: float | None = None
        self._is_discontinuity = self._is_gap = False
        self._map: Map | None = None
        self._range: str | None = None

    def carry(self, before: Media, msn: int) -> None:
        """Reading goes on behind this segment of the copy before: its keys are still in force, its byte range has an end."""
        self.in_force = {key.keyformat: key for key in before.keys_at(msn)}
        place = msn - before.newest - 1
        last = before.ranges.get(msn)
        if last is not None and last[1] is not None and -place <= len(before.uris):
            self.cursor = (before.uris[place], last[0] + last[1])

    def take(self, blocks: Sequence[Block]) -> None:
        """Reads on. Raises ValueError."""
        if len(blocks) >= _MANY and self.next is not None and self._take_uniform(blocks):
            return
        uris, extinfs, dates = self.uris, self.extinfs, self.dates
        is_marked = False
        for tags, extinf, inner, uri in blocks:
            date: float | None = None
            if inner:
                tags += inner
            if tags:
                if tags.startswith(_DATE) and tags.find("\n") == len(tags) - 1:
                    date = unix(tags[25:-1])
                else:
                    self._lines(tags)
                    date, self._date = self._date, None
                    is_marked = True
            if uri:
                if not extinf:
                    continue  # a URI that no EXTINF announces is no segment
                if self.next is None:
                    self.next = self.sequence + self.skipped
                if is_marked:
                    self._mark(uri)
                    is_marked = False
                uris.append(uri)
                extinfs.append(extinf)
                dates.append(date)
                self.next += 1
        if len(uris) > SEGMENT_LIMIT:
            raise ValueError(f"{len(uris)} segments, the limit is {SEGMENT_LIMIT}")

    def _take_uniform(self, blocks: Sequence[Block]) -> bool:
        """A long run of segments with nothing but a date and an EXTINF is read in columns, at a third of the cost. False, and
        nothing taken, when it is no such run; what stands behind its last URI is left to the line reader.
        """
        end = len(blocks)
        while end and not blocks[end - 1][3]:
            end -= 1
        if not end:
            return False
        tags, extinfs, inner, uris = zip(*blocks[:end], strict=True)
        together = "".join(tags)
        if any(inner) or not all(extinfs) or not all(uris):
            return False
        dates: list[float | None]
        if not together:
            dates = [None] * end
        elif together.count(_DATE) == end and together.count("\n") == end and all(tags):
            dates = _unix_all([line[25:-1] for line in tags])
        else:
            return False
        self.uris += uris
        self.extinfs += extinfs
        self.dates += dates
        self.next = (self.next or 0) + end
        self.take(blocks[end:])
        return True

    def finish(self) -> None:
        """After the last block: what stands there belongs to the segment to come."""
        at = self.next if self.next is not None else self.sequence + self.skipped
        self.part_count = len(self._parts)
        if self._parts:
            self.parts[at] = tuple(self._parts)

    def _mark(self, uri: str) -> None:
        msn = self.next or 0
        if self._is_discontinuity:
            self.discontinuities.append(msn)
        if self._is_gap:
            self.gaps.append(msn)
        if self._is_new_key:
            self.keys.append((msn, tuple(self.in_force.values())))
        if self._map is not None:
            self.maps.append((msn, self._map))
        if self._range is not None:
            self.ranges[msn] = self._ranged(uri, self._range)
        if self._parts:
            self.parts[msn] = tuple(self._parts)
            self._parts = []
        self._is_discontinuity = self._is_gap = self._is_new_key = False
        self._map = self._range = None

    def _ranged(self, uri: str, text: str) -> Range:
        """A range without an offset begins where the last one of the same resource ended (4.4.4.2)."""
        length_text, _, offset_text = text.partition("@")
        length = whole("EXT-X-BYTERANGE", length_text)
        offset: int | None = None
        if offset_text:
            offset = whole("EXT-X-BYTERANGE", offset_text)
        elif self.cursor is not None and self.cursor[0] == uri:
            offset = self.cursor[1]
        self.cursor = (uri, offset + length) if offset is not None else None
        return length, offset

    def _lines(self, tags: str) -> None:
        for line in tags.split("\n"):
            if not line.startswith("#EXT-X-"):
                continue
            name, _, value = line.partition(":")
            handler = _HANDLERS.get(name)
            if handler is not None:
                handler(self, value.strip())

    def _on_date(self, value: str) -> None:
        self._date = unix(value)

    def _on_discontinuity(self, _: str) -> None:
        self._is_discontinuity = True

    def _on_gap(self, _: str) -> None:
        self._is_gap = True

    def _on_range(self, value: str) -> None:
        self._range = value

    def _on_map(self, value: str) -> None:
        found = attributes(value)
        self._map = Map(found.get("URI", ""), found.get("BYTERANGE", ""))

    def _on_key(self, value: str) -> None:
        key = self._key_lines.get(value)
        if key is None:
            key = self._key_lines[value] = key_of(value, self.variables)
        if key.method == "NONE" and not key.fault:
            self.in_force = {}
        else:
            if key.keyformat not in self.in_force and len(self.in_force) >= KEYS_LIMIT:
                raise ValueError(f"more than {KEYS_LIMIT} key formats")
            self.in_force[key.keyformat] = key
        self._is_new_key = True

    def _on_part(self, value: str) -> None:
        part = self._known_parts.get(value)
        if part is None:
            part = _part(value)
        self.part_lines[value] = part
        if len(self.part_lines) > PART_LIMIT or len(self._parts) > PART_LIMIT:
            raise ValueError(f"more than {PART_LIMIT} partial segments")
        self._parts.append(part)

    def _on_hint(self, value: str) -> None:
        found = attributes(value)
        if found.get("TYPE") == "PART":
            start = found.get("BYTERANGE-START", "")
            is_number = start.isascii() and start.isdigit() and len(start) < 20
            self.hint = Hint(found.get("URI", ""), int(start) if is_number else None)

    def _on_report(self, value: str) -> None:
        found = attributes(value)
        msn, part = found.get("LAST-MSN", ""), found.get("LAST-PART", "")
        if msn.isascii() and msn.isdigit() and len(msn) < 20 and len(self.reports) < REPORTS_LIMIT:
            last_part = int(part) if part.isascii() and part.isdigit() and len(part) < 10 else None
            self.reports.append(Report(found.get("URI", ""), int(msn), last_part))

    def _on_skip(self, value: str) -> None:
        if not self.is_head:  # it stands before the first segment, or nobody knows what it stands for
            return
        self.skipped = whole("SKIPPED-SEGMENTS", attributes(value).get("SKIPPED-SEGMENTS", ""))
        if self.skipped > SEGMENT_LIMIT:
            raise ValueError(f"{self.skipped} segments skipped, the limit is {SEGMENT_LIMIT}")
        if self.skipped and self._before is not None:
            self.carry(self._before, self.sequence + self.skipped - 1)

    def _on_define(self, value: str) -> None:
        define(self.variables, value, self._url, self._imported)

    def _on_target(self, value: str) -> None:
        self.target = self.target or value

    def _on_sequence(self, value: str) -> None:
        if self.next is None and not self._has_sequence:
            self.sequence, self._has_sequence = whole("EXT-X-MEDIA-SEQUENCE", value), True

    def _on_discontinuity_sequence(self, value: str) -> None:
        if self.discontinuity_sequence is None:
            self.discontinuity_sequence = whole("EXT-X-DISCONTINUITY-SEQUENCE", value)

    def _on_type(self, value: str) -> None:
        self.playlist_type = self.playlist_type or word(value, 16)

    def _on_control(self, value: str) -> None:
        self.control = self.control or value

    def _on_part_target(self, value: str) -> None:
        self.part_target = self.part_target or attributes(value).get("PART-TARGET")

    def _on_endlist(self, _: str) -> None:
        self.has_endlist = True

    def _on_image(self, _: str) -> None:
        self.is_image = True

    def server_control(self) -> Control:
        """EXT-X-SERVER-CONTROL and PART-INF as numbers."""
        if self.control is None and self.part_target is None:
            return _NO_CONTROL
        found = attributes(self.control or "")
        return Control(
            can_block=found.get("CAN-BLOCK-RELOAD") == "YES",
            hold_back_s=seconds(found.get("HOLD-BACK")),
            part_hold_back_s=seconds(found.get("PART-HOLD-BACK")),
            can_skip_until_s=seconds(found.get("CAN-SKIP-UNTIL")),
            part_target_s=seconds(self.part_target),
        )


_NO_CONTROL = Control()
_HANDLERS: dict[str, Callable[[Draft, str], None]] = {
    "#EXT-X-PROGRAM-DATE-TIME": Draft._on_date,
    "#EXT-X-DISCONTINUITY": Draft._on_discontinuity,
    "#EXT-X-KEY": Draft._on_key,
    "#EXT-X-MAP": Draft._on_map,
    "#EXT-X-BYTERANGE": Draft._on_range,
    "#EXT-X-GAP": Draft._on_gap,
    "#EXT-X-PART": Draft._on_part,
    "#EXT-X-PRELOAD-HINT": Draft._on_hint,
    "#EXT-X-RENDITION-REPORT": Draft._on_report,
    "#EXT-X-SKIP": Draft._on_skip,
    "#EXT-X-DEFINE": Draft._on_define,
    "#EXT-X-TARGETDURATION": Draft._on_target,
    "#EXT-X-MEDIA-SEQUENCE": Draft._on_sequence,
    "#EXT-X-DISCONTINUITY-SEQUENCE": Draft._on_discontinuity_sequence,
    "#EXT-X-PLAYLIST-TYPE": Draft._on_type,
    "#EXT-X-SERVER-CONTROL": Draft._on_control,
    "#EXT-X-PART-INF": Draft._on_part_target,
    "#EXT-X-ENDLIST": Draft._on_endlist,
    "#EXT-X-I-FRAMES-ONLY": Draft._on_image,
}


def _part(value: str) -> Part:
    found = attributes(value)
    return Part(
        uri=found.get("URI", ""),
        duration_s=seconds(found.get("DURATION")) or 0.0,
        byterange=found.get("BYTERANGE", ""),
        is_independent=found.get("INDEPENDENT") == "YES",
        is_gap=found.get("GAP") == "YES",
    )


def unix(text: str) -> float | None:
    """A PROGRAM-DATE-TIME as Unix seconds; one without a zone is UTC; None when it cannot be read."""
    try:
        moment = datetime.fromisoformat(text if len(text) <= 64 else "")
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _unix_all(texts: Sequence[str]) -> list[float | None]:
    """The same for many, at half the cost when all of them can be read and have a zone."""
    try:
        return [(moment - _EPOCH).total_seconds() for moment in map(datetime.fromisoformat, texts)]
    except (ValueError, OverflowError, TypeError):
        return [unix(text) for text in texts]


def durations_of(extinfs: Sequence[str]) -> list[float]:
    """EXTINFs as seconds. Raises ValueError for one that is negative or no number."""
    try:
        durations = list(map(float, extinfs))
    except ValueError:
        durations = [number("EXTINF", text) for text in extinfs]
    if durations and not (min(durations) >= 0 and max(durations) <= LONGEST_TARGET_S and isfinite(sum(durations))):
        raise ValueError("an EXTINF is negative or no number")
    return durations


def decimals_of(extinfs: Sequence[str]) -> int:
    """With how many decimals they are written, at the least: a writer writes them all alike, so some are enough to look at."""
    return min((len(text.partition(".")[2].strip()) for text in (*extinfs[:4], *extinfs[-4:])), default=0)


def check_uris(uris: Sequence[str]) -> None:
    """Raises ValueError for one that is too long to be a URI."""
    if uris and (longest := max(map(len, uris))) > URI_LIMIT:
        raise ValueError(f"a URI of {longest} characters")


def check_sequence(sequence: int, count: int) -> None:
    """Raises ValueError when the last MSN would leave 62 bits."""
    if sequence + count > LARGEST_SEQUENCE:
        raise ValueError(f"EXT-X-MEDIA-SEQUENCE is {sequence}, too large to go on from")
