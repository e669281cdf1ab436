"""The form under a plan: what each key does, what keeps Run disabled, and what is seen of it at any size."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from widgets.cells import width as width_of
from widgets.confirm import DEAF_S, PASTED
from widgets.form import Form, Order, Spot

NAME = "packager-emea"


class Typist:
    """At the keys of one form."""

    def __init__(self, form: Form | None = None) -> None:
        self.now = 0.0
        self.form = form or Form(NAME, 0.0)
        self.now = DEAF_S

    def press(self, *keys: str, pace: float = 0.15) -> Order | None:
        order = None
        for key in keys:
            self.now += pace
            order = self.form.key(key, key if len(key) == 1 else None, self.now)
        return order

    def fill(self, reason: str = "wedged") -> Typist:
        self.press("tab", *reason, "enter", "enter", *NAME)
        self.now += 1.5
        return self


def test_cancel_has_the_keys_first_so_that_enter_by_habit_does_nothing() -> None:
    typist = Typist()
    assert typist.form.spot is Spot.CANCEL
    assert typist.press("enter") is Order.CANCEL


def test_reason_ticket_and_name_by_hand_then_enter_runs() -> None:
    typist = Typist().fill()
    assert typist.form.reason == "wedged" and typist.form.spot is Spot.TYPED
    assert typist.form.may_run(typist.now)
    assert typist.press("enter") is Order.RUN


def test_run_can_be_gone_to_only_while_it_is_enabled() -> None:
    typist = Typist()
    assert Spot.RUN not in typist.form.spots()
    typist.fill()
    typist.press("tab")
    assert typist.form.spot is Spot.RUN
    assert typist.press("enter") is Order.RUN


def test_without_a_reason_it_does_not_run_and_leads_there() -> None:
    typist = Typist()
    typist.press("tab", "tab", "tab", *NAME)
    typist.now += 1
    assert typist.press("enter") is None
    assert typist.form.spot is Spot.REASON and "reason" in typist.form.message(typist.now)[0]


def test_what_a_guard_refuses_cannot_be_typed_for() -> None:
    typist = Typist()
    typist.form.close("a guard refuses it")
    assert typist.press("tab", *"wedged", "enter") is Order.CANCEL
    assert not typist.form.may_run(typist.now) and typist.form.typed.text == ""
    assert typist.press("r") is Order.AGAIN


def test_a_reason_may_be_pasted_and_what_the_paste_goes_on_with_as_keys_is_lost() -> None:
    typist = Typist()
    typist.press("tab")
    typist.form.paste("INC-7: wedged\nsecond line", typist.now)
    assert typist.form.reason == "INC-7: wedged"
    typist.press(*"y", "enter", *NAME, "enter", pace=0.001)
    assert typist.form.reason == "INC-7: wedged" and typist.form.spot is Spot.REASON


def test_a_paste_anywhere_voids_the_name_that_stands_there() -> None:
    typist = Typist().fill()
    typist.press("shift+tab", "shift+tab")
    typist.form.paste("more", typist.now)
    assert typist.form.typed.text == "" and typist.form.typed.complaint == PASTED


def test_a_paste_into_the_name_is_told() -> None:
    typist = Typist()
    typist.press("tab", "tab", "tab")
    typist.form.paste(NAME, typist.now)
    assert typist.form.typed.text == "" and typist.form.message(typist.now)[0] == PASTED


def test_while_the_service_is_asked_no_key_counts_but_escape() -> None:
    typist = Typist().fill()
    typist.form.is_busy = True
    assert typist.press("enter", "tab", "ctrl+r") is None
    assert typist.press("escape") is Order.CANCEL


KEYS = st.sampled_from(("enter", "tab", "shift+tab", "escape", "backspace", "ctrl+r", "r", "y", "p", "space", *NAME))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(KEYS, st.floats(0, 2)), max_size=60))
def test_random_keys_run_nothing_that_was_not_typed_with_a_reason(keys: list[tuple[str, float]]) -> None:
    typist = Typist()
    for key, gap in keys:
        if typist.press(key, pace=gap) is Order.RUN:
            assert typist.form.typed.text == NAME and len(typist.form.reason.strip()) >= 3


@pytest.mark.parametrize("width", [18, 40, 78, 118])
@pytest.mark.parametrize("height", [2, 3, 5, 20])
@pytest.mark.parametrize("name", ["y", NAME, "demo-1/" + "n" * 60 + "/" + "d" * 63])
def test_at_any_size_the_whole_name_its_field_and_the_buttons_are_seen(width: int, height: int, name: str) -> None:
    form = Form(name, 0.0)
    form.answer = "state: " + "it is confirmed by now " * 10
    lines = form.lines(width, 10.0, height)
    text = ["".join(mark.text for mark in line) for line in lines]
    assert name in "".join(line.strip() for line in text).replace(" ", "")
    assert "Cancel" in text[-1] and any("[" in line and "]" in line for line in text[:-1])
    if name != "y" and len(name) < 20 and width >= 40:
        assert all(width_of(line) <= width for line in text)
