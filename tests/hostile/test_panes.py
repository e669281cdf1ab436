"""Nothing hostile reaches the terminal from any pane, page, prompt, title or toast, even past the first gate."""

from __future__ import annotations

import base64
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len
from textual import events
from textual.widgets import Input

from console.app.detail import DetailScreen
from console.model.cell import Tone
from tests.hostile.corpus import CORPUS, EVERYTHING, PAYLOAD
from tests.hostile.staging import failed, poison, poisoned
from tests.hostile.terminal import Terminal, offence
from tests.scene import Scene
from tests.stage import Stage, staged

ROOT = Path(__file__).parents[2]
SIZES = [(120, 36), (80, 24)]
VIEWS = "0123459"
PAGES = ("d", "v", "e", "question_mark")
TITLES = [name for name in EVERYTHING if name.startswith(("csi clears", "osc 52 sets", "rich", "c0", "line feeds", "bidi o", "joined", "combining"))]


class Watched:
    """A stage, and the terminal that reads everything the app writes."""

    def __init__(self, stage: Stage, written: list[str], size: tuple[int, int]) -> None:
        self.stage = stage
        self.terminal = Terminal(*size)
        self._written = written

    async def look(self, what: str) -> None:
        """Draw what the feeds say now, and check it."""
        self.stage.console.renew(self.stage.scene.clock.now())
        await self.stage._drain()
        self.check(what)

    def check(self, what: str) -> None:
        """All that was written since the last look, and every line of the screen as wide as the screen."""
        data, self._written[:] = "".join(self._written), []
        try:
            self.terminal.feed(data)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error
        for number, strip in enumerate(self.stage.strips()):
            assert cell_len(strip.text) == self.terminal.width, (what, number, strip.text)
            assert not offence(strip.text), (what, number, offence(strip.text))


@asynccontextmanager
async def watched(scene: Scene, written: list[str], size: tuple[int, int], may_ring: bool = False) -> AsyncIterator[Watched]:
    async with staged(scene, size) as stage:
        found = Watched(stage, written, size)
        stage.app._disable_notifications = False
        found.check("the first frame")
        yield found
        assert found.terminal.characters > 1000 and found.terminal.moves > 10, "the app drew nothing"
        assert not found.terminal.copied, "a payload reached the clipboard"
        assert may_ring or not found.terminal.bells, "a payload rang the bell"


@pytest.mark.parametrize(("start", "size"), [(0, SIZES[0]), (31, SIZES[1])])
async def test_every_view_shows_hostile_rows_and_writes_only_our_own_sequences(start: int, size: tuple[int, int], written: list[str]) -> None:
    async with watched(poisoned(start), written, size) as seen:
        for view in VIEWS:
            await seen.stage.send(view)
            await seen.look(f"view {view}")
            await seen.stage.send("G")
            await seen.look(f"view {view}, the last row")


@pytest.fixture
async def titled(written: list[str]) -> AsyncIterator[Watched]:
    async with watched(Scene(), written, SIZES[1]) as seen:
        yield seen


