"""What a low-latency playlist says of the other renditions, beside what those were seen to be."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from console.model.observation import MediaFacts
from console.model.remark import EVIDENCE_LINES, Remark
from console.probe.address import shown
from console.probe.hls.limits import PlaylistError
from console.probe.hls.media import Control, Media
from console.probe.hls.redacted import told_url

LAG = 2  # media sequence numbers: one may be published between two copies
UNLIKE = 50  # beyond this one of the two was numbered anew meanwhile


class Sibling(msgspec.Struct, frozen=True):
    """Another rendition as it was known before the question was asked: it can only have gone on since."""

    name: str
    last_msn: int
    control: Control


def last_msn(facts: MediaFacts) -> int:
    """LAST-MSN as a report should have it: also of a segment that has only parts yet (4.4.5.4)."""
    return facts.newest_sequence + (1 if facts.part_count else 0)


def key_of(url: str) -> str:
    """What a playlist is known by: signatures differ from one to the next."""
    return shown(url)


def lagging(media: Media, known: Mapping[str, Sibling]) -> Remark | None:
    """RENDITION-REPORTs that tell of less than those renditions had already shown. The value is the worst, in MSNs."""
    worst, says, lines = 0, "", list[str]()
    for report in media.reports:
        try:
            sibling = known.get(key_of(media.url_of(report.uri)))
        except PlaylistError:
            continue
        if sibling is None:
            continue
        behind = sibling.last_msn - report.last_msn
        if not LAG <= behind <= UNLIKE:
            continue
        lines.append(f"{sibling.name}: LAST-MSN={report.last_msn}, it had shown {sibling.last_msn}")
        if behind > worst:
            worst = behind
            name = told_url(sibling.name)[:40]
            says = f"RENDITION-REPORT of {name} says {report.last_msn}, it had shown {sibling.last_msn} before"
    return Remark("LL_RR", float(worst), says, {"reports": lines[:EVIDENCE_LINES]}) if worst else None


def skipping(media: Media, known: Mapping[str, Sibling]) -> Remark | None:
    """CAN-SKIP-UNTIL is another than in another low-latency rendition (6.2.4). What else differs the judge sees by itself."""
    mine = media.control.can_skip_until_s
    for sibling in known.values():
        other = sibling.control.can_skip_until_s
        if sibling.control.part_target_s is not None and other != mine:
            return Remark("LL_CTRL", 1.0, f"CAN-SKIP-UNTIL is {_span(mine)}, that of {sibling.name[:40]} {_span(other)}")
    return None


def _span(value_s: float | None) -> str:
    return f"{value_s:g} s" if value_s is not None else "absent"
