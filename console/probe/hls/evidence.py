"""What of two playlists may be shown as a difference: bounded, printable, without credentials, queries and secrets.

Lines are written anew from what was read instead of copied, because a line of a playlist may hold a token in any attribute.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.model.remark import EVIDENCE_LINE, EVIDENCE_LINES, Fact
from console.probe.address import printable
from console.probe.hls.media import Media
from console.probe.hls.redacted import uri_text, word
from console.probe.hls.timeline_text import utc_text


def diff(before: Media, now: Media, msns: Iterable[int]) -> dict[str, Fact]:
    """The segments that differ, `-` before and `+` now, each under its number; at most EVIDENCE_LINES lines."""
    lines: list[str] = []
    for msn in msns:
        old, new = lines_of(before, msn), lines_of(now, msn)
        lines.append(f"@@ {msn}")
        lines.extend(f"-{line}" for line in old if line not in new)
        lines.extend(f"+{line}" for line in new if line not in old)
        if len(lines) >= EVIDENCE_LINES:
            break
    return {"diff": bounded(lines)}


def bounded(lines: list[str]) -> list[str]:
    """As many lines, and as much of each, as evidence may have."""
    kept = [printable(line, EVIDENCE_LINE) for line in lines[:EVIDENCE_LINES]]
    if len(lines) > EVIDENCE_LINES:
        kept[-1] = "..."
    return kept


def lines_of(media: Media, msn: int) -> list[str]:
    """One segment as it may be shown."""
    place = msn - media.sequence
    lines: list[str] = []
    if msn in media.discontinuities:
        lines.append("#EXT-X-DISCONTINUITY")
    for key in media.keys_at(msn):
        iv = f",IV={word(key.iv)}" if key.iv else ""
        method, keyformat = word(key.method), word(key.keyformat)
        lines.append(f'#EXT-X-KEY:METHOD={method},URI="{uri_text(key.uri)}"{iv},KEYFORMAT="{keyformat}"')
    section = media.map_at(msn)
    if section is not None:
        byterange = f",BYTERANGE={'@'.join(map(word, section.byterange.split('@', 1)))}" if section.byterange else ""
        lines.append(f'#EXT-X-MAP:URI="{uri_text(section.uri)}"{byterange}')
    if msn in media.gaps:
        lines.append("#EXT-X-GAP")
    if msn in media.ranges:
        length, offset = media.ranges[msn]
        lines.append(f"#EXT-X-BYTERANGE:{length}" + (f"@{offset}" if offset is not None else ""))
    date = media.dates[place]
    if date is not None:
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{utc_text(date)}")
    lines.append(f"#EXTINF:{media.durations[place]:g},")
    lines.append(uri_text(media.uris[place]))
    return lines
