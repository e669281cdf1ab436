"""The port that is scraped: prometheus_client's own server, in threads of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from console.exposing.families import families
from console.exposing.word import Word
from console.model.instant import Instant

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEALTH = "/healthz"


class Spoken(Collector):
    """Gives the newest word to whoever scrapes. Setting it is one assignment, so the loop never waits for a thread."""

    def __init__(self, now: Callable[[], Instant]) -> None:
        self._now = now
        self.word: Word | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        return families(self.word, self._now())


@contextmanager
def listening(told: Collector, host: str, port: int, health: Callable[[], str] | None = None) -> Iterator[int]:
    """The port it listens on while it does. `health`, asked in the port's threads at HEALTH, says what is wrong, or nothing.

    Raises OSError where it cannot listen.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(told)
    server, thread = start_http_server(port, host, registry)
    metrics = server.get_app()
    if health is not None and metrics is not None:
        server.set_app(_with_health(metrics, health))
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=2.0)


def _with_health(metrics: WSGIApplication, health: Callable[[], str]) -> WSGIApplication:
    def app(asked: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if asked.get("PATH_INFO") != HEALTH:
            return metrics(asked, start_response)
        wrong = health()
        plain = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
        start_response("503 Service Unavailable" if wrong else "200 OK", plain)
        return [f"{wrong or 'ok'}\n".encode()]

    return app
