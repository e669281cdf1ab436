"""Exporters' numbers joined to channels, and judged: once for each new reading of what tells them, not for each answer of
the prober.

Which stream is which channel is said by the channel's `ingest`, else by its name being the last part of the stream's. Several
publishers of one name are told as the worst of them, with how many there are. Only what is live is believed: of a store that
fails, no number is shown as new, nothing is found, and nothing is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from console.judge import signals as judge
from console.judge.signals import Heard, SignalMemory
from console.judge.upstream import is_off, merged
from console.model.channel import Channel
from console.model.finding import ChannelVerdict
from console.model.instant import Instant
from console.model.joined import Streams
from console.model.metric import ChannelMetrics, ChannelTable, Join, StreamSignals, StreamTable
from console.model.reading import Reading
from console.model.severity import Layer, State

LOW_IS_WORSE = frozenset({"ingest_bps", "fps", "fps_declared", "latency_budget", "speed", "hit_ratio", "publishers"})
TOLD_PLACES = 3
_NO_METRICS = ChannelMetrics()
_NOTHING = SignalMemory()
Moments = Mapping[str, Instant]


class StreamIndex:
    """Streams by what a channel may call them."""

    def __init__(self, streams: Iterable[StreamSignals]) -> None:
        self._whole: dict[str, list[StreamSignals]] = {}
        self._last: dict[str, list[StreamSignals]] = {}
        self._hosts: dict[str, list[StreamSignals]] = {}
        self._pods: dict[str, list[StreamSignals]] = {}
        for one in streams:
            if one.join is Join.STREAM:
                self._whole.setdefault(one.name.strip("/"), []).append(one)
                self._last.setdefault(one.name.rstrip("/").rpartition("/")[2], []).append(one)
            elif one.join is Join.HOST:
                self._hosts.setdefault(one.name.lower(), []).append(one)
            else:
                self._pods.setdefault(one.name, []).append(one)

    def of(self, channel: Channel) -> list[StreamSignals]:
        """All that is told of a channel, whoever tells it."""
        name = channel.ingest.strip("/") if channel.ingest is not None else channel.name
        found = list(self._whole.get(name, ()))
        if not found and "/" not in name:
            found += self._last.get(name, ())
        if not found and channel.ingest is not None:  # an exporter that knows no application
            found += self._whole.get(name.rpartition("/")[2], ())
        for host in {_host(vantage.url) for vantage in channel.vantages if vantage.layer is Layer.EDGE} if self._hosts else ():
            found += self._hosts.get(host, ())
        service = channel.services.get(Layer.TRANSCODE.value)
        if service and self._pods:
            found += [
                one
                for pod, of_pod in self._pods.items()
                if pod == service or pod.startswith(f"{service}-")
                for one in of_pod
            ]
        return found


def joined(measured: ChannelMetrics, told: Sequence[StreamSignals]) -> ChannelMetrics:
    """A channel's metrics with what exporters tell of it. What the site measures in its own words is not overruled."""
    if not told:
        return measured
    by_signal: dict[str, list[StreamSignals]] = {}
    for one in told:
        for signal in one.values:
            by_signal.setdefault(signal, []).append(one)
    values: dict[str, Any] = {}
    sources, notes = dict(measured.signals.sources), dict(measured.signals.notes)
    bps = measured.ingest_bps
    for signal, tellers in by_signal.items():
        has_own = bps is not None if signal == "ingest_bps" else getattr(measured.signals, signal) is not None
        if has_own:
            continue
        worst = (min if signal in LOW_IS_WORSE else max)(tellers, key=lambda one: one.values[signal])
        sources[signal] = worst.pack
        if signal == "ingest_bps":
            bps = worst.values[signal]
        else:
            values[signal] = worst.values[signal]
        if len(tellers) > 1:
            places = [one.place or one.pack for one in tellers]
            more = f" and {len(places) - TOLD_PLACES} more" if len(places) > TOLD_PLACES else ""
            notes[signal] = f"worst of {len(tellers)}: {', '.join(places[:TOLD_PLACES])}{more}"
    feeds = [one for one in told if one.join is Join.STREAM]
    nodes = list(dict.fromkeys(one.place for one in feeds if one.place))
    if nodes:
        values["node"] = nodes[0] if len(nodes) == 1 else f"{nodes[0]}+{len(nodes) - 1}"
    protocols = list(dict.fromkeys(one.protocol for one in feeds if one.protocol))
    if protocols:
        values["protocol"] = "+".join(protocols[:2])
    signals = msgspec.structs.replace(measured.signals, **values, sources=sources, notes=notes)
    return msgspec.structs.replace(measured, ingest_bps=bps, signals=signals)


