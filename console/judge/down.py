"""DOWN: no rendition of the channel can be fetched at the origin, and no edge still serves a fresh one."""

from __future__ import annotations

from console.judge.checks import stale
from console.judge.codes import Code
from console.judge.symptom import Sight
from console.model.finding import Finding
from console.model.severity import Layer, Severity


def down(sight: Sight) -> Finding | None:
    """The finding, when everything that is watched has failed."""
    memory = sight.memory
    if not memory.playlists:
        return None
    crit = Severity.CRIT
    failing = [p for p in memory.playlists.values() if p.fetches.level is crit and not p.is_answering]
    if not failing or not all(_is_out(sight, vantage.name) for vantage in memory.channel.vantages):
        return None
    first = min((p.fetches.first for p in failing if p.fetches.first is not None), key=lambda at: at.mono)
    last = max((p.last_at for p in failing), key=lambda at: at.mono)
    names = [vantage.name for vantage in memory.channel.vantages]
    return Finding(
        code=Code.DOWN.value,
        entity=memory.channel.name,
        rendition=None,
        layer=Layer.ORIGIN,
        vantage=names[0] if len(names) == 1 else None,
        severity=Severity.CRIT,
        reason=f"down: no playlist can be fetched at {'any of ' if len(names) > 1 else ''}{', '.join(names)}"[:300],
        first_seen=first.utc,
        last_seen=last.utc,
        evidence={"vantages": names},
    )


def _is_out(sight: Sight, vantage: str) -> bool:
    """Every rendition fails here or stands still while its origin fails; where none is known, the master
    does.
    """
    media = [p for v, _, p in sight.media() if v == vantage]
    if not media:
        master = sight.memory.playlists.get((vantage, None))
        return master is not None and master.fetches.level is Severity.CRIT and not master.is_answering
    is_origin = vantage == sight.origin or sight.origin is None
    return all(
        (p.fetches.level is Severity.CRIT and not p.is_answering)
        or (not is_origin and stale.level(p, sight) is Severity.CRIT)
        for p in media
    )
