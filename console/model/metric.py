"""Numbers from the metrics store: gauges of capacity, and the measures of a channel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from console.model.failure import Failure
from console.model.severity import Severity


class GaugeSpec(msgspec.Struct, frozen=True):
    """What to ask for one gauge (config `[[sites.X.gauges]]`): two PromQL expressions of one value each."""

    name: str
    used: str
    total: str | None = None  # None: `used` is already a ratio
    unit: str = ""
    warn: float = 0.80  # ratio
    crit: float = 0.92


class Gauge(msgspec.Struct, frozen=True):
    """One gauge as answered. A missing number stays None with its reason: unknown is not zero."""

    spec: GaugeSpec
    used: float | None
    total: float | None
    as_of: datetime | None
    missing: str = ""  # why a number is missing: "no data", "3 series, expected 1"
    trend: tuple[float, ...] = ()  # ratio over the last 15 min, oldest first, NaN for holes

    @property
    def ratio(self) -> float | None:
        """used / total; None when either is unknown or total is not positive."""
        if self.used is None:
            return None
        if self.spec.total is None:
            return self.used
        return self.used / self.total if self.total is not None and self.total > 0 else None


class Gauges(msgspec.Struct, frozen=True):
    """All gauges of a site in the order of the configuration."""

    gauges: tuple[Gauge, ...]


class Capacity(msgspec.Struct, frozen=True):
    """Gauges with the verdict on each, by its name."""

    gauges: tuple[Gauge, ...]
    verdicts: Mapping[str, Severity]


class Signals(msgspec.Struct, frozen=True, omit_defaults=True):
    """What only a recognised exporter tells of a channel: the contribution feed, the encoder, the cache. None: nobody tells."""

    node: str | None = None  # the ingest server
    protocol: str | None = None  # srt | rtmp | ...
    rtt_s: float | None = None
    drop_ratio: float | None = None  # packets lost for good / packets
    fps: float | None = None
    speed: float | None = None  # media seconds out / wall seconds
    hit_ratio: float | None = None
    ttfb_s: float | None = None  # p95 at the edges
    start_failures: float | None = None  # technical start failures / attempts
    loss_ratio: float | None = None  # packets that had to be sent again / packets: recovered, so for information only
    latency_budget: float | None = None  # tsbpd delay / round trip: how often a lost packet can be asked for again
    reconnects: float | None = None  # how often the publisher came back within 5 minutes
    declared_bps: float | None = None  # what the contribution is meant to be
    fps_declared: float | None = None  # what its metadata says; not measured
    publishers: float | None = None  # 0: known, and nobody publishes
    encoder_use: float | None = None  # of the GPU's encoder, the busiest of its transcoder
    dropped_fps: float | None = None  # frames of the publisher that the server threw away, per second
    sources: Mapping[str, str] = {}  # signal -> the pack that told it
    notes: Mapping[str, str] = {}  # signal -> what is to be known of it: "worst of 2: in-1, in-2"


class Join(StrEnum):
    """By what a channel is found in an exporter's labels."""

    STREAM = "stream"  # "live/uk-sport-1", its last part, or what the channel's `ingest` says
    HOST = "host"  # the host in the URL of one of its vantages
    SERVICE = "service"  # the workload that transcodes it


class StreamSignals(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one exporter says of one publisher of one stream (or of one host, or one pod)."""

    name: str
    values: Mapping[str, float]  # by field of `Signals`, and "ingest_bps"
    pack: str
    place: str = ""  # the node, pod or instance that told it
    protocol: str | None = None
    join: Join = Join.STREAM


class StreamTable(msgspec.Struct, frozen=True):
    """What an ingest server says of its streams when it is asked itself."""

    streams: tuple[StreamSignals, ...]


class ChannelMetrics(msgspec.Struct, frozen=True):
    """What the metrics store says of one channel; None where it says nothing."""

    viewers: float | None = None
    ingest_bps: float | None = None
    rebuffer_ratio: float | None = None
    viewers_trend: tuple[float, ...] = ()
    rebuffer_trend: tuple[float, ...] = ()  # last 15 min, oldest first, NaN for holes
    signals: Signals = Signals()


class ChannelTable(msgspec.Struct, frozen=True):
    """Measures by channel name."""

    channels: Mapping[str, ChannelMetrics]
    missing: Mapping[str, Failure | str] = {}  # measure -> why it could not be had ("viewers": "no series")
    streams: tuple[StreamSignals, ...] = ()  # what recognised exporters tell, not yet joined to channels
    formulas: Mapping[str, str] = {}  # "mediamtx rtt_s" -> the PromQL that was asked
    gone: Mapping[str, str] = {}  # pack -> why it tells nothing any more
    is_warned: bool = False  # the store warned that its answers may be incomplete
