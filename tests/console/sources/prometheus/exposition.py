"""A metrics store that was fed with expositions: formulas are evaluated, by an evaluator of PromQL, over what exporters say.

Scrapes lie on a grid; a series ends with the first scrape that has it no more, as after a staleness marker.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
from aiohttp import web

from console.demo.prometheus import query
from console.demo.prometheus.errors import PromError
from console.demo.prometheus.matchers import NAME, Labels, Matcher, labels_of, selects
from console.demo.prometheus.storage import Series

_LINE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def parsed(text: str, **target: str) -> dict[Labels, float]:
    """The samples of one scrape; `target` are the labels that the store adds."""
    found: dict[Labels, float] = {}
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        assert match is not None, line
        labels = {name: re.sub(r"\\(.)", r"\1", value) for name, value in _LABEL.findall(match["labels"] or "")}
        found[labels_of({NAME: match["name"], **target, **labels}.items())] = float(match["value"])
    return found


class _Ended(Series):
    """No sample is seen after its last."""

    __slots__ = ()

    def newest(self, time_ms: int) -> int | None:
        return super().newest(time_ms) if time_ms < self.time(self.last) + self.interval_ms else None


class Store:
    """Every `every_s` a scrape of each instance; the last of them is always the newest that a question can see."""

    def __init__(self, now: Callable[[], datetime], every_s: int = 5) -> None:
        self._now = now
        self.every_ms = every_s * 1000
        self.scrapes = 0
        self._values: dict[Labels, dict[int, float]] = {}
        self.asked: list[str] = []
        self.fails: Callable[[str], bool] = lambda _: False

    def scrape(self, *expositions: str, **targets: str) -> None:
        """One more moment: what in-1, in-2, ... expose, and instances by name."""
        for number, text in enumerate(expositions):
            self._take(parsed(text, instance=f"in-{number + 1}:9998", job="ingest"))
        for name, text in targets.items():
            self._take(parsed(text, instance=f"{name}:9998", job="ingest"))
        self.scrapes += 1

    def _take(self, samples: dict[Labels, float]) -> None:
        for labels, value in samples.items():
            self._values.setdefault(labels, {})[self.scrapes] = value

    def select(self, matchers: tuple[Matcher, ...]) -> list[Series]:
        newest = self.scrapes - 1
        last_ms = int(self._now().timestamp()) // 5 * 5000
        offset, first = last_ms % self.every_ms, last_ms // self.every_ms - newest
        out = []
        for labels, values in sorted(self._values.items()):
            if not selects(matchers, labels):
                continue
            for begin, end in _runs(sorted(values)):
                kind = Series if end == newest else _Ended
                out.append(
                    kind(labels, self.every_ms, offset, first + begin, first + end, lambda k, v=values: v[k - first])
                )
        return out

    async def answer(self, request: web.Request) -> web.Response:
        text, at = request.query["query"], float(request.query["time"])
        self.asked.append(text)
        if self.fails(text):
            return web.json_response({"status": "error", "errorType": "internal", "error": "no"}, status=500)
        try:
            data = await asyncio.to_thread(query.instant, self, text, round(at * 1000), 10_000)
        except PromError as error:
            told = {"status": "error", "errorType": error.error_type, "error": str(error)}
            return web.json_response(told, status=error.status)
        return web.Response(
            body=msgspec.json.encode({"status": "success", "data": data}), content_type="application/json"
        )


def _runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and index == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return runs
