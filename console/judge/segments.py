"""What the segments of one rendition at one vantage have told: there or not, in time, of the right size, and new each time.

Pure, and without knowledge of other vantages. The result is the memory for the next segment and what is to be
remarked on this one; `rules.py` says how grave that is.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from console.judge.codes import Code
from console.judge.hysteresis import Samples, sampled
from console.model.instant import Instant
from console.model.observation import Observation, Outcome, SegmentFacts, Variant
from console.model.remark import Remark
from console.model.severity import Severity

SLOW_RATIO = 0.8  # of its own duration; WARN at two of three
STALLING_RATIO = 1.0  # a player at this speed runs dry; CRIT at three of five
STALLING_OF = 5
STALLING_NEEDED = 3
EQUAL_NEEDED = 3  # segments with one content: a frozen picture
GOODS_KEPT = 16
PENDING_KEPT = 4
PENDING_T = 3.0  # nobody asks for it again
LATE_T = 0.45  # of T since it was listed: from then on it is missing and not only late; it is asked again at T/2
GONE = (404, 410)
RATE_WINDOW_T = (0.5, 1.5)  # the spec's window for a peak
HOUR_S = 3600.0
BUCKET_S = 300.0
BUCKETS = 12
HOUR_SEEN = 0.5  # an average of an hour needs half of its media
HEIGHT_SLACK = 16  # lines: what a macroblock pads

_OK = Severity.OK
_FAMILIES = {
    "avc1": "h264", "avc3": "h264", "hvc1": "hevc", "hev1": "hevc", "dvh1": "hevc", "dvhe": "hevc", "av01": "av1",
    "vp09": "vp9", "mp4a": "aac", "ac-3": "ac3", "ec-3": "ec3", "opus": "opus", "fLaC": "flac", "ac-4": "ac4",
}  # fmt: skip
_VIDEO = frozenset({"h264", "hevc", "av1", "vp9"})


class Pending(msgspec.Struct, frozen=True):
    """A listed segment that was not there when it was first asked for."""

    key: str
    first: Instant
    is_counted: bool = False  # as missing: it was asked for again


class SegmentMemory(msgspec.Struct, frozen=True):
    """One rendition's segments at one vantage."""

    rendition: str | None
    fetches: Samples = Samples()  # SEG_404: one sample a segment that was there, two for one that twice was not
    last_start: float = 0.0
    last_at: float = 0.0
    good_start: float | None = None
    status: int | None = None
    detail: str = ""
    url: str = ""
    pending: tuple[Pending, ...] = ()  # oldest first
    slow: Samples = Samples()
    slowed_at: float | None = None  # monotonic: the newest that came too slowly, also when that is over
    ratios: tuple[float, ...] = ()  # time to fetch / duration, newest last
    goods: tuple[int, ...] = ()  # sequences that were there
    sequence: int | None = None  # of the newest that was there
    digest: str = ""
    equal: int = 1  # segments in a row with this digest
    window_bytes: int = 0  # of the rate window that is being filled
    window_s: float = 0.0
    hour: tuple[tuple[float, int, float], ...] = ()  # (from, bytes, media seconds), newest last

    @property
    def slow_level(self) -> Severity:
        """CRIT while three of the last five took longer to fetch than to play."""
        if self.slow.level is not _OK and sum(r > STALLING_RATIO for r in self.ratios) >= STALLING_NEEDED:
            return Severity.CRIT
        return self.slow.level


class Taken(NamedTuple):
    """What one answer about a segment changes."""

    memory: SegmentMemory
    remarks: list[Remark]
    unsaid: frozenset[str]  # codes of which this answer says nothing: what is known of them stays
    is_proven: bool = False  # the remarks were counted already and need no second answer


_ALL = frozenset(
    code.value
    for code in (
        Code.SEG_LATE, Code.SEG_GONE, Code.SEG_BAD, Code.SEG_DUP, Code.BW_HIGH, Code.BW_AVG, Code.CODECS,
    )
)  # fmt: skip


