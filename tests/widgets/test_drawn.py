"""Drawn lines: strips in all but what they remember."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from widgets.drawn import Drawn

SEGMENTS = [Segment("ab", Style(bold=True)), Segment("界c")]


def test_it_has_all_that_a_strip_has_and_equals_it():
    drawn, strip = Drawn(SEGMENTS), Strip(SEGMENTS)
    assert all(hasattr(drawn, name) for name in Strip.__slots__)
    assert drawn == strip and drawn.cell_length == strip.cell_length == 5


def test_what_is_made_of_it_is_the_same_each_time_and_never_another_ones():
    drawn, other = Drawn(SEGMENTS), Drawn([Segment("other")])
    for _ in range(2):
        assert drawn.crop(1, 4) == Strip(SEGMENTS).crop(1, 4)
        assert drawn.divide([2, 5]) == Strip(SEGMENTS).divide([2, 5])
        assert drawn.adjust_cell_length(8) == Strip(SEGMENTS).adjust_cell_length(8)
        assert other.crop(1, 4).text == "the" and other.crop_extend(0, 2, None).text == "ot"
    assert not drawn._crop_cache and not drawn._divide_cache
