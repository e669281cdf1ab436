"""What is copied reaches the terminal through whatever stands between, or its refusal is said."""

from __future__ import annotations

import re
from base64 import b64decode

import pytest

from console.app.abilities import Abilities, Depth, Wrapping, abilities
from console.app.clipboard import MOST, PIECE, TooLong, copied
from tests.console.app.wired import far

UTF = "utf-8"


@pytest.mark.parametrize(
    ("environ", "wrapping"),
    [
        ({"TERM": "xterm-256color"}, Wrapping.NONE),
        ({"TERM": "xterm-256color", "TMUX": "/tmp/tmux-0/default,1,0"}, Wrapping.TMUX),
        ({"TERM": "screen-256color", "TMUX": "/tmp/tmux-0/default,1,0"}, Wrapping.TMUX),
        ({"TERM": "tmux-256color"}, Wrapping.TMUX),
        ({"TERM": "screen"}, Wrapping.SCREEN),
        ({"TERM": "xterm", "STY": "1.pts-0"}, Wrapping.SCREEN),
    ],
)
def test_what_stands_between_is_found_in_the_environment(environ: dict[str, str], wrapping: Wrapping) -> None:
    assert abilities(environ, UTF).wrapping is wrapping


def test_to_tmux_it_goes_plain_and_with_every_escape_doubled() -> None:
    plain = copied("hello", Wrapping.NONE)
    assert plain == "\x1b]52;c;aGVsbG8=\x07"
    assert copied("hello", Wrapping.TMUX) == plain + "\x1bPtmux;\x1b" + plain + "\x1b\\"


def test_to_screen_it_goes_in_pieces_that_it_takes_and_that_join_to_the_whole() -> None:
    text = "ä" * 2000
    sent = copied(text, Wrapping.SCREEN)
    pieces = re.findall(r"\x1bP(.*?)\x1b\\", sent, re.DOTALL)
    assert "".join(f"\x1bP{piece}\x1b\\" for piece in pieces) == sent and max(map(len, pieces)) <= PIECE < 768
    encoded = "".join(pieces).removeprefix("\x1b]52;c;").removesuffix("\x07")
    assert b64decode(encoded).decode() == text


def test_more_than_a_terminal_takes_is_refused_and_not_cut() -> None:
    most = MOST * 3 // 4 - 2
    assert len(copied("x" * most, Wrapping.NONE)) <= MOST + 10
    with pytest.raises(TooLong, match=r"80000 bytes; a terminal's clipboard \(OSC 52\) takes 56245"):
        copied("x" * 80_000, Wrapping.NONE)


async def test_the_screen_says_whether_it_was_copied() -> None:
    async with far() as at:
        await at.stage.press("1", "c")
        assert any("\x1b]52;c;" in each for each in at.driver.written)
        assert [each.message[:8] for each in at.app._notifications] == ["copied: "]
        at.driver.written.clear()
        at.app.copy_to_clipboard("x" * 80_000)
        await at.stage.until(lambda: len(at.app._notifications) == 2)
        assert "not copied: 80000 bytes" in [*at.app._notifications][-1].message
        at.app.able = abilities({"TERM": "linux"}, UTF)
        assert "no clipboard" in at.app.to_clipboard("x")
        assert not any("\x1b]52" in each for each in at.driver.written)


@pytest.mark.parametrize(
    ("environ", "depth", "fills"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, Depth.TRUE, True),
        ({"TERM": "xterm-256color"}, Depth.INDEXED, True),
        ({"TERM": "xterm-kitty"}, Depth.INDEXED, True),
        ({"TERM": "xterm"}, Depth.SIXTEEN, True),
        ({"TERM": "tmux-256color"}, Depth.INDEXED, False),
        ({"TERM": "xterm-256color", "STY": "1.pts-0"}, Depth.INDEXED, False),
        ({"TERM": "screen.xterm-256color"}, Depth.INDEXED, False),
        ({"TERM": "vt100"}, Depth.NONE, False),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, Depth.NONE, True),
    ],
)
def test_colours_and_erasing_are_the_terminals_own(environ: dict[str, str], depth: Depth, fills: bool) -> None:
    able = abilities(environ, UTF)
    assert (able.depth, able.fills_erased) == (depth, fills)


def test_kittys_keys_are_asked_for_only_where_that_was_asked() -> None:
    plain, kitty = Abilities(), Abilities(has_kitty_keys=True)
    for data in ("\x1b[>25u", "\x1b[<u"):
        assert plain.without_questions(data) == "" and kitty.without_questions(data) == data
    assert plain.without_questions("\x1b[?2026$p") == "\x1b[?2026$p"
    assert not Abilities(is_asked=False, has_kitty_keys=True).without_questions("\x1b[>25u")
