"""The page of one channel: who is bad where, what follows from what, and what happened before it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from console.model.channel import Channel, Vantage
from console.model.finding import ChannelVerdict, Finding
from console.model.incident import EntryKind, TimelineEntry
from console.model.joined import Streams
from console.model.observation import Outcome
from console.model.opened import OpenedChannel, PlaceFacts
from console.model.scope import Scope
from console.model.severity import Layer, Mark, Severity, State
from console.rows import channel as rows
from console.rows import pods
from console.rows.findings import COLUMNS, rows_of
from tests.hand_clock import HandClock
from tests.scene import EDGES, RENDITIONS, back, close_look, incident, live, streams, workloads

NOW = HandClock().now()
CHANNEL = streams(NOW).channels["uk-sport-1"]


def page(name: str = "uk-sport-1", value: Streams | None = None, **more: Any) -> rows.ChannelPage:
    value = value or streams(NOW)
    told = {"opened": close_look(value, name) if name in value.verdicts else None, "incidents": (incident(NOW),), "rollouts": (), **more}
    return rows.page(name, live(value, NOW), told["opened"], told["incidents"], told["rollouts"], NOW)


def found(code: str, layer: Layer = Layer.EDGE, rendition: str | None = "1080p", severity: Severity = Severity.WARN, **more: Any) -> Finding:
    return Finding(code, "uk-sport-1", rendition, layer, more.pop("vantage", None), severity, f"{rendition} {code}", back(NOW, 20), NOW.utc, **more)


def place(vantage: str = "origin", rendition: str = "1080p", **changes: Any) -> PlaceFacts:
    return msgspec.structs.replace(PlaceFacts(vantage, rendition, Outcome.OK, 200, target_s=4.0, age_s=3.6), **changes)


def cells(shown: rows.ChannelPage, line: str) -> dict[str, str]:
    found_line = next(each for each in shown.grid.lines if each.name == line)
    assert len(found_line.cells) == len(shown.grid.columns)
    return dict(zip(shown.grid.columns, (cell.text for cell in found_line.cells), strict=True))


def test_each_rendition_stands_at_each_vantage_with_its_letter_its_code_and_its_age() -> None:
    shown = cells(page(), "1080p")
    assert [shown[vantage] for vantage in ("origin", *EDGES)] == ["C STALE 16.0"] * 5
    assert (shown["BW"], shown["SIZE"], shown["CODECS"]) == ("5.9M", "1080p", "avc1.640028,mp4a.40.2")


def test_a_fault_at_one_edge_is_one_cell() -> None:
    shown = page("syd-news-2")
    assert cells(shown, "720p")["edge-syd"] == "W EDGE_SKEW"
    others = [text for rendition in RENDITIONS for vantage, text in cells(shown, rendition).items() if vantage in ("origin", *EDGES)]
    assert others.count("● 0.9") == len(others) - 1
    assert {line.name: line.severity for line in shown.grid.lines}["720p"] is Severity.WARN
    assert cells(shown, "latency")["edge-syd"].strip() == "31s" and cells(shown, "latency")["origin"].strip() == "11s"


@pytest.mark.parametrize(
    ("finding", "facts", "severity", "text"),
    [
        (None, place(), Severity.OK, "● 0.9"),
        (None, place(), Severity.UNKNOWN, "? 0.9"),
        (None, None, Severity.OK, "–"),
        (None, place(outcome=Outcome.HTTP, status=404), Severity.OK, "· 404"),
        (None, place(outcome=Outcome.TIMEOUT, status=None), Severity.OK, "· timeout"),
        (None, place(is_over=True, age_s=None), Severity.OK, "● ended"),
        (None, place(age_s=None, target_s=None), Severity.OK, "●"),
        (found("STALE", vantage="origin"), place(age_s=8.0), Severity.WARN, "W STALE 2.0"),
        (found("MUTATED"), place(), Severity.WARN, "W MUTATED"),
        (found("DOWN", rendition=None, severity=Severity.CRIT), None, Severity.CRIT, "C DOWN"),
        (found("TIMEOUT", rendition=None, evidence={"renditions": ["720p"]}), place(), Severity.WARN, "● 0.9"),
        (found("STALE", evidence={"vantages": ["edge-lhr"]}), place(), Severity.WARN, "● 0.9"),
        (found("STALE", rendition="720p"), place(), Severity.WARN, "● 0.9"),
    ],
)
def test_a_cell_says_the_worst_that_is_told_of_its_place_and_else_what_was_seen(
    finding: Finding | None, facts: PlaceFacts | None, severity: Severity, text: str
) -> None:
    verdict = ChannelVerdict("uk-sport-1", severity, findings=(finding,) if finding else ())
    assert rows.place_cell(CHANNEL, verdict, "origin", "1080p", facts, False).text == text


def test_of_an_old_reading_no_cell_is_called_fine() -> None:
    verdict = ChannelVerdict("uk-sport-1", Severity.OK)
    assert rows.place_cell(CHANNEL, verdict, "origin", "1080p", place(), True).text == "? 0.9"


def test_without_a_close_look_the_matrix_knows_what_the_findings_name() -> None:
    shown = page("syd-news-2", opened=None)
    assert shown.grid.columns == ("origin", *EDGES)
    assert cells(shown, "720p") == {"origin": "–", "edge-lhr": "–", "edge-syd": "W EDGE_SKEW", "edge-nrt": "–", "edge-iad": "–"}


def test_a_rendition_that_only_one_vantage_names_has_its_line() -> None:
    value = streams(NOW)
    look = close_look(value, "au-footy-1")
    odd = place("edge-lhr", "144p")
    shown = page("au-footy-1", value, opened=msgspec.structs.replace(look, places=(*look.places, odd)))
    assert cells(shown, "144p")["edge-lhr"] == "● 0.9" and cells(shown, "144p")["origin"] == "–"
    assert cells(shown, "144p")["BW"] == "–"


def test_children_stand_under_their_cause_without_a_letter() -> None:
    verdict = ChannelVerdict(
        "uk-sport-1",
        Severity.CRIT,
        findings=(found("STALE", Layer.PACKAGE, severity=Severity.CRIT), found("MUTATED", Layer.PACKAGE, "720p")),
        children=(found("DSEQ", rendition="720p"), found("SKEW"), found("SKEW"), found("LATENCY", rendition="360p")),
    )
    told = rows_of(CHANNEL, verdict, NOW)
    assert [(row.code, row.finding.rendition, row.is_child) for row in told] == [
        ("STALE", "1080p", False), ("SKEW", "1080p", True), ("SKEW", "1080p", True), ("LATENCY", "360p", True),
        ("MUTATED", "720p", False), ("DSEQ", "720p", True),
    ]  # fmt: skip
    assert [row.severity for row in told if row.is_child] == [Severity.OK] * 4
    assert len({row.key for row in told}) == len(told), "each row is one of its own to the cursor"
    child = next(row for row in told if row.is_child)
    assert child.reason == "downstream: 1080p SKEW"
    assert next(column for column in COLUMNS if column.key == "code").cell(child).text == "└ SKEW"


def test_the_findings_of_one_fault_stand_by_the_ladder() -> None:
    told = tuple(found("STALE", rendition=rendition) for rendition in ("1080p", "240p", "360p", "720p"))
    verdict = ChannelVerdict("uk-sport-1", Severity.WARN, findings=(*told, found("MUTATED", rendition="1080p")), renditions=RENDITIONS)
    assert [row.where.partition(" ")[0] for row in rows_of(CHANNEL, verdict, NOW)] == ["1080p", "720p", "360p", "240p", "1080p"]


@pytest.mark.parametrize(
    ("finding", "where"),
    [
        (found("STALE", vantage="edge-lhr"), "1080p @ edge-lhr"),
        (found("STALE"), "1080p @ everywhere"),
        (found("DOWN", rendition=None), "all @ everywhere"),
        (found("STALE", evidence={"vantages": ["edge-lhr", "edge-syd"]}), "1080p @ 2 vantages"),
    ],
)
def test_a_finding_says_where(finding: Finding, where: str) -> None:
    assert rows_of(CHANNEL, ChannelVerdict("uk-sport-1", Severity.WARN, findings=(finding,)), NOW)[0].where == where


def test_the_timeline_tells_the_rollout_before_the_fault_and_each_fault_once() -> None:
    told = [(entry.kind, entry.text) for entry in page().timeline]
    assert told == [
        (EntryKind.ROLLOUT, "packager-emea 3.8.2 rolled out"),
        (EntryKind.FINDING, "STALE 1080p, 720p, 540p, 360p, 240p stale at the origin and 4 of 4 edges: newest segment 64 s old, limit 12 s"),
        (EntryKind.ALERT, "PackagerPublishLate"),
    ]


def test_a_rollout_that_no_incident_tells_of_is_in_the_timeline_of_the_channels_it_serves() -> None:
    rollouts = pods.rollouts(live(workloads(NOW), NOW), Scope(), NOW)
    assert [entry.entity for entry in page(incidents=(), rollouts=rollouts).timeline] == ["packager-emea", "uk-sport-1"]
    assert not page("au-footy-1", incidents=(), rollouts=rollouts).timeline, "packager-emea does not serve it"


def test_what_is_over_for_more_than_an_hour_or_is_another_channels_is_not_told() -> None:
    old = TimelineEntry(NOW.utc - timedelta(hours=2), EntryKind.ALERT, Severity.CRIT, "long ago", "uk-sport-1", is_over=True)
    firing = msgspec.structs.replace(old, text="still firing", is_over=False)
    other = TimelineEntry(back(NOW, 5), EntryKind.FINDING, Severity.CRIT, "fr-news-1 stale", "fr-news-1")
    whole = msgspec.structs.replace(incident(NOW), timeline=(old, firing, other))
    told = [entry.text for entry in page("au-footy-1", incidents=(whole,)).timeline]
    assert told == []
    told = [entry.text for entry in page(incidents=(whole,)).timeline]
    assert told[0] == "still firing" and not any("long ago" in text or "fr-news" in text for text in told)


def test_the_facts_name_the_mark_the_crowd_and_the_window() -> None:
    value = streams(NOW)
    verdict = msgspec.structs.replace(value.verdicts["uk-sport-1"], mark=Mark.FLAPPING)
    value = msgspec.structs.replace(value, verdicts={**value.verdicts, "uk-sport-1": verdict})
    told = "".join(text for text, _ in page(value=value).facts)
    assert told.startswith("FLAPPING tier 1 · 247 · emea · 182k viewers") and "T 4 s · window 24 s · watched 90s" in told


def test_a_channel_that_the_list_no_longer_names_has_no_page() -> None:
    assert page("gone-1") == rows.NO_PAGE
    assert rows.pane(live(streams(NOW), NOW), Scope((("channel", "gone-1"),)), NOW, {}).rows == ()


def test_the_head_sums_up_the_one_channel() -> None:
    value = streams(NOW)
    verdict = msgspec.structs.replace(value.verdicts["uk-sport-1"], children=(found("SKEW"),), mark=Mark.FLAPPING)
    value = msgspec.structs.replace(value, verdicts={**value.verdicts, "uk-sport-1": verdict})
    pane = rows.pane(live(value, NOW), Scope((("channel", "uk-sport-1"),)), NOW, {})
    assert (pane.name, pane.state) == ("channel", State.LIVE)
    assert pane.summary == "uk-sport-1 · 0/5 renditions · 5 findings · 1 downstream · FLAPPING"


def test_a_channel_without_vantages_or_renditions_still_has_a_page() -> None:
    bare = Channel("bare", ())
    value = Streams(channels={"bare": bare}, verdicts={})
    shown = page("bare", value, opened=OpenedChannel(bare, ChannelVerdict("bare", Severity.UNKNOWN), (), ()))
    assert shown.row is not None and shown.grid.lines == ()
    one = Channel("one", (Vantage("origin", Layer.ORIGIN, "http://o/m.m3u8"),))
    assert page("one", Streams(channels={"one": one}, verdicts={}), opened=None).grid.columns == ("origin",)
