"""What the console shows is what the backends answer when they are asked directly."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.midwatch import Ran, midwatch
from tests.e2e.platform import Platform

NAMESPACES = ("live", "vod", "platform")
CHANNELS = {
    "syd-news-2", "jp-music-1", "au-footy-1", "in-cricket-1", "kr-drama-1", "uk-sport-1", "uk-news-1", "fr-news-1",
    "de-cine-1", "us-sport-1", "us-news-1", "br-futbol-1",
}  # fmt: skip
STEP_S = 15


@pytest.fixture(scope="module")
def pods_around(calm: Platform) -> list[set[str]]:
    """The pods' names before and after the snapshot: one may be replaced meanwhile."""
    return [pods(calm)]


@pytest.fixture(scope="module")
def taken(calm: Platform, pods_around: list[set[str]]) -> Ran:
    """One snapshot of the overview."""
    ran = midwatch(calm.config, "snapshot", "overview", "--format", "json", "--wait", "40s")
    pods_around.append(pods(calm))
    return ran


def pods(running: Platform) -> set[str]:
    lists = [running.ask("kubernetes", f"/api/v1/namespaces/{namespace}/pods") for namespace in NAMESPACES]
    return {pod["metadata"]["name"] for each in lists for pod in each["items"]}


def test_all_four_panes_are_live_and_the_snapshot_ends_with_0(taken: Ran) -> None:
    assert taken.code == 0, (taken.err, taken.out[:2000])
    assert taken.err == ""
    assert {name: pane["state"] for name, pane in taken.panes.items()} == {
        "streams": "live", "logs": "live", "workloads": "live", "capacity": "live",
    }  # fmt: skip
    assert taken.document["schema"] == 1 and taken.document["view"] == "overview"
    assert taken.document["incidents"] == []
    assert {row["state"] for row in taken.document["sources"]} == {"live"}


def test_the_streams_are_the_twelve_channels_each_watched_long_enough(taken: Ran) -> None:
    pane = taken.panes["streams"]
    assert {row["name"] for row in pane["rows"]} == CHANNELS and pane["count"] == 12
    assert pane["watched_s"] >= 6
    for row in pane["rows"]:
        assert row["severity"] == "OK", row
        assert (row["renditions_ok"], row["renditions_expected"]) == (5, 5), row
        # The number is the age at this moment; the verdict waits for the answer to the poll at 1.5 T.
        assert 0 <= row["age_over_t"] < 2 and 0 <= row["latency_s"] < 30, row


def test_viewers_are_what_the_metrics_store_counts(calm: Platform, taken: Ran) -> None:
    at = datetime.fromisoformat(taken.document["taken_at"])
    for row in taken.panes["streams"]["rows"]:
        low, high = span(calm, f'channel_viewers{{channel="{row["name"]}"}}', at)
        assert low <= row["viewers"] <= high, row["name"]


def test_the_pods_are_exactly_those_the_cluster_lists_and_they_are_400(
    taken: Ran, pods_around: list[set[str]]
) -> None:
    pane = taken.panes["workloads"]
    shown = [row["name"] for row in pane["rows"]]
    assert len(shown) == pane["count"] == len(set(shown)) == 400
    before, after = pods_around
    assert before & after <= set(shown) <= before | after
    assert {row["namespace"] for row in pane["rows"]} == set(NAMESPACES)


def span(running: Platform, expression: str, at: datetime) -> tuple[float, float]:
    """The least and the greatest answer of Prometheus within a step of `at`, widened by a rounding error."""
    moments = [at + timedelta(seconds=offset) for offset in range(-STEP_S, STEP_S + 1, 5)]
    values = []
    for moment in moments:
        path = f"/api/v1/query?query={quote(expression)}&time={moment.timestamp():.3f}"
        values += [float(one["value"][1]) for one in running.ask("prometheus", path)["data"]["result"]]
    assert len(values) == len(moments), f"{expression}: {len(values)} answers"
    slack = 1e-6 * max(map(abs, values))
    return min(values) - slack, max(values) + slack


def test_each_gauge_is_what_prometheus_answers_within_a_step(calm: Platform, taken: Ran) -> None:
    from console.config.load import load

    specs = {spec.name: spec for spec in load(calm.config, {}).sites["demo"].gauges}
    pane = taken.panes["capacity"]
    at = datetime.fromisoformat(pane["as_of"])
    assert {row["name"] for row in pane["rows"]} == set(specs)
    for row in pane["rows"]:
        spec = specs[row["name"]]
        for shown, expression in ((row["used"], spec.used), (row["total"], spec.total)):
            low, high = span(calm, expression, at)
            assert low <= shown <= high, (row["name"], expression, shown, low, high)
        assert row["ratio"] == pytest.approx(row["used"] / row["total"])
        assert (row["severity"], row["unit"]) == ("OK", spec.unit)


def test_every_log_line_is_accounted_for_and_is_one_that_the_index_holds(calm: Platform, taken: Ran) -> None:
    pane = taken.panes["logs"]
    account = pane["accounting"]
    assert account["received"] == account["shown"] + account["dropped"] and account["shown"] > 0
    rows = [row for row in pane["rows"] if not row["is_mark"]]
    assert len(rows) == min(200, account["shown"])
    times = [instant(row["at"]) for row in rows]
    held = index(calm, min(times), max(times))
    strange = [row for row in rows if (instant(row["at"]), row["message"], row["pod"]) not in held]
    assert not strange, f"{len(strange)} of {len(rows)}, {len(held)} held between {min(times)} and {max(times)}: {strange[:2]}"


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def index(running: Platform, since: datetime, until: datetime) -> set[tuple[datetime, str, Any]]:
    """The lines of [since, until] as the index answers them."""
    query = {
        "size": 10_000,
        "query": {"range": {"@timestamp": {"gte": since.isoformat(), "lte": until.isoformat()}}},
        "sort": [{"@timestamp": "asc"}],
    }
    hits = running.ask("elasticsearch", "/logs-video-*/_search", query)["hits"]["hits"]
    return {
        (instant(hit["_source"]["@timestamp"]), hit["_source"]["message"], hit["_source"]["kubernetes"]["pod"]["name"])
        for hit in hits
    }
