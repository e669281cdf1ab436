"""What a remark means: for every code that the prober, or a comparison here, measures, how grave which value is.

The prober states a code word and a number; here alone stands from which number on it is a warning or critical, in
which unit, what it takes to believe it, and how long an event is told. One row a code: a new check of playlists
needs a row here and nothing else. A remark whose code has no row is not believed (its code is judged from the
numbers of `MediaFacts`, as STALE, MSEQ_BACK and TD_EXCEEDED are).
"""

from __future__ import annotations

from typing import NamedTuple

from console.judge.codes import Code, Proof
from console.model.severity import Severity

ALWAYS = float("-inf")  # to be remarked on is enough
HOLD_CEILING_S = 60.0
HOLD_FLOOR_S = 30.0
_AT_SIGHT, _SAMPLED = Proof.AT_SIGHT, Proof.SAMPLED


class Rule(NamedTuple):
    """One code's thresholds on `Remark.value`."""

    unit: str  # what the value is, in words
    warn: float | None  # WARN from here on; None: never
    crit: float | None = None  # CRIT from here on
    proof: Proof = _AT_SIGHT  # AT_SIGHT: two answers in a row; SAMPLED: the hysteresis of sampled values
    hold_s: float | None = None  # how long an event is told; None: max(30 s, 5 T), at most a minute
    low_is_bad: bool = False  # the thresholds are ceilings: WARN below `warn`, CRIT below `crit`


RULES: dict[str, Rule] = {
    # two copies of one playlist
    Code.SEQ_JUMP: Rule("segments jumped", ALWAYS),
    Code.TD_CHANGED: Rule("the new target duration, seconds", ALWAYS),
    Code.DSEQ: Rule("by how many it is wrong", ALWAYS),
    # a player that has fetched it plays what it had; when most of a window changes, nobody's timeline fits
    Code.MUTATED: Rule("segments changed", ALWAYS, 3.0),
    # one copy
    # players begin three target durations from the end; below 1.5 T not even one whole segment is ahead of them
    Code.WINDOW_SHORT: Rule("window in target durations", 3.0, 1.5, low_is_bad=True),
    Code.TYPE: Rule("1", ALWAYS),
    Code.PDT_JUMP: Rule("seconds |dPDT - EXTINF| at the worst boundary", 0.5),
    # below a second it is as likely our clock as theirs; half a minute hides the live edge from every player
    Code.FUTURE: Rule("seconds PROGRAM-DATE-TIME lies ahead of now", 1.0, 30.0),
    Code.GAP: Rule("share of the window that is gap, 0 to 1", ALWAYS, 0.5),
    Code.KEY: Rule("1: the key cannot be had, or its tag is wrong", ALWAYS, 1.0),
    # a copy held for 3 T and longer makes every player behind the cache run dry
    Code.CACHE_HDR: Rule("target durations a cache may hold it; 1 for a wrong header", ALWAYS, 3.0, _SAMPLED),
    # segments
    Code.SEG_BAD: Rule("share of the segment that is wrong or missing, 0 to 1", ALWAYS, 0.5),
    Code.SEG_DUP: Rule("equal segments in a row, proven by their bytes; 1 when only ETag and length say so", ALWAYS, 3.0),
    Code.SEG_LATE: Rule("target durations until a listed segment was there", ALWAYS, 1.0, _SAMPLED),
    Code.SEG_GONE: Rule("1", ALWAYS),
    # Apple's own limit is 1.25 to 1.29 for live peaks; at twice the declared rate the rung cannot be played where it is chosen
    Code.BW_HIGH: Rule("peak rate / BANDWIDTH", 1.25, 2.0, _SAMPLED),
    Code.BW_AVG: Rule("rate of an hour / AVERAGE-BANDWIDTH", 1.10),
    Code.CODECS: Rule("1", ALWAYS),
    # renditions compared
    Code.TD_DIFFERS: Rule("the other target duration, seconds", ALWAYS),
    Code.SKEW: Rule("T behind the foremost rendition, less what segments and caches make of it", 1.001, 3.001, _SAMPLED),
    Code.PDT_DRIFT: Rule("parts per million against the monotonic clock", 200.0),
    # low latency
    Code.LL_HOLD_BACK: Rule("PART-HOLD-BACK in part targets, or HOLD-BACK in T", 3.0, 2.0, low_is_bad=True),
    Code.LL_BLOCK: Rule("1", ALWAYS),
    Code.LL_HINT: Rule("1", ALWAYS),
    Code.LL_RR: Rule("media sequence numbers a report lags", 2.0, proof=_SAMPLED),
    Code.LL_SKIP: Rule("1", ALWAYS),
    Code.LL_CTRL: Rule("1", ALWAYS),
    # DASH
    Code.DASH_AST_CHANGED: Rule("seconds availabilityStartTime moved", ALWAYS, 1.0),
    Code.DASH_TL_EDIT: Rule("published segments changed; 1 for a Period", ALWAYS, 3.0),
    Code.DASH_END: Rule("1: an update took minimumUpdatePeriod away, or made the MPD static", ALWAYS, 1.0),
    # within a segment players jump over a gap; a whole one missing is a hole that they stall at
    Code.DASH_TL_GAP: Rule("the widest gap or overlap, in segments", ALWAYS, 1.0),
    Code.DASH_PERIOD: Rule("seconds between two Periods that neither covers, or that continuous ones are off", 0.1, 1.0),
    Code.DASH_DELAY: Rule("suggestedPresentationDelay in segments", 1.0, low_is_bad=True),
    # a missing UTCTiming counts as 1 s; a source that is off was asked twice before it is told
    Code.DASH_UTC: Rule("seconds between the UTCTiming source and our clock", 0.5, 2.0),
    # asked for when it is due, and again until a segment later: half a segment late is a stall at the live edge
    Code.DASH_AVAIL: Rule("segments past its availability time", ALWAYS, 0.45, _SAMPLED),
    Code.DASH_TSB: Rule("seconds that it should have lived on", ALWAYS),
    # by half a second players lose lip sync between renditions of different age; by one they stall or jump
    Code.DASH_DRIFT: Rule("seconds between a segment's decode time and its place in the timeline", 0.25, 1.0, _SAMPLED),
}


def severity(rule: Rule, value: float) -> Severity:
    """What one value is by itself."""
    if rule.low_is_bad:
        if rule.crit is not None and value < rule.crit:
            return Severity.CRIT
        return Severity.WARN if rule.warn is not None and value < rule.warn else Severity.OK
    if rule.crit is not None and value >= rule.crit:
        return Severity.CRIT
    return Severity.WARN if rule.warn is not None and value >= rule.warn else Severity.OK


def hold_s(rule: Rule, target_s: float) -> float:
    """How long an event is told: nothing later takes it back."""
    return rule.hold_s if rule.hold_s is not None else min(HOLD_CEILING_S, max(HOLD_FLOOR_S, 5 * target_s))
