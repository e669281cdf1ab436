"""The port that is scraped: prometheus_client's own server, in threads of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from console.exposing.families import families
from console.exposing.word import Word
from console.model.instant import Instant


class Spoken(Collector):
    """Gives the newest word to whoever scrapes. Setting it is one assignment, so the loop never waits for a thread."""

    def __init__(self, now: Callable[[], Instant]) -> None:
        self._now = now
        self.word: Word | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        return families(self.word, self._now())


@contextmanager
def listening(spoken: Spoken, host: str, port: int) -> Iterator[int]:
    """The port it listens on while it does. Raises OSError where it cannot."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(spoken)
    server, thread = start_http_server(port, host, registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=2.0)
