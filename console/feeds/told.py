"""The streams as far probers tell them: the same reading as of our own prober, with the honesty about silence of another.

A channel on our list of which no shard speaks is UNKNOWN(source): that nobody watches it is no good news.
"""

from __future__ import annotations

from collections.abc import Mapping

from console.feeds.derived import Derived, Inputs
from console.feeds.signals import SignalDesk
from console.feeds.streams import CHANNELS, METRICS
from console.model.channel import Channel
from console.model.finding import ChannelVerdict
from console.model.instant import Instant
from console.model.joined import Streams
from console.model.metric import ChannelTable
from console.model.reading import Reading
from console.model.severity import Severity
from console.model.told import ToldVerdicts

FINDINGS = "prometheus.findings"


class ToldStreamsDerivation:
    """Joins what is told with the channel list, if the site has one, and with the measures."""

    misses_none_of: tuple[str, ...] = ()
    every_s = 0.5

    def __init__(self, has_list: bool, has_metrics: bool, servers: tuple[str, ...] = ()) -> None:
        self.inputs = (FINDINGS, *((CHANNELS,) if has_list else ()), *((METRICS,) if has_metrics else ()), *servers)
        self._servers = servers
        self._signals = SignalDesk()

    def step(self, inputs: Inputs, now: Instant) -> Derived[Streams]:
        """One join; nothing is judged here, and time changes nothing that the source does not tell."""
        told: Reading[ToldVerdicts] = inputs.readings[FINDINGS]
        listed: Reading[tuple[Channel, ...]] | None = inputs.readings.get(CHANNELS)
        metrics: Reading[ChannelTable] | None = inputs.readings.get(METRICS)
        if told.value is None or (listed is not None and listed.value is None):
            missing = told if told.value is None else listed
            assert missing is not None
            return Derived(missing.carrying(None))
        verdicts = told.value.verdicts
        channels = _channels(listed.value if listed is not None else None, verdicts)
        told_of = {name: verdicts.get(name) or _untold(name) for name in channels}
        self._signals.step(channels, told_of, metrics, [inputs.readings[name] for name in self._servers], now)
        return Derived(told.carrying(self._signals.stream_table(channels, told_of, metrics, {})))


def _channels(
    listed: tuple[Channel, ...] | None, verdicts: Mapping[str, ChannelVerdict]
) -> Mapping[str, Channel]:
    if listed is None:
        return {name: Channel(name=name, vantages=()) for name in verdicts}
    return {channel.name: channel for channel in listed}


def _untold(name: str) -> ChannelVerdict:
    return ChannelVerdict(channel=name, severity=Severity.UNKNOWN, reason="source: no prober tells of it")
