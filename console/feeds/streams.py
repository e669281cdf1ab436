"""The judge on the prober's observations: on every one of them, and on the clock; with what exporters tell of ingest."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from console.feeds.derived import Derived, Inputs
from console.feeds.opened import opened
from console.feeds.signals import SignalDesk
from console.judge import stream
from console.judge.stream import ChannelMemory
from console.model.channel import Channel
from console.model.finding import ChannelVerdict
from console.model.instant import Instant
from console.model.joined import Streams
from console.model.metric import ChannelTable
from console.model.observation import Heartbeat, Observation, ProbeBatch, SegmentFacts
from console.model.opened import OpenedChannel
from console.model.reading import Reading
from console.model.severity import State

PROBER = "hls.prober"
METRICS = "prometheus.channels"
CHANNELS = "channels"


class StreamsDerivation:
    """One memory a channel; the judge is pure, so what it must remember is kept here."""

    misses_none_of = (PROBER,)
    every_s = 0.5  # a channel of five renditions at six vantages has ten answers a second

    def __init__(self, has_metrics: bool, servers: tuple[str, ...] = ()) -> None:
        """`servers`: the feeds of ingest servers that are asked themselves."""
        self.inputs = (PROBER, CHANNELS, *((METRICS,) if has_metrics else ()), *servers)
        self._servers = servers
        self._signals = SignalDesk()
        self._memories: dict[str, ChannelMemory] = {}
        self._verdicts: dict[str, ChannelVerdict] = {}
        self._heartbeat: Heartbeat | None = None
        self._ratios: dict[str, dict[str, float]] = {}  # channel -> vantage -> fetch time / EXTINF of its newest whole segment

    def step(self, inputs: Inputs, now: Instant) -> Derived[Streams]:
        """Judge every channel on what is new, and on what has become of silence."""
        prober: Reading[ProbeBatch] = inputs.readings[PROBER]
        listed: Reading[tuple[Channel, ...]] = inputs.readings[CHANNELS]
        news = self._news(inputs.every[PROBER])
        channels = {channel.name: channel for channel in listed.value or ()}
        deadlines = [
            deadline
            for channel in channels.values()
            if (deadline := self._judge(channel, news.get(channel.name, ()), now)) is not None
        ]
        for gone in self._memories.keys() - channels.keys():
            del self._memories[gone]
            self._verdicts.pop(gone, None)
            self._ratios.pop(gone, None)
        metrics = inputs.readings.get(METRICS)
        servers = [inputs.readings[name] for name in self._servers]
        self._signals.step(channels, self._verdicts, metrics, servers, now)
        value = self._joined(channels, metrics) if channels else None
        if value is None and listed.state is State.LIVE:
            value = Streams(channels={}, verdicts={})
        return Derived(reading=self._reading(value, prober, listed), deadline_mono=min(deadlines, default=None))

    def opened(self, name: str, now: Instant) -> OpenedChannel | None:
        """The close look at one channel as of the newest step; None when it is not (or not yet) watched."""
        memory, verdict = self._memories.get(name), self._verdicts.get(name)
        return opened(memory, verdict, now) if memory is not None and verdict is not None else None

    def _news(self, readings: tuple[Reading[ProbeBatch], ...]) -> Mapping[str, list[Observation]]:
        news: dict[str, list[Observation]] = {}
        beats: list[Heartbeat] = []
        for reading in readings:
            batch = reading.value
            if batch is None or reading.state is State.ERROR:
                continue
            beats += [batch.heartbeat] if batch.heartbeat is not None else []
            for observation in batch.observations:
                news.setdefault(observation.channel, []).append(observation)
                if observation.segment is not None:
                    self._measure(observation, observation.segment)
        if beats:  # several taken at once: the newest, with the worst lateness of them all
            self._heartbeat = msgspec.structs.replace(
                beats[-1],
                poll_lag_s=max(beat.poll_lag_s for beat in beats),
                loop_lag_s=max(beat.loop_lag_s for beat in beats),
            )
        return news

    def _measure(self, seen: Observation, segment: SegmentFacts) -> None:
        if segment.is_whole and segment.transfer_s is not None and segment.extinf_s > 0:
            self._ratios.setdefault(seen.channel, {})[seen.vantage] = segment.transfer_s / segment.extinf_s

    def _judge(self, channel: Channel, news: list[Observation] | tuple[()], now: Instant) -> float | None:
        memory = self._memories.get(channel.name)
        if memory is None or memory.channel != channel:
            memory = ChannelMemory.starting(channel, now)  # other vantages: what was learned of the old ones is void
        step = stream.step(memory, news, self._heartbeat, now)
        self._memories[channel.name] = step.memory
        self._verdicts[channel.name] = step.verdict
        return step.deadline_mono

    def _joined(self, channels: Mapping[str, Channel], metrics: Reading[ChannelTable] | None) -> Streams:
        slowest = {name: max(ratios.values()) for name, ratios in self._ratios.items()}
        return self._signals.stream_table(channels, self._verdicts, metrics, slowest)

    def _reading(
        self, value: Streams | None, prober: Reading[ProbeBatch], listed: Reading[tuple[Channel, ...]]
    ) -> Reading[Streams]:
        """The prober decides the state, and so does a channel list that never came; metrics only add columns."""
        decisive: Reading[ProbeBatch] | Reading[tuple[Channel, ...]] = prober
        if listed.value is None:
            decisive = listed
        state, reason = decisive.state, decisive.partial_reason
        if state is State.LIVE and not all(verdict.is_settled for verdict in self._verdicts.values()):
            warming = sum(not verdict.is_settled for verdict in self._verdicts.values())
            state, reason = (
                State.PARTIAL,
                f"warming: {warming} of {len(self._verdicts)} channels not yet watched for 1.5 T",
            )
        return Reading(
            value=value,
            state=state,
            received=prober.received,
            as_of=prober.as_of,
            server_age_s=prober.server_age_s,
            error=decisive.error,
            partial_reason=reason,
        )
