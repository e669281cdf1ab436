"""What the streams pane says: the order, the reason, the layer, and where `p` leads."""

from __future__ import annotations

import msgspec
import pytest

from console.model.channel import Channel, Vantage
from console.model.finding import ChannelVerdict, Finding
from console.model.joined import Streams
from console.model.metric import ChannelMetrics
from console.model.reading import Reading, connecting
from console.model.scope import Scope
from console.model.severity import Layer, Mark, Severity, State
from console.rows import streams as rows
from console.rows.pane import Pane
from tests.hand_clock import HandClock
from tests.scene import REFUSED, back, live, streams

NOW = HandClock().now()


def made(value: Streams | None = None, scope: Scope = Scope()) -> Pane[rows.StreamRow]:  # noqa: B008 - frozen
    return rows.pane(live(value or streams(NOW), NOW), scope, NOW)


def with_verdict(name: str, **changes: object) -> Streams:
    value = streams(NOW)
    verdict = msgspec.structs.replace(value.verdicts[name], **changes)
    return msgspec.structs.replace(value, verdicts={**value.verdicts, name: verdict})


def row_of(pane: Pane[rows.StreamRow], name: str) -> rows.StreamRow:
    return next(row for row in pane.rows if row.name == name)


def cell(row: rows.StreamRow, key: str) -> str:
    return next(column.cell(row).text for column in rows.COLUMNS if column.key == key)


def finding(code: str, layer: Layer, rendition: str | None = "720p", **changes: object) -> Finding:
    plain = Finding(code, "au-footy-1", rendition, layer, None, Severity.CRIT, f"{rendition} is bad", back(NOW, 5), NOW.utc)
    return msgspec.structs.replace(plain, **changes)


def test_the_rows_stand_by_impact_viewers_times_badness_times_tier() -> None:
    names = [row.name for row in made().rows]
    assert names[:5] == ["uk-sport-1", "uk-news-1", "fr-news-1", "de-cine-1", "syd-news-2"]
    assert names[5:] == sorted(names[5:]), "the healthy ones stand by name, so that they do not jump"


def test_without_a_metrics_store_the_worst_still_comes_first() -> None:
    value = msgspec.structs.replace(streams(NOW), metrics={}, metrics_state=None)
    pane = made(value)
    assert pane.rows[0].name == "uk-sport-1" and pane.rows[4].name == "syd-news-2"
    row = pane.rows[0]
    assert (row.viewers, row.rebuffer_ratio, row.ingest_bps) == (None, None, None)
    assert cell(row, "viewers") == cell(row, "rebuffer") == cell(row, "trend") == "–"
    assert pane.note == ""


def test_a_failing_metrics_store_is_noted_and_the_verdicts_stand() -> None:
    pane = made(msgspec.structs.replace(streams(NOW), metrics_state=State.ERROR))
    assert pane.note == "viewers and rebuffer: metrics store error"
    assert pane.severity is Severity.CRIT


def test_a_row_tells_the_ladder_the_age_and_the_worst_finding() -> None:
    row = made().rows[0]
    assert (cell(row, "ladder"), cell(row, "age"), cell(row, "rebuffer"), cell(row, "viewers")) == ("0/5", "16.0!", "3.41", "182k")
    assert row.reason == "all 5 renditions stale at the origin and 4 of 4 edges: newest segment 64 s old, limit 12 s"
    assert cell(row, "why") == f"[package] {row.reason} · 64s"
    assert row.codes == ("STALE",) and row.since_s == 64.0


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([finding("STALE", Layer.TRANSCODE)], "720p is bad"),
        (
            [finding("STALE", Layer.PACKAGE), finding("STALE", Layer.PACKAGE, "360p")],
            "2 renditions (720p, 360p) is bad",
        ),
        ([finding("STALE", Layer.PACKAGE), finding("STALE", Layer.EDGE, "360p")], "720p is bad"),
        ([finding("STALE", Layer.PACKAGE), finding("MUTATED", Layer.PACKAGE, "360p")], "720p is bad"),
        ([finding("DOWN", Layer.ORIGIN, None, reason="master is 404")], "master is 404"),
        ([], "warming"),
    ],
)
def test_the_reason_says_how_many_renditions_share_the_worst_fault(found: list[Finding], reason: str) -> None:
    verdict = ChannelVerdict("au-footy-1", Severity.CRIT, findings=tuple(found), reason="warming", renditions_expected=5)
    value = streams(NOW)
    pane = made(msgspec.structs.replace(value, verdicts={**value.verdicts, "au-footy-1": verdict}))
    assert row_of(pane, "au-footy-1").reason == reason


@pytest.mark.parametrize(
    ("layer", "service"),
    [(Layer.PACKAGE, "packager-apac"), (Layer.TRANSCODE, "transcoder-apac"), (Layer.ORIGIN, "origin"), (Layer.DRM, None)],
)
def test_the_layer_at_fault_leads_to_the_workload_that_does_its_work(layer: Layer, service: str | None) -> None:
    pane = made(with_verdict("au-footy-1", severity=Severity.CRIT, findings=(finding("STALE", layer),)))
    assert row_of(pane, "au-footy-1").service == service


