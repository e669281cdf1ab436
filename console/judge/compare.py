"""Renditions of one vantage compared: what each says is well by itself, and does not fit the others.

Polls of different playlists lie up to P apart. So only what no later poll can take back is said: how far a playlist is
behind what another one *had already shown* when this one was asked, and numbers that stand beside the same media
sequence. Of two opinions the one of most renditions counts, and of two alike the one of the best rung. Where there are but
two renditions, the one that changed against its own past is already named by that; else nobody is.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from console.judge.codes import Code
from console.judge.memory import ChannelMemory, PlaylistMemory
from console.model.instant import Instant
from console.model.observation import MediaFacts, Observation
from console.model.remark import Fact, Remark
from console.model.severity import Layer

LONGER_T = 0.25  # a segment may be so much longer than T, and one segment of difference there is at every boundary
POLL_T = 0.5  # P: what caches may make of two renditions published together
MOVING_T = 1.5  # what stands still for longer is STALE, and its distance tells nothing more
SAME_S = 0.001  # two PROGRAM-DATE-TIMEs of one moment

AS_ORIGIN = "as_origin"  # in the evidence of an edge's SKEW: its copy was as new as the origin's

COMPARED = frozenset({Code.TD_DIFFERS.value, Code.DSEQ.value, Code.SKEW.value, Code.LL_CTRL.value})


def compared(
    memory: ChannelMemory, seen: Observation, media: MediaFacts, shown: Instant | None
) -> tuple[list[Remark], frozenset[str]]:
    """The remarks on one answer beside its siblings, and the codes that could not be compared. `shown`: since when it has had
    its newest segment.
    """
    start = seen.at.mono - seen.elapsed_s
    siblings: dict[str, PlaylistMemory] = {}
    for rendition in memory.rungs_at(seen.vantage):
        if rendition != seen.rendition:
            other = memory.playlists.get((seen.vantage, rendition))
            if other is not None and other.media is not None and other.is_answering and not other.is_over:
                siblings[rendition] = other
    if not siblings or media.has_endlist:
        return [], COMPARED
    remarks: list[Remark] = []
    unsaid: set[str] = set()
    _target(memory, seen, media, siblings, remarks, unsaid)
    _discontinuities(memory, seen, media, siblings, remarks, unsaid)
    if shown is not None and start - shown.mono < MOVING_T * media.target_duration_s:
        _skew(memory, seen, media, list(siblings.values()), start, remarks, unsaid)
    else:
        unsaid.add(Code.SKEW.value)
    if media.part_target_s is not None and (remark := _control(media, list(siblings.values()))) is not None:
        remarks.append(remark)
    return remarks, frozenset(unsaid)


def _target(
    memory: ChannelMemory,
    seen: Observation,
    media: MediaFacts,
    siblings: dict[str, PlaylistMemory],
    remarks: list[Remark],
    unsaid: set[str],
) -> None:
    mine = media.target_duration_s
    for one in siblings.values():
        if one.media is not None and one.media.target_duration_s != mine:
            break
    else:
        return
    said = _opinion([one.media.target_duration_s for one in siblings.values() if one.media is not None], mine)
    if said is None:
        return
    says = f"target duration {mine:g} s, the other renditions say {said:g} s"
    remark = Remark(Code.TD_DIFFERS.value, said, says)
    if len(siblings) == 1:
        says = f"one rendition says target duration {mine:g} s, the other {said:g} s"
        _of_two(memory, seen, Code.TD_CHANGED, next(iter(siblings)), Remark(remark.code, said, says), remarks, unsaid)
    else:
        remarks.append(remark)


def _of_two(
    memory: ChannelMemory,
    seen: Observation,
    by_itself: Code,
    other: str,
    remark: Remark,
    remarks: list[Remark],
    unsaid: set[str],
) -> None:
    """Two renditions differ and there is no third. `by_itself` is the code of the one that has changed, if that was seen."""
    names = [seen.rendition or "", other]
    if any(
        one.code is by_itself and one.asked is not None for name in names for one in memory.noted.get((seen.vantage, name), ())
    ):
        unsaid.add(remark.code)
        return
    remarks.append(msgspec.structs.replace(remark, evidence={"between": names}))


def _opinion(others: list[float], mine: float) -> float | None:
    """What the others say, when they are more than those who say the same as this one. `others`: best rung first."""
    same = others.count(mine) + 1
    other = max(others, key=lambda one: others.count(one) if one != mine else -1)
    if other == mine or others.count(other) < same:
        return None
    # as many for as against: the best rung is believed
    return other if others.count(other) > same or others[0] == other else None


def _discontinuities(
    memory: ChannelMemory,
    seen: Observation,
    media: MediaFacts,
    siblings: dict[str, PlaylistMemory],
    remarks: list[Remark],
    unsaid: set[str],
) -> None:
    """DSEQ at equal media sequence numbers whose segments begin at one moment."""
    begins = media.first_starts_at
    alike = {
        name: one.media.discontinuity_sequence
        for name, one in siblings.items()
        if one.media is not None
        and one.media.media_sequence == media.media_sequence
        and begins is not None
        and one.media.first_starts_at is not None
        and abs((one.media.first_starts_at - begins).total_seconds()) < SAME_S
    }
    if not alike:
        unsaid.add(Code.DSEQ.value)
        return
    mine = media.discontinuity_sequence
    said = _opinion([float(one) for one in alike.values()], float(mine))
    if said is None:
        return
    says = f"discontinuity sequence {mine} at media sequence {media.media_sequence}, other renditions say {said:.0f}"
    remark = Remark(Code.DSEQ.value, abs(said - mine), says)
    if len(alike) > 1:
        remarks.append(remark)
    elif len(siblings) > 1:
        unsaid.add(Code.DSEQ.value)  # a third will be at the same number soon
    else:
        _of_two(memory, seen, Code.DSEQ, next(iter(alike)), remark, remarks, unsaid)


def _skew(
    memory: ChannelMemory,
    seen: Observation,
    media: MediaFacts,
    siblings: list[PlaylistMemory],
    start: float,
    remarks: list[Remark],
    unsaid: set[str],
) -> None:
    mine = media.newest_ends_at
    if mine is None:
        unsaid.add(Code.SKEW.value)
        return
    foremost = max(
        (
            one.media.newest_ends_at
            for one in siblings
            if one.media is not None and one.media.newest_ends_at is not None and one.last_at.mono <= start
        ),
        default=None,
    )
    if foremost is None or foremost <= mine:
        return
    target_s = media.target_duration_s
    behind_s = (foremost - mine).total_seconds()
    allowed_s = LONGER_T * target_s
    vantage = memory.vantage(seen.vantage)
    if vantage is not None and vantage.layer is Layer.EDGE:
        allowed_s = max(POLL_T * target_s, min(target_s, seen.age_header_s or 0.0) + 1.0)  # copies of two ages
    value = (behind_s - allowed_s) / target_s
    if value > 0:
        says = f"its newest segment ends {behind_s:.1f} s before that of the foremost rendition"
        evidence: dict[str, Fact] = {"behind_s": round(behind_s, 1)}
        if _is_as_new_as_origin(memory, seen, mine, target_s):
            evidence[AS_ORIGIN] = 1
        remarks.append(Remark(Code.SKEW.value, value, says, evidence))


def _is_as_new_as_origin(memory: ChannelMemory, seen: Observation, mine: datetime, target_s: float) -> bool:
    """Whether this copy of an edge ends where the origin's own does: then the edge is not what is behind."""
    origin = memory.channel.origin
    if origin is None or origin.name == seen.vantage:
        return False
    theirs = memory.playlists.get((origin.name, seen.rendition))
    if theirs is None or not theirs.is_answering or theirs.media is None or theirs.media.newest_ends_at is None:
        return False
    return (theirs.media.newest_ends_at - mine).total_seconds() < LONGER_T * target_s


def _control(media: MediaFacts, siblings: list[PlaylistMemory]) -> Remark | None:
    mine = _control_of(media)
    others = [_control_of(one.media) for one in siblings if one.media is not None and one.media.part_target_s is not None]
    differing = [one for one in others if one != mine]
    if len(differing) <= len(others) - len(differing):
        return None
    says = f"SERVER-CONTROL differs: PART-HOLD-BACK {mine[0]}, HOLD-BACK {mine[1]}, CAN-BLOCK-RELOAD {media.can_block}"
    return Remark(Code.LL_CTRL.value, 1.0, says)


def _control_of(media: MediaFacts) -> tuple[float | None, float | None, bool]:
    return media.part_hold_back_s, media.hold_back_s, media.can_block
