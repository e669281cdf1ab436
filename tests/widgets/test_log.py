"""The log view as its reader meets it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.segment import Segment

from console.model.cell import Tone
from console.model.logline import LogLine
from themes.tones import Ground
from widgets.log import LogView

Host = Callable[..., Any]
Screen = Callable[[Any], list[str]]
AT = datetime(2026, 11, 22, 2, 14, 6, 112_000, tzinfo=UTC)


class Ring:
    """A bounded ring by sequence number, which counts how often a line was asked for."""

    def __init__(self, capacity: int = 1000) -> None:
        self.capacity = capacity
        self.first_seq = 0
        self.lines: list[LogLine] = []
        self.asked = 0

    @property
    def last_seq(self) -> int:
        return self.first_seq + len(self.lines) - 1

    def line(self, seq: int) -> LogLine:
        assert self.first_seq <= seq <= self.last_seq, "asked for a line that is not held"
        self.asked += 1
        return self.lines[seq - self.first_seq]

    def add(self, count: int = 1, **fields: Any) -> None:
        for _ in range(count):
            number = self.last_seq + 1
            told = {"message": f"line {number}", "level": "info", "service": "packager-7", **fields}
            self.lines.append(LogLine(at=AT + timedelta(seconds=number), **told))
        gone = max(0, len(self.lines) - self.capacity)
        del self.lines[:gone]
        self.first_seq += gone


def messages(lines: list[str]) -> list[str]:
    """The `line N` of each line of the screen, "" for others."""
    return [
        line[line.index("line ") :].split("‖")[0].split("▐")[0].strip() if "line " in line else "" for line in lines
    ]


def numbers(start: int, stop: int) -> list[str]:
    return [f"line {number}" for number in range(start, stop)]


async def until(condition: Callable[[], bool], deadline_s: float = 5.0) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        await asyncio.sleep(0.005)


async def test_a_line_shows_time_level_service_and_message(hosted: Host, screen: Screen) -> None:
    ring = Ring()
    ring.add(1, level="error", message="segment 8812 late by 6.1 s")
    view = LogView(ring)
    async with hosted(view, (80, 5)):
        view.advance()
        assert screen(view)[0].split() == [
            "02:14:06.112",
            "E",
            "packager-7",
            "segment",
            "8812",
            "late",
            "by",
            "6.1",
            "s",
        ]
        assert all(len(line) == 80 for line in screen(view))


async def test_following_sticks_to_the_newest_line(hosted: Host, screen: Screen) -> None:
    ring = Ring()
    view = LogView(ring)
    async with hosted(view, (60, 5)):
        ring.add(3)
        view.advance()
        assert messages(screen(view)) == [*numbers(0, 3), "", ""]
        ring.add(40)
        view.advance()
        assert messages(screen(view)) == numbers(38, 43)


async def test_many_appended_lines_cost_one_repaint_of_what_is_seen(
    hosted: Host, painted: Callable[[Any], list[int]]
) -> None:
    ring = Ring(100_000)
    view = LogView(ring)
    async with hosted(view, (60, 5)) as pilot:
        ring.add(10)
        view.advance()
        await pilot.pause()
        drawn = painted(view)
        ring.asked = 0
        ring.add(50_000)
        view.advance()
        await pilot.pause()
        assert sorted(drawn) == [0, 1, 2, 3, 4]
        assert ring.asked <= 20


async def test_paused_the_lines_on_the_screen_do_not_move(hosted: Host, screen: Screen) -> None:
    ring = Ring()
    ring.add(50)
    view = LogView(ring)
    async with hosted(view, (60, 5)) as pilot:
        view.advance()
        await pilot.press("=")
        assert not view.is_following
        before = messages(screen(view))
        ring.add(100)
        view.advance()
        assert messages(screen(view)) == before == numbers(45, 50)
        assert view.behind == 100
        assert "paused · 100 newer" in screen(view)[-1]
        await pilot.press("=")
        assert view.is_following and messages(screen(view)) == numbers(145, 150)


async def test_lines_dropped_beneath_the_reader_stay_and_the_loss_is_told(hosted: Host, screen: Screen) -> None:
    ring = Ring(capacity=20)
    ring.add(20)
    view = LogView(ring)
    async with hosted(view, (60, 6)) as pilot:
        view.advance()
        await pilot.press("=")
        seen = messages(screen(view))
        ring.add(100)
        view.advance()
        assert messages(screen(view)) == seen == numbers(14, 20), "the ring holds none of them any more"
        await pilot.press("down")
        lines = screen(view)
        assert "80 lines left the buffer unread" in lines[0]
        assert messages(lines)[1:] == numbers(100, 105), "moving on goes to the oldest line held"
        await pilot.press("pagedown")
        assert "unread" not in "\n".join(screen(view))


async def test_a_gap_on_the_screen_says_how_many_lines_are_missing(hosted: Host, screen: Screen) -> None:
    ring = Ring(capacity=20)
    ring.add(3)
    view = LogView(ring)
    async with hosted(view, (60, 8)) as pilot:
        view.advance()
        await pilot.press("=")
        ring.add(40)
        view.advance()
        lines = screen(view)
        assert messages(lines)[:3] == numbers(0, 3)
        assert "20 lines left the buffer unread" in lines[3]
        assert messages(lines)[4:] == numbers(23, 27)


async def test_moving_up_pauses_and_the_end_follows_again(hosted: Host, screen: Screen) -> None:
    ring = Ring()
    ring.add(50)
    view = LogView(ring)
    async with hosted(view, (60, 5)) as pilot:
        view.advance()
        await pilot.press("up", "up")
        await pilot.pause()
        assert not view.is_following and view.cursor_line is not None
        assert view.cursor_line.message == "line 47"
        await pilot.press("pageup")
        assert view.cursor_line.message == "line 43"
        await pilot.press("g")
        assert messages(screen(view)) == numbers(0, 5)
        await pilot.press("G")
        await pilot.pause()
        assert view.is_following
        told = [message.is_following for message in pilot.app.heard if isinstance(message, LogView.FollowChanged)]
        assert told == [False, True]


async def test_a_mark_is_a_rule_and_late_lines_say_so(hosted: Host, screen: Screen) -> None:
    ring = Ring()
    ring.add(1, message="reconnected: 12 s missing, 340 lines fetched", is_mark=True)
    ring.add(1, is_late=True)
    view = LogView(ring)
    async with hosted(view, (70, 4)):
        view.advance()
        first, second, *_ = screen(view)
        assert first.strip().startswith("──") and " reconnected: 12 s missing, 340 lines fetched " in first
        assert "late line 1" in second


async def test_a_filter_shows_only_what_it_admits_even_of_new_lines(hosted: Host, screen: Screen) -> None:
    ring = Ring(100_000)
    for number in range(12_000):
        ring.add(1, level="error" if number % 1000 == 0 else "info")
    view = LogView(ring)
    async with hosted(view, (60, 6)):
        view.filter(lambda line: line.level == "error")
        await until(lambda: view.shown_count == 12)
        assert messages(screen(view)) == [f"line {number}000" for number in range(6, 12)]
        ring.add(1)
        ring.add(1, level="error")
        view.advance()
        assert messages(screen(view))[-1] == "line 12001"
        view.filter(None)
        assert messages(screen(view)) == numbers(11_996, 12_002)


async def test_a_filter_that_admits_nothing_shows_the_placeholder(hosted: Host, screen: Screen) -> None:
    ring = Ring()
    ring.add(20)
    view = LogView(ring, "nothing passes the filter")
    async with hosted(view, (60, 6)):
        view.advance()
        view.filter(lambda line: False)
        assert "nothing passes the filter" in "\n".join(screen(view))
        assert not any(messages(screen(view)))


async def test_found_text_is_marked_in_either_case_and_reached_by_key(hosted: Host) -> None:
    ring = Ring()
    ring.add(50)
    ring.add(1, message="line upstream TIMEOUT [504]")
    ring.add(50)
    view = LogView(ring)
    async with hosted(view, (80, 6)) as pilot:
        view.advance()
        view.highlight("timeout [")
        await pilot.press("N")
        assert view.cursor_line is not None and "TIMEOUT" in view.cursor_line.message
        marked = [
            segment.text
            for y in range(6)
            for segment in view.render_line(y)
            if isinstance(segment, Segment) and segment.style == view.paint.match
        ]
        assert marked == ["TIMEOUT ["]


async def test_enter_opens_the_line_under_the_cursor(hosted: Host) -> None:
    ring = Ring()
    ring.add(10)
    view = LogView(ring)
    async with hosted(view, (60, 6)) as pilot:
        view.advance()
        await pilot.press("up", "up", "enter")
        await pilot.pause()
        chosen = [message.line.message for message in pilot.app.heard if isinstance(message, LogView.LineChosen)]
        assert chosen == ["line 7"]


async def test_a_long_message_is_cut_and_can_be_moved_sideways(hosted: Host, screen: Screen) -> None:
    ring = Ring()
    ring.add(1, message="x" * 100 + "THE END")
    view = LogView(ring)
    async with hosted(view, (60, 3)) as pilot:
        view.advance()
        assert "…" in screen(view)[0] and "THE END" not in screen(view)[0]
        await pilot.press(*["right"] * 5)
        assert "THE END" in screen(view)[0]
        await pilot.press(*["left"] * 5)
        assert "THE END" not in screen(view)[0]


async def test_the_wheel_pauses_and_the_bottom_follows(hosted: Host) -> None:
    ring = Ring()
    ring.add(50)
    view = LogView(ring)
    async with hosted(view, (60, 5)):
        view.advance()
        view.scroll_lines(-3)
        assert not view.is_following
        view.scroll_lines(3)
        assert view.is_following


async def test_an_error_line_is_told_by_letter_and_tone(hosted: Host) -> None:
    ring = Ring()
    ring.add(1, level="error")
    view = LogView(ring)
    async with hosted(view, (80, 3)):
        view.advance()
        letter = next(segment for segment in view.render_line(0) if "E" in segment.text)
        assert letter.style == view.paint.on(Ground.PANE)[Tone.CRIT]


async def test_without_a_window_it_says_so_and_takes_keys(hosted: Host, screen: Screen) -> None:
    view = LogView(None, "connecting")
    async with hosted(view, (60, 5)) as pilot:
        await pilot.press("up", "down", "G", "g", "=", "n", "enter")
        assert "connecting" in "\n".join(screen(view))
        ring = Ring()
        ring.add(2)
        view.attach(ring)
        view.advance()
        assert messages(screen(view))[:2] == numbers(0, 2)
