"""What happened, wrapped and in order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from console.model.incident import EntryKind, TimelineEntry
from console.model.severity import Severity
from widgets.timeline import Timeline

Host = Callable[..., Any]
AT = datetime(2026, 11, 22, 2, 1, 7, tzinfo=UTC)


def entry(minute: int, text: str, severity: Severity = Severity.OK, is_over: bool = False) -> TimelineEntry:
    at = AT + timedelta(minutes=minute)
    return TimelineEntry(
        at=at, kind=EntryKind.ALERT, severity=severity, text=text, entity="uk-sport-1", is_over=is_over
    )


async def test_an_entry_shows_time_letter_kind_and_text(hosted: Host, screen: Any) -> None:
    timeline = Timeline()
    async with hosted(timeline, (60, 5)):
        timeline.show([entry(0, "RebufferHigh", Severity.CRIT), entry(1, "RebufferHigh", Severity.CRIT, True)])
        first, second, *_ = screen(timeline)
        assert first.split() == ["02:01:07", "C", "alert", "RebufferHigh"]
        assert second.split() == ["02:02:07", "C", "alert", "✓", "RebufferHigh"]


async def test_a_long_text_is_wrapped_and_nothing_is_lost(hosted: Host, screen: Any) -> None:
    words = [f"word{number}" for number in range(30)]
    timeline = Timeline()
    async with hosted(timeline, (50, 12)):
        timeline.show([entry(0, " ".join(words))])
        assert [word for word in " ".join(screen(timeline)).split() if word.startswith("word")] == words


async def test_the_end_is_kept_in_view_while_the_reader_is_there(hosted: Host, screen: Any) -> None:
    timeline = Timeline()
    async with hosted(timeline, (60, 5)) as pilot:
        entries = [entry(minute, f"event {minute}") for minute in range(20)]
        timeline.show(entries[:10])
        assert "event 9" in screen(timeline)[-1]
        timeline.show(entries[:11])
        assert "event 10" in screen(timeline)[-1]
        await pilot.press("up", "up")
        assert timeline.cursor_entry == entries[8]
        timeline.show(entries)
        assert timeline.cursor_entry == entries[8]
        await pilot.press("enter", "G")
        await pilot.pause()
        assert timeline.cursor_entry == entries[19]
        chosen = [message.entry for message in pilot.app.heard if isinstance(message, Timeline.EntryChosen)]
        assert chosen == [entries[8]]


async def test_a_step_goes_over_a_wrapped_entry(hosted: Host) -> None:
    timeline = Timeline()
    async with hosted(timeline, (40, 20)) as pilot:
        entries = [entry(0, "a"), entry(1, "long " * 40), entry(2, "c")]
        timeline.show(entries)
        await pilot.press("g", "down")
        assert timeline.cursor_entry == entries[1]
        await pilot.press("down")
        assert timeline.cursor_entry == entries[2]


async def test_without_entries_it_says_so(hosted: Host, screen: Any) -> None:
    timeline = Timeline("nothing happened in the last hour")
    async with hosted(timeline, (40, 5)) as pilot:
        await pilot.press("down", "enter")
        assert "nothing happened" in "\n".join(screen(timeline))
