"""Config -> sources, hub, desk. The one place that knows every room of the engine; no Textual.

Nothing is connected, imported or read from disk here: a source is made when its feed's first reader comes, and its
connector is imported then, off the loop. What a site does not configure has no feed, and its pane says so.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from console.actions.book import Book
from console.actions.ledger import OPERATIONS, OperationsSource
from console.config import Config
from console.config.backend import Backend, Credential
from console.config.paths import audit_dir
from console.config.probing import Verdicts
from console.config.rate import bytes_per_s
from console.config.scope import DEFAULTS, ScopeNames
from console.config.secrets import resolve
from console.config.site import Cluster, Elasticsearch, Measures, Site
from console.feeds.capacity import CapacityDerivation
from console.feeds.derived import Derivation, DerivedFeed
from console.feeds.desk import CloseLook, Desk
from console.feeds.figures import FIGURES, FiguresDerivation
from console.feeds.hub import Hub
from console.feeds.incidents import ALERTS, IncidentsDerivation
from console.feeds.ledger import LedgerFeed
from console.feeds.log import LogFeed, LogRing
from console.feeds.logs import LEVELS, TAIL, LogsDerivation
from console.feeds.raw import StateFeed
from console.feeds.streams import CHANNELS, METRICS, PROBER, StreamsDerivation
from console.feeds.told import FINDINGS, ToldStreamsDerivation
from console.feeds.workloads import WorkloadsDerivation, feed_name
from console.model.channel import Channel
from console.model.instant import Clock
from console.rows import gauges, incidents, lines, pods, streams
from console.sources.access import Access
from console.sources.elasticsearch.fields import Fields
from console.sources.meter import Meter

if TYPE_CHECKING:
    from console.sources.listing import ChannelListing
    from console.sources.prometheus.client import PrometheusClient

GAUGES = "prometheus.gauges"
FIGURE_NUMBERS = "prometheus.figures"
INGEST = "ingest."  # before the name of an ingest server


class Engine:
    """One site, ready to be looked at. Close it to leave nothing behind."""

    def __init__(
        self,
        name: str,
        site: Site,
        config: Config,
        clock: Clock,
        environ: Mapping[str, str],
        keeps: Callable[[Channel], bool] | None = None,
    ) -> None:
        """`keeps`: of the channels on the list, only these are watched (a shard of them)."""
        self.name = name
        self.site = site
        self.clock = clock
        self.hub = Hub(clock)
        self.book = Book(audit_dir(environ), clock)  # what was done, read; who may do anything is another matter
        self._names = config.scope
        self._keeps = keeps
        self._closing: list[Callable[[], Awaitable[None]]] = []
        self._ring: LogRing | None = None
        self._metrics_store: tuple[PrometheusClient, Meter] | None = None
        self._close_look: CloseLook | None = None
        self._add_metrics()
        self._add_alerts()
        self._add_logs()
        self._add_workloads()
        self._add_ingest()
        self._add_streams()
        self.hub.add(StateFeed(OPERATIONS, lambda: OperationsSource(self.book, clock), clock))
        self._add_incidents()
        self.hub.add(LedgerFeed(self.hub, clock))
        self.desk = Desk(self.hub, clock, self._ring, self._close_look)

    @classmethod
    def open(
        cls, config: Config, site: str | None, clock: Clock, environ: Mapping[str, str] | None = None
    ) -> Engine:
        """The site by its name, else the default. Raises ValueError that lists the sites."""
        name, chosen = config.choose(site)
        return cls(name, chosen, config, clock, os.environ if environ is None else environ)

    @property
    def is_prod(self) -> bool:
        return self.site.guard.value == "prod"

    async def close(self) -> None:
        """Stop every feed, then what feeds shared."""
        await self.hub.close()
        for close in self._closing:
            await close()

    def _derive(self, name: str, derivation: Derivation[Any]) -> None:
        self.hub.add(DerivedFeed(name, derivation, self.hub, self.clock))

    def _add_metrics(self) -> None:
        backend = self.site.prometheus
        if backend is None:
            return
        from console.sources.prometheus import channels as channel_source
        from console.sources.prometheus import client as prometheus
        from console.sources.prometheus import gauges as gauge_source

        meter = Meter(self.clock)
        client = prometheus.PrometheusClient(access(backend), self.clock, meter)
        self._closing.append(client.close)
        self._metrics_store = (client, meter)
        if self.site.gauges:
            self.hub.add(
                StateFeed(
                    GAUGES,
                    lambda: gauge_source.gauges_source(GAUGES, client, self.site.gauges, self.clock, meter),
                    self.clock,
                )
            )
            self._derive(gauges.VIEW, CapacityDerivation(GAUGES))
        if self.site.figures:
            self._add_figures(client, meter)
        label = self._names.channel.prometheus
        if (self._has_channels or self._is_told) and label:
            queries = measure_queries(self.site.measures, label)
            self.hub.add(
                StateFeed(
                    METRICS,
                    lambda: channel_source.channels_source(METRICS, client, self.clock, meter, queries, label=label),
                    self.clock,
                )
            )

    def _add_figures(self, client: PrometheusClient, meter: Meter) -> None:
        from console.sources.prometheus.figures import figures_source

        self.hub.add(
            StateFeed(
                FIGURE_NUMBERS,
                lambda: figures_source(FIGURE_NUMBERS, client, self.site.figures, self.clock, meter),
                self.clock,
            )
        )
        self._derive(FIGURES, FiguresDerivation(FIGURE_NUMBERS))

    def _add_alerts(self) -> None:
        backend = self.site.alertmanager
        if backend is None:
            return
        from console.sources.alertmanager import alerts

        self.hub.add(
            StateFeed(
                ALERTS,
                lambda: alerts.alerts_source(ALERTS, access(backend), self.clock, Meter(self.clock)),
                self.clock,
            )
        )

    def _add_logs(self) -> None:
        backend: Elasticsearch | None = self.site.elasticsearch
        if backend is None:
            return
        from console.sources.elasticsearch import levels, tail

        reach, fields = access(backend), log_fields(self._names)
        feed = LogFeed(
            TAIL,
            lambda: tail.tail_source(TAIL, reach, backend.index, self.clock, Meter(self.clock), fields=fields),
            self.clock,
        )
        self._ring = feed.ring
        self.hub.add(feed)
        self.hub.add(
            StateFeed(
                LEVELS,
                lambda: levels.levels_source(
                    LEVELS, reach, backend.index, self.clock, Meter(self.clock), fields=fields
                ),
                self.clock,
            )
        )
        self._derive(lines.VIEW, LogsDerivation())

    def _add_workloads(self) -> None:
        if not self.site.kubernetes:
            return
        from console.sources import kubernetes

        for cluster, backend in self.site.kubernetes.items():
            target = kube_target(cluster, backend, self._names)
            connection = kubernetes.Connection(target, self.clock)
            for kind, make in (
                ("pods", kubernetes.pods),
                ("deployments", kubernetes.deployments),
                ("nodes", kubernetes.nodes),
                ("events", kubernetes.events),
            ):
                self.hub.add(
                    StateFeed(
                        feed_name(cluster, kind),
                        lambda make=make, target=target, connection=connection: make(  # type: ignore[misc]
                            target, self.clock, connection=connection
                        ),
                        self.clock,
                    )
                )
        self._derive(pods.VIEW, WorkloadsDerivation(tuple(self.site.kubernetes)))

    def _add_ingest(self) -> None:
        if not self.site.ingest:
            return
        from console.sources.nginx_rtmp.source import rtmp_source

        for name, server in self.site.ingest.items():
            feed, reach = INGEST + name, access(server)
            self.hub.add(
                StateFeed(
                    feed,
                    lambda feed=feed, name=name, reach=reach, server=server: rtmp_source(  # type: ignore[misc]
                        feed, name, reach, self.clock, Meter(self.clock), server.period_s
                    ),
                    self.clock,
                )
            )

    @property
    def _servers(self) -> tuple[str, ...]:
        return tuple(INGEST + name for name in self.site.ingest)

    @property
    def _has_channels(self) -> bool:
        channels = self.site.channels
        return bool(channels.files or channels.urls or channels.inline)

    @property
    def _is_told(self) -> bool:
        """The verdicts come from probers elsewhere, and none of ours is started."""
        return self.site.probe.verdicts is Verdicts.METRICS and self._metrics_store is not None

    def _add_streams(self) -> None:
        if self._is_told:
            self._add_told_streams()
            return
        if not self._has_channels:
            return
        from console.sources.hls.prober import ProberSource

        listing = self._add_listing()
        probing = self.site.probe
        budget_Bps = bytes_per_s(probing.segment_budget)
        self.hub.add(
            StateFeed(
                PROBER,
                lambda: ProberSource(
                    PROBER, lambda: listing.current, self.clock, segments=probing.segments.value, budget_Bps=budget_Bps
                ),
                self.clock,
            )
        )
        derivation = StreamsDerivation(has_metrics=METRICS in self.hub, servers=self._servers)
        self._close_look = derivation.opened
        self._derive(streams.VIEW, derivation)

    def _add_listing(self) -> ChannelListing:
        from console.sources.listing import ChannelListing, channels_source

        wanted = self.site.channels
        meter = Meter(self.clock)
        listing = ChannelListing(tuple(map(str, wanted.files)), wanted.urls, wanted.inline, meter, self._keeps)
        self.hub.add(StateFeed(CHANNELS, lambda: channels_source(CHANNELS, listing, self.clock, meter), self.clock))
        return listing

    def _add_told_streams(self) -> None:
        from console.sources.prometheus import findings

        assert self._metrics_store is not None
        client, meter = self._metrics_store
        self.hub.add(
            StateFeed(FINDINGS, lambda: findings.findings_source(FINDINGS, client, self.clock, meter), self.clock)
        )
        if self._has_channels:
            self._add_listing()
        self._derive(
            streams.VIEW,
            ToldStreamsDerivation(
                has_list=self._has_channels, has_metrics=METRICS in self.hub, servers=self._servers
            ),
        )

    def _add_incidents(self) -> None:
        inputs = [name for name in (ALERTS, streams.VIEW, pods.VIEW) if name in self.hub]
        if ALERTS in inputs or streams.VIEW in inputs:
            self._derive(incidents.VIEW, IncidentsDerivation((*inputs, OPERATIONS)))


def access(backend: Backend) -> Access:
    """A backend of the configuration as a source takes it. The secret itself is read when a request needs it."""
    credential: Credential | None = backend.read

    async def authorize() -> Mapping[str, str]:
        return await resolve(credential)

    certificate = credential.client_cert if credential is not None else None
    return Access(
        urls=backend.all_urls,
        ca_file=str(backend.ca_file) if backend.ca_file is not None else None,
        headers=backend.headers,
        proxy=backend.proxy,
        timeout_s=backend.timeout_s,
        authorize=authorize,
        client_cert=(str(certificate.cert_file), str(certificate.key_file)) if certificate is not None else None,
    )


def measure_queries(measures: Measures, label: str) -> dict[str, str]:
    """PromQL by measure, without those left empty. One that the configuration does not write itself follows the label
    that names a channel in this Prometheus.
    """
    defaults = Measures()
    queries = {}
    for field in measures.__struct_fields__:
        query: str = getattr(measures, field)
        if query and query == getattr(defaults, field):
            query = query.replace("by (channel)", f"by ({label})")
        if query:
            queries[field] = query
    return queries


def log_fields(names: ScopeNames) -> Fields:
    """Which fields of a document fill a line, as `[scope.DIMENSION] elasticsearch` names them."""
    return Fields(
        service=names.service.elasticsearch,
        pod=names.pod.elasticsearch,
        namespace=names.namespace.elasticsearch,
        host=names.node.elasticsearch,
        region=names.region.elasticsearch,
        channel=names.channel.elasticsearch,
    )


def kube_target(name: str, backend: Cluster, names: ScopeNames = DEFAULTS) -> Any:
    """A cluster of the configuration as its source takes it, with the labels that `[scope]` names for Kubernetes."""
    from console.sources.kubernetes import KubeTarget
    from console.sources.kubernetes.kinds import SERVICE_LABELS

    reach = access(backend)
    label = names.service.kubernetes

    async def authorization() -> str | None:
        return (await reach.authorize()).get("Authorization")

    return KubeTarget(
        cluster=name,
        url=backend.url,
        kubeconfig=str(backend.kubeconfig) if backend.kubeconfig is not None else None,
        context=backend.context,
        namespaces=backend.namespaces,
        headers=backend.headers,
        ca_file=reach.ca_file,
        client_cert=reach.client_cert[0] if reach.client_cert else None,
        client_key=reach.client_cert[1] if reach.client_cert else None,
        proxy=backend.proxy,
        timeout_s=backend.timeout_s,
        authorization=authorization if backend.read is not None else None,
        region_label=names.region.kubernetes,
        service_labels=SERVICE_LABELS if label == DEFAULTS.service.kubernetes else tuple(filter(None, (label,))),
    )
