"""The order of rows: sorted when nobody looks, still while somebody does."""

from __future__ import annotations

from math import nan

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from console.model.cell import Cell, Column
from console.model.severity import Severity
from widgets.order import Order


class Pod(msgspec.Struct, frozen=True):
    key: str
    restarts: float | str | None = None
    severity: Severity = Severity.OK


RESTARTS: Column[Pod] = Column(
    key="restarts", title="RST", cell=lambda pod: Cell(str(pod.restarts), sort=pod.restarts), is_right=True
)


def order_of(*pods: Pod) -> Order[Pod]:
    order: Order[Pod] = Order()
    order.take(pods)
    return order


def test_without_a_column_the_rows_stand_as_given() -> None:
    assert order_of(Pod("b"), Pod("a")).keys == ["b", "a"]


def test_nothing_and_nan_sort_last_in_both_directions() -> None:
    order = order_of(Pod("none"), Pod("two", 2), Pod("nan", nan), Pod("one", 1))
    order.sort_by(RESTARTS, False)
    assert order.keys == ["one", "two", "none", "nan"]
    order.sort_by(RESTARTS, True)
    assert order.keys == ["two", "one", "none", "nan"]


def test_numbers_and_words_sort_together_without_an_error() -> None:
    order = order_of(Pod("word", "x"), Pod("number", 3))
    order.sort_by(RESTARTS, False)
    assert order.keys == ["number", "word"]


def test_equal_values_keep_the_given_order() -> None:
    order = order_of(Pod("b", 1), Pod("a", 1), Pod("c", 1))
    order.sort_by(RESTARTS, False)
    assert order.keys == ["b", "a", "c"]


def test_a_held_order_keeps_places_ghosts_and_puts_new_rows_last() -> None:
    order = order_of(Pod("a"), Pod("b"), Pod("c"))
    order.is_held = True
    order.take([Pod("new"), Pod("c", 9), Pod("a")])
    assert order.keys == ["a", "b", "c", "new"]
    assert order.is_ghost("b") and order.row("b") == Pod("b")
    assert order.row("c").restarts == 9
    order.release()
    assert order.keys == ["new", "c", "a"] and not order.is_ghost("b")


def test_a_ghost_that_comes_back_is_a_row_again() -> None:
    order = order_of(Pod("a"), Pod("b"))
    order.is_held = True
    order.take([Pod("a")])
    order.take([Pod("a"), Pod("b", 5)])
    assert order.keys == ["a", "b"] and not order.is_ghost("b") and order.row("b").restarts == 5


def test_of_two_rows_with_one_key_the_later_counts() -> None:
    order = order_of(Pod("a", 1), Pod("a", 2))
    assert order.keys == ["a"] and order.row("a").restarts == 2


pods = st.lists(st.builds(Pod, key=st.sampled_from("abcdefgh"), restarts=st.none() | st.integers(0, 3)))


@given(st.lists(st.tuples(pods, st.sampled_from(["take", "hold", "release", "sort", "unsort"])), max_size=12))
def test_whatever_happens_each_key_has_one_place_and_a_row(steps: list[tuple[list[Pod], str]]) -> None:
    order: Order[Pod] = Order()
    newest: set[str] = set()
    for rows, step in steps:
        before = list(order.keys)
        if step == "take":
            newest = {pod.key for pod in rows}
            order.take(rows)
            if order.is_held:
                assert order.keys[: len(before)] == before
        elif step == "hold":
            order.is_held = True
        elif step == "release":
            order.release()
        else:
            order.sort_by(RESTARTS if step == "sort" else None, True)
        assert len(order.keys) == len(set(order.keys))
        assert {key for key in order.keys if not order.is_ghost(key)} == newest
        assert all(order.row(key).key == key for key in order.keys)
