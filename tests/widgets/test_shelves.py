"""The ground of the fleet: shared out without a hole, in order, and the same for the same weights."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.glyphs import BROAD, NARROW, fitting, rows_of, shortened, width_of, wrapped, written
from widgets.shelves import LEAST_AREA, room_for, shelved


@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=120), st.integers(1, 200), st.integers(1, 60))
def test_tiles_cover_the_ground_exactly_whatever_their_weights(weights: list[float], width: int, height: int) -> None:
    weights = weights[: max(1, room_for(width, height))]
    spots = shelved(tuple(weights), width, height)
    assert sum(spot.width * spot.height for spot in spots) == width * height and len(spots) == len(weights)
    x = y = 0
    for spot in spots:  # shelf by shelf, from the left
        assert (spot.x, spot.y) == (x, y) and spot.width >= 1 and spot.height >= 1
        x += spot.width
        if x == width:
            x, y = 0, y + spot.height


def test_the_larger_weight_has_the_larger_ground_and_equal_ones_have_about_the_same() -> None:
    spots = shelved((0.4, 0.3, 0.1, 0.1, 0.1), 160, 50)
    grounds = [spot.width * spot.height for spot in spots]
    assert grounds[0] > grounds[1] > grounds[2] and max(grounds[2:]) - min(grounds[2:]) < 0.1 * grounds[2]
    assert abs(grounds[0] / 8000 - 0.4) < 0.05


def test_a_thousand_channels_have_a_place_each_and_more_are_left_to_be_counted() -> None:
    room = room_for(266, 95)
    assert 1000 <= room == 266 * 95 // LEAST_AREA
    assert min(spot.width for spot in shelved((1 / 1000,) * 1000, 266, 95)) >= 8


@pytest.mark.parametrize("face", [BROAD, NARROW], ids=["broad", "narrow"])
def test_every_letter_is_drawn_in_its_own_box(face: object) -> None:
    for character, rows in face.drawings.items():
        assert len(rows) == face.height and len({len(row) for row in rows}) == 1, character
        for scale in (1, 2, 3):
            lines = written(face, scale, character)
            assert len(lines) == rows_of(face, scale) and {len(line) for line in lines} == {width_of(face, scale, character)}


def test_no_two_letters_look_alike_and_what_has_no_drawing_is_a_box() -> None:
    for face in (BROAD, NARROW):
        alike = [(one, other) for one in face.drawings for other in face.drawings if one < other and face.drawings[one] == face.drawings[other]]
        assert alike in ([], [("-", "–")]), alike
    assert written(BROAD, 1, "é") != written(BROAD, 1, " ") and written(BROAD, 1, "漢") == written(BROAD, 1, "é")


def test_a_text_is_written_as_large_as_it_fits_and_cut_where_nothing_does() -> None:
    assert fitting("88:88:88", 200, 7) == (BROAD, 2) and fitting("A" * 50, 40, 7) is None
    assert shortened("EDGE-LHR", 200) == "EDGE-LHR" and shortened("EDGE-LHR", 30).endswith("…")
    assert wrapped("STALE AT 3 OF 4 EDGES", 60) == ["STALE AT 3", "OF 4 EDGES"] and wrapped("INCOMPREHENSIBLE", 20) is None
