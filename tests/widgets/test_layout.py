"""Columns are dropped by priority, and what is left fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.model.cell import AnyColumn, Cell, Column
from widgets.layout import GAP, lay_out


def column(key: str, width: int = 8, grow: int = 0, priority: int = 5) -> AnyColumn:
    return Column(key=key, title=key.upper(), cell=lambda row: Cell(""), width=width, grow=grow, priority=priority)


columns = st.lists(
    st.builds(
        column,
        key=st.uuids().map(str),
        width=st.integers(0, 30),
        grow=st.integers(0, 3),
        priority=st.integers(0, 9),
    ),
    max_size=12,
)


@given(columns, st.integers(0, 200))
def test_the_columns_never_exceed_the_width(some: list[AnyColumn], width: int) -> None:
    layout = lay_out(some, width)
    used = sum(size for _, size in layout.shown) + GAP * max(0, len(layout.shown) - 1)
    assert used <= max(0, width)
    assert all(size >= 1 for _, size in layout.shown)


@given(columns, st.integers(0, 200))
def test_nothing_more_important_is_dropped_than_what_is_kept(some: list[AnyColumn], width: int) -> None:
    layout = lay_out(some, width)
    kept = [each.priority for each, _ in layout.shown]
    if layout.dropped and kept:
        assert min(each.priority for each in layout.dropped) >= max(kept)
    assert all(each.priority > 0 for each in layout.dropped)


@given(columns, st.integers(0, 200))
def test_the_order_of_the_columns_is_kept(some: list[AnyColumn], width: int) -> None:
    keys = [each.key for each, _ in lay_out(some, width).shown]
    assert keys == [each.key for each in some if each.key in keys]


def test_spare_width_goes_to_those_that_grow() -> None:
    layout = lay_out([column("pod", 10, grow=2), column("age", 4), column("node", 6, grow=1)], 40)
    assert [size for _, size in layout.shown] == [10 + 12, 4, 6 + 6]


def test_the_least_important_column_goes_first() -> None:
    some = [column("pod", 10, priority=0), column("node", 10, priority=8), column("age", 4, priority=2)]
    layout = lay_out(some, 16)
    assert [each.key for each, _ in layout.shown] == ["pod", "age"]
    assert [each.key for each in layout.dropped] == ["node"]


def test_a_column_that_may_not_go_is_cut_instead() -> None:
    layout = lay_out([column("pod", 30, priority=0), column("age", 4, priority=2)], 12)
    assert [(each.key, size) for each, size in layout.shown] == [("pod", 12)]
