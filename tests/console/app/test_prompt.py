"""While something is asked, keys and clicks are for the prompt and for nobody else."""

from __future__ import annotations

import asyncio

from textual import events

from tests.stage import Stage, staged


async def click(stage: Stage, x: int, y: int) -> None:
    for kind in (events.MouseDown, events.MouseUp):
        stage.app.post_message(kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y))
    await stage.settle()


async def test_a_click_beside_it_reaches_no_pane_and_one_after_it_does() -> None:
    async with staged() as stage:
        front = stage.console.pane_in_front
        await stage.press("colon")
        await click(stage, 100, 20)
        assert stage.console.pane_in_front is front and stage.console.prompt.question is not None
        await stage.press("s")
        assert stage.console.prompt.value == "s"
        await stage.press("escape")
        await click(stage, 100, 20)
        assert stage.console.pane_in_front is not front, "such a click does choose a pane"


async def test_in_a_terminal_that_was_left_and_found_again_q_is_still_a_letter() -> None:
    async with staged() as stage:
        await stage.press("slash")
        stage.app.post_message(events.AppBlur())
        await stage.settle()
        await stage.press("q")
        assert stage.app.is_running and stage.console.prompt.value == "q"
        stage.app.post_message(events.AppFocus())
        await stage.settle()
        await stage.press("u")
        assert stage.console.prompt.value == "qu"


async def test_keys_that_the_line_has_no_use_for_do_nothing_to_the_screen_behind_it() -> None:
    async with staged() as stage:
        before = stage.here, stage.console.pane_in_front
        await stage.press("colon", "tab", "f1", "down", "pagedown", "shift+tab", "ctrl+d")
        assert (stage.here, stage.console.pane_in_front) == before
        assert stage.console.prompt.question is not None and stage.app.screen is stage.console


async def test_the_focus_goes_back_to_whoever_had_it_and_to_the_pane_in_front_when_that_is_gone() -> None:
    async with staged() as stage:
        await stage.press("tab", "slash", "escape")
        body = stage.console.focused
        assert body is not None and body in stage.console.pane_in_front.walk_children()
        await stage.press("colon")
        await stage.type("workloads")
        async with asyncio.timeout(10):
            while stage.console.focused not in set(stage.console.pane_in_front.walk_children()):
                await stage.settle()
        assert stage.here[0] == "workloads"


async def test_what_was_typed_for_one_question_is_not_told_to_the_next() -> None:
    async with staged() as stage:
        await stage.press("slash", "n", "e", "w", "s", "escape", "slash")
        assert stage.console.prompt.value == "" and stage.console.pane_in_front.filter_text == ""  # type: ignore[attr-defined]