class SignalDesk:
    """The joined metrics of all channels, and what was found in them."""

    def __init__(self) -> None:
        self.metrics: Mapping[str, ChannelMetrics] = {}
        self._memories: dict[str, SignalMemory] = {}
        self._heard: dict[str, Heard] = {}
        self._stood_on: tuple[object, ...] = ()

    def step(
        self,
        channels: Mapping[str, Channel],
        verdicts: Mapping[str, ChannelVerdict],
        metrics: Reading[ChannelTable] | None,
        servers: Sequence[Reading[StreamTable]],
        now: Instant,
    ) -> None:
        """Joins and judges anew when any of the readings is new, or the channels are."""
        stands_on = (metrics, *servers, *channels.values())
        if len(stands_on) == len(self._stood_on) and all(map(_is, stands_on, self._stood_on)):
            return
        self._stood_on = stands_on
        table = metrics.value if metrics is not None else None
        asked: list[StreamSignals] = []
        asked_at: dict[str, Instant] = {}  # the server's name, which is the place that its streams name -> when it answered
        for reading in servers:
            if reading.value is not None and _is_live(reading):
                asked += reading.value.streams
                asked_at.update({one.place: _sampled(reading, now) for one in reading.value.streams})
        stored = table.streams if table is not None else ()
        own, others = StreamIndex(asked), StreamIndex(stored)
        found: dict[str, ChannelMetrics] = dict(table.channels) if table is not None else {}
        is_stored_live = metrics is not None and table is not None and _is_live(metrics) and not table.is_warned
        stored_at = _sampled(metrics, now) if metrics is not None and is_stored_live else None
        formulas = table.formulas if table is not None else {}
        for name, channel in channels.items():
            measured = found.get(name, _NO_METRICS)
            direct = own.of(channel) if asked else []
            seen = [one for one in others.of(channel) if not direct or one.join is not Join.STREAM] if stored else []
            joint = joined(measured, (*direct, *seen))
            if joint is not _NO_METRICS:
                found[name] = joint
            if name in verdicts and is_off(verdicts[name]):
                self._forget(name)
                continue
            at = _moments(joint, measured, direct, asked_at, stored_at)
            self._judge(name, joint, at, now, formulas)
        for gone in self._memories.keys() - channels.keys():
            self._forget(gone)
        self.metrics = found

    def merged(self, verdicts: Mapping[str, ChannelVerdict]) -> dict[str, ChannelVerdict]:
        """Each verdict with what was found at the other end of its channel."""
        out = dict(verdicts)
        for name, heard in self._heard.items():
            if name in out:
                out[name] = merged(out[name], heard.findings, heard.unknown)
        return out

    def stream_table(
        self,
        channels: Mapping[str, Channel],
        verdicts: Mapping[str, ChannelVerdict],
        metrics: Reading[ChannelTable] | None,
        download_ratios: Mapping[str, float],
    ) -> Streams:
        """What the panes are made of: verdicts with what was found here, and which numbers are missing and why."""
        table = metrics.value if metrics is not None else None
        return Streams(
            channels=channels,
            verdicts=self.merged(verdicts),
            metrics=self.metrics,
            metrics_state=metrics.state if metrics is not None else None,
            download_ratios=download_ratios,
            metrics_missing={name: str(why) for name, why in table.missing.items()} if table is not None else {},
            packs_gone=table.gone if table is not None else {},
        )

    def _judge(self, name: str, metrics: ChannelMetrics, at: Moments, now: Instant, formulas: Mapping[str, str]) -> None:
        memory = self._memories.get(name, _NOTHING)
        if not at and not memory.held:
            self._heard.pop(name, None)
            return
        heard = judge.step(memory, name, metrics, at, now, formulas)
        self._memories[name] = heard.memory
        if heard.findings or heard.unknown:
            self._heard[name] = heard
        else:
            self._heard.pop(name, None)

    def _forget(self, name: str) -> None:
        self._memories.pop(name, None)
        self._heard.pop(name, None)


def _moments(
    joint: ChannelMetrics,
    measured: ChannelMetrics,
    direct: Sequence[StreamSignals],
    asked_at: Moments,
    stored_at: Instant | None,
) -> Moments:
    """When each signal was sampled; without those of a store that is not live."""
    at: dict[str, Instant] = {}
    if stored_at is not None:
        at = dict.fromkeys(joint.signals.sources, stored_at)
        if joint.ingest_bps is not None:
            at["ingest_bps"] = stored_at
    of_servers: dict[str, Instant] = {}
    for one in direct:
        when = asked_at[one.place]
        for signal in one.values:
            is_own = measured.ingest_bps is not None if signal == "ingest_bps" else signal in measured.signals.sources
            if not is_own and (signal not in of_servers or when.mono < of_servers[signal].mono):
                of_servers[signal] = when  # of two that tell it the older: the worst of them is new when both are
    return {**at, **of_servers}


def _is_live(reading: Reading[Any]) -> bool:
    """A partial answer lacks some numbers, and those it has are whole."""
    return reading.state in (State.LIVE, State.PARTIAL)


def _sampled(reading: Reading[Any], now: Instant) -> Instant:
    return reading.received if reading.received is not None else now


def _is(one: object, other: object) -> bool:
    return one is other


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
