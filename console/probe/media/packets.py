"""Transport packets, a stretch of them at a time (ISO/IEC 13818-1 2.4.3).

Sync bytes, PIDs and continuity counters are read as slices with a stride of 188, so that 16,000 packets cost a few
milliseconds; only the few hundred that begin a PES packet or a table are ever looked at alone.
"""

from __future__ import annotations

import re
from itertools import pairwise

PACKET = 188
SYNC = b"G"
CLOCK_HZ = 90_000
WRAP = 1 << 33  # ticks of the 90 kHz clock: PTS, DTS and PCR base
SECTION_LIMIT = 1024  # bytes of a PAT or PMT (2.4.4.1)
_STARTS = re.compile(rb"[\x40-\x7f\xc0-\xff]")  # payload_unit_start_indicator
_PID_HIGH = bytes(byte & 0x1F for byte in range(256))
_COUNTER = bytes(byte & 0x0F for byte in range(256))
_NEXT = bytes((byte + 1) & 0x0F for byte in range(256))
_OTHER_PID = 0x80  # marks the packets of other PIDs; the low five bits keep payload flag and counter
_NOT_COUNTED = bytes(byte for byte in range(256) if byte & _OTHER_PID or not byte & 0x10)
_LOW_FIVE = bytes(byte & 0x1F for byte in range(256))


class Packets:
    """A stretch of whole packets, the first at its first byte."""

    def __init__(self, data: bytes) -> None:
        self.count = len(data) // PACKET
        end = self.count * PACKET
        self._data = data
        self._sync = data[0:end:PACKET]
        self._control = data[3:end:PACKET]
        flags = data[1:end:PACKET]
        self._high, self._low = flags.translate(_PID_HIGH), data[2:end:PACKET]
        self._places: dict[int, bytes] = {}
        self.starts: dict[int, list[int]] = {}  # of each PID, the packets that begin a PES packet or a table, in order
        for found in _STARTS.finditer(flags):
            self.starts.setdefault(self.pid(found.start()), []).append(found.start())

    @property
    def lost_sync(self) -> int | None:
        """The first packet that does not begin with 0x47; None when all do."""
        kept = self.count - len(self._sync.lstrip(SYNC))
        return kept if kept < self.count else None

    def pid(self, index: int) -> int:
        """Which stream a packet belongs to."""
        return self._high[index] << 8 | self._low[index]

    def _others(self, pid: int) -> bytes:
        """One byte for each packet: 0 for those of the PID, `_OTHER_PID` for the rest."""
        places = self._places.get(pid)
        if places is None:
            high, low = self._high.translate(_other_than(pid >> 8)), self._low.translate(_other_than(pid & 0xFF))
            places = self._places[pid] = _either(high, low)
        return places

    def payload(self, index: int) -> bytes:
        """What a packet carries after its header and adaptation field."""
        at, end = index * PACKET + 4, index * PACKET + PACKET
        control = self._control[index]
        if not control & 0x10:
            return b""
        return self._data[at + (1 + self._data[at] if control & 0x20 else 0) : end]

    def adaptation_flags(self, index: int) -> int:
        """discontinuity 0x80, random access 0x40, PCR 0x10; 0 without an adaptation field."""
        at = index * PACKET + 4
        return self._data[at + 1] if self._control[index] & 0x20 and self._data[at] else 0

    def pcr(self, index: int) -> int | None:
        """The packet's PCR base in ticks of 90 kHz."""
        at = index * PACKET + 4
        if not self.adaptation_flags(index) & 0x10 or self._data[at] < 7:
            return None
        return int.from_bytes(self._data[at + 2 : at + 7], "big") >> 7

    def of(self, pid: int, begin: int = 0, limit: int | None = None) -> list[int]:
        """The packets of one PID, at most `limit` of them from packet `begin` on."""
        others = self._others(pid)
        found: list[int] = []
        while (limit is None or len(found) < limit) and (begin := others.find(0, begin)) >= 0:
            found.append(begin)
            begin += 1
        return found

    def gathered(self, start: int, limit: int) -> bytes:
        """The payload that begins in packet `start`, up to the next beginning on its PID and to `limit` bytes."""
        pid = self.pid(start)
        parts, size = [self.payload(start)], 0
        for index in self.of(pid, start + 1, limit // 64):
            if size >= limit or self._data[index * PACKET + 1] & 0x40:
                break
            parts.append(self.payload(index))
            size += len(parts[-1])
        return b"".join(parts)[:limit]

    def section(self, pid: int, table_id: int) -> bytes | None:
        """The first section of a table, header included and CRC not; None when there is none, or it is cut."""
        for start in self.starts.get(pid, ()):
            payload = self.gathered(start, SECTION_LIMIT + 256)
            section = payload[1 + payload[0] :] if payload else b""
            length = 3 + (int.from_bytes(section[1:3], "big") & 0x0FFF)
            if section[:1] == bytes((table_id,)) and 12 <= length <= min(len(section), SECTION_LIMIT):
                return section[: length - 4]
        return None

    def continuity_errors(self, pid: int) -> int:
        """How often the counter of a PID does not go on by one. A packet sent twice and a discontinuity that is marked as one
        are no error (2.4.3.3).
        """
        counters = _either(self._control.translate(_LOW_FIVE), self._others(pid)).translate(_COUNTER, _NOT_COUNTED)
        if counters[1:] == counters[:-1].translate(_NEXT):
            return 0
        breaks = sum(now not in ((before + 1) & 0x0F, before) for before, now in pairwise(counters))
        marked = sum(self.adaptation_flags(index) >> 7 for index in self.of(pid)) if breaks else 0
        return max(0, breaks - marked)


def _other_than(byte: int) -> bytes:
    """The table that turns one byte into 0 and every other into `_OTHER_PID`."""
    mark = bytes((_OTHER_PID,))
    return mark * byte + b"\x00" + mark * (255 - byte)


def _either(one: bytes, other: bytes) -> bytes:
    """Bitwise or of two rows of equal length: as one number each, it costs microseconds."""
    return (int.from_bytes(one, "little") | int.from_bytes(other, "little")).to_bytes(len(one), "little")


def apart(ticks: int, since: int) -> int:
    """How many ticks `ticks` lies after `since`, negative before: across the wrap of 33 bits the short way."""
    return (ticks - since + WRAP // 2) % WRAP - WRAP // 2
