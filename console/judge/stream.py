"""The verdict on one channel: `step` takes what was known, what is new and what time it is.

Call it on every new reading and again at the deadline it names: silence is news. It is pure; the caller keeps
the memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from console.judge.attribution import attributed
from console.judge.blindness import SILENT_S, excused, heard, is_tainted, last_heard, reason
from console.judge.calm import calm_of, renewed
from console.judge.checks import (
    duration,
    ending,
    fetching,
    ladder,
    latency,
    manifest,
    parts,
    remarks,
    segment,
    sequence,
    stale,
)
from console.judge.down import down
from console.judge.learn import learn
from console.judge.memory import UNKNOWN_TARGET_S, ChannelMemory
from console.judge.schedule import next_deadline, off_air
from console.judge.symptom import Sight, Symptom, target_s
from console.model.finding import ChannelVerdict, Finding
from console.model.instant import Instant
from console.model.observation import Heartbeat, Observation
from console.model.severity import Mark, Severity, worst

__all__ = ["ChannelMemory", "Step", "step"]

CHECKS = (stale, manifest, fetching, sequence, duration, ladder, segment, latency, ending, parts, remarks)
SETTLED_T = 1.5
FLAPPING_CHANGES = 4
FLAPPING_S = 600.0
LOOK_AGAIN_T = 2.0
UNDECIDED_S = 0.5  # how soon to look again while a verdict is withheld


class Step(msgspec.Struct, frozen=True):
    """What a step gives: the memory for the next, the verdict, and when to step again if nothing comes
    (None: no need).
    """

    memory: ChannelMemory
    verdict: ChannelVerdict
    deadline_mono: float | None


def step(memory: ChannelMemory, observations: Sequence[Observation], heartbeat: Heartbeat | None, now: Instant) -> Step:
    """One step. Observations of other channels are passed over; ones already seen change nothing."""
    probe = heard(memory.probe, heartbeat, now, lambda: target_s(memory))
    if probe.blind_until > memory.probe.blind_until:
        since = memory.probe.blind_since if memory.probe.blind_since is not None else last_heard(memory.probe)
        playlists = {place: excused(one, since, probe.blind_until) for place, one in memory.playlists.items()}
        memory = msgspec.structs.replace(memory, playlists=playlists)
    memory = msgspec.structs.replace(memory, probe=probe)
    if memory.channel.schedule or memory.channel.maintenance:
        mark = off_air(memory.channel, now)
        if mark is not Mark.NONE:
            return _off(memory, mark, now)
        if memory.is_off:  # what was seen of it meanwhile proves nothing
            memory = msgspec.structs.replace(ChannelMemory.starting(memory.channel, now), probe=probe, ladder=memory.ladder)
    for seen in sorted(observations, key=lambda one: one.at.mono):
        memory = learn(memory, seen, is_tainted(probe, seen.at.mono))
    if memory.calm is not None and (well := renewed(memory, now, LOOK_AGAIN_T)) is not None:
        return Step(memory, *well)
    return _judged(memory, now)


def _off(memory: ChannelMemory, mark: Mark, now: Instant) -> Step:
    """Not on air by plan: nothing is learned, and nothing is wrong."""
    memory = msgspec.structs.replace(memory, is_off=True, changes=(), severity=Severity.UNKNOWN, peak=Severity.OK)
    why = "in maintenance" if mark is Mark.MAINT else "not scheduled"
    verdict = ChannelVerdict(
        channel=memory.channel.name,
        severity=Severity.OK,
        mark=mark,
        reason=why,
        is_settled=True,
        renditions_expected=len(memory.expected()),
    )
    return Step(memory, verdict, next_deadline(memory.channel, now))


def _judged(memory: ChannelMemory, now: Instant) -> Step:
    sight = Sight(memory, now)
    blind = reason(memory.probe, now)
    is_withheld = not blind and _is_unlooked(sight)
    if is_withheld:
        was_bad = memory.severity is not Severity.OK
        blind = f"probe: it sees again, and looks {'at what was bad before' if was_bad else 'again'}"
    findings: tuple[Finding, ...] = ()
    children: tuple[Finding, ...] = ()
    if not blind:
        symptoms: list[Symptom] = [symptom for check in CHECKS for symptom in check.check(sight)]
        findings, children, is_withheld = attributed(sight, symptoms)
        fallen = down(sight)
        if fallen is not None:
            findings = (fallen, *findings)
    watched_s, is_settled, watched_since = _watched(sight)
    severity = worst(finding.severity for finding in findings)
    why = findings[0].reason if findings else ""
    if blind or (not is_settled and severity is Severity.OK):
        severity, why = Severity.UNKNOWN, blind or "warming"
    memory = _with_changes(memory, severity, why, now)
    mark = _mark(sight, memory)
    if mark is Mark.FLAPPING and severity.rank < memory.peak.rank and severity is not Severity.UNKNOWN:
        why = f"flapping, {len(memory.changes)} changes in 10 min, at its worst: {memory.peak_reason}"[:300]
        severity = memory.peak
    verdict = ChannelVerdict(
        channel=memory.channel.name,
        severity=severity,
        mark=mark,
        findings=findings,
        children=children,
        reason=why,
        watched_s=round(watched_s, 1),
        is_settled=is_settled,
        target_duration_s=_target_s(sight),
        worst_age_over_t=_worst_age(sight),
        latency_s=_latency_s(sight),
        renditions_ok=_renditions_ok(sight, findings),
        renditions_expected=len(sight.expected) or len({r for _, r, _ in sight.media()}),
        renditions=sight.expected,
        window_s=min([p.media.window_s for _, _, p in sight.media() if p.media is not None], default=None),
    )
    calm = calm_of(sight, verdict, watched_since) if not blind else None
    if calm is not None or memory.calm is not None:
        memory = msgspec.structs.replace(memory, calm=calm)
    later = [at for at in _moments(sight, watched_s, is_settled, is_withheld) if at > now.mono]
    return Step(memory, verdict, min(later, default=None))


def _is_unlooked(sight: Sight) -> bool:
    """After a blind spell, a channel that was bad before it is not well until its playlists were asked again.

    A channel that was well is well again at once, unless it was not asked for so long that a stream which stood still would
    have been told meanwhile (a machine that slept, a console that was stopped). And after LOOK_AGAIN_T the other checks tell
    why nothing answers.
    """
    until = sight.probe.blind_until
    if sight.memory.severity is Severity.UNKNOWN or until <= 0.0:
        return False
    is_recent = sight.now.mono < until + LOOK_AGAIN_T * sight.target_s
    since = until if sight.memory.severity is not Severity.OK else until - SETTLED_T * sight.target_s
    return is_recent and any(playlist.last_start < since for _, _, playlist in sight.media())


def _watched(sight: Sight) -> tuple[float, bool, float]:
    """The shortest time any expected playlist has been watched, whether each was watched for 1.5 of its own T, and since when
    (monotonic) that has been so.
    """
    memory, end = sight.memory, sight.now.mono
    if memory.probe.blind_since is not None:
        end = min(end, memory.probe.blind_since)
    playlists = memory.playlists
    newest, is_settled = None, True  # when the last of them began to be watched
    for vantage in memory.channel.vantages:
        name = vantage.name
        rungs = sight.rungs[name]
        master = playlists.get((name, None))
        if master is None:
            if not rungs:
                return 0.0, False, end
            since = float("-inf")
        elif not rungs and master.is_answering:
            return 0.0, False, end
        else:
            since = master.watched_from
        target_s = 0.0
        for rendition in rungs:
            playlist = playlists.get((name, rendition))
            if playlist is None:
                return 0.0, False, end
            if playlist.watched_from > since:
                since = playlist.watched_from
            media = playlist.media
            if media is not None and media.target_duration_s > target_s:
                target_s = media.target_duration_s
        if end - since < SETTLED_T * (target_s or UNKNOWN_TARGET_S):
            is_settled = False
        if newest is None or since > newest:
            newest = since
    return (max(0.0, end - newest), is_settled, newest) if newest is not None else (0.0, False, end)


def _with_changes(memory: ChannelMemory, severity: Severity, why: str, now: Instant) -> ChannelMemory:
    """Counts the changes into and out of trouble, and keeps the worst of while there are any; what is UNKNOWN is no change."""
    changes = memory.changes
    if changes and now.mono - changes[0] >= FLAPPING_S:
        changes = tuple([at for at in changes if now.mono - at < FLAPPING_S])
    was, is_bad = memory.severity, severity is not Severity.OK
    if severity is Severity.UNKNOWN or (severity is was and changes is memory.changes):
        return memory if changes is memory.changes else msgspec.structs.replace(memory, changes=changes)
    if was is not Severity.UNKNOWN and (was is not Severity.OK) != is_bad:
        changes = (*changes, now.mono)[-16:]
    peak, said = (memory.peak, memory.peak_reason) if changes else (Severity.OK, "")
    if severity.rank >= peak.rank and is_bad:
        peak, said = severity, why
    return msgspec.structs.replace(memory, changes=changes, severity=severity, peak=peak, peak_reason=said)


def _mark(sight: Sight, memory: ChannelMemory) -> Mark:
    if len(memory.changes) >= FLAPPING_CHANGES:
        return Mark.FLAPPING
    media = [playlist for _, _, playlist in sight.media()]
    if media and memory.channel.kind != "vod" and all(playlist.is_over for playlist in media):
        return Mark.ENDED
    return Mark.NONE


def _target_s(sight: Sight) -> float | None:
    return max((p.media.target_duration_s for _, _, p in sight.media() if p.media is not None), default=None)


def _worst_age(sight: Sight) -> float | None:
    now = sight.now.mono
    ages = [(now - counts_from) / playlist.target_s for _, _, playlist, counts_from in sight.ageing]
    return round(max(0.0, *ages), 2) if ages else None


def _latency_s(sight: Sight) -> float | None:
    """Now minus the end of the newest segment, at the worst edge (at the origin where there is none)."""
    edges = {edge.name for edge in sight.memory.channel.edges}
    ends = [
        playlist.media.newest_ends_at
        for vantage, _, playlist in sight.media()
        if (not edges or vantage in edges)
        and playlist.media is not None
        and playlist.media.newest_ends_at is not None
        and not playlist.is_over
    ]
    return round((sight.now.utc - min(ends)).total_seconds() - sight.memory.wall_step_s, 1) if ends else None


def _renditions_ok(sight: Sight, findings: Sequence[Finding]) -> int:
    expected = set(sight.expected) or {r for _, r, _ in sight.media()}
    is_all_bad = any(f.rendition is None and (f.code == "DOWN" or "renditions" in f.evidence) for f in findings)
    bad = {f.rendition for f in findings if f.rendition is not None}
    seen = {r for _, r, p in sight.media() if p.is_answering}
    return 0 if is_all_bad else len((expected & seen) - bad)


def _moments(sight: Sight, watched_s: float, is_settled: bool, is_withheld: bool) -> Iterator[float]:
    """When the clock alone may change the verdict."""
    now, probe = sight.now.mono, sight.probe
    yield last_heard(probe) + SILENT_S + 0.001
    channel = sight.memory.channel
    if (channel.schedule or channel.maintenance) and (at := next_deadline(channel, sight.now)) is not None:
        yield at
    if is_withheld:
        yield now + UNDECIDED_S
    if not is_settled and probe.blind_since is None:
        yield max(now + 0.25, now + SETTLED_T * (_target_s(sight) or sight.target_s) - watched_s)
    if probe.blind_since is None:
        if (at := stale.next_deadline(sight)) is not None:
            yield at
        if (at := manifest.next_deadline(sight)) is not None:
            yield at
        yield from sequence.next_deadlines(sight)
        yield from parts.next_deadlines(sight)
        yield from remarks.next_deadlines(sight)
