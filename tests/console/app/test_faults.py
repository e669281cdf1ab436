"""A fault of midwatch's own stays where it is: in one cell, one line, one pane; the rest of the screen lives, and says so."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest
from textual.strip import Strip
from textual.worker import WorkerFailed

from console.app.detail import DetailScreen, Page
from console.app.frame import HeadLine
from console.app.screen import ConsoleScreen
from console.exit_codes import ExitCode
from console.model.cell import Cell
from console.rows import gauges, incidents, lines, pods, sources, streams
from tests.stage import Stage, staged
from views.foot import Foot
from views.workloads import WorkloadsPane
from widgets.board import Board
from widgets.log import LogView
from widgets.painted import Painted
from widgets.table import Table

ROOMS: dict[str, Any] = {"streams": streams, "logs": lines, "workloads": pods, "capacity": gauges}


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a fault of ours")


def alive(stage: Stage, *views: str) -> None:
    """These panes show what they always show."""
    signs = {"streams": "uk-sport-1", "logs": "late by", "workloads": "CrashLoop", "capacity": "egress lhr"}
    for view in views:
        assert any(signs[view] in line for line in stage.of(view)), f"{view} is dead:\n{stage.text}"


@pytest.mark.parametrize("view", list(ROOMS))
async def test_a_pane_whose_rows_cannot_be_made_says_so_with_a_reference_and_the_others_live(
    view: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ROOMS[view], "pane", broken)
    with caplog.at_level(logging.ERROR):
        async with staged() as stage:
            for _ in range(5):
                await stage.turn(1.0)
            told = "\n".join(stage.of(view))
            assert "error" in told.splitlines()[0] and "RuntimeError: a fault of ours" in told
            assert view == "logs" or f"pane {view}/RuntimeError" in told
            alive(stage, *(each for each in ROOMS if each != view))
            assert "02:14:12 UTC" in stage.lines()[0], "the clock of the head line goes on"
    traces = [record for record in caplog.records if record.exc_info]
    assert traces and len(traces) <= 2, "told once in the log file, not once a second"


@pytest.mark.parametrize("view", list(ROOMS))
async def test_a_pane_that_is_not_on_the_screen_and_cannot_be_made_stops_nothing(
    view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ROOMS[view], "pane", broken)
    async with staged() as stage:
        for second, key in enumerate("123459", start=1):
            await stage.press(key)
            await stage.turn(1.0)
            assert f"02:14:{7 + second:02} UTC" in stage.lines()[0]
        await stage.press("0")
        alive(stage, *(each for each in ROOMS if each != view))


@pytest.mark.parametrize("room", [incidents, sources], ids=["incidents", "sources"])
async def test_the_frame_survives_what_it_counts(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "pane", broken)
    async with staged() as stage:
        await stage.turn(2.0)
        assert "02:14:09 UTC" in stage.lines()[0]
        alive(stage, *ROOMS)


async def test_a_pane_recovers_when_its_fault_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged() as stage:
        with monkeypatch.context() as patch:
            patch.setattr(pods, "pane", broken)
            await stage.turn(1.5)
            assert "error" in stage.of("workloads")[0]
        await stage.turn(1.5)
        alive(stage, "workloads")
        assert "live" in stage.of("workloads")[0]


async def test_evidence_of_streams_that_cannot_be_made_does_not_end_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged() as stage:
        monkeypatch.setattr(streams, "pane", broken)
        await stage.send("v")
        await stage.send("escape")
        await stage.settle()
        alive(stage, "logs", "workloads", "capacity")


async def test_one_column_that_cannot_be_drawn_is_one_bad_cell_in_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = tuple(
        msgspec.structs.replace(column, cell=broken) if column.key == "restarts" else column for column in pods.COLUMNS
    )
    monkeypatch.setattr(WorkloadsPane, "COLUMNS", columns)
    async with staged() as stage:
        shown = stage.of("workloads")
        assert any("packager-emea-" in line and "! R" in line for line in shown), shown
        alive(stage, *ROOMS)


async def test_a_cell_of_the_wrong_kind_is_a_line_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell is made but cannot be drawn: its text is no text."""
    wrong = Cell(text=None)  # type: ignore[arg-type]
    columns = tuple(
        msgspec.structs.replace(column, cell=lambda row: wrong if "x2k41" in row.name else Cell(row.name)) if column.key == "pod" else column
        for column in pods.COLUMNS
    )
    monkeypatch.setattr(WorkloadsPane, "COLUMNS", columns)
    async with staged() as stage:
        shown = stage.of("workloads")
        assert sum("! not drawn" in line for line in shown) == 1
        assert any("x2k40" in line for line in shown) and any("x2k42" in line for line in shown)
        alive(stage, *ROOMS)


