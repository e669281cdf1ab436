"""What the bell has done since it began, as numbers for Prometheus. No series names a group, an alert or a caller."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

PREFIX = "midwatch_bell_"


class Counts(Collector):
    """Plain integers of the loop; a scrape's thread reads them as they are."""

    def __init__(self) -> None:
        self.calls: Counter[int] = Counter()
        self.turned_away: Counter[str] = Counter()
        self.alerts = 0  # in all calls
        self.news = 0
        self.texts = 0
        self.pictures = 0
        self.pictures_missed = 0
        self.held_back = 0  # times the chat's queue took nothing
        self.waiting: Callable[[], int] = lambda: 0  # alerts that no text has told yet

    def answered(self, status: int) -> None:
        self.calls[status] += 1

    def refused(self, why: str) -> None:
        self.turned_away[why] += 1

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        calls = CounterMetricFamily(f"{PREFIX}calls", "calls of the webhook, by what was answered", labels=("code",))
        for status, count in sorted(dict(self.calls).items()):
            calls.add_metric((str(status),), count)
        yield calls
        away = CounterMetricFamily(f"{PREFIX}dropped", "connections that made room for newer ones", labels=("reason",))
        for why, count in sorted(dict(self.turned_away).items()):
            away.add_metric((why,), count)
        yield away
        for name, told, value in (
            ("alerts", "alerts in all calls", self.alerts),
            ("news", "alerts that said something new", self.news),
            ("texts", "texts handed to a chat's queue", self.texts),
            ("pictures", "pictures handed to a chat's queue", self.pictures),
            ("pictures_missed", "pictures that could not be drawn, or that too many others waited for", self.pictures_missed),
            ("held_back", "times a chat's queue took nothing, or had enough", self.held_back),
        ):
            yield CounterMetricFamily(PREFIX + name, told, value=float(value))
        yield GaugeMetricFamily(f"{PREFIX}untold_alerts", "alerts that no text has counted yet", value=float(self.waiting()))
