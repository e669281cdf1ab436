"""The wide columns: every rendition by its shape, the last change, and a dash where nobody measures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from console.model.finding import Finding
from console.model.joined import Streams
from console.model.kube import Deployment
from console.model.metric import ChannelMetrics, Signals
from console.model.scope import Scope
from console.model.severity import Layer, Mark, Severity
from console.rows import fleet
from console.rows import streams as rows
from console.rows.changes import changes_of
from tests.hand_clock import HandClock
from tests.scene import back, live, streams, workloads
from widgets.layout import lay_out

NOW = HandClock().now()


def row_of(name: str, value: Streams | None = None, **more: Any) -> rows.StreamRow:
    return next(row for row in rows.pane(live(value or streams(NOW), NOW), Scope(), NOW, **more).rows if row.name == name)


def with_verdict(name: str, **changes: object) -> Streams:
    value = streams(NOW)
    return msgspec.structs.replace(value, verdicts={**value.verdicts, name: msgspec.structs.replace(value.verdicts[name], **changes)})


def cell(row: rows.StreamRow, key: str) -> str:
    return next(column.cell(row).text for column in fleet.COLUMNS if column.key == key)


def test_each_rendition_is_told_by_a_shape() -> None:
    assert cell(row_of("uk-sport-1"), "strip") == "1080■ 720■ 540■ 360■ 240■"
    assert cell(row_of("syd-news-2"), "strip") == "1080● 720▲ 540● 360● 240●"
    assert cell(row_of("au-footy-1"), "strip") == "1080● 720● 540● 360● 240●"


def test_of_a_channel_that_nobody_can_see_no_rendition_is_called_fine() -> None:
    row = row_of("au-footy-1", with_verdict("au-footy-1", severity=Severity.UNKNOWN))
    assert cell(row, "strip") == "1080○ 720○ 540○ 360○ 240○"


def test_a_fault_of_the_whole_channel_is_that_of_every_rendition_and_of_named_ones_theirs() -> None:
    whole = Finding("DOWN", "au-footy-1", None, Layer.ORIGIN, None, Severity.CRIT, "down", NOW.utc, NOW.utc)
    assert cell(row_of("au-footy-1", with_verdict("au-footy-1", findings=(whole,))), "strip").count("■") == 5
    two = msgspec.structs.replace(whole, code="TIMEOUT", evidence={"renditions": ["720p", "360p"]})
    assert cell(row_of("au-footy-1", with_verdict("au-footy-1", findings=(two,))), "strip") == "1080● 720■ 540● 360■ 240●"


def test_the_last_change_of_what_serves_a_channel_is_told_with_its_age() -> None:
    changes = changes_of(workloads(NOW))
    assert cell(row_of("uk-sport-1", changes=changes), "change") == "75s packager-emea 3.8.2"
    assert cell(row_of("au-footy-1", changes=changes), "change") == "–", "packager-emea does not serve it"
    assert cell(row_of("uk-sport-1"), "change") == "–", "nobody watches the workloads"


def test_a_first_deployment_is_no_change_and_of_two_the_newer_counts() -> None:
    value = workloads(NOW)
    one = next(iter(value.deployments.values()))
    first = msgspec.structs.replace(one, revision=1)
    assert changes_of(msgspec.structs.replace(value, deployments={"a": first})) == {}
    newer: Deployment = msgspec.structs.replace(one, version="3.8.3", progress_at=one.progress_at + timedelta(seconds=9))  # type: ignore[operator]
    for order in ({"a": one, "b": newer}, {"b": newer, "a": one}):
        assert changes_of(msgspec.structs.replace(value, deployments=order))["packager-emea"].version == "3.8.3"


def test_headway_of_the_same_version_is_no_new_change_and_another_version_is() -> None:
    value = workloads(NOW)
    one = next(iter(value.deployments.values()))
    first = changes_of(value)
    again = msgspec.structs.replace(one, progress_at=NOW.utc)
    assert changes_of(msgspec.structs.replace(value, deployments={"a": again}), first) == first
    other = msgspec.structs.replace(again, version="3.8.3")
    assert changes_of(msgspec.structs.replace(value, deployments={"a": other}), first)["packager-emea"].at == NOW.utc


def test_what_nobody_measures_is_a_dash_and_its_help_says_who_would() -> None:
    row = row_of("uk-sport-1")
    for key in ("node", "protocol", "rtt", "drop", "fps", "speed", "hit", "ttfb", "failures", "download"):
        assert cell(row, key) == "–", key
        help_text = next(column.help for column in fleet.COLUMNS if column.key == key)
        assert "(" in help_text and len(help_text) > 20, key


def test_what_an_exporter_tells_fills_its_columns() -> None:
    signals = Signals("in-7", "srt", 0.042, 0.0012, 50.0, 1.02, 0.97, 0.3, 0.004)
    value = streams(NOW)
    metrics = {**value.metrics, "uk-sport-1": ChannelMetrics(viewers=5, signals=signals)}
    row = row_of("uk-sport-1", msgspec.structs.replace(value, metrics=metrics, download_ratios={"uk-sport-1": 0.91}))
    told = [cell(row, key) for key in ("node", "protocol", "rtt", "drop", "fps", "speed", "hit", "ttfb", "failures", "download")]
    assert told == ["in-7", "srt", "42ms", "0.12", "50", "1.02", "97", "300ms", "0.4", "0.91"]


def test_at_200_cells_what_is_measured_is_shown_and_what_nobody_measures_goes_first() -> None:
    value = streams(NOW)
    plain = rows.pane(live(value, NOW), Scope(), NOW).rows
    shown = {column.key for column, _ in lay_out(fleet.columns_for(plain), 196).shown}
    assert {"strip", "change", "window", "target", "why"} <= shown and not shown & {"rtt", "fps", "hit"}
    metrics = {**value.metrics, "uk-sport-1": ChannelMetrics(signals=Signals(node="in-7", protocol="srt", rtt_s=0.04, drop_ratio=0.0, fps=50.0))}
    told = rows.pane(live(msgspec.structs.replace(value, metrics=metrics), NOW), Scope(), NOW).rows
    shown = {column.key for column, _ in lay_out(fleet.columns_for(told), 196).shown}
    assert {"node", "protocol", "rtt", "drop", "fps", "strip", "change", "why"} <= shown and "hit" not in shown


@pytest.mark.parametrize(
    ("mark", "severity", "letter", "place"),
    [
        (Mark.OFFLINE, Severity.OK, "O", "last"), (Mark.MAINT, Severity.OK, "M", "last"), (Mark.ENDED, Severity.OK, "E", "last"),
        (Mark.ENDED, Severity.CRIT, "E", "first"), (Mark.FLAPPING, Severity.CRIT, "F", "first"),
    ],
)  # fmt: skip
def test_a_mark_is_a_letter_and_a_word_and_what_is_off_the_air_by_plan_comes_last(
    mark: Mark, severity: Severity, letter: str, place: str
) -> None:
    gone = Finding("UNEXPECTED_END", "in-cricket-1", None, Layer.SCHEDULE, None, severity, "over", back(NOW, 9), NOW.utc)
    found = (gone,) if severity is Severity.CRIT else ()
    value = with_verdict("in-cricket-1", mark=mark, severity=severity, findings=found)
    value = msgspec.structs.replace(value, metrics={**value.metrics, "in-cricket-1": ChannelMetrics(viewers=9e9)})
    pane = rows.pane(live(value, NOW), Scope(), NOW)
    assert pane.rows[0 if place == "first" else -1].name == "in-cricket-1"
    row = row_of("in-cricket-1", value)
    for columns in (rows.COLUMNS, fleet.COLUMNS):
        shown = {column.key: column.cell(row).text for column in columns}
        assert shown["mark"] == letter and shown["why"].startswith(mark.value)


def test_every_wide_column_can_draw_every_row_and_says_what_fills_it() -> None:
    assert len({column.key for column in fleet.COLUMNS}) == len(fleet.COLUMNS)
    bare = msgspec.structs.replace(streams(NOW), metrics={}, verdicts={})
    for row in (*rows.pane(live(streams(NOW), NOW), Scope(), NOW).rows, *rows.pane(live(bare, NOW), Scope(), NOW).rows):
        for column in fleet.COLUMNS:
            assert isinstance(column.cell(row).text, str) and column.help
