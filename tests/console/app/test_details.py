"""What the page of evidence says: what was measured, what changed between two copies, who answered."""

from __future__ import annotations

from console.app.details import described, evidence
from console.app.picture import drawn
from console.model.cell import Tone
from console.model.finding import ChannelVerdict, Finding
from console.model.scope import Scope
from console.model.severity import Layer, Severity
from console.rows import streams as rows
from console.rows.findings import rows_of
from tests.hand_clock import HandClock
from tests.scene import Scene, back, live, streams
from views.pane import Selection

NOW = HandClock().now()
MUTATED = Finding(
    "MUTATED", "uk-sport-1", "1080p", Layer.PACKAGE, None, Severity.CRIT, "segment 812 has another URI than before", back(NOW, 9), NOW.utc,
    evidence={
        "segments": 1, "served_by": "edge-lhr HIT", "url": "http://origin/1080p.m3u8", "vantages": ["origin", "edge-lhr"],
        "diff": [" #EXTINF:4.0,", "-seg812.ts", "+seg812b.ts"], "headers": ["Age: 7", "X-Cache: HIT"],
    },
    spec_ref="RFC 8216bis 6.2.1",
)  # fmt: skip


def selection(row: object) -> Selection:
    return Selection(view="streams", name="uk-sport-1", channel="uk-sport-1", row=row)


def test_a_difference_is_told_line_by_line_by_its_sign_and_then_by_its_tone() -> None:
    lines = evidence(selection(None), [MUTATED])
    at = next(number for number, line in enumerate(lines) if line[0] == "diff")
    assert lines[at : at + 3] == [
        ("diff", " #EXTINF:4.0,", Tone.DIM),
        ("", "-seg812.ts", Tone.WARN),
        ("", "+seg812b.ts", Tone.ACCENT),
    ]
    told = {label: text for label, text, _ in lines if label}
    assert told["served by"] == "edge-lhr HIT" and told["vantages"] == "origin, edge-lhr" and told["url"] == "http://origin/1080p.m3u8"
    assert told["headers"] == "Age: 7" and ("", "X-Cache: HIT", Tone.NORMAL) in lines
    assert told["specification"] == "RFC 8216bis 6.2.1"


def test_of_a_selected_finding_only_that_one_is_told() -> None:
    value = streams(NOW)
    verdict = ChannelVerdict("uk-sport-1", Severity.CRIT, findings=(MUTATED, *value.verdicts["uk-sport-1"].findings))
    row = rows_of(value.channels["uk-sport-1"], verdict, NOW)[0]
    assert [label for label, _, _ in evidence(selection(row), verdict.findings) if label.startswith("CRIT")] == ["CRIT MUTATED"]
    assert len([label for label, _, _ in evidence(selection(None), verdict.findings) if label.startswith("CRIT")]) == 6


def test_all_that_is_known_of_a_stream_is_words_and_numbers() -> None:
    row = rows.pane(live(streams(NOW), NOW), Scope(), NOW).rows[0]
    told = {label: text for label, text, _ in described(selection(row))}
    assert told["renditions"].startswith("1080p CRIT, 720p CRIT") and told["window s"] == "24s" and told["change"] == "–"
    assert not any("Struct" in text or "(" in text.partition("renditions stale")[0] for text in told.values())


async def test_a_picture_of_the_streams_in_the_scope_of_one_channel_is_its_page() -> None:
    scene = Scene()
    try:
        for scope, words in ((Scope((("channel", "syd-news-2"),)), "EDGE_SKEW"), (Scope(), "AGE/T")):
            told = await drawn(
                scene.desk, "demo", is_prod=False, who="mei", view="streams", scope=scope, theme=None, size=(120, 36), format="html"
            )
            assert words in told.decode() and ("RENDITION" in told.decode()) is bool(scope)
    finally:
        await scene.hub.close()