def taken(
    before: SegmentMemory,
    seen: Observation,
    target_s: float,
    rung: Variant | None,
    is_tainted: bool,
) -> Taken:
    """One answer. `rung`: what the master says of the rendition."""
    start = seen.at.mono - seen.elapsed_s
    facts = seen.segment
    if facts is not None and facts.left_s is not None:
        return _left(before, seen, facts, is_tainted)
    before = msgspec.structs.replace(before, rendition=seen.rendition, last_start=start, last_at=seen.at.mono)
    if seen.outcome is not Outcome.OK:
        return Taken(before, [], _ALL) if is_tainted else _missing(before, seen, target_s)
    return _there(before, seen, start, target_s, rung, is_tainted)


def _key(seen: Observation) -> str:
    return str(seen.segment.sequence) if seen.segment is not None else seen.url


def _left(before: SegmentMemory, seen: Observation, facts: SegmentFacts, is_tainted: bool) -> Taken:
    """One that left the playlist and must still be there (6.2.2). Of what is listed it says nothing."""
    others = _ALL - {Code.SEG_GONE.value}
    if seen.outcome is Outcome.OK:
        return Taken(before, [], others)
    if is_tainted or seen.status not in GONE:
        return Taken(before, [], _ALL)
    if facts.left_s:
        says = f"segment {facts.sequence} is gone {facts.left_s:.0f} s after it left the playlist, too early"
    else:
        says = f"segment {facts.sequence} is still listed, and is gone"
    return Taken(before, [Remark(Code.SEG_GONE.value, 1.0, says, _evidence(seen), True)], others)


def _missing(before: SegmentMemory, seen: Observation, target_s: float) -> Taken:
    facts, key = seen.segment, _key(seen)
    after = msgspec.structs.replace(before, status=seen.status, detail=seen.detail, url=seen.url)
    extinf_s = facts.extinf_s if facts is not None and facts.extinf_s > 0 else target_s
    if seen.outcome is Outcome.TIMEOUT and seen.elapsed_s > SLOW_RATIO * extinf_s:
        return Taken(_timed(after, seen.elapsed_s, extinf_s, seen, target_s), [], _ALL)
    if facts is not None and facts.sequence in before.goods:
        says = f"segment {facts.sequence} was there, is still listed, and is gone"
        return Taken(after, [Remark(Code.SEG_GONE.value, 1.0, says, _evidence(seen), True)], _ALL)
    known = next((one for one in before.pending if one.key == key), None)
    if known is None and seen.is_retry and before.pending and facts is None:
        known = before.pending[-1]
    if known is None:  # one answer is no proof: it may come late
        pending = (*before.pending[-(PENDING_KEPT - 1) :], Pending(key, seen.at))
        return Taken(msgspec.structs.replace(after, pending=pending), [], _ALL)
    if known.is_counted or (facts is not None and seen.status in GONE and 0.0 < facts.waited_s < LATE_T * target_s):
        return Taken(after, [], _ALL)  # it may still only be late
    fetches = after.fetches.with_sample(Severity.CRIT, known.first, target_s)
    fetches = fetches.with_sample(Severity.CRIT, seen.at, target_s)
    counted = msgspec.structs.replace(known, is_counted=True)
    pending = tuple([counted if one is known else one for one in before.pending])
    return Taken(msgspec.structs.replace(after, pending=pending, fetches=fetches), [], _ALL)


