"""What derived feeds carry: several readings joined for one pane."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from console.model.channel import Channel
from console.model.failure import Failure
from console.model.finding import ChannelVerdict
from console.model.kube import Deployment, KubeEvent, Node, Pod
from console.model.logline import LevelCounts, LogWindow
from console.model.metric import ChannelMetrics
from console.model.severity import State


class Streams(msgspec.Struct, frozen=True):
    """Every channel with its verdict, and what the metrics store adds to it."""

    channels: Mapping[str, Channel]
    verdicts: Mapping[str, ChannelVerdict]
    metrics: Mapping[str, ChannelMetrics] = {}
    metrics_state: State | None = None  # None: no metrics store is configured
    metrics_missing: Mapping[str, str] = {}  # measure -> why
    packs_gone: Mapping[str, str] = {}  # an exporter that was recognised -> why it tells nothing any more
    download_ratios: Mapping[str, float] = {}  # fetch time / EXTINF of the newest whole segment, at the slowest vantage


class Workloads(msgspec.Struct, frozen=True):
    """All clusters of the site joined. A cluster that fails keeps its last objects; `errors` says so."""

    pods: Mapping[str, Pod]
    deployments: Mapping[str, Deployment]
    nodes: Mapping[str, Node]
    events: Mapping[str, KubeEvent]
    clusters: Mapping[str, State]
    errors: Mapping[str, Failure] = {}  # "demo-1 pods" -> why
    unread: tuple[str, ...] = ()  # "demo-1 pods": never answered, so that what is not in here may be there all the same


class Logs(msgspec.Struct, frozen=True):
    """The window of the tail, and how many lines of each level there were over the last quarter of an hour."""

    window: LogWindow
    levels: LevelCounts | None
    levels_error: Failure | None = None
