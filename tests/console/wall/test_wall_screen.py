"""The wall's screen: what it never hides, what it does when something of it fails, and that nobody can do anything with it."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from console import cli
from console.feeds.figures import FIGURES
from console.model.severity import Layer, Severity
from console.wall import pages
from console.wall.pulse import Past
from console.wall.shift import EVERY_S
from tests.hand_clock import START
from tests.scene import Scene
from tests.wall_scenes import REFUSED, VIEWERS, WallScene, scene_of
from tests.wall_stage import WallStage, walled
from widgets.mosaic import Mosaic

ACTING = ("service", "licence", "planner", "executor", "targets", "catalogue", "guards", "policy")


def banner(stage: WallStage) -> str:
    return "\n".join(stage.of(stage.wall._banner))


async def test_a_dead_feed_is_a_banner_over_everything_and_nothing_under_it_is_green() -> None:
    scene = scene_of("calm")
    async with walled(scene) as stage:
        assert banner(stage) == "" and "all 12 channels fine" in stage.text
        scene.fail("streams", REFUSED, keep=True)
        await stage.turn(2)
        assert stage.lines()[0].strip() == "no news: Streams"
        assert "connection refused" in banner(stage)
        assert "fine" not in stage.text and stage.wall.said.counts["UNKNOWN"] == len(VIEWERS)
        assert {tile.severity.value for tile in stage.wall.said.fleet} == {"UNKNOWN"}


async def test_a_feed_that_never_answers_is_dead_after_half_a_minute_and_not_before() -> None:
    scene = scene_of("calm")
    scene.connecting("capacity")
    async with walled(scene) as stage:
        assert banner(stage) == "" and "fine" not in stage.text
        await stage.jump(31)
        assert "no news: Capacity" in banner(stage)


async def test_most_clocks_off_by_the_same_is_our_own_clock_and_one_is_its_own() -> None:
    scene = scene_of("calm")
    said = scene.value("sources")
    async with walled(scene) as stage:
        scene.say("sources", (msgspec.structs.replace(said[0], skew_s=34.0), *(msgspec.structs.replace(each, skew_s=0.2) for each in said[1:])))
        await stage.turn(1)
        assert "wrong clock" in banner(stage) and f"{said[0].name} +34 s" in banner(stage)
        scene.say("sources", tuple(msgspec.structs.replace(each, skew_s=34.0) for each in said))
        await stage.turn(1)
        assert "5 of 5 servers say +34 s: this machine's own clock is probably wrong" in banner(stage)


async def test_a_restart_and_a_refused_configuration_are_told() -> None:
    async with walled(scene_of("calm"), past=Past(2, START - timedelta(seconds=590), "ended by SIGKILL")) as stage:
        assert "restarted 2 times, last 02:04:17 UTC: ended by SIGKILL" in banner(stage)
        stage.wall.mark = "configuration refused, the last good one kept: x"
        await stage.turn(1)
        assert "configuration refused" in banner(stage)
        stage.wall.mark = ""
        await stage.jump(10)
        assert banner(stage) == "" and "restarted 2 times" in stage.of(stage.wall._foot)[0], "small, but for as long as it is true"


async def test_the_seconds_of_the_clock_go_on_whatever_the_feeds_do() -> None:
    async with walled(scene_of("calm"), (80, 24)) as stage:
        assert "02:14:07 UTC" in stage.lines()[0] + stage.lines()[1]
        await stage.turn(5)
        assert "02:14:12 UTC" in stage.lines()[0] + stage.lines()[1]


async def test_a_part_that_fails_is_taken_away_and_named_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = scene_of("calm")
    async with walled(scene, is_faulty=True) as stage:
        show = Mosaic.show

        def broken(self: Mosaic, title: str, tiles: Any, absence: str = "") -> None:
            if tiles:
                raise ZeroDivisionError("in a tile")
            show(self, title, tiles, absence)

        monkeypatch.setattr(Mosaic, "show", broken)
        await stage.turn(1)
        await stage.turn(1)
        assert "fault of the wall" in banner(stage) and "fleet: ZeroDivisionError: in a tile" in banner(stage)
        assert not any("in-cricket-1" in line for line in stage.of(stage.wall._fleet)), "what it showed last is gone"
        assert "2.9M" in stage.text or stage.of(stage.wall._figures)
        monkeypatch.setattr(Mosaic, "show", show)
        await stage.turn(1)
        await stage.turn(1)
        assert banner(stage) == "" and "in-cricket-1" in stage.text


async def test_when_nothing_can_be_made_the_clock_goes_on_and_everything_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async with walled(scene_of("calm"), is_faulty=True) as stage:
        def broken(*_: Any) -> Any:
            raise RuntimeError("no wall")

        monkeypatch.setattr("console.wall.screen.wall", broken)
        await stage.turn(3)
        assert "fault of the wall" in banner(stage) and "no wall" in banner(stage)
        assert "fine" not in stage.text and "in-cricket-1" not in stage.text
        assert stage.wall._head._facts is not None and stage.wall._head._facts.time == "02:14:10"


@pytest.mark.parametrize("size", [(240, 67), (80, 24)], ids=["wide", "least"])
async def test_a_terminal_that_shrinks_to_almost_nothing_and_back_looks_as_before(size: tuple[int, int]) -> None:
    async with walled(scene_of("bad-deploy"), size) as stage:
        before = stage.text
        for width, height in ((20, 5), (1, 1), (40, 14), (120, 36), (20, 5)):
            await stage.resize(width, height)
            assert [strip.cell_length for strip in stage.strips()] == [width] * height
        assert "C8" in stage.text and "02:14:07" in stage.text and "packager-emea" in stage.text
        await stage.resize(*size)
        assert stage.text == before


async def test_pages_turn_by_themselves_and_the_overview_is_among_them() -> None:
    async with walled(scene_of("calm"), views=("streams", "capacity"), every_s=20) as stage:
        seen = []
        for _ in range(8):
            page = stage.wall.rotation.pages[stage.wall._page]
            seen.append(page)
            assert bool(stage.of(stage.wall._fleet)) == (page == "overview")
            await stage.jump(10)
        assert seen == ["overview", "overview", "streams", "streams", "capacity", "capacity", "overview", "overview"]
        assert "in " in stage.of(stage.wall._foot)[0]


async def test_a_critical_brings_the_overview_back_and_holds_it_until_it_is_over() -> None:
    scene = scene_of("calm")
    async with walled(scene, views=("streams",), every_s=20) as stage:
        await stage.jump(21)
        assert stage.wall._page == 1
        scene.fault(("uk-sport-1",), "gone", Layer.ORIGIN)
        await stage.turn(1)
        assert stage.wall._page == 0 and "held: 1 critical" in stage.of(stage.wall._foot)[0]
        await stage.jump(100)
        assert stage.wall._page == 0
        scene.say("streams", scene_of("calm", scene.clock).value("streams"))
        await stage.turn(1)
        assert stage.wall._page == 0 and "streams in " in stage.of(stage.wall._foot)[0]


async def test_a_page_shows_the_worst_row_first_and_no_cursor() -> None:
    scene = scene_of("calm")
    async with walled(scene, (240, 67), views=("streams", "workloads", "capacity", "logs", "incidents"), every_s=10) as stage:
        grounds = {stage.wall._head.paint.on(ground)["normal"].bgcolor for ground in ("cursor", "rest")}
        for page in stage.wall.rotation.pages[1:]:
            await stage.jump(10)
            shown = stage.wall._pages[page]
            assert stage.of(shown), page
            region = shown.region
            for strip in stage.strips()[region.y : region.bottom]:
                for segment in strip.crop(region.x, region.right):
                    assert segment.style is None or segment.style.bgcolor not in grounds, (page, segment)
        assert stage.app.focused is None


@pytest.mark.parametrize(("key", "code"), [("q", 0), ("ctrl+c", 130)], ids=["q", "ctrl-c"])
async def test_two_keys_leave_and_no_other_key_does_anything(key: str, code: int) -> None:
    async with walled(scene_of("calm"), views=("streams",)) as stage:
        before = stage.text
        for other in ("a", "enter", "tab", "1", "colon", "slash", "question_mark", "ctrl+z", "escape", "down", "S", "t", "ctrl+q", "space"):
            await stage.press(other)
        assert stage.text == before and stage.app.is_running and len(stage.app.screen_stack) == 2
        await stage.press(key)
        assert stage.app.return_code == code


def test_nothing_that_could_act_is_imported_for_a_wall() -> None:
    script = (
        "import sys\n"
        "import console.commands.wall, console.wall.app, console.assembly, console.wall.pages\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    acting = ("acting", "app.acting", "app.screen", *(f"actions.{what}" for what in ACTING))
    assert not [name for name in done.stdout.split() if name.startswith(tuple(f"console.{part}" for part in acting))]
    assert "console.actions.ledger" in done.stdout, "what was done is read, by whoever did it"


def test_the_command_line_knows_the_pages_that_there_are() -> None:
    assert sorted(cli.PAGES) == sorted(pages.NAMES)


async def test_the_picture_is_shifted_by_a_cell_and_comes_back() -> None:
    scene = scene_of("calm")
    async with walled(scene, (130, 40)) as stage:
        places = []
        for _ in range(5):
            region = stage.wall._fleet.region
            places.append((region.x, region.y, region.width, region.height))
            await stage.jump(EVERY_S)
        assert len(set(places)) == 4 and places[4] == places[0]
        assert len({place[2:] for place in places}) == 1, "it is shifted, and no cell larger or smaller"
        steps = [abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in pairwise(places)]
        assert steps == [1, 1, 1, 1]


async def test_without_any_colour_the_letters_say_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with walled(scene_of("bad-deploy")) as stage:
        assert all(segment.style is None or segment.style.bgcolor is None for strip in stage.strips() for segment in strip)
        assert "C uk-sport-1" in stage.text or "uk-sport-1" in stage.text
        assert "C packager-emea: STALE on 4 channels" in stage.text


async def test_a_tiny_wall_still_says_how_bad_it_is_and_what_time_it_is() -> None:
    async with walled(scene_of("node-lost"), (20, 5)) as stage:
        assert stage.lines()[0].startswith("C2") and "02:14:07" in stage.lines()[0]
        assert "C packager-emea" in stage.text


async def test_figures_that_cannot_be_had_are_dashes_with_the_reason() -> None:
    scene = scene_of("calm")
    async with walled(scene, (240, 67)) as stage:
        scene.fail(FIGURES, REFUSED)
        await stage.turn(1)
        assert all(figure.value == "–" for figure in stage.wall.said.figures)
        assert "connection refused" in "\n".join(stage.of(stage.wall._figures))
        assert "no news: Figures" in banner(stage) or "NO NEWS" in stage.wall.said.banners[0].big.upper()


async def test_a_site_without_figures_says_so_and_no_banner_is_made_of_it() -> None:
    async with walled(Scene()) as stage:
        assert stage.wall.said.figures[0].beside == "not configured" and banner(stage) == ""


async def test_a_machine_that_slept_looks_again_before_it_shows_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = WallScene()
    looked: list[bool] = []
    async with walled(scene) as stage:
        monkeypatch.setattr(stage.wall._desk, "look", lambda *, doubt=False: looked.append(doubt))
        await stage.jump(3600)
        await stage.turn(1)
        assert looked, "every feed looks at the clock"
        await stage.settle()
        assert "away 1h until 03:14:0" in banner(stage)


async def test_an_incident_nobody_counts_as_a_row_is_counted_all_the_same() -> None:
    async with walled(scene_of("cdn-slow")) as stage:
        assert stage.wall.said.counts["CRIT"] == 1 and stage.wall.said.is_critical
        assert not any(tile.severity is Severity.CRIT for tile in stage.wall.said.fleet)
