"""WebVTT segments: the one time they tell (RFC 8216 3.5)."""

from __future__ import annotations

import re

from console.probe.media.packets import CLOCK_HZ, WRAP
from console.probe.media.reading import Reading

HEADER = 4096  # bytes in which X-TIMESTAMP-MAP stands
_MPEGTS = re.compile(rb"MPEGTS:(\d{1,19})")
_LOCAL = re.compile(rb"LOCAL:(?:(\d{1,6}):)?(\d\d):(\d\d)\.(\d{3})")
_BEGIN = re.compile(rb"(?:\xef\xbb\xbf)?WEBVTT(?=[ \t\r\n]|$)")


def is_webvtt(head: bytes) -> bool:
    """Whether the bytes begin with WEBVTT, a byte order mark before it or not (WebVTT section 4.1)."""
    return _BEGIN.match(head) is not None


def read(head: bytes) -> Reading:
    """`first_time_s` is where local time 0 lies on the 90 kHz clock, in seconds; None without an X-TIMESTAMP-MAP. Cues may be
    absent, so they give no duration.
    """
    line = next((line for line in head[:HEADER].splitlines() if line.startswith(b"X-TIMESTAMP-MAP=")), b"")
    ticks, local = _MPEGTS.search(line), _LOCAL.search(line)
    if ticks is None or local is None:
        return Reading("webvtt", codecs="wvtt")
    hours, minutes, seconds, thousandths = (int(part or 0) for part in local.groups())
    at = int(ticks[1]) - (hours * 3600 + minutes * 60 + seconds) * CLOCK_HZ - thousandths * CLOCK_HZ // 1000
    return Reading("webvtt", first_time_s=at % WRAP / CLOCK_HZ, codecs="wvtt")
