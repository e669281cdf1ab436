"""Many channels, one cause: what a node serves goes into trouble together.

One channel that loses one of four edges is a warning and wakes nobody. When a good part of all the channels that share a node
(a PoP, an edge's workload, an origin, an ingest node, a packager) go into trouble there within a minute, it is the node, and it
is one incident on it, also when every single finding is only a warning.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from console.judge.members import service_of
from console.model.channel import Channel
from console.model.finding import ChannelVerdict, Finding
from console.model.incident import Member
from console.model.severity import Layer, Severity

LEAST_CHANNELS = 5
SHARE = 0.3
TOGETHER_S = 60.0
_LAYERS = (Layer.EDGE, Layer.ORIGIN, Layer.PACKAGE, Layer.TRANSCODE, Layer.INGEST)


class Node(NamedTuple):
    """What channels share."""

    layer: Layer
    name: str  # of the PoP where there is one, else of the workload
    is_pop: bool

    @property
    def title(self) -> str:
        """As it stands before the colon of an incident's title."""
        return f"PoP {self.name}" if self.is_pop else self.name


def with_nodes(
    members: list[Member], verdicts: Mapping[str, ChannelVerdict], channels: Mapping[str, Channel]
) -> list[Member]:
    """The same members; those of a node that is at fault open one incident on it."""
    if len(members) < LEAST_CHANNELS:
        return members
    at: dict[Node, dict[str, float]] = {}  # node -> channel -> when its trouble there began
    of: dict[str, Node] = {}
    for member in members:
        channel = channels.get(member.channel or "")
        node = _node(member, verdicts, channel) if channel is not None else None
        if node is None or channel is None:
            continue
        of[member.key] = node
        began = at.setdefault(node, {})
        began[channel.name] = min(began.get(channel.name, float("inf")), member.at.timestamp())
    bad = {node for node, began in at.items() if len(began) >= LEAST_CHANNELS and _is_together(node, began, channels)}
    if not bad:
        return members
    services: dict[Node, set[str | None]] = {}
    for member in members:
        if member.key in of:
            services.setdefault(of[member.key], set()).add(member.service)
    return [
        msgspec.structs.replace(one, group=_group(node, services[node]), node=node.title, opens=True)
        if (node := of.get(one.key)) is not None and node in bad
        else one
        for one in members
    ]


def _group(node: Node, services: set[str | None]) -> str:
    """A workload's own group where it is one workload: what was opened for it, and its alerts, are of the same incident."""
    (service,) = services if len(services) == 1 else (None,)
    return f"service:{service}" if service is not None else f"pop:{node.name}" if node.is_pop else f"service:{node.name}"


def _is_together(node: Node, began: Mapping[str, float], channels: Mapping[str, Channel]) -> bool:
    """Whether enough of those that share it went within one minute."""
    sharing = sum(node.name in _names(channel, node) for channel in channels.values())
    needed = max(LEAST_CHANNELS, SHARE * sharing)
    times = sorted(began.values())
    return any(bisect_right(times, first + TOGETHER_S) - place >= needed for place, first in enumerate(times))


def _names(channel: Channel, node: Node) -> Iterable[str | None]:
    if node.is_pop:
        return [vantage.pop for vantage in channel.vantages]
    return [*(vantage.service for vantage in channel.vantages), *channel.services.values()]


def _node(member: Member, verdicts: Mapping[str, ChannelVerdict], channel: Channel) -> Node | None:
    if member.layer not in _LAYERS or member.channel is None or member.layer is None:
        return None
    for finding in verdicts[member.channel].findings:
        if (finding.code, finding.layer) == (member.code, member.layer) and finding.severity is not Severity.OK:
            pop = _pop(channel, finding)
            if pop is not None:
                return Node(member.layer, pop, True)
            service = service_of(channel, finding)
            if service is not None:
                return Node(member.layer, service, False)
    return None


def _pop(channel: Channel, finding: Finding) -> str | None:
    """The PoP of the edges at fault, when it is one."""
    if finding.layer is not Layer.EDGE:
        return None
    named = finding.evidence.get("vantages")
    at_fault = {finding.vantage} if finding.vantage else set(named if isinstance(named, list) else ())
    pops = {vantage.pop for vantage in channel.edges if vantage.name in at_fault}
    return pops.pop() if len(pops) == 1 else None