def _there(
    before: SegmentMemory,
    seen: Observation,
    start: float,
    target_s: float,
    rung: Variant | None,
    is_tainted: bool,
) -> Taken:
    remarks: list[Remark] = []
    unsaid = {Code.SEG_GONE.value}
    pending, fetches = before.pending, before.fetches
    if pending:
        key, facts = _key(seen), seen.segment
        late = next((one for one in pending if one.key == key), None)
        if late is None and seen.is_retry and facts is None:
            late = pending[-1]
        if late is not None:
            listed_s = (facts.waited_s + seen.elapsed_s) if facts is not None and facts.waited_s > 0 else 0.0
            late_s = max(seen.at.mono - late.first.mono, listed_s)
            says = f"a listed segment was there only {late_s:.1f} s after it was first asked for"
            remarks.append(Remark(Code.SEG_LATE.value, late_s / target_s, says, _evidence(seen)))
        pending = tuple([o for o in pending if o is not late and start - o.first.mono < PENDING_T * target_s])
    fetches = fetches.with_sample(_OK, seen.at, target_s)
    after = msgspec.structs.replace(before, fetches=fetches, good_start=start, pending=pending)
    facts = seen.segment
    if facts is None:
        return Taken(after, remarks, _ALL - {Code.SEG_LATE.value})
    if facts.sequence in before.goods:
        unsaid.discard(Code.SEG_GONE.value)
    if not (facts.is_whole or facts.container or seen.remarks):
        unsaid.add(Code.SEG_BAD.value)  # nobody has read it
    remarks += _content(facts, rung)
    if rung is None or not (facts.codecs or facts.height):
        unsaid.add(Code.CODECS.value)
    if facts.sequence == before.sequence:  # the re-fetch: of its time, rate and novelty nothing new
        unsaid |= {Code.SEG_DUP.value, Code.BW_HIGH.value, Code.BW_AVG.value, Code.SEG_LATE.value}
        return Taken(after, remarks, frozenset(unsaid))
    if facts.transfer_s is not None and facts.extinf_s > 0 and not is_tainted:
        after = _timed(after, facts.transfer_s, facts.extinf_s, seen, target_s)
    after, is_proven = _compared(after, facts, remarks, unsaid)
    after = _weighed(after, facts, seen.at.mono, target_s, remarks, unsaid)
    is_back = before.sequence is not None and facts.sequence < before.sequence
    goods = (*(() if is_back else after.goods[-(GOODS_KEPT - 1) :]), facts.sequence)  # numbers that begin anew name others
    return Taken(msgspec.structs.replace(after, goods=goods, sequence=facts.sequence), remarks, frozenset(unsaid), is_proven)


def _timed(before: SegmentMemory, took_s: float, extinf_s: float, seen: Observation, target_s: float) -> SegmentMemory:
    """One that took longer than it plays counts twice: while it came, the next was due and nobody could ask for it."""
    ratio = took_s / extinf_s
    ratios, slow = before.ratios, before.slow
    for _ in range(2 if ratio > STALLING_RATIO else 1):
        ratios = (*ratios[-(STALLING_OF - 1) :], ratio)
        sample = sampled(ratio, SLOW_RATIO, float("inf"), slow.level)
        slow = slow.with_sample(sample, seen.at, target_s) if sample is not None else slow
    slowed_at = seen.at.mono if ratio > SLOW_RATIO else before.slowed_at
    return msgspec.structs.replace(before, slow=slow, ratios=ratios, slowed_at=slowed_at, url=seen.url or before.url)


def _content(facts: SegmentFacts, rung: Variant | None) -> list[Remark]:
    """CODECS. What a segment's bytes say against itself and its EXTINF, whoever read them remarks on."""
    if rung is None or not (says := _mismatch(facts, rung)):
        return []
    evidence = {"on_the_wire": f"{facts.codecs} {facts.height or ''}".strip(), "declared": rung.codecs}
    return [Remark(Code.CODECS.value, 1.0, says, evidence)]


def _mismatch(facts: SegmentFacts, rung: Variant) -> str:
    if facts.height and rung.height and abs(facts.height - rung.height) > HEIGHT_SLACK:
        return f"{facts.height} lines on the wire, the master says {rung.height}"
    declared, wire = families(rung.codecs), families(facts.codecs)
    if not declared or not wire:
        return ""
    # a master that names only one kind (video without its audio) is judged for that kind
    for is_video in (True, False):
        said = {one for one in declared if (one in _VIDEO) is is_video}
        found = {one for one in wire if (one in _VIDEO) is is_video}
        if said and found - said:
            return f"{', '.join(sorted(found - said))} on the wire, the master says {', '.join(sorted(said))}"
    return ""


def families(codecs: str) -> frozenset[str]:
    """The codecs of an RFC 6381 list by family; what is not known says nothing."""
    found = []
    for one in codecs.split(","):
        name = one.strip()
        if name in ("mp4a.69", "mp4a.6B", "mp4a.40.34"):
            found.append("mp3")
        elif name.partition(".")[0] in _FAMILIES:
            found.append(_FAMILIES[name.partition(".")[0]])
    return frozenset(found)


