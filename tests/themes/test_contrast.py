"""Every text that can stand on a ground is readable there, measured as WCAG 2 measures it."""

from __future__ import annotations

import pytest
from rich.color import Color
from rich.style import Style
from textual.color import Color as TextualColor

from console.model.cell import Tone
from console.model.severity import Severity
from themes.palette import Palette
from themes.tones import PALETTES, Ground, paint

AA_TEXT = 4.5
AAA_TEXT = 7.0
AA_SHAPE = 3.0

every_theme = pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES.keys())


def luminance(color: tuple[int, int, int]) -> float:
    """Relative luminance, WCAG 2.2."""

    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel) for channel in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color | None, other: Color | None) -> float:
    assert one is not None and other is not None, "a coloured theme names both colours in every style"
    high, low = sorted((luminance(tuple(one.get_truecolor())), luminance(tuple(other.get_truecolor()))), reverse=True)
    return (high + 0.05) / (low + 0.05)


def texts(palette: Palette) -> dict[str, Style]:
    """Every style in which a widget writes text."""
    styles = paint(palette.name)
    found = {f"{tone} on {ground}": styles.on(ground)[tone] for tone in Tone for ground in Ground}
    found |= {f"letter {bad} on {ground}": styles.letter(bad, ground) for bad in Severity for ground in Ground}
    found["found text"] = styles.match
    return found


def test_the_measure_itself_knows_black_on_white() -> None:
    assert contrast(Color.parse("#000000"), Color.parse("#ffffff")) == pytest.approx(21.0)
    assert contrast(Color.parse("#777777"), Color.parse("#ffffff")) == pytest.approx(4.48, abs=0.01)


@every_theme
def test_every_tone_is_readable_on_every_ground(palette: Palette) -> None:
    poor = {
        name: round(ratio, 2)
        for name, style in texts(palette).items()
        if (ratio := contrast(style.color, style.bgcolor)) < AA_TEXT
    }
    assert not poor


def test_high_contrast_is_at_least_seven_to_one() -> None:
    poor = {
        name: round(ratio, 2)
        for name, style in texts(PALETTES["high-contrast"]).items()
        if (ratio := contrast(style.color, style.bgcolor)) < AAA_TEXT
    }
    assert not poor


@every_theme
def test_shapes_that_mean_something_stand_out(palette: Palette) -> None:
    styles = paint(palette.name)
    pane = Color.parse(palette.pane)
    assert contrast(Color.parse(palette.edge_focus), pane) >= AA_SHAPE
    for severity in (Severity.OK, Severity.WARN, Severity.CRIT):
        fill = styles.fill(severity)
        assert contrast(fill.color, fill.bgcolor) >= AA_SHAPE, severity


@every_theme
def test_the_frame_is_readable_too(palette: Palette) -> None:
    theme = palette.theme()
    colors = theme.to_color_system().generate()
    grounds = [colors["background"], colors["panel"]]
    names = ("foreground", "text-muted", "text-error", "text-warning", "text-secondary", "text-accent", "text-success")
    for name in names:
        for ground in grounds:
            fore = TextualColor.parse(colors[name]).rich_color
            assert contrast(fore, TextualColor.parse(ground).rich_color) >= AA_TEXT, (name, ground)


@every_theme
def test_the_cursor_row_is_told_from_the_pane(palette: Palette) -> None:
    assert len({palette.pane, palette.cursor, palette.rest}) == 3
