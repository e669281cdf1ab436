"""All pods of a large cluster over HTTP: into our table, beside the official client's list of models."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.api import api
from tests.bench.figure import Figure, Goal, figure
from tests.bench.harness import interleaved, measured


def run(is_quick: bool) -> Iterator[Figure]:
    pods, repeats = (60, 1) if is_quick else (20_000, 2)
    with api(pods, 0) as url:
        ours, official = interleaved(
            lambda: measured("k8s_load", "ours", url, pods), lambda: measured("k8s_load", "official", url, pods), repeats
        )

    def of(field: str, told: list[dict[str, float]]) -> list[float]:
        return [each[field] for each in told]

    yield figure("k8s_list", "s", of("spent_s", ours), of("spent_s", official), goal=Goal(1 / 25, is_ratio=True))
    yield figure("k8s_list_reflector", "s", of("listed_s", ours), of("spent_s", official), goal=None)
    yield figure(
        "k8s_list_memory", "MB", of("more_mb", ours), of("more_mb", official), goal=Goal(80.0), basis="bytes"
    )
    yield figure("k8s_list_peak", "MB", of("peak_mb", ours), of("peak_mb", official), goal=None, basis="bytes")
