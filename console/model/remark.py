"""What an answer gives away about itself: a number that a rule is measured by, with the rule's code word.

The prober reads playlists, MPDs and segments; the judge says what is wrong. Sending whole playlists between the two would cost
more than reading them, so the prober sends what a check needs to know and no more: "29 of 60 s in this window are gaps", "the
URI of segment 812 is another one than before". Whether that is a fault, how grave, and whose, stands in the judge's rules.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

Fact = str | int | float | list[str]

EVIDENCE_LINES = 40  # of a difference between two playlists
EVIDENCE_LINE = 200  # characters of one of them


class Remark(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule, touched by one answer.

    A *standing* remark is made of every answer for as long as it is true, also of an unchanged one, and its absence clears it.
    An *event* lies between two copies of a playlist (a segment was changed, a number jumped): it is made of the answer that
    showed it and of the re-fetch that confirms it against the same older copy, and of no later one.
    """

    code: str  # as in judge/codes.py
    value: float  # what the rule is measured by; its unit is the rule's
    says: str  # the end of a sentence, <= 120 characters, sanitised: "segment 812 has another URI than before"
    evidence: Mapping[str, Fact] = {}  # sanitised and bounded: "diff": the lines that differ, "-" before and "+" now
    is_event: bool = False
