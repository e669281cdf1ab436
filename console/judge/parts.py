"""Partial segments of a low-latency playlist: when they last grew, and how long that took.

(newest sequence, parts after it) only ever grows. A poll now and then says little of parts of half a second; a
blocking reload is answered the moment the next part is there, so only playlists followed by those are judged.
"""

from __future__ import annotations

from math import ceil

import msgspec

from console.model.instant import Instant
from console.model.observation import MediaFacts
from console.model.severity import Severity

WARN_PARTS = 2.0  # part targets without a new part
CRIT_PARTS = 4.0
FOLLOWED_S = 1.0  # between two blocking answers of one that is followed, beside the parts they waited for
AT_ONCE = 0.5  # of a part target: a reload that was answered sooner was not held
TOLD_S = 5.0  # how long a late part is told after it came: the next one may be in time
FOLLOWED_RUN = 4  # blocking answers in a row, so that a rehearsal now and then is not taken for following


class Parts(msgspec.Struct, frozen=True):
    """The newest parts of one playlist at one vantage."""

    sequence: int  # the newest complete segment
    count: int  # parts after it
    target_s: float  # PART-TARGET
    at: Instant  # first shown
    asked_at: float  # monotonic: start of the newest blocking reload that was answered
    answered_at: float  # monotonic: when the newest one was
    run: int = 0  # blocking answers so far, each asked for straight after the one before
    late: Severity = Severity.OK  # what the last two late ones are, when they came within TOLD_S
    latest: Severity = Severity.OK  # what the last late one was by itself
    late_first: Instant | None = None
    late_last: Instant | None = None
    late_s: float = 0.0

    @property
    def is_followed(self) -> bool:
        """Whether a blocking reload is always under way."""
        return self.run >= FOLLOWED_RUN


def with_parts(
    before: Parts | None, media: MediaFacts, start: float, at: Instant, is_blocking: bool, blind_until: float
) -> Parts | None:
    """After one answer with its facts. `blind_until`: what was waited for before it may be the prober's own lateness."""
    part_s = media.part_target_s
    if part_s is None or part_s <= 0 or media.has_endlist:
        return None
    if before is None or media.newest_sequence < before.sequence - 1:
        return Parts(media.newest_sequence, media.part_count, part_s, at, start, at.mono if is_blocking else 0.0)
    run, answered_at, asked_at = before.run, before.answered_at, before.asked_at
    if is_blocking:
        run = run + 1 if 0.0 <= start - before.answered_at <= max(FOLLOWED_S, part_s) else 1
        answered_at, asked_at = at.mono, start
    grown = _grown(before, media, part_s)
    if grown <= 0:
        return msgspec.structs.replace(before, run=run, answered_at=answered_at, asked_at=asked_at, target_s=part_s)
    after = msgspec.structs.replace(
        before,
        sequence=media.newest_sequence,
        count=media.part_count,
        target_s=part_s,
        at=at,
        asked_at=asked_at,
        answered_at=answered_at,
        # a blocking reload under way would have shown it first; one that is answered at once is not under way
        run=run if is_blocking or 0.0 <= answered_at - asked_at < AT_ONCE * part_s else 0,
    )
    # a reload that was held shows the part the moment it is there; one that was not may have shown a copy as old as itself
    is_held = at.mono - start >= part_s
    shown_at = at.mono if is_held else start
    # and of all that came with it, the first is what was waited for
    waited_s = (shown_at - max(before.at.mono, blind_until)) / (1 if is_held else grown)
    severity = level(waited_s, part_s)
    if not (is_blocking and after.is_followed) or severity is Severity.OK:
        return after
    is_new = before.late_last is None or at.mono - before.late_last.mono > TOLD_S
    milder = min(severity, before.latest, key=lambda one: one.rank)
    return msgspec.structs.replace(
        after,
        late=Severity.OK if is_new else milder,  # one late part may be the network's
        latest=severity,
        late_first=at if is_new else before.late_first,
        late_last=at,
        late_s=waited_s,
    )


def _grown(before: Parts, media: MediaFacts, part_s: float) -> int:
    """How many parts are new. At a segment's end the rest of its parts is reckoned, rather too many than too few."""
    whole = media.newest_sequence - before.sequence
    if whole <= 0:
        return media.part_count - before.count if whole == 0 else 0
    of_segment = max(1, ceil(media.target_duration_s / part_s - 1e-6))
    rest = max(0, of_segment - before.count)
    return max(1, rest + (whole - 1) * of_segment + media.part_count)


def level(waited_s: float, part_s: float) -> Severity:
    """What a wait for one part is."""
    if waited_s >= CRIT_PARTS * part_s:
        return Severity.CRIT
    return Severity.WARN if waited_s >= WARN_PARTS * part_s else Severity.OK
