"""What an action may touch: pods, channels, viewers, and the line that says so."""

from __future__ import annotations

from math import isfinite

from console.actions.guards.trust import BUDGETS, PODS, unread
from console.actions.guards.words import listed, people, several
from console.actions.plan import Blast
from console.actions.scene import Scene
from console.actions.survey import Survey
from console.model.channel import Channel
from console.model.joined import Streams
from console.model.reading import Reading
from console.model.severity import State

_ANSWERING = (State.LIVE, State.PARTIAL)


def blast(survey: Survey, scene: Scene) -> Blast:
    """Everything that is behind the affected services counts, whether or not it would feel it. None is not known."""
    pods = None if unread(survey, PODS) else len(survey.affected)
    services = frozenset((*survey.services, *(pod.service for pod in survey.affected if pod.service)))
    is_harmless = pods == 0 and not survey.load_after
    channels = () if is_harmless else _channels(scene.streams, services)
    viewers = None if channels is None else _viewers(scene.streams, channels)
    return Blast(pods=pods, channels=channels, viewers=viewers, text=_text(survey, scene, pods, channels, viewers))


def _channels(reading: Reading[Streams] | None, services: frozenset[str]) -> tuple[str, ...] | None:
    """Those that name one of the services; None where no list says which service does what."""
    if reading is None or reading.value is None or not services:
        return None
    every = reading.value.channels.values()
    if not any(_named(channel) for channel in every):
        return None
    return tuple(sorted(channel.name for channel in every if services & _named(channel)))


def _named(channel: Channel) -> frozenset[str]:
    """The services that stand behind a channel."""
    return frozenset((*channel.services.values(), *(each.service for each in channel.vantages if each.service)))


def _viewers(reading: Reading[Streams] | None, channels: tuple[str, ...]) -> int | None:
    if not channels:
        return 0
    if reading is None or reading.value is None or reading.state not in _ANSWERING:
        return None
    if reading.value.metrics_state not in _ANSWERING:
        return None
    total = 0.0
    for name in channels:
        measured = reading.value.metrics.get(name)
        viewers = measured.viewers if measured is not None else None
        if viewers is None or not isfinite(viewers) or viewers < 0:
            return None
        total += viewers
    return round(total)


def _text(survey: Survey, scene: Scene, pods: int | None, channels: tuple[str, ...] | None, viewers: int | None) -> str:
    parts = [several(pods, "pod") if pods is not None else "pods not known"]
    if channels is None:
        parts.append("channels and viewers not known")
    elif channels:
        crowd = f"{people(viewers)} viewers now" if viewers is not None else "viewers not known"
        parts.append(f"{several(len(channels), 'channel')}, {crowd}")
    elif pods or survey.load_after:
        parts.append("no channel names it")
    if unread(survey, BUDGETS):
        parts.append("budgets not known")
    elif survey.budgets:
        allowed = (
            f"PDB {each.name} allows {each.allowed if each.allowed is not None else '?'}" for each in survey.budgets
        )
        parts.append(listed(allowed, most=2))
    if survey.load_after:
        worst = max(survey.load_after, key=lambda each: each[1])
        parts.append(
            f"{worst[0]} at {worst[1] * 100:.0f} % after" if isfinite(worst[1]) else f"{worst[0]} at ? % after"
        )
    if survey.last_change_at is not None:
        parts.append(f"last change {_ago((scene.now.utc - survey.last_change_at).total_seconds())} ago")
    return " · ".join(parts)


def _ago(seconds: float) -> str:
    seconds = max(0.0, seconds)
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
