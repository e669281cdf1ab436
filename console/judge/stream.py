"""The verdict on one channel: `step` takes what was known, what is new and what time it is.

Call it on every new reading and again at the deadline it names: silence is news. It is pure; the caller keeps
the memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from console.judge.attribution import attributed
from console.judge.blindness import SILENT_S, excused, heard, is_tainted, last_heard, reason
from console.judge.checks import duration, ending, fetching, ladder, latency, segment, sequence, stale
from console.judge.down import down
from console.judge.learn import learn
from console.judge.memory import UNKNOWN_TARGET_S, ChannelMemory
from console.judge.symptom import Sight, Symptom, target_s
from console.model.finding import ChannelVerdict, Finding
from console.model.instant import Instant
from console.model.observation import Heartbeat, Observation
from console.model.severity import Mark, Severity, worst

__all__ = ["ChannelMemory", "Step", "step"]

CHECKS = (stale, fetching, sequence, duration, ladder, segment, latency, ending)
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
    for seen in sorted(observations, key=lambda one: one.at.mono):
        memory = learn(memory, seen, is_tainted(probe, seen.at.mono))
    return _judged(memory, now)


def _judged(memory: ChannelMemory, now: Instant) -> Step:
    sight = Sight(memory, now)
    blind = reason(memory.probe, now)
    is_withheld = not blind and _is_unlooked(sight)
    if is_withheld:
        was_bad = memory.severity is not Severity.OK
        blind = f"probe: it sees again, and looks {'at what was bad before' if was_bad else 'again'}"
    findings: tuple[Finding, ...] = ()
    if not blind:
        symptoms: list[Symptom] = [symptom for check in CHECKS for symptom in check.check(sight)]
        findings, is_withheld = attributed(sight, symptoms)
        fallen = down(sight)
        if fallen is not None:
            findings = (fallen, *findings)
    watched_s, is_settled = _watched(sight)
    severity = worst(finding.severity for finding in findings)
    why = findings[0].reason if findings else ""
    if blind or (not is_settled and severity is Severity.OK):
        severity, why = Severity.UNKNOWN, blind or "warming"
    memory = _with_changes(memory, severity, now)
    verdict = ChannelVerdict(
        channel=memory.channel.name,
        severity=severity,
        mark=_mark(sight, memory),
        findings=findings,
        reason=why,
        watched_s=round(watched_s, 1),
        is_settled=is_settled,
        target_duration_s=_target_s(sight),
        worst_age_over_t=_worst_age(sight),
        latency_s=_latency_s(sight),
        renditions_ok=_renditions_ok(sight, findings),
        renditions_expected=len(sight.expected) or len({r for _, r, _ in sight.media()}),
    )
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


def _watched(sight: Sight) -> tuple[float, bool]:
    """The shortest time any expected playlist has been watched, and whether each was watched for 1.5 of
    its own T.
    """
    memory, now = sight.memory, sight.now.mono
    shortest, is_settled = float("inf"), True
    for vantage in memory.channel.vantages:
        rungs = sight.rungs[vantage.name]
        master = memory.playlists.get((vantage.name, None))
        places: list[str | None] = [*rungs] if master is None else [None, *rungs]
        if not places or (master is not None and not rungs and master.is_answering):
            return 0.0, False
        playlists = [memory.playlists.get((vantage.name, rendition)) for rendition in places]
        known = [playlist.target_s for playlist in playlists if playlist is not None and playlist.media is not None]
        target_s = max(known, default=UNKNOWN_TARGET_S)
        for playlist in playlists:
            if playlist is None:
                return 0.0, False
            watched_s = now - playlist.watched_from
            if memory.probe.blind_since is not None:
                watched_s -= max(0.0, now - max(memory.probe.blind_since, playlist.watched_from))
            shortest = min(shortest, watched_s)
            is_settled = is_settled and watched_s >= SETTLED_T * target_s
    if shortest == float("inf"):
        return 0.0, False
    return max(0.0, shortest), is_settled


def _with_changes(memory: ChannelMemory, severity: Severity, now: Instant) -> ChannelMemory:
    """Counts the changes into and out of trouble; what is UNKNOWN is no change."""
    changes = tuple(at for at in memory.changes if now.mono - at < FLAPPING_S)
    if severity is Severity.UNKNOWN:
        return msgspec.structs.replace(memory, changes=changes)
    was, is_bad = memory.severity, severity is not Severity.OK
    if was is not Severity.UNKNOWN and (was is not Severity.OK) != is_bad:
        changes = (*changes, now.mono)[-16:]
    return msgspec.structs.replace(memory, changes=changes, severity=severity)


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
    return round((sight.now.utc - min(ends)).total_seconds(), 1) if ends else None


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
    if is_withheld:
        yield now + UNDECIDED_S
    if not is_settled and probe.blind_since is None:
        yield max(now + 0.25, now + SETTLED_T * (_target_s(sight) or sight.target_s) - watched_s)
    if probe.blind_since is None:
        if (at := stale.next_deadline(sight)) is not None:
            yield at
        yield from sequence.next_deadlines(sight)
