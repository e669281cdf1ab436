"""Severity is told by shape as well as by colour, and without colour there is none."""

from __future__ import annotations

import pytest
from rich.style import Style

from console.model.cell import Tone
from console.model.severity import Severity
from themes import DEFAULT_THEME, STYLESHEET, THEMES
from themes.tones import PALETTES, Ground, paint

BAD = (Severity.UNKNOWN, Severity.WARN, Severity.CRIT)


def shape(style: Style) -> tuple[bool, bool, bool, bool]:
    """What is left of a style when colours cannot be seen."""
    return (bool(style.bold), bool(style.underline), bool(style.reverse), bool(style.dim))


def test_without_color_no_style_names_a_color() -> None:
    styles = paint(DEFAULT_THEME, no_color=True)
    every = [styles.on(ground)[tone] for ground in Ground for tone in Tone]
    every += [styles.letter(severity, ground) for severity in Severity for ground in Ground]
    every += [styles.fill(severity) for severity in Severity] + [styles.match]
    assert all(style.color is None and style.bgcolor is None for style in every)


@pytest.mark.parametrize("ground", list(Ground))
def test_without_color_the_severities_differ_in_shape(ground: Ground) -> None:
    styles = paint(DEFAULT_THEME, no_color=True)
    assert len({shape(styles.letter(severity, ground)) for severity in Severity}) == len(Severity)


def test_without_color_a_critical_row_differs_from_its_cursor() -> None:
    tones = paint(DEFAULT_THEME, no_color=True).on(Ground.CURSOR)
    assert shape(tones[Tone.CRIT]) != shape(tones[Tone.NORMAL])


def test_mono_has_no_hue() -> None:
    palette = PALETTES["mono"]
    styles = paint("mono")
    for ground in Ground:
        for tone in Tone:
            for color in (styles.on(ground)[tone].color, styles.on(ground)[tone].bgcolor):
                assert color is not None and len(set(color.get_truecolor())) == 1, (ground, tone)
    for name, value in palette.theme().to_color_system().generate().items():
        if value.startswith("#") and not name.startswith("markdown"):
            assert value[1:3] == value[3:5] == value[5:7], name


@pytest.mark.parametrize("name", PALETTES)
def test_the_three_bad_severities_look_different(name: str) -> None:
    letters = {paint(name).letter(severity) for severity in (*BAD, Severity.OK)}
    assert len(letters) == 4


@pytest.mark.parametrize("name", PALETTES)
def test_a_critical_letter_is_a_block_in_every_theme(name: str) -> None:
    letter = paint(name).letter(Severity.CRIT)
    normal = paint(name).on(Ground.PANE)[Tone.NORMAL]
    assert letter.bgcolor != normal.bgcolor


def test_a_healthy_letter_is_quiet() -> None:
    for name in PALETTES:
        assert paint(name).letter(Severity.OK) == paint(name).on(Ground.PANE)[Tone.NORMAL]


def test_a_foreign_theme_is_painted_as_night() -> None:
    assert paint("dracula").name == "night"


def test_the_default_theme_and_the_stylesheet_exist() -> None:
    assert DEFAULT_THEME in {theme.name for theme in THEMES}
    assert STYLESHEET.read_text("utf-8").startswith("/*")