def test_a_healthy_stream_has_no_workload_at_fault() -> None:
    assert row_of(made(), "au-footy-1").service is None


@pytest.mark.parametrize(
    ("scope", "count"),
    [
        ({}, 10), ({"region": "emea"}, 4), ({"channel": "uk-sport-1"}, 1), ({"service": "packager-apac"}, 4), ({"service": "origin"}, 10),
        ({"pop": "lhr"}, 10), ({"pop": "mars"}, 0), ({"cdn": "own"}, 10), ({"cdn": "other"}, 0), ({"region": "emea", "channel": "syd-news-2"}, 0),
    ],
)  # fmt: skip
def test_a_scope_keeps_what_it_names(scope: dict[str, str], count: int) -> None:
    pane = made(scope=Scope(tuple(scope.items())))
    assert pane.count == count
    assert all(finding.entity in {row.name for row in pane.rows} for finding in pane.findings)


def test_a_scope_that_matches_nothing_is_live_with_no_rows_and_never_green() -> None:
    pane = made(scope=Scope((("pop", "mars"),)))
    assert (pane.state, pane.severity, pane.summary) == (State.LIVE, Severity.UNKNOWN, "no channel in this scope")


def test_a_channel_that_was_never_watched_is_unknown_and_the_pane_has_not_settled() -> None:
    value = streams(NOW)
    verdicts = {name: verdict for name, verdict in value.verdicts.items() if name != "us-news-1"}
    pane = made(msgspec.structs.replace(value, verdicts=verdicts))
    row = row_of(pane, "us-news-1")
    assert (row.severity, row.reason) == (Severity.UNKNOWN, "warming: not yet watched")
    assert not pane.is_settled
    assert made().is_settled


def test_a_channel_off_air_is_counted_apart() -> None:
    pane = made(with_verdict("au-footy-1", mark=Mark.OFFLINE))
    assert pane.summary == "9 live · 1 off air · 4 crit · 1 warn"


def test_the_watched_time_is_that_of_the_channel_watched_least() -> None:
    assert made(with_verdict("au-footy-1", watched_s=3.0)).watched_s == 3.0


@pytest.mark.parametrize(("age", "text"), [(None, "–"), (0.94, "0.9"), (1.5, "1.5"), (1.51, "1.5!"), (16.0, "16.0!")])
def test_an_age_is_marked_from_one_and_a_half_target_durations_on(age: float | None, text: str) -> None:
    assert cell(row_of(made(with_verdict("au-footy-1", worst_age_over_t=age)), "au-footy-1"), "age") == text


def test_a_channel_of_an_unknown_ladder_shows_none() -> None:
    assert cell(row_of(made(with_verdict("au-footy-1", renditions_expected=0)), "au-footy-1"), "ladder") == "–"


def test_who_suffers_is_told_as_far_as_it_is_known() -> None:
    pane = made()
    assert rows.impact_text(pane.rows[0]) == "182k viewers · rebuffer 3.41 %"
    blank = made(msgspec.structs.replace(streams(NOW), metrics={"uk-sport-1": ChannelMetrics(viewers=12)}))
    assert rows.impact_text(row_of(blank, "uk-sport-1")) == "12 viewers"
    assert rows.impact_text(row_of(blank, "fr-news-1")) == ""


def test_a_failure_without_a_value_settles_the_pane_and_a_connection_does_not() -> None:
    failed: Reading[Streams] = connecting()
    assert not rows.pane(failed, Scope(), NOW).is_settled
    assert rows.pane(failed.failed(REFUSED), Scope(), NOW).is_settled


def test_every_column_can_draw_every_row_and_says_what_fills_it() -> None:
    for row in (*made().rows, *made(msgspec.structs.replace(streams(NOW), metrics={}, verdicts={})).rows):
        for column in rows.COLUMNS:
            assert isinstance(column.cell(row).text, str)
    assert all(column.help for column in rows.COLUMNS)


def test_an_edge_fault_at_several_edges_leads_to_the_workload_of_the_first_of_them() -> None:
    vantages = tuple(
        Vantage(f"edge-{pop}", Layer.EDGE, "http://e/m.m3u8", pop=pop, service=f"edge-{pop}") for pop in ("iad", "lhr", "syd")
    )
    channel = Channel(name="uk-sport-1", vantages=vantages, services={"origin": "origin"})
    now = HandClock().now().utc
    finding = Finding(
        "STALE", "uk-sport-1", "1080p", Layer.EDGE, None, Severity.CRIT, "stale", now, now,
        evidence={"vantages": ["edge-syd", "edge-lhr"]},
    )  # fmt: skip
    assert rows.service_at_fault(channel, Layer.EDGE, finding) == "edge-lhr"


def test_an_exporter_that_vanished_is_named_under_the_table() -> None:
    gone = msgspec.structs.replace(streams(NOW), metrics_state=State.LIVE, packs_gone={"mediamtx": "its series are gone"})
    assert made(gone).note == "mediamtx: its series are gone"
