"""A named set of backends, like a kube context."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from console.config.backend import Backend
from console.config.balancers import Balancers
from console.config.ingest import IngestServer
from console.config.kinds import FilePath, Name, Url
from console.config.probing import Probing
from console.config.switch import Switch
from console.model.channel import Channel
from console.model.figure import FigureSpec
from console.model.metric import GaugeSpec


class Guard(StrEnum):
    """How careful to be. PROD paints the frame red, and widens what an action must prove."""

    NONE = "none"
    PROD = "prod"


class Elasticsearch(Backend, frozen=True, kw_only=True):
    """Where the logs are."""

    index: Name = "logs-*"  # a pattern; comma-separated patterns work as in a search URL


class Cluster(Backend, frozen=True, kw_only=True):
    """One Kubernetes cluster: by context (from `kubeconfig`, else $KUBECONFIG), or by url with read and
    write.
    """

    context: Name | None = None
    kubeconfig: FilePath | None = None
    namespaces: tuple[Name, ...] = ()  # empty: all that may be read


class Channels(msgspec.Struct, frozen=True):
    """Where the list of channels comes from; several places are joined, the first to name a channel wins."""

    files: tuple[FilePath, ...] = ()  # JSON or CSV
    urls: tuple[Url, ...] = ()
    inline: tuple[Channel, ...] = ()


class Measures(msgspec.Struct, frozen=True):
    """PromQL for the numbers beside a channel: each answers one series per channel, labelled `channel`.
    Empty: not asked.
    """

    viewers: str = "sum by (channel) (channel_viewers)"
    ingest_bps: str = "sum by (channel) (channel_ingest_bps)"
    rebuffer_ratio: str = "max by (channel) (channel_rebuffer_ratio)"  # 0..1
    ingest_declared_bps: str = "max by (channel) (channel_ingest_declared_bps)"  # what the contribution is meant to be
    ingest_reconnects: str = "max by (channel) (increase(channel_ingest_reconnects_total[5m]))"  # within 5 minutes
    ingest_fps: str = ""  # frames per second as received; no exporter that is recognised measures it
    transcode_speed: str = ""  # media seconds out / wall seconds


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What one engineer watches at a time. A backend that is None does not exist here, and its panes say
    so.
    """

    guard: Guard = Guard.NONE
    prometheus: Backend | None = None
    alertmanager: Backend | None = None
    elasticsearch: Elasticsearch | None = None
    kubernetes: dict[Name, Cluster] = {}
    channels: Channels = Channels()
    gauges: tuple[GaugeSpec, ...] = ()
    figures: tuple[FigureSpec, ...] = ()
    measures: Measures = Measures()
    ingest: dict[Name, IngestServer] = {}
    probe: Probing = Probing()
    haproxy: dict[Name, Balancers] = {}
    switches: dict[Name, Switch] = {}