def _compared(
    before: SegmentMemory, facts: SegmentFacts, remarks: list[Remark], unsaid: set[str]
) -> tuple[SegmentMemory, bool]:
    """SEG_DUP: byte for byte what the one before was. Text tracks are empty for minutes, and rightly."""
    if not facts.digest or facts.container == "webvtt" or facts.size == 0:
        unsaid.add(Code.SEG_DUP.value)
        return msgspec.structs.replace(before, digest="", equal=1), False
    equal = before.equal + 1 if facts.digest == before.digest else 1
    after = msgspec.structs.replace(before, digest=facts.digest, equal=equal)
    if equal < EQUAL_NEEDED:
        return after, False
    proof = "bytes" if facts.is_whole else "ETag and length"
    says = f"the last {equal} segments have the same {proof}: a frozen picture"
    value = float(equal) if facts.is_whole else 1.0
    remarks.append(Remark(Code.SEG_DUP.value, value, says, {"digest": facts.digest, "sequence": facts.sequence}))
    return after, all(remark.code == Code.SEG_DUP.value for remark in remarks)


def _weighed(
    before: SegmentMemory, facts: SegmentFacts, at: float, target_s: float, remarks: list[Remark], unsaid: set[str]
) -> SegmentMemory:
    """BW_HIGH over windows of 0.5 to 1.5 T, BW_AVG over an hour."""
    unsaid |= {Code.BW_HIGH.value, Code.BW_AVG.value}
    if facts.size is None or facts.extinf_s <= 0:
        return before
    size, media_s = before.window_bytes + facts.size, before.window_s + facts.extinf_s
    if before.sequence is not None and facts.sequence != before.sequence + 1:
        size, media_s = facts.size, facts.extinf_s  # no window has a hole
    if media_s >= RATE_WINDOW_T[0] * target_s:
        if facts.declared_bps > 0 and media_s <= RATE_WINDOW_T[1] * target_s:
            unsaid.discard(Code.BW_HIGH.value)
            ratio = size * 8 / media_s / facts.declared_bps
            says = f"{size * 8 / media_s / 1e6:.2f} Mbit/s, BANDWIDTH says {facts.declared_bps / 1e6:.2f}"
            evidence = {"peak_bps": round(size * 8 / media_s), "declared_bps": facts.declared_bps}
            remarks.append(Remark(Code.BW_HIGH.value, ratio, says, evidence))
        size, media_s = 0, 0.0
    hour = _hour(before.hour, at, facts)
    average = _average(hour, at)
    if average is not None and facts.average_bps > 0:
        unsaid.discard(Code.BW_AVG.value)
        says = f"{average / 1e6:.2f} Mbit/s over an hour, AVERAGE-BANDWIDTH says {facts.average_bps / 1e6:.2f}"
        evidence = {"average_bps": round(average), "declared_bps": facts.average_bps}
        remarks.append(Remark(Code.BW_AVG.value, average / facts.average_bps, says, evidence))
    return msgspec.structs.replace(before, window_bytes=size, window_s=media_s, hour=hour)


_Hour = tuple[tuple[float, int, float], ...]


def _hour(hour: _Hour, at: float, facts: SegmentFacts) -> _Hour:
    size = facts.size or 0
    if hour and at - hour[-1][0] < BUCKET_S:
        since, total, media_s = hour[-1]
        return (*hour[:-1], (since, total + size, media_s + facts.extinf_s))
    return (*[one for one in hour[-BUCKETS:] if at - one[0] < HOUR_S + BUCKET_S], (at, size, facts.extinf_s))


def _average(hour: _Hour, at: float) -> float | None:
    """Bits per second of media; None until an hour was seen well enough."""
    media_s = sum(one[2] for one in hour)
    if at - hour[0][0] < HOUR_S or media_s < HOUR_SEEN * HOUR_S:
        return None
    return sum(one[1] for one in hour) * 8 / media_s


def _evidence(seen: Observation) -> dict[str, str | int | float | list[str]]:
    evidence: dict[str, str | int | float | list[str]] = {"url": seen.url} if seen.url else {}
    if seen.segment is not None:
        evidence["sequence"] = seen.segment.sequence
    return evidence
