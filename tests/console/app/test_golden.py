"""Golden screens: what each must say, that it still looks as agreed, and what it is painted with."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from rich.color import Color
from rich.style import Style

from tests.golden import compare
from tests.golden.compare import compared
from tests.golden.dialogs import closed
from tests.golden.shots import SHOTS, Shot
from tests.golden.styles import picture
from tests.scene import Scene
from tests.stage import Stage, staged

NAMES = [shot.name for shot in SHOTS]


async def _look(shot: Shot, monkeypatch: pytest.MonkeyPatch, check: object) -> str:
    """The shot's screen as text, after `check` has seen the running stage."""
    if shot.has_color:
        monkeypatch.delenv("NO_COLOR", raising=False)
    else:
        monkeypatch.setenv("NO_COLOR", "1")
    scene = Scene()
    await shot.setting(scene)
    async with staged(scene, shot.size, view=shot.view, scope=shot.scope, theme=shot.theme) as stage:
        if shot.keys:
            await stage.press(*shot.keys)
        if shot.opening is not None:
            await shot.opening(stage)
        assert callable(check)
        check(stage)
        text = f"{stage.text}\n\n{picture(stage.strips())}" if shot.with_styles else stage.text
        await closed(stage)
        return text


@pytest.mark.parametrize("shot", SHOTS, ids=NAMES)
async def test_the_screen_says_what_it_must_and_is_as_agreed(shot: Shot, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(stage: Stage) -> None:
        for fact in shot.facts:
            fact(stage)

    text = await _look(shot, monkeypatch, check)
    complaint = compared(shot.name, text, shot.sentence, os.environ)
    assert not complaint, complaint


def test_each_golden_file_has_its_sentence_and_each_shot_its_own_name() -> None:
    assert sorted(NAMES) == sorted(path.stem for path in compare.PLACE.glob("*.txt"))
    assert len(set(NAMES)) == len(NAMES)
    for shot in SHOTS:
        assert shot.sentence.endswith(".") and shot.facts, shot.name


def test_a_changed_screen_is_told_line_by_line_with_what_it_must_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "PLACE", tmp_path)
    (tmp_path / "one.txt").write_text("head\nC uk-sport-1\nfoot\n")
    assert compared("one", "head\nC uk-sport-1\nfoot", "It says C.", {}) == ""
    told = compared("one", "head\n  uk-sport-1\nfoot", "It says C.", {})
    assert "-C uk-sport-1\n+  uk-sport-1" in told and "It says C." in told
    assert "MIDWATCH_GOLDEN=write" in compared("two", "new", "It says C.", {})


def test_a_golden_is_renewed_only_when_asked_for_and_never_in_ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "PLACE", tmp_path)
    assert "refused" in compared("one", "new", "It says C.", {"MIDWATCH_GOLDEN": "write", "CI": "true"})
    assert "means nothing" in compared("one", "new", "It says C.", {"MIDWATCH_GOLDEN": "1"})
    assert not list(tmp_path.iterdir())
    assert compared("one", "new", "It says C.", {"MIDWATCH_GOLDEN": "write", "CI": "false"}) == ""
    assert (tmp_path / "one.txt").read_text() == "new\n"


# -- what it is painted with ------------------------------------------------------------------------------------------
def style_of(stage: Stage, line: int, column: int) -> Style:
    """The style of one cell."""
    for segment in stage.strips()[line].crop(column, column + 1):
        assert segment.style is not None
        return segment.style
    raise AssertionError(f"no cell at {line}, {column}")


def letter_of(stage: Stage, name: str) -> Style:
    """The style of the severity letter of a row."""
    line = next(at for at, text in enumerate(stage.lines()) if name in text)
    return style_of(stage, line, 1)


def hue(color: Color | None) -> int:
    """How far a colour is from grey: 0 is a grey."""
    assert color is not None
    red, green, blue = color.get_truecolor()
    return max(red, green, blue) - min(red, green, blue)


@pytest.mark.parametrize(("theme", "block"), [("night", "#ff5d52"), ("high-contrast", "#ff6b6b"), ("mono", "#ffffff")])
async def test_the_critical_letter_stands_on_the_themes_block(theme: str, block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    async with staged(size=(80, 24), theme=theme) as stage:
        critical, fine = letter_of(stage, "uk-sport-1"), letter_of(stage, "us-sport-1")
        assert critical.bgcolor is not None and critical.bgcolor.get_truecolor().hex == block
        assert fine.bgcolor != critical.bgcolor
        assert critical.bold


async def test_mono_has_no_hue_anywhere_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    async with staged(theme="mono") as stage:
        colors = {color for segment in stage.segments() if segment.style for color in (segment.style.color, segment.style.bgcolor) if color}
        assert colors and all(hue(color) == 0 for color in colors)


@pytest.mark.parametrize("theme", ["night", "mono", "high-contrast"])
async def test_a_block_or_an_underline_ends_where_its_words_end(theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A critical head must not become a bar of white over its padding."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    async with staged(size=(240, 67), theme=theme) as stage:
        paint = stage.console._head.paint
        block = letter_of(stage, "uk-sport-1")
        for at, strip in enumerate(stage.strips()):
            for segment in strip:
                is_loud = segment.style is not None and (segment.style.underline or segment.style.bgcolor == block.bgcolor)
                assert not (is_loud and re.search(r"\s{4}", segment.text)), (at, segment, paint.name)


NO_COLOR_SCREENS = {
    "overview": (),
    "help": ("question_mark",),
    "the filter's prompt": ("escape", "slash"),
    "a complaint": ("escape", "colon", "x", "x", "enter"),
    "capacity": ("4",),
    "incidents": ("5",),
}


async def test_no_color_means_no_colour_in_anything_that_reaches_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with staged() as stage:
        for screen, keys in NO_COLOR_SCREENS.items():
            await stage.press(*keys)
            for segment in stage.segments():
                style = segment.style
                assert style is None or (style.color is None and style.bgcolor is None), (screen, segment)
            written = "\n".join(strip.render(stage.app.console) for strip in stage.strips())
            codes = {code for found in re.findall(r"\x1b\[([0-9;]*)m", written) for code in found.split(";")}
            assert codes <= {"", "0", "1", "2", "3", "4", "7", "9"}, screen
            assert "7" in codes, "the critical letter is still told from the others"
