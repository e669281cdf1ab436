"""Keys that come all at once: each is for whoever the key before it led to, and for nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser
from textual.app import ComposeResult
from textual.message import Message

from console.app.app import MidwatchApp
from console.app.choosing import ActionMenu
from console.app.curtain import Curtain
from console.app.detail import DetailScreen
from console.app.plandialog import PlanDialog
from console.app.screen import ConsoleScreen
from console.serve.hall.hearing import Hearing
from tests.console.app.bench import NAME, TARGET, benched
from tests.console.app.test_curtain import Opening
from tests.scene import Scene
from tests.stage import Stage, staged

ESC = "\x1b"


def by_terminal(text: str) -> Iterator[Message]:
    """As the console at a terminal of its own reads it."""
    parser = XTermParser()
    yield from parser.feed(text)


def by_channel(text: str) -> Iterator[Message]:
    """As a session over SSH reads it."""
    yield from Hearing().heard(text.encode())


WAYS = pytest.mark.parametrize("read", [by_terminal, by_channel])
Read = Callable[[str], Iterator[Message]]


def feed(app: MidwatchApp, messages: Iterator[Message] | list[Message]) -> None:
    """Into the driver, with no turn of the loop between two of them."""
    assert app._driver is not None
    for message in messages:
        app._driver.process_message(message)


async def typed(stage: Stage, messages: Iterator[Message] | list[Message]) -> None:
    feed(stage.app, messages)
    await asyncio.sleep(0.0)  # the driver's way to the loop is that of a thread
    await stage.settle()


def line(stage: Stage) -> str:
    prompt = stage.console.prompt
    assert prompt.question is not None and stage.app.screen is stage.console
    return prompt.value


# -- prompts ----------------------------------------------------------------------------------------------------------
@WAYS
@pytest.mark.parametrize("text", ["vod-encoder", "quack", "0123456789", "aqlpz:/?", "a b  c"])
async def test_a_filter_that_comes_with_its_key_has_every_letter_in_order(read: Read, text: str) -> None:
    async with staged(view="workloads") as stage:
        await typed(stage, read(f"/{text}"))
        assert line(stage) == text
        await typed(stage, read("\r"))
        assert stage.app.screen is stage.console and stage.here[0] == "workloads"
        assert stage.console.pane_in_front.filter_text == text  # type: ignore[attr-defined]


@WAYS
async def test_a_command_that_comes_with_its_key_and_enter_is_done_and_the_next_key_is_the_views(read: Read) -> None:
    async with staged() as stage:
        await typed(stage, read(":scope region=emea\r3"))
        assert stage.here == ("workloads", "region=emea")
        await typed(stage, read(":scope service=packager-emea\r:logs\r"))
        assert stage.here == ("logs", "region=emea service=packager-emea")


@WAYS
@pytest.mark.parametrize("key", [":", "/"])
async def test_q_right_after_the_key_of_a_prompt_is_a_letter(read: Read, key: str) -> None:
    async with staged() as stage:
        await typed(stage, read(f"{key}q"))
        assert stage.app.is_running and line(stage) == "q"


@WAYS
async def test_what_is_pasted_right_after_the_key_of_a_prompt_is_in_it(read: Read) -> None:
    async with staged(view="workloads") as stage:
        await typed(stage, read(f"/a{ESC}[200~pack{ESC}[201~z"))
        assert line(stage) == "apackz"


async def test_letters_of_a_prompt_never_reach_the_table_behind_it_nor_the_view_that_a_command_led_to() -> None:
    async with staged(view="workloads") as stage:
        before = stage.console.selection
        await typed(stage, by_channel(":jjjjzp"))
        assert line(stage) == "jjjjzp" and stage.here[0] == "workloads"
        assert stage.console.selection == before


async def test_what_a_filter_was_is_typed_over_however_soon_one_types() -> None:
    async with staged(view="workloads") as stage:
        for text in ("pack", "q", "origin", "x"):
            await typed(stage, by_channel(f"/{text}\r"))
            assert stage.console.pane_in_front.filter_text == text  # type: ignore[attr-defined]


# -- pages ------------------------------------------------------------------------------------------------------------
@WAYS
@pytest.mark.parametrize("key", ["?", "d", "v", "e", "\r"])
async def test_q_right_after_the_key_of_a_page_closes_the_page_and_not_the_console(read: Read, key: str) -> None:
    async with staged(view="workloads") as stage:
        await typed(stage, read(f"{key}"))
        assert isinstance(stage.app.screen, DetailScreen)
        await typed(stage, read(f"q{key}jjq"))
        assert stage.app.is_running and stage.app.screen is stage.console


async def test_a_page_that_a_command_opens_has_the_keys_after_the_enter() -> None:
    async with staged() as stage:
        await typed(stage, by_channel(":help\rq"))
        assert stage.app.is_running and stage.app.screen is stage.console
        await typed(stage, by_channel(":help\rjj"))
        assert isinstance(stage.app.screen, DetailScreen) and stage.app.screen._page.top == 2


class Broken(DetailScreen):
    """A page that cannot be made."""

    def compose(self) -> ComposeResult:
        raise RuntimeError("no page")


class Unstarted(DetailScreen):
    """One that fails once it is there."""

    def on_mount(self) -> None:
        raise RuntimeError("no page")


@pytest.mark.parametrize("page", [Broken, Unstarted])
async def test_a_page_that_fails_to_mount_frees_the_keys(page: type[DetailScreen], monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(is_faulty=True) as stage:
        monkeypatch.setattr(
            type(stage.console), "action_help", lambda console: console.app.push_screen(page("page", [])) and None
        )
        await typed(stage, [*by_channel("?"), events.Key("escape", ESC), *by_channel("3")])
        assert stage.app.faults
        assert stage.app.screen is stage.console and stage.here[0] == "workloads"


async def test_what_waits_when_a_page_opens_or_closes_by_itself_is_for_nobody() -> None:
    async with staged() as stage:
        app = stage.app

        async def opens() -> None:
            app.push_screen(DetailScreen("told", []))

        async def closes() -> None:
            app.screen.dismiss()

        for moves, is_page in ((opens, True), (closes, False)):
            app.keyboard.hold()
            await typed_while_held(stage, "qqq3")
            await app.run_worker(moves(), exit_on_error=False).wait()
            app.keyboard.release()
            await stage.settle()
            assert app.is_running and isinstance(app.screen, DetailScreen) is is_page
            assert stage.here[0] == "overview"


async def typed_while_held(stage: Stage, text: str) -> None:
    feed(stage.app, by_channel(text))
    async with asyncio.timeout(20):
        while stage.app.keyboard.waiting < len(text):  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)


async def test_what_was_typed_before_the_job_is_stopped_or_the_app_is_left_acts_no_more() -> None:
    async with staged() as stage:
        stage.app.keyboard.hold()
        await typed_while_held(stage, "345")
        stage.app.keyboard.forget()
        stage.app.keyboard.release()
        await stage.settle()
        assert stage.here[0] == "overview"
        feed(stage.app, by_channel("q3"))
        async with asyncio.timeout(20):
            while stage.app.is_running:  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0)
        assert stage.here[0] == "overview"


# -- actions ----------------------------------------------------------------------------------------------------------
async def test_what_comes_with_a_command_that_plans_reaches_neither_the_console_nor_the_confirmation(tmp_path: Path) -> None:
    async with benched(tmp_path) as bench:
        feed(bench.stage.app, by_channel(f":act thing.set {TARGET} value=5\r{'q' * 5}\t\t\t{NAME}\rq"))
        await asyncio.sleep(0)
        await bench.stage.until(lambda: isinstance(bench.stage.app.screen, PlanDialog))
        await bench.turn(2.0)
        assert bench.stage.app.is_running and bench.is_dialog
        assert bench.dialog.form.typed.text == "" and bench.writes == 0
        assert "Run (disabled)" in bench.stage.text


async def test_q_right_after_a_closes_the_menu_of_actions_and_not_the_console(tmp_path: Path) -> None:
    async with benched(tmp_path, view="streams") as bench:
        await typed(bench.stage, by_channel("a"))
        assert isinstance(bench.stage.app.screen, ActionMenu), bench.stage.text
        await typed(bench.stage, by_channel("qaq"))
        assert bench.stage.app.is_running and bench.stage.app.screen is bench.stage.console


# -- before the console is there --------------------------------------------------------------------------------------
async def test_what_is_typed_before_the_screen_is_there_is_in_the_prompt_once_it_is() -> None:
    scene = Scene()
    opening = Opening(scene)
    app = MidwatchApp(Curtain("demo", "", is_prod=False), opening=opening)
    async with app.run_test(size=(120, 36)) as pilot:
        feed(app, by_channel(f"3/q{ESC}[200~od{ESC}[201~-a"))
        await pilot.pause()
        await app.keyboard.given()
        opening.may.set()
        async with asyncio.timeout(20):
            while app.console_screen is None or app.console_screen.prompt.question is None:
                await pilot.pause(0.01)
            await app.keyboard.given()
            await pilot.pause()
        assert app.is_running and app.console_screen.prompt.value == "qod-a"
        assert app.console_screen is not None and app.console_screen.place.view == "workloads"
    await scene.hub.close()


# -- anything ---------------------------------------------------------------------------------------------------------
LETTERS = st.text("qa:/?zjk10pl =cs", max_size=8)
BURST = st.tuples(st.sampled_from(["/", ":"]), LETTERS, st.sampled_from(["enter", "escape"]))


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(bursts=st.lists(BURST, min_size=1, max_size=5), read=st.sampled_from([by_terminal, by_channel]))
async def test_no_key_between_the_key_of_a_prompt_and_its_end_reaches_the_console(
    bursts: list[tuple[str, str, str]], read: Read
) -> None:
    async with staged(view="workloads") as stage:
        acted: list[str] = []
        dispatch = stage.app._dispatch_action

        async def seen(namespace: Any, name: str, params: Any) -> bool:
            if isinstance(namespace, ConsoleScreen):
                acted.append(name)
            return await dispatch(namespace, name, params)

        stage.app._dispatch_action = seen  # type: ignore[method-assign]
        keys: list[Message] = []
        filtered = ""
        for opener, letters, end in bursts:
            text = f"x{letters}"  # no command begins so: what is entered is complained of and does nothing
            keys += [*read(opener + text), events.Key(end, ESC if end == "escape" else "\r")]
            if opener == "/":
                filtered = text if end == "enter" else ""
        await typed(stage, keys)
        assert acted == [{"/": "filter", ":": "command"}[opener] for opener, _, _ in bursts]
        assert stage.app.is_running and stage.app.screen is stage.console and stage.here == ("workloads", "")
        assert stage.console.pane_in_front.filter_text == filtered  # type: ignore[attr-defined]
