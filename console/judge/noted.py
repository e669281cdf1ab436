"""What is remembered of remarks: how often in a row, how grave by now, and until when it is told.

Remarks are rare, so they are remembered for the channel as a whole, by playlist, and a channel without any costs
nothing. What one answer shows may be chance (a cache's other node, a copy half written): a code is told when two
answers in a row show it, as grave as the milder of the two, and a standing one is taken back when two good answers
in a row lack it. An event lies between two copies and no later answer takes it back: it is told for its time. What
is over is remembered a little longer, so that an edge which hears of it later is not blamed for what came from its
origin; so is an event that was seen once: what the edges confirm, the origin was not mistaken in.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from console.judge.codes import Code, Proof
from console.judge.hysteresis import Samples, sampled
from console.judge.rules import RULES, Rule, hold_s, severity
from console.model.instant import Instant
from console.model.observation import Asked
from console.model.remark import Remark
from console.model.severity import Severity

NOTED_LIMIT = 24  # of one playlist: a hostile one cannot fill the memory
SAYS_LIMIT = 160
AFTERMATH_S = 30.0  # how long what is over explains the same at an edge; and 3 T of a long target duration
AFTERMATH_T = 3.0
UNFOLLOWED_S, UNFOLLOWED_T = 60.0, 12.0  # no reload was made for so long: nobody follows this playlist any more
_OK = Severity.OK


class Noted(msgspec.Struct, frozen=True):
    """One code of one playlist, by one kind of question: what a blocking reload shows, no plain answer clears."""

    code: Code
    asked: Asked | None  # None: nobody's answer, but a comparison of several
    remark: Remark  # the newest that showed it
    first: Instant
    last: Instant  # the newest answer that showed it
    target_s: float
    level: Severity = _OK  # OK while unconfirmed, and when it is over
    recent: Severity = _OK  # what the newest answer was
    samples: Samples | None = None  # of a sampled code
    over_at: float | None = None  # monotonic: since when it is no longer told

    def is_told(self, now: float) -> bool:
        """Whether it is a symptom now."""
        if self.level is _OK or (self.asked is Asked.BLOCKED and now - self.last.mono > self._unfollowed_s()):
            return False
        return not self.remark.is_event or now < self.ends_at()

    def _unfollowed_s(self) -> float:
        return max(UNFOLLOWED_S, UNFOLLOWED_T * self.target_s)

    def ends_at(self) -> float:
        """Monotonic time from which an event is no longer told."""
        return self.last.mono + hold_s(RULES[self.code], self.target_s)

    def is_forgotten(self, now: float) -> bool:
        """Whether it explains nothing any more."""
        if self.level is not _OK:
            over = self.ends_at() if self.remark.is_event else None
        else:
            over = self.over_at
        return over is not None and now - over > max(AFTERMATH_S, AFTERMATH_T * self.target_s)


def noted(
    known: Sequence[Noted],
    remarks: Sequence[Remark],
    asked: Asked | None,
    at: Instant,
    target_s: float,
    is_tainted: bool = False,
    unsaid: frozenset[str] = frozenset(),
    is_proven: bool = False,
) -> tuple[Noted, ...]:
    """The memory of one playlist after a good answer to `asked` that made these remarks.

    `unsaid`: codes of which this answer says nothing unless it remarks on them: what is known of them stays.
    `is_proven`: these remarks were counted before they were made and need no second answer.
    """
    shown: dict[str, Remark] = {}
    for remark in remarks:
        if remark.code in RULES and (remark.code not in shown or _is_worse(remark, shown[remark.code])):
            shown[remark.code] = remark
    after = []
    for one in known:
        if one.asked is not asked or (one.code in unsaid and one.code not in shown):
            after.append(one)
            continue
        kept = _again(one, shown.pop(one.code, None), at, target_s, is_tainted, is_proven)
        if kept is not None and not kept.is_forgotten(at.mono):
            after.append(kept)
    for remark in shown.values():
        if len(after) >= NOTED_LIMIT:
            break
        begun = _begun(remark, asked, at, target_s, is_tainted, is_proven)
        if begun is not None:
            after.append(begun)
    return tuple(after)


def _is_worse(one: Remark, other: Remark) -> bool:
    return one.value < other.value if RULES[one.code].low_is_bad else one.value > other.value


def _begun(
    remark: Remark, asked: Asked | None, at: Instant, target_s: float, is_tainted: bool, is_proven: bool
) -> Noted | None:
    rule = RULES[remark.code]
    sample = severity(rule, remark.value)
    if sample is _OK or (is_tainted and rule.proof is Proof.SAMPLED):
        return None
    level, samples = _OK, None
    if is_proven:
        level = sample
    elif rule.proof is Proof.SAMPLED:
        samples = Samples().with_sample(sample, at, target_s)
    return Noted(Code(remark.code), asked, _short(remark), at, at, target_s, level, sample, samples)


def _again(
    one: Noted, remark: Remark | None, at: Instant, target_s: float, is_tainted: bool, is_proven: bool
) -> Noted | None:
    rule = RULES[one.code]
    if rule.proof is Proof.SAMPLED:
        return _sampled(one, rule, remark, at, target_s, is_tainted)
    sample = severity(rule, remark.value) if remark is not None else _OK
    if one.level is not _OK and one.remark.is_event and at.mono < one.ends_at():
        if remark is None or sample is _OK:
            return msgspec.structs.replace(one, recent=_OK) if one.recent is not _OK else one
        worse = max(sample, one.level, key=_rank) if one.recent is not _OK or is_proven else one.level
        return msgspec.structs.replace(one, remark=_short(remark), last=at, level=worse, recent=sample)
    low, high = sorted((sample, sample if is_proven else one.recent), key=_rank)
    level = low if one.level.rank < low.rank else high if one.level.rank > high.rank else one.level
    if one.remark.is_event and one.level is not _OK:
        level = low  # its time was over: what is seen now must be confirmed anew
    if sample is not _OK and remark is not None:
        first = one.first if one.level is not _OK or one.recent is not _OK else at
        return Noted(one.code, one.asked, _short(remark), first, at, target_s, level, sample)
    if one.level is _OK and one.over_at is None and not one.remark.is_event:
        return None  # it was chance
    over_at = one.over_at if one.over_at is not None else at.mono if level is _OK else None
    return msgspec.structs.replace(one, level=level, recent=_OK, over_at=over_at)


def _sampled(
    one: Noted, rule: Rule, remark: Remark | None, at: Instant, target_s: float, is_tainted: bool
) -> Noted | None:
    before = one.samples if one.samples is not None else Samples()
    sample: Severity | None = _OK
    if remark is not None and rule.warn is not None:
        crit = rule.crit if rule.crit is not None else float("inf")
        if rule.low_is_bad or rule.warn == float("-inf"):
            sample = severity(rule, remark.value)
        else:
            sample = sampled(remark.value, rule.warn, crit, before.level)
    if sample is None or (is_tainted and sample is not _OK):
        return one
    samples = before.with_sample(sample, at, target_s)
    level = samples.level
    if sample is not _OK and remark is not None:
        first = one.first if one.over_at is None else at
        return Noted(one.code, one.asked, _short(remark), first, at, target_s, level, sample, samples)
    if level is _OK and one.level is _OK and one.over_at is None:
        is_chance = _OK is samples.level and all(bad is _OK for bad in samples.recent)
        return None if is_chance else msgspec.structs.replace(one, samples=samples, recent=_OK)
    over_at = one.over_at if one.over_at is not None else at.mono if level is _OK else None
    return msgspec.structs.replace(one, level=level, recent=_OK, samples=samples, over_at=over_at)


def _rank(one: Severity) -> int:
    return one.rank


def _short(remark: Remark) -> Remark:
    return remark if len(remark.says) <= SAYS_LIMIT else msgspec.structs.replace(remark, says=remark.says[:SAYS_LIMIT])
