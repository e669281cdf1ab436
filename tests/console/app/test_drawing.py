"""Letters to pixels: what no font has is seen to be there, and a child draws the same as we do."""

from __future__ import annotations

import html

import pytest
from msgspec.structs import replace

from console.app.drawing import apart, png
from console.app.picture import drawn
from console.model.scope import Scope
from tests.scene import Scene


def cell(text: str) -> str:
    words = f"<text x='4' y='22' font-family='JetBrains Mono' font-size='20' fill='white'>{text}</text>"
    return f"<svg xmlns='http://www.w3.org/2000/svg' width='48' height='30'><rect width='48' height='30' fill='black'/>{words}</svg>"


ODD = {
    "cjk": "日", "hangul": "한", "emoji": "🚨", "private": "\ue000", "plane-15": "\U000f0001", "arabic": "ب", "unassigned": "\u0378"
}  # fmt: skip


@pytest.mark.parametrize("character", ODD.values(), ids=ODD)
def test_a_character_that_no_font_may_have_is_drawn_as_something(character: str) -> None:
    blank, letter = png(cell(" ")), png(cell(character))
    assert letter.startswith(b"\x89PNG") and letter != blank


async def test_a_name_of_odd_characters_is_in_the_picture_and_so_are_its_neighbours() -> None:
    scene = Scene()
    reading = scene.feeds["capacity"].topic.reading
    first = reading.value.gauges[0]
    odd = replace(first, spec=replace(first.spec, name="日本 🚨 \ue000 end"))
    scene.feeds["capacity"].set(replace(reading, value=replace(reading.value, gauges=(odd, *reading.value.gauges[1:]))))
    try:
        svg = await drawn(
            scene.desk, "demo", is_prod=False, who="mei", view="capacity", scope=Scope(), theme=None, size=(100, 12), format="svg"
        )
    finally:
        await scene.hub.close()
    text = html.unescape(svg.decode()).replace("\xa0", " ")
    assert "日本 🚨 \ue000 end" in text and "egress syd" in text


async def test_a_child_draws_the_same_picture() -> None:
    assert await apart(cell("W")) == png(cell("W"))


async def test_what_cannot_be_drawn_is_an_error_with_its_reason() -> None:
    with pytest.raises(OSError, match="could not be drawn"):
        await apart("no picture")