async def test_a_few_attacks_in_all_fields_at_once(written: list[str]) -> None:
    scene = poisoned()
    names = list(EVERYTHING)
    async with watched(scene, written, SIZES[1]) as seen:
        for number in range(0, len(names), 3):
            some = names[number : number + 3]
            poison(scene, attacks={name: EVERYTHING[name] for name in some})
            view = VIEWS[number * len(VIEWS) // len(names)]
            await seen.stage.send(view)
            await seen.look(f"{some}: view {view}")


async def test_the_pages_of_hostile_rows_are_clean(written: list[str]) -> None:
    scene = poisoned(11)
    async with watched(scene, written, SIZES[1]) as seen:
        for number, view in enumerate(VIEWS[1:]):
            await seen.stage.send(view)
            poison(scene, number * 9)
            for page in PAGES if view == "1" else "d":
                await seen.stage.send(page)
                await seen.look(f"view {view}, page {page}")
                await seen.stage.send("escape")
        await seen.stage.press("1", "t")
        seen.check("timeline")


@pytest.mark.parametrize("start", [5, 40])
async def test_the_page_of_a_hostile_channel_is_clean_and_so_is_what_it_copies(start: int, written: list[str]) -> None:
    scene = poisoned(start)
    feed = scene.feeds["streams"]
    value = feed.topic.reading.value
    key, channel = next(iter(value.channels.items()))
    value = msgspec.structs.replace(value, channels={channel.name: channel}, verdicts={channel.name: value.verdicts[key]})
    feed.set(msgspec.structs.replace(feed.topic.reading, value=value))
    async with staged(scene, SIZES[1], view="streams") as stage:
        seen = Watched(stage, written, SIZES[1])
        await stage.press("enter")
        assert stage.console.place.view == "channel" and stage.console.selection is not None
        for pressed in ("down", "tab", "right", "tab", "tab", "v", "escape"):
            await stage.send(pressed)
            await seen.look(f"the page, {pressed}")
        written.clear()
        await stage.press("c")
        (sent,) = [data for data in written if data.startswith("\x1b]52")]
        text = base64.b64decode(sent.removeprefix("\x1b]52;c;").removesuffix("\x07")).decode()
        assert text.startswith("curl ") and not offence(text)


@pytest.mark.parametrize("name", TITLES)
async def test_a_title_is_shown_and_never_read_as_markup(name: str, titled: Watched) -> None:
    text = EVERYTHING[name]
    titled.stage.app.push_screen(DetailScreen(f"streams · {text}", [(text, text, Tone.NORMAL)]))
    await titled.look("a page")
    if name.startswith("rich markup"):
        assert text[:20] in "".join(titled.stage.lines()[:5])


async def test_a_toast_is_clean(written: list[str]) -> None:
    async with watched(Scene(), written, SIZES[0]) as seen:
        for number, text in enumerate(EVERYTHING.values()):
            seen.stage.app.notify(text[:200], title=text[:200], markup=False)
            if number % 5 == 4:
                await seen.look("toasts")
                seen.stage.app.clear_notifications()


async def test_every_pane_tells_a_failure_in_hostile_words_safely(written: list[str]) -> None:
    scene = poisoned()
    texts = list(EVERYTHING.values())
    async with watched(scene, written, SIZES[0]) as seen:
        for number in range(0, len(texts), 3):
            failed(scene, texts[number:] + texts[:number])
            view = VIEWS[number * len(VIEWS) // len(texts)]
            await seen.stage.send(view)
            await seen.look(f"failures from attack {number} on, view {view}")


async def test_what_is_typed_into_a_prompt_is_shown_and_not_sent(written: list[str]) -> None:
    async with watched(poisoned(), written, SIZES[1], may_ring=True) as seen:
        for key, names in (("colon", list(CORPUS)), ("slash", ["csi clears the screen", "bidi override", "c1 osc"])):
            await seen.stage.press("1", key)
            prompt = seen.stage.app.screen.query_one(Input)
            for name, text in ((name, CORPUS[name]) for name in names):
                prompt.clear()
                prompt.post_message(events.Paste(text[:300]))
                await seen.look(f"{name}: typed after {key}")
            prompt.value = CORPUS["bidi override"]
            await seen.stage.press("enter")
            seen.check(f"what is said of it after {key}")


async def test_what_is_copied_holds_no_control_character(written: list[str]) -> None:
    async with staged(Scene(), SIZES[0]) as stage:
        for name, attack in EVERYTHING.items():
            written.clear()
            stage.app.copy_to_clipboard(attack)
            terminal = Terminal(*SIZES[0])
            terminal.feed("".join(written))
            (copied,) = terminal.copied
            assert not offence(base64.b64decode(copied).decode()), name


async def test_the_key_copies_a_log_line_without_its_escapes(written: list[str]) -> None:
    attack = CORPUS["csi ends a bracketed paste"]
    scene = poisoned(attacks={"only": attack})
    async with staged(scene, (120, 36)) as stage:
        await stage.press("2", "up", "c")
        sent = [data for data in written if data.startswith("\x1b]52")]
        assert len(sent) == 1
        text = base64.b64decode(sent[0].removeprefix("\x1b]52;c;").removesuffix("\x07")).decode()
        assert "[201~" in text and not offence(text)


def test_a_real_terminal_gets_only_our_own_sequences_from_start_to_end() -> None:
    """Textual's own driver, in a pseudo-terminal: what a driver of ours could hide is in these bytes."""
    primary, secondary = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": "120", "LINES": "36"}
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.player"], cwd=ROOT, env=environ, stdin=secondary, stdout=secondary, stderr=secondary,
        start_new_session=True,
    )  # fmt: skip
    os.close(secondary)
    drawn = bytearray()
    deadline = time.monotonic() + 30
    try:
        with suppress(OSError):  # EIO: the other side is closed
            while time.monotonic() < deadline:
                if select.select([primary], [], [], 0.1)[0]:
                    chunk = os.read(primary, 65536)
                    if not chunk:
                        break
                    drawn += chunk
        assert child.wait(10) == 0, bytes(drawn[-2000:])
    finally:
        child.kill()
        child.wait()
        os.close(primary)
    terminal = Terminal(120, 36)
    terminal.feed(bytes(drawn))
    assert b"\x1b[?1049h" in drawn and b"\x1b[?1049l" in drawn and terminal.characters > 20_000
    assert not terminal.copied and PAYLOAD.encode() in drawn, "the attacks were not on the screen: nothing was proven"
