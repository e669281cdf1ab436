"""Every code a finding may carry, spelt as operators know them, with what it means and where it is written.

The list is longer than what is checked today: a code is reserved here before its check is written, so that
two checks never share a word. `CHECKED` names those that `stream.py` can raise now; `help` shows the
difference.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class CodeClass(StrEnum):
    """Whom an origin-side fault of this code points at: delivery at the origin itself, content at what
    fills it.
    """

    DELIVERY = "delivery"
    CONTENT = "content"


class Proof(StrEnum):
    """What it takes to raise a code."""

    AGE = "age"  # fires by the clock when a threshold passes, no hysteresis
    SAMPLED = "sampled"  # WARN 2 of 3, CRIT 2 in a row, clears after 5 good and max(30 s, 5 T)
    AT_SIGHT = "at sight"  # a playlist proves it by itself: after one re-fetch


class Code(StrEnum):
    """The bare words of findings."""

    DOWN = "DOWN"
    FETCH_FAIL = "FETCH_FAIL"
    TIMEOUT = "TIMEOUT"
    NOT_PLAYLIST = "NOT_PLAYLIST"
    STALE = "STALE"
    MSEQ_BACK = "MSEQ_BACK"
    EDGE_SKEW = "EDGE_SKEW"
    SEQ_JUMP = "SEQ_JUMP"
    TD_EXCEEDED = "TD_EXCEEDED"
    TD_CHANGED = "TD_CHANGED"
    TD_DIFFERS = "TD_DIFFERS"
    DSEQ = "DSEQ"
    MUTATED = "MUTATED"
    WINDOW_SHORT = "WINDOW_SHORT"
    SEG_404 = "SEG_404"
    SEG_LATE = "SEG_LATE"
    SEG_GONE = "SEG_GONE"
    SEG_SLOW = "SEG_SLOW"
    SEG_BAD = "SEG_BAD"
    SEG_DUP = "SEG_DUP"
    RENDITION_MISSING = "RENDITION_MISSING"
    LADDER_SHRUNK = "LADDER_SHRUNK"
    SKEW = "SKEW"
    PDT_JUMP = "PDT_JUMP"
    PDT_DRIFT = "PDT_DRIFT"
    FUTURE = "FUTURE"
    LATENCY = "LATENCY"
    GAP = "GAP"
    KEY = "KEY"
    BW_HIGH = "BW_HIGH"
    BW_AVG = "BW_AVG"
    CODECS = "CODECS"
    UNEXPECTED_END = "UNEXPECTED_END"
    TYPE = "TYPE"
    CACHE_HDR = "CACHE_HDR"
    LL_PART_LATE = "LL_PART_LATE"
    LL_HOLD_BACK = "LL_HOLD_BACK"
    LL_BLOCK = "LL_BLOCK"
    LL_HINT = "LL_HINT"
    LL_RR = "LL_RR"
    LL_SKIP = "LL_SKIP"
    LL_CTRL = "LL_CTRL"
    DASH_MPD_STALE = "DASH_MPD_STALE"
    DASH_AST_CHANGED = "DASH_AST_CHANGED"
    DASH_UTC = "DASH_UTC"
    DASH_AVAIL = "DASH_AVAIL"
    DASH_TL_GAP = "DASH_TL_GAP"
    DASH_TL_EDIT = "DASH_TL_EDIT"
    DASH_DRIFT = "DASH_DRIFT"
    DASH_TSB = "DASH_TSB"
    DASH_PERIOD = "DASH_PERIOD"
    DASH_END = "DASH_END"
    DASH_DELAY = "DASH_DELAY"
    INGEST_LOW = "INGEST_LOW"
    INGEST_FPS = "INGEST_FPS"
    INGEST_RECONNECTS = "INGEST_RECONNECTS"
    SRT_DROP = "SRT_DROP"
    SRT_BUDGET = "SRT_BUDGET"
    TRANSCODE_SLOW = "TRANSCODE_SLOW"


class About(NamedTuple):
    """What a reader of a finding may want to know of its code."""

    code_class: CodeClass
    proof: Proof
    spec_ref: str
    meaning: str


_D, _C = CodeClass.DELIVERY, CodeClass.CONTENT
_AGE, _SAMPLED, _SIGHT = Proof.AGE, Proof.SAMPLED, Proof.AT_SIGHT
_HLS = "RFC 8216bis"

ABOUT: dict[Code, About] = {
    Code.DOWN: About(_D, _SAMPLED, "", "no rendition of the channel can be fetched anywhere"),
    Code.FETCH_FAIL: About(_D, _SAMPLED, f"{_HLS} 4.4.1.1", "a playlist is answered with 4xx, 5xx, or not at all"),
    Code.TIMEOUT: About(_D, _SAMPLED, f"{_HLS} 4.4.1.1", "a playlist takes longer than min(T, 5 s)"),
    Code.NOT_PLAYLIST: About(_D, _SAMPLED, f"{_HLS} 4.4.1.1", "200, but the body is no playlist that can be read"),
    Code.STALE: About(_C, _AGE, f"{_HLS} 6.2.1", "no new segment for 1.5 T (WARN) or 3 T (CRIT), one rendition"),
    Code.MSEQ_BACK: About(_C, _SIGHT, f"{_HLS} 6.2.2", "MEDIA-SEQUENCE is lower than before, at the origin"),
    Code.EDGE_SKEW: About(
        _C, _SIGHT, f"{_HLS} 6.2.2", "an edge serves an older copy than it, or the origin, did before"
    ),
    Code.SEQ_JUMP: About(_C, _SIGHT, f"{_HLS} 6.2.2", "MEDIA-SEQUENCE jumped by more than the window"),
    Code.TD_EXCEEDED: About(_C, _SIGHT, f"{_HLS} 4.4.3.1", "a segment is longer than the target duration"),
    Code.TD_CHANGED: About(_C, _SIGHT, f"{_HLS} 6.2.1", "the target duration changed"),
    Code.TD_DIFFERS: About(_C, _SIGHT, f"{_HLS} 6.2.4", "renditions disagree on the target duration"),
    Code.DSEQ: About(_C, _SIGHT, f"{_HLS} 4.4.3.3", "DISCONTINUITY-SEQUENCE was not kept"),
    Code.MUTATED: About(_C, _SIGHT, f"{_HLS} 6.2.1", "a segment already published was changed"),
    Code.WINDOW_SHORT: About(_C, _SIGHT, f"{_HLS} 6.2.2", "the live window is shorter than 3 T"),
    Code.SEG_404: About(_D, _SAMPLED, f"{_HLS} 6.2.1", "a listed segment cannot be fetched"),
    Code.SEG_LATE: About(_D, _SAMPLED, f"{_HLS} 6.2.1", "a listed segment comes later than it should"),
    Code.SEG_GONE: About(_D, _SIGHT, f"{_HLS} 6.2.2", "a segment was removed too early"),
    Code.SEG_SLOW: About(_D, _SAMPLED, "", "a segment takes longer to fetch than to play"),
    Code.SEG_BAD: About(_C, _SIGHT, "", "a segment is empty, truncated, or no media"),
    Code.SEG_DUP: About(_C, _SIGHT, "", "the same segment again and again: a frozen picture"),
    Code.RENDITION_MISSING: About(_C, _SAMPLED, f"{_HLS} 6.2.4", "the ladder names a rendition whose playlist is gone"),
    Code.LADDER_SHRUNK: About(_C, _SIGHT, f"{_HLS} 6.2.4", "the master playlist lost a rung"),
    Code.SKEW: About(_C, _SAMPLED, f"{_HLS} 6.2.4", "media timestamps differ between renditions"),
    Code.PDT_JUMP: About(_C, _SIGHT, f"{_HLS} 4.4.4.6", "PROGRAM-DATE-TIME jumped without a discontinuity"),
    Code.PDT_DRIFT: About(_C, _SIGHT, f"{_HLS} 4.4.4.6", "PROGRAM-DATE-TIME drifts against the wall clock"),
    Code.FUTURE: About(_C, _SIGHT, f"{_HLS} 4.4.4.6", "PROGRAM-DATE-TIME lies in the future"),
    Code.LATENCY: About(
        _C, _SAMPLED, f"{_HLS} 4.4.3.8", "new segments appear later after their end than HOLD-BACK allows"
    ),
    Code.GAP: About(_C, _SIGHT, f"{_HLS} 4.4.4.7", "segments are marked as missing"),
    Code.KEY: About(_C, _SIGHT, f"{_HLS} 4.4.4.4", "a key cannot be fetched, or its tag is wrong"),
    Code.BW_HIGH: About(_C, _SAMPLED, f"{_HLS} 6.2.4", "the peak rate is above what BANDWIDTH says"),
    Code.BW_AVG: About(_C, _SIGHT, f"{_HLS} 6.2.4", "the average rate is above what AVERAGE-BANDWIDTH says"),
    Code.CODECS: About(_C, _SIGHT, f"{_HLS} 6.2.4", "CODECS or RESOLUTION differ from the media"),
    Code.UNEXPECTED_END: About(_C, _SIGHT, f"{_HLS} 6.2.1", "ENDLIST on a playlist that was live"),
    Code.TYPE: About(_C, _SIGHT, f"{_HLS} 6.2.1", "PLAYLIST-TYPE on a sliding window"),
    Code.CACHE_HDR: About(_D, _SAMPLED, f"{_HLS} 6.2.1", "headers let a cache hold a live playlist too long"),
    Code.LL_PART_LATE: About(_C, _AGE, f"{_HLS} 6.2.1", "no new partial segment in time"),
    Code.LL_HOLD_BACK: About(_C, _SIGHT, f"{_HLS} 4.4.3.8", "PART-HOLD-BACK or HOLD-BACK is too small"),
    Code.LL_BLOCK: About(_D, _SIGHT, f"{_HLS} 6.2.5.2", "blocking reload is not honoured"),
    Code.LL_HINT: About(_C, _SIGHT, f"{_HLS} 6.2.6", "PRELOAD-HINT is not the next part"),
    Code.LL_RR: About(_C, _SAMPLED, f"{_HLS} 4.4.5.4", "RENDITION-REPORT lags"),
    Code.LL_SKIP: About(_C, _SIGHT, f"{_HLS} 6.2.5.1", "a delta update does not fit"),
    Code.LL_CTRL: About(_C, _SIGHT, f"{_HLS} 6.2.4", "SERVER-CONTROL differs between renditions"),
    Code.DASH_MPD_STALE: About(_C, _AGE, "DASH-IF timing model", "the MPD is not extended in time"),
    Code.DASH_AST_CHANGED: About(_C, _SIGHT, "DASH-IF 13.1", "availabilityStartTime changed"),
    Code.DASH_UTC: About(_C, _SIGHT, "DASH-IF timing model", "UTCTiming is absent or wrong"),
    Code.DASH_AVAIL: About(_D, _SAMPLED, "DASH-IF 13.3", "a segment is not there at its availability time"),
    Code.DASH_TL_GAP: About(_C, _SIGHT, "DASH-IF 9.2", "the SegmentTimeline has a gap or an overlap"),
    Code.DASH_TL_EDIT: About(_C, _SIGHT, "DASH-IF 9.2", "a published S or Period was changed"),
    Code.DASH_DRIFT: About(_C, _SAMPLED, "DASH-IF 10", "tfdt drifts"),
    Code.DASH_TSB: About(_D, _SIGHT, "DASH-IF 13.4", "segments within timeShiftBufferDepth are gone"),
    Code.DASH_PERIOD: About(_C, _SIGHT, "DASH-IF 12", "periods do not join"),
    Code.DASH_END: About(_C, _SIGHT, "DASH-IF timing model", "minimumUpdatePeriod vanished: the end of live"),
    Code.DASH_DELAY: About(_C, _SIGHT, "DASH-IF 13", "suggestedPresentationDelay is under a segment"),
    Code.INGEST_LOW: About(_C, _SAMPLED, "", "the contribution brings less than was declared, or than it did"),
    Code.INGEST_FPS: About(_C, _SAMPLED, "", "the contribution's frame rate is not what it should be"),
    Code.INGEST_RECONNECTS: About(_C, _SAMPLED, "", "the publisher comes back again and again"),
    Code.SRT_DROP: About(_C, _SAMPLED, "", "packets of the contribution are lost for good"),
    Code.SRT_BUDGET: About(_C, _SAMPLED, "", "the SRT latency is too short for the round trip: the next loss will be seen"),
    Code.TRANSCODE_SLOW: About(_C, _SAMPLED, "", "the transcoder makes less than a second of media in a second"),
}

RESERVED: frozenset[Code] = frozenset()  # words that wait for their check
CHECKED = frozenset(Code) - RESERVED
