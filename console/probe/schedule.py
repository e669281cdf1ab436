"""When a playlist is asked, as a pure function of what it answered.

Three reasons to ask: the regular grid (period P, spread by phase so that three hundred playlists do not come
in one burst), the two *deadlines* at which the judge must know whether a new segment came (1.5 T and 3 T
after the first poll that showed the newest one), and one immediate re-fetch after an answer that would prove
something by itself. A deadline poll must *start* at or after its deadline, or its answer proves nothing.
"""

from __future__ import annotations

import zlib
from enum import StrEnum

import msgspec

from console.model.observation import MediaFacts, Observation, Outcome, Variant

DEADLINES_T = (1.5, 3.0)  # RFC 8216 6.2.1, and the point where WARN becomes CRIT
UNKNOWN_TARGET_S = 4.0  # until a playlist told its own
MASTER_CEILING_S = 10.0
CACHE_STEP_S = (
    0.5  # a deadline's answer that came from a cache is asked again after this, until it is young enough
)
TIMEOUT_CEILING_S = 5.0
SAME_DOUBT_T = 2.0  # a doubt that comes and goes (two nodes of one cache) is asked about at most once in so many T
CACHE_HDR = "CACHE_HDR"
_GONE = (404, 410)
_IS_GONE = frozenset(("gone",))
_NONE: frozenset[str] = frozenset()


class Reason(StrEnum):
    """Why a poll is made."""

    REGULAR = "regular"
    DEADLINE = "deadline"
    RETRY = "retry"


class Pace(msgspec.Struct, frozen=True):
    """The schedule of one playlist. Times are seconds on the monotonic clock."""

    grid_at: float  # the next regular poll
    target_s: float | None = None  # T, once known
    newest_sequence: int | None = None
    shown_at: float | None = None  # when the first poll that showed the newest segment was complete
    asked_at: float = 0.0  # when the newest poll was started
    deadlines_met: int = 0  # how many of DEADLINES_T have been asked for this segment
    retry_at: float | None = None
    was_suspect: bool = False  # the last answer would have proved something by itself
    retried_for: frozenset[str] = frozenset()  # what the last re-fetches were made for
    retried_at: float = 0.0
    codes: frozenset[str] = frozenset()  # what the last believed answer's standing remarks said
    media: MediaFacts | None = None
    variants: tuple[Variant, ...] = ()


def phase(key: str) -> float:
    """A fixed point in [0, 1) for each playlist, so that polls spread and stay spread."""
    return zlib.crc32(key.encode()) / 2**32


def media_period_s(target_s: float | None, override_s: float | None) -> float:
    """P = T/2, at least a second; a configured period is taken as it is (at least 0.2 s)."""
    if override_s is not None:
        return max(0.2, override_s)
    return max(1.0, (target_s or UNKNOWN_TARGET_S) / 2)


def gentle_period_s(target_s: float | None, override_s: float | None) -> float:
    """Subtitles and I-frames: twice the target duration. Their deadlines are polled for all the same."""
    return max(media_period_s(target_s, override_s), 2 * (target_s or 0.0))


def master_period_s(target_s: float | None, override_s: float | None) -> float:
    """Once a target duration: a master changes seldom, but when it turns into an error page nobody can
    start to watch.
    """
    media_s = media_period_s(target_s, override_s)
    return max(media_s, min(MASTER_CEILING_S, target_s or UNKNOWN_TARGET_S))


def timeout_s(target_s: float | None) -> float:
    """A playlist that takes longer than min(T, 5 s) has failed (FETCH rules)."""
    return min(target_s or TIMEOUT_CEILING_S, TIMEOUT_CEILING_S)


def begun(key: str, now: float, period_s: float) -> Pace:
    """A new playlist: its first poll lies within one period, at its own phase."""
    return Pace(grid_at=now + phase(key) * period_s)


def due(pace: Pace) -> tuple[float, Reason]:
    """When to ask next, and why."""
    if pace.retry_at is not None:
        return pace.retry_at, Reason.RETRY
    deadline = next_deadline(pace)
    if deadline is not None and deadline <= pace.grid_at:
        return deadline, Reason.DEADLINE
    return pace.grid_at, Reason.REGULAR


def next_deadline(pace: Pace) -> float | None:
    """The next of the segment's deadlines that no poll has been made for; None when none is left."""
    if pace.shown_at is None or pace.target_s is None or pace.deadlines_met >= len(DEADLINES_T):
        return None
    if pace.media is not None and pace.media.has_endlist:
        return None
    deadline = pace.shown_at + DEADLINES_T[pace.deadlines_met] * pace.target_s
    return max(deadline, pace.asked_at + CACHE_STEP_S) if pace.asked_at >= deadline else deadline


def started(pace: Pace, now: float, period_s: float) -> Pace:
    """After a poll has been started at `now`: the grid moves on (missed points are not made up), a retry
    is used up.
    """
    grid_at = pace.grid_at
    if grid_at <= now:
        grid_at += period_s * (int((now - grid_at) / period_s) + 1)
    return msgspec.structs.replace(pace, grid_at=grid_at, retry_at=None, asked_at=now)


