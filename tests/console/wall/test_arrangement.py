"""Where the parts of a wall stand, which page is shown, and by how far it is shifted: functions of a few numbers."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from console.wall.arrangement import Arrangement, Box, arranged, banner_big
from console.wall.rotation import Rotation
from console.wall.shift import EVERY_S, shifted

PARTS = ("banner", "head", "headline", "fleet", "figures", "bars", "incidents", "changes", "foot")


def shown(arrangement: Arrangement) -> dict[str, Box]:
    boxes = {part: getattr(arrangement, part) for part in PARTS}
    return {part: box for part, box in boxes.items() if box.width > 0 and box.height > 0}


@given(st.integers(1, 520), st.integers(1, 160), st.integers(0, 20), st.integers(1, 8))
def test_every_part_is_within_the_terminal_and_none_over_another(width: int, height: int, banner: int, figures: int) -> None:
    parts = shown(arranged(width, height, banner, figures))
    for part, box in parts.items():
        assert box.x >= 0 and box.y >= 0 and box.x + box.width <= width and box.y + box.height <= height, part
    for (one, a), (other, b) in combinations(parts.items(), 2):
        apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
        assert apart, (one, other)
    assert "head" in parts or banner, "the counts and the time go last of all"


def test_all_of_the_wall_stands_from_120x36_to_500x150_and_the_least_has_what_counts() -> None:
    for size in ((120, 36), (200, 60), (240, 67), (400, 120), (500, 150)):
        assert set(shown(arranged(*size, 0))) == set(PARTS) - {"banner"}, size
        fleet, figures = arranged(*size, 0).fleet, arranged(*size, 0).figures
        assert 0.6 < fleet.width / size[0] < 0.7 and figures.x > fleet.width
    assert set(shown(arranged(80, 24, 0))) == {"head", "headline", "fleet", "incidents", "bars", "foot"}
    assert set(shown(arranged(20, 5, 0))) == {"head", "headline", "fleet"}
    assert set(shown(arranged(20, 5, 3))) == {"banner", "head", "headline", "fleet"}


def test_the_letters_grow_with_the_terminal() -> None:
    assert [banner_big(*size) for size in ((80, 24), (120, 36), (240, 67), (400, 120))] == [0, 0, 4, 7]


def test_a_late_look_turns_one_page_and_the_countdown_begins_anew() -> None:
    rotation = Rotation(("overview", "streams", "logs"), 20)
    assert (rotation.step(0, is_critical=False).page, rotation.step(19, is_critical=False).left_s) == (0, 1)
    assert rotation.step(21, is_critical=False) == (turn := rotation.step(21, is_critical=False)) and (turn.page, turn.left_s) == (1, 19)
    late = rotation.step(500, is_critical=False)
    assert (late.page, late.left_s) == (2, 20)


@given(st.lists(st.tuples(st.floats(0.1, 60), st.booleans()), min_size=1, max_size=60))
def test_while_something_is_critical_the_overview_is_shown_and_it_is_never_far(looks: list[tuple[float, bool]]) -> None:
    rotation, now, seen = Rotation(("overview", "streams", "logs"), 20), 0.0, [0]
    for step, is_critical in looks:
        now += step
        turn = rotation.step(now, is_critical=is_critical)
        assert not (is_critical and (turn.page or not turn.is_held))
        seen += [turn.page] * (turn.page != seen[-1])
        assert 0 in seen[-3:], "of three pages one after another one is the overview"


def test_with_one_page_nothing_turns() -> None:
    assert Rotation(("overview",), 5).step(99, is_critical=False).left_s is None


def test_the_picture_walks_in_a_square_of_a_cell_and_loses_none_where_it_is_small() -> None:
    walk = [shifted(120, 36, EVERY_S * step)[:2] for step in range(5)]
    assert walk == [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    assert shifted(120, 36, 0)[2:] == (119, 35) and shifted(20, 5, EVERY_S) == (0, 0, 20, 5)