@pytest.mark.parametrize(
    ("widget", "view"), [(Table, "streams"), (LogView, "logs"), (Board, "capacity")], ids=["table", "log", "board"]
)
async def test_a_body_that_cannot_draw_its_lines_says_so_on_them_and_the_others_live(
    widget: Any, view: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(widget, "draw_line", broken)
    with caplog.at_level(logging.ERROR):
        async with staged() as stage:
            await stage.turn(2.0)
            told = stage.of(view)
            assert any(f"! not drawn: see {widget.__name__}/RuntimeError" in line for line in told), told
            alive(stage, *(each for each in ROOMS if each != view and not (widget is Table and each == "workloads")))
    traces = [record for record in caplog.records if record.exc_info]
    assert 1 <= len(traces) <= 2, "once for each widget, not once for each line"


@pytest.mark.parametrize("widget", [HeadLine, Foot], ids=["the head line", "a foot"])
async def test_a_line_that_is_drawn_by_itself_says_so_in_its_own_room(widget: type[Painted], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widget, "render_line", broken)
    async with staged() as stage:
        assert f"! not drawn: see {widget.__name__}/RuntimeError" in stage.text
        alive(stage, *ROOMS)
        await stage.resize(80, 24)
        assert [strip.cell_length for strip in stage.strips()] == [80] * 24


async def test_a_fault_in_drawing_ends_when_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged() as stage:
        with monkeypatch.context() as patch:
            patch.setattr(Board, "draw_line", broken)
            await stage.resize(130, 36)
            assert "! not drawn" in stage.text
        await stage.resize(120, 36)
        assert "! not drawn" not in stage.text
        alive(stage, *ROOMS)


async def test_a_strip_of_another_width_than_asked_for_disturbs_no_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Foot, "render_line", lambda _self, _y: Strip([]))
    async with staged() as stage:
        assert [strip.cell_length for strip in stage.strips()] == [120] * 36
        alive(stage, *ROOMS)


# -- in what a key, a message or a timer sets off ----------------------------------------------------------------------
def told(stage: Stage) -> list[str]:
    return [f"{note.title}: {note.message}" for note in stage.app._notifications]


async def test_a_key_whose_action_raises_says_so_and_every_other_key_still_works(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ConsoleScreen, "action_theme", broken)
    with caplog.at_level(logging.ERROR):
        async with staged(is_faulty=True) as stage:
            for _ in range(3):
                await stage.press("T")
            (words,) = told(stage)
            assert words.startswith("a fault of midwatch itself: RuntimeError: a fault of ours")
            assert "the log file has the traceback; the rest goes on" in words
            await stage.press("1")
            assert stage.here == ("streams", "")
            await stage.press("escape")
            alive(stage, *ROOMS)
            assert not stage.app._exit
    assert len([record for record in caplog.records if record.exc_info]) == 1, "told once, however often it is pressed"


async def test_a_handler_of_a_widget_that_raises_leaves_the_widget_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(is_faulty=True) as stage:
        with monkeypatch.context() as patch:
            patch.setattr(Table, "on_focus", broken, raising=False)
            await stage.press("tab", "tab")
            assert len(told(stage)) == 1 and "Table, Focus" in stage.app.faults[0]
        await stage.press("1", "j", "G", "g")
        assert stage.here == ("streams", "")
        alive(stage, "streams")


async def test_a_page_that_cannot_be_made_closes_as_every_page_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Page, "draw_line", broken)
    monkeypatch.setattr(DetailScreen, "on_mount", broken)
    async with staged(is_faulty=True) as stage:
        await stage.press("question_mark")
        assert isinstance(stage.app.screen, DetailScreen)
        assert any("DetailScreen, Mount" in fault for fault in stage.app.faults)
        await stage.press("escape")
        assert stage.app.screen is stage.console
        alive(stage, *ROOMS)


async def test_callbacks_and_timers_that_raise_are_told_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(is_faulty=True) as stage:
        stage.app.call_later(broken)
        stage.console.set_interval(0.01, broken)
        stage.console.call_after_refresh(broken)
        await stage.until(lambda: any("timer" in fault for fault in stage.app.faults))
        for _ in range(5):
            await stage.settle()
        assert 1 <= len(stage.app.faults) <= 3 and len(told(stage)) == len(stage.app.faults)
        alive(stage, *ROOMS)


async def test_what_a_fault_says_is_foreign_text_and_is_shown_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def hostile(*_: Any) -> None:
        raise ValueError("[red]\x1b[2J\u202e" + "x" * 5000)

    monkeypatch.setattr(ConsoleScreen, "action_theme", hostile)
    async with staged(is_faulty=True) as stage:
        await stage.press("T")
        (words,) = told(stage)
        assert "\x1b" not in words and "\u202e" not in words and "[red]" in words and len(words) < 400


async def test_a_console_whose_screen_is_no_longer_renewed_ends_rather_than_show_what_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """An old screen would be believed."""
    app = None
    with pytest.raises(WorkerFailed):
        async with staged(is_faulty=True) as stage:
            app = stage.app
            monkeypatch.setattr("console.app.screen.wait_until", broken)
            await stage.turn(2.0)
            await stage.until(lambda: stage.app.fatal is not None)
    assert app is not None and app.return_code == ExitCode.INTERNAL and isinstance(app.fatal, RuntimeError)
