"""What the wall says, from panes alone: sizes that stand still, the worst sentence, the last hour."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from console.config.readonly import without_writes
from console.model.figure import Better, Figure, Figures, FigureSpec
from console.model.incident import EntryKind, TimelineEntry
from console.model.instant import Instant
from console.model.scope import Scope
from console.model.severity import Layer, Mark, Severity, State
from console.rows import incidents, streams
from console.rows.incidents import IncidentRow
from console.rows.streams import StreamRow
from console.rows.wall_figures import big_figures
from console.rows.wall_fleet import EDGE, KEPT_S, LEAST_SHARE, STEP, placed, tiles
from console.rows.wall_hour import lines, moments, notches
from tests.hand_clock import START, HandClock
from tests.scene import live
from tests.wall_scenes import WallScene, scene_of

NOW = Instant(START, 1000.0)


def rows(scene: WallScene) -> tuple[StreamRow, ...]:
    return streams.pane(scene.feeds["streams"].topic.reading, Scope(), scene.clock.now()).rows


def order(shown: tuple[StreamRow, ...], places: object) -> list[str]:
    return [tile.key for tile in tiles(shown, places)]


CALM = rows(scene_of("calm", HandClock()))


@given(st.lists(st.floats(-0.1, 0.1), min_size=12, max_size=12), st.integers(1, 8))
def test_a_tenth_more_or_less_viewers_moves_nobody(changes: list[float], times: int) -> None:
    places = placed(CALM, {}, 0.0)
    before = tiles(CALM, places)
    for time in range(times):
        moved = tuple(
            msgspec.structs.replace(row, viewers=row.viewers * (1 + change * (-1) ** time)) for row, change in zip(CALM, changes, strict=True)
        )
        places = placed(moved, places, float(time))
        after = tiles(moved, places)
        edge = STEP ** (EDGE - 0.5)
        if all(abs(change) < edge - 1 for change in changes):
            assert [(tile.key, tile.weight) for tile in after] == [(tile.key, tile.weight) for tile in before]


def test_who_has_four_times_the_viewers_has_the_larger_tile_and_the_unknown_the_smallest() -> None:
    by_name = {row.name: row for row in CALM}
    unknown = msgspec.structs.replace(by_name["jp-music-1"], viewers=None)
    shown = (*(row for row in CALM if row.name != "jp-music-1"), unknown)
    made = {tile.key: tile for tile in tiles(shown, placed(shown, {}, 0.0))}
    assert made["in-cricket-1"].weight > 2 * made["us-news-1"].weight
    assert made["jp-music-1"].size == "?" and made["jp-music-1"].weight == min(tile.weight for tile in made.values())
    assert abs(sum(tile.weight for tile in made.values()) - 1) < 1e-9


def test_who_gets_worse_is_first_at_once_and_who_gets_better_stays_for_a_while() -> None:
    places = placed(CALM, {}, 0.0)
    bad = tuple(msgspec.structs.replace(row, severity=Severity.CRIT) if row.name == "de-cine-1" else row for row in CALM)
    places = placed(bad, places, 1.0)
    assert order(bad, places)[0] == "de-cine-1"
    assert next(tile.weight for tile in tiles(bad, places) if tile.key == "de-cine-1") >= 0.8 * LEAST_SHARE[Severity.CRIT]
    places = placed(CALM, places, 2.0)
    assert order(CALM, places)[0] == "de-cine-1" and tiles(CALM, places)[0].severity is Severity.OK, "its place, in its new colour"
    places = placed(CALM, places, 2.0 + KEPT_S)
    assert order(CALM, places)[-1] == "de-cine-1"


def test_what_is_off_the_air_comes_last_however_many_watched_it() -> None:
    off = tuple(msgspec.structs.replace(row, mark=Mark.OFFLINE) if row.name == "in-cricket-1" else row for row in CALM)
    made = tiles(off, placed(off, {}, 0.0))
    assert made[-1].key == "in-cricket-1" and made[-1].is_off_air and "OFFLINE" in made[-1].note


def figure(now: float | None, week: float | None, unit: str = "viewers", **more: str) -> Figures:
    return Figures((Figure(FigureSpec("x", "q", unit, Better.LOWER, 1.5, 3), now, week, **more),))


def test_a_figure_says_how_it_stands_to_last_week_and_why_when_it_cannot() -> None:
    def one(figures: Figures, state: State = State.LIVE) -> tuple[str, str, str, str]:
        reading = msgspec.structs.replace(live(figures, NOW), state=state)
        made = big_figures(reading, NOW.plus(34))[0]
        return made.value, made.unit, made.change, made.beside

    assert one(figure(1.2e6, 1e6)) == ("1.2M", "", "+20 %", "1.0M a week ago")
    assert one(figure(0.0112, 0.0045, "ratio")) == ("1.12", "%", "×2.5", "0.45 % a week ago")
    assert one(figure(7e5, 7e5)) == ("700k", "", "±0 %", "700k a week ago")
    assert one(figure(None, 1e6, missing="3 series, expected 1")) == ("–", "", "", "3 series, expected 1")
    assert one(figure(5.0, None, missing_week="younger than a week")) == ("5", "", "", "younger than a week")
    assert one(figure(1e6, 1e6), State.STALE)[3] == "as of 34s ago · 1.0M a week ago"


def row(name: str, opened_s: float, closed: bool = False, **more: object) -> IncidentRow:
    fields = {
        "name": name, "severity": Severity.CRIT, "title": f"{name} title", "opened_at": START - timedelta(seconds=opened_s),
        "age_s": opened_s, "layer": Layer.EDGE, "service": None, "entities": (), "acknowledged_by": None, "before_it": "",
        "is_closed": closed, "timeline": (), **more,
    }  # fmt: skip
    return IncidentRow(**fields)


def test_the_last_hour_has_each_change_once_and_nothing_older() -> None:
    told = (
        TimelineEntry(START - timedelta(seconds=95), EntryKind.ROLLOUT, Severity.OK, "packager 3.8.2 rolled out", "packager"),
        TimelineEntry(START - timedelta(seconds=70), EntryKind.FINDING, Severity.CRIT, "1080p stale", "uk-sport-1"),
        TimelineEntry(START - timedelta(seconds=40), EntryKind.ALERT, Severity.CRIT, "Late", "packager"),
        TimelineEntry(START - timedelta(hours=2), EntryKind.ACTION, Severity.OK, "restarted", "origin"),
    )
    found = moments([row("INC-1", 60, timeline=told), row("INC-2", 30, timeline=told)], (), (), NOW)
    assert [(moment.kind, moment.is_change) for moment in found] == [
        ("incident", False), ("alert", False), ("incident", False), ("rollout", True),
    ]  # fmt: skip
    assert [line.lead for line in lines(found)] == ["02:13", "02:13", "02:13", "02:12"]
    assert all(0.9 < notch.at <= 1 for notch in notches(found, NOW))


def test_a_closed_incident_is_told_below_the_open_ones_and_raises_nothing() -> None:
    scene = scene_of("edge-stale", HandClock())
    opened = scene.value("incidents")[0]
    scene.say("incidents", (opened, msgspec.structs.replace(opened, id="INC-old", closed_at=START)))
    pane = incidents.pane(scene.feeds["incidents"].topic.reading, Scope(), NOW)
    from console.rows.wall import _incident_lines

    told = _incident_lines(pane, [each for each in pane.rows if not each.is_closed])
    assert [line.severity for line in told] == [Severity.CRIT, Severity.OK] and told[1].text.startswith("✓ ")


def test_a_wall_is_opened_with_no_credential_that_writes() -> None:
    from console.config.backend import Backend, Credential
    from console.config.root import Config
    from console.config.site import Cluster, Site

    key = Credential(bearer_env="TOKEN")
    site = Site(
        prometheus=Backend(url="http://p", read=key, write=key),
        kubernetes={"a": Cluster(url="http://k", read=key, write=key)},
    )
    cleaned = without_writes(Config(sites={"x": site}))
    assert "TOKEN" in repr(cleaned.sites["x"].prometheus.read) and cleaned.sites["x"].prometheus.write is None
    assert cleaned.sites["x"].kubernetes["a"].write is None and cleaned.sites["x"].kubernetes["a"].read == key