def answered(pace: Pace, seen: Observation, retry_after_s: float = 0.0) -> Pace:
    """What the answer changes: the newest segment and its deadlines, and whether one re-fetch is due at
    once.
    """
    media = seen.media if seen.outcome is Outcome.OK else None
    true_at = seen.at.mono - seen.elapsed_s - cache_credit_s(seen.age_header_s, pace.target_s)
    newest, shown_at, met = pace.newest_sequence, pace.shown_at, pace.deadlines_met
    if media is not None and (
        newest is None or media.newest_sequence > newest or is_back_confirmed(pace, seen)
    ):
        newest, shown_at, met = media.newest_sequence, seen.at.mono, 0
    if shown_at is not None:
        target_s = media.target_duration_s if media else pace.target_s
        while (
            met < len(DEADLINES_T)
            and target_s is not None
            and true_at >= shown_at + DEADLINES_T[met] * target_s
        ):
            met += 1
    reasons = suspicions(pace, seen)
    is_lasting = pace.was_suspect or seen.at.mono - pace.retried_at < SAME_DOUBT_T * (pace.target_s or UNKNOWN_TARGET_S)
    known = pace.retried_for if is_lasting else frozenset()
    wants_retry = bool(reasons - known) and not seen.is_retry
    is_believed = seen.outcome is Outcome.OK and not wants_retry
    return msgspec.structs.replace(
        pace,
        target_s=media.target_duration_s if media else pace.target_s,
        newest_sequence=newest,
        shown_at=shown_at,
        deadlines_met=met,
        retry_at=seen.at.mono + retry_after_s if wants_retry else None,
        was_suspect=bool(reasons),
        retried_for=known | reasons if wants_retry else pace.retried_for,
        retried_at=seen.at.mono if wants_retry else pace.retried_at,
        codes=_standing(seen) if is_believed else pace.codes,
        # while an answer waits for its re-fetch, what it is compared with stays
        media=(media or pace.media) if not wants_retry else pace.media,
        variants=(seen.variants or pace.variants) if not wants_retry else pace.variants,
    )


def at_latest(pace: Pace, at: float) -> Pace:
    """The same, but asked at that time if it were asked later."""
    return msgspec.structs.replace(pace, grid_at=at) if at < pace.grid_at else pace


def cache_credit_s(age_header_s: float | None, target_s: float | None) -> float:
    """How old a cached answer was when it came: it proves nothing about the time since. A copy that is
    held for longer than T gets no credit; a cache that does so is at fault itself.
    """
    if age_header_s is None or target_s is None or age_header_s > target_s:
        return 0.0
    return age_header_s


def is_back_confirmed(pace: Pace, seen: Observation) -> bool:
    """The sequence went back, and this is not the first answer that says so."""
    return (
        pace.was_suspect
        and pace.media is not None
        and seen.media is not None
        and is_back(pace.media, seen.media)
    )


def is_back(before: MediaFacts, now: MediaFacts) -> bool:
    """MEDIA-SEQUENCE must never decrease (RFC 8216 6.2.2)."""
    return now.media_sequence < before.media_sequence


def is_suspect(pace: Pace, seen: Observation) -> bool:
    """Whether the answer would prove a fault by itself and so deserves one re-fetch. The judge decides; this only asks."""
    return bool(suspicions(pace, seen))


def suspicions(pace: Pace, seen: Observation) -> frozenset[str]:
    """What an answer would prove by itself, each in a word: the same doubt is not asked about twice while it lasts, another
    is. The remarks of an answer's headers are no doubt: they are weighed over many answers.
    """
    if seen.outcome in (Outcome.NOT_PLAYLIST, Outcome.MALFORMED):
        return frozenset((seen.outcome.value,))
    if seen.outcome is Outcome.HTTP and seen.status in _GONE:
        return _IS_GONE
    if seen.outcome is not Outcome.OK:
        return _NONE
    found: set[str] = set()
    if seen.remarks:
        found = {remark.code for remark in seen.remarks if remark.is_event}
        found |= _standing(seen) - pace.codes
    if seen.media is not None and pace.media is not None:
        before, now = pace.media, seen.media
        if is_back(before, now):
            found.add("back")
        if now.has_endlist and not before.has_endlist:
            found.add("end")
        if exceeds(now) and not exceeds(before):
            found.add("exceeds")
    elif {rung.rendition for rung in pace.variants} - {rung.rendition for rung in seen.variants}:
        found.add("ladder")
    return frozenset(found) if found else _NONE


def _standing(seen: Observation) -> frozenset[str]:
    if not seen.remarks:
        return _NONE
    return frozenset(r.code for r in seen.remarks if not r.is_event and r.code != CACHE_HDR)


def exceeds(media: MediaFacts) -> bool:
    """A segment longer than the target duration, rounded to the nearest second (RFC 8216 4.3.3.1)."""
    return int(media.longest_extinf_s + 0.5) > media.target_duration_s
