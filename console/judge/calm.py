"""A channel that is well: its verdict for another moment without judging it again.

Nearly all channels are well nearly always, and each is judged twice a second. Of one that was found well nothing but the
clock's numbers changes (age, latency, how long it was watched) until something is there that a check could tell: so what is
looked at here is whether there is any such thing, in one pass over its playlists. Whenever there may be, the answer is None,
and the checks decide. So this may doubt too often and never too seldom: a new check in `stream.CHECKS` has to find its cause
doubted here, and a new word in `ChannelVerdict` that the clock moves is renewed here.
"""

from __future__ import annotations

import msgspec

from console.judge.blindness import SILENT_S, last_heard
from console.judge.checks.stale import GRACE_CEILING_S, LEVELS
from console.judge.codes import Code
from console.judge.memory import Calm, ChannelMemory
from console.judge.schedule import next_deadline
from console.judge.symptom import Sight
from console.model.finding import ChannelVerdict
from console.model.instant import Instant
from console.model.observation import Outcome
from console.model.severity import Mark, Severity

STALE_T = LEVELS[-1][0]
_ANSWERS = Outcome.OK  # asked for every playlist at every step
_WELL = Severity.OK


def calm_of(sight: Sight, verdict: ChannelVerdict, watched_since: float) -> Calm | None:
    """What has to stay as it is for the verdict to stand; None for a channel that is not simply well."""
    memory = sight.memory
    if verdict.severity is not _WELL or verdict.mark is not Mark.NONE or verdict.findings or verdict.children:
        return None
    if not verdict.is_settled or not sight.media() or memory.severity is not _WELL:
        return None
    if not all(playlist.is_answering for _, _, playlist in sight.media()):  # which renditions are counted as well
        return None
    edges = {edge.name for edge in memory.channel.edges}
    return Calm(
        verdict=verdict,
        watched_since=watched_since,
        target_s=sight.target_s,
        ladder=memory.ladder,
        count=len(memory.playlists),
        masters=tuple([(name, master.variants) for name, master in sight.masters()]),
        places=tuple(
            [
                ((vantage, rendition), playlist.target_s, not edges or vantage in edges)
                for vantage, rendition, playlist in sight.media()
            ]
        ),
    )


def renewed(memory: ChannelMemory, now: Instant, look_again_t: float) -> tuple[ChannelVerdict, float] | None:
    """The verdict now, and when to look again if nothing comes. None: it has to be judged."""
    calm, probe = memory.calm, memory.probe
    if memory.noted and not _is_only_passed_by(memory):
        return None
    if calm is None or memory.changes or probe.blind_since is not None or memory.severity is not _WELL:
        return None
    if probe.blind_until > 0.0 and now.mono < probe.blind_until + look_again_t * calm.target_s:
        return None
    playlists = memory.playlists
    if memory.ladder is not calm.ladder or len(playlists) != calm.count:
        return None
    for name, variants in calm.masters:
        master = playlists.get((name, None))
        if master is None or master.last_outcome is not _ANSWERS or master.fetches.level is not _WELL or master.lost:
            return None
        if master.variants is not variants and master.variants != variants:
            return None
    for segment in memory.segments.values():
        if segment.fetches.level is not _WELL or segment.slow.level is not _WELL:
            return None
    mono = now.mono
    worst, deadline = 0.0, last_heard(probe) + SILENT_S + 0.001
    end, window_s = None, None
    for place, target_s, is_seen_here in calm.places:
        playlist = playlists.get(place)
        if playlist is None or playlist.last_outcome is not _ANSWERS or playlist.is_suspect or playlist.parts is not None:
            return None
        media, shown = playlist.media, playlist.shown
        if media is None or shown is None or media.target_duration_s != target_s or media.has_endlist:
            return None
        if media.update_period_s is not None or not media.is_timed or media.part_target_s is not None:
            return None
        counts_from = shown.mono if shown.mono > playlist.excused_until else playlist.excused_until
        age_s = mono - counts_from
        if age_s >= STALE_T * target_s:
            return None
        if age_s / target_s > worst:
            worst = age_s / target_s
        due = counts_from + STALE_T * target_s + (target_s if target_s < GRACE_CEILING_S else GRACE_CEILING_S)
        if due < deadline:
            deadline = due
        if window_s is None or media.window_s < window_s:
            window_s = media.window_s
        ends_at = media.newest_ends_at
        if is_seen_here and ends_at is not None and (end is None or ends_at < end):
            end = ends_at
    channel = memory.channel
    if (channel.schedule or channel.maintenance) and (at := next_deadline(channel, now)) is not None and at < deadline:
        deadline = at
    verdict = msgspec.structs.replace(
        calm.verdict,
        watched_s=round(max(0.0, mono - calm.watched_since), 1),
        worst_age_over_t=round(worst, 2),
        latency_s=round((now.utc - end).total_seconds() - memory.wall_step_s, 1) if end is not None else None,
        window_s=window_s,
    )
    return verdict, deadline


def _is_only_passed_by(memory: ChannelMemory) -> bool:
    """Whether nothing is remarked on but headers of an origin that no edge passes on, as compression is the edges' work."""
    origin = memory.channel.origin
    return (
        origin is not None
        and any(edge.name != origin.name for edge in memory.channel.edges)
        and all(
            vantage == origin.name and all(one.code is Code.CACHE_HDR for one in many)
            for (vantage, _), many in memory.noted.items()
        )
    )
