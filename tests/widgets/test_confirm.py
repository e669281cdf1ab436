"""What a hand can do and nothing else can: the typed confirmation against pastes, held keys, foreign letters and haste."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from widgets.confirm import (
    APART_S,
    DEAF_S,
    EARLY,
    FORGOTTEN_S,
    HELD,
    KEYS_PER_S,
    LEFT,
    PASTED,
    SETTLED_S,
    TOO_FAST,
    Confirmation,
)

NAME = "packager-emea"
A_WHILE = SETTLED_S + 0.01
PACE = 0.15  # seconds between two keys of a calm hand


class Hand:
    """Somebody at the keys, with the time that it takes them."""

    def __init__(self, expected: str = NAME) -> None:
        self.now = 100.0
        self.confirmation = Confirmation(expected, self.now)

    def wait(self, seconds: float) -> Hand:
        self.now += seconds
        return self

    def type(self, text: str, pace: float = PACE) -> Hand:
        for character in text:
            self.wait(pace)
            if self.confirmation.hears(self.now):
                self.confirmation.type(character, self.now)
        return self

    def enter(self) -> bool:
        if not self.confirmation.hears(self.now):
            self.confirmation.deafen_enter(self.now)
            return False
        return self.confirmation.enter(self.now)

    def paste(self, text: str) -> Hand:
        self.confirmation.paste(self.now)
        return self


def calm() -> Hand:
    return Hand().wait(DEAF_S)


def test_the_name_typed_by_hand_then_read_once_more_then_enter_is_meant() -> None:
    hand = calm().type(NAME)
    assert hand.confirmation.is_complete and not hand.confirmation.is_armed(hand.now)
    assert hand.wait(A_WHILE).enter()


def test_enter_right_behind_the_last_letter_waits_to_be_pressed_again() -> None:
    hand = calm().type(NAME).wait(0.2)
    assert not hand.enter()
    assert hand.confirmation.complaint == EARLY and hand.confirmation.is_complete
    assert hand.wait(APART_S).enter()


@pytest.mark.parametrize("typed", ["", "packager", "Packager-emea", "packager-emea ", "packager-amer", " packager-emea"])
def test_anything_but_the_very_name_is_not_it(typed: str) -> None:
    assert not calm().type(typed).wait(5).enter()


def test_keys_of_the_first_half_second_were_meant_for_what_stood_there_before() -> None:
    hand = Hand("y").type("y", 0.1).wait(0.3)
    assert hand.confirmation.text == "" and not hand.enter()
    assert not hand.wait(2).enter()


def test_a_paste_clears_what_was_typed_and_says_so() -> None:
    hand = calm().type(NAME).paste("packager-emea")
    assert hand.confirmation.text == "" and hand.confirmation.complaint == PASTED
    assert not hand.wait(3).enter()


def test_a_paste_that_ends_its_own_bracket_leads_to_nothing() -> None:
    """`ESC[200~foo ESC[201~ y ENTER`, as a terminal hands it over: a paste, then keys with no time between them."""
    hand = Hand("y").wait(DEAF_S).paste("foo").type("y", 0.0)
    assert not hand.enter()
    assert hand.confirmation.text == ""
    for _ in range(50):
        assert not hand.type("y", 0.001).enter()
    assert not hand.wait(0.3).enter(), "the silence begins anew with each of its keys"


def test_after_a_paste_a_hand_may_begin_again() -> None:
    hand = calm().paste("x").wait(DEAF_S).type(NAME)
    assert hand.wait(A_WHILE).enter()


@pytest.mark.parametrize("name", [NAME, "api", "db"])
def test_a_name_that_comes_faster_than_a_hand_types_is_cleared(name: str) -> None:
    hand = Hand(name).wait(DEAF_S).type(name, 0.001)
    assert hand.confirmation.text != name and hand.confirmation.complaint == TOO_FAST
    assert not hand.wait(5).enter()


@pytest.mark.parametrize("rate", [11.0, 25.0, 30.0, 40.0])
def test_an_enter_held_down_never_runs_whatever_the_keyboard_repeats(rate: float) -> None:
    """From before the name was complete: the first one that counts would be a repeat."""
    hand = calm().type(NAME)
    assert not any(hand.wait(1 / rate).enter() for _ in range(200))
    assert hand.confirmation.complaint in (EARLY, HELD, TOO_FAST)


@pytest.mark.parametrize("delay", [0.25, 0.5, 0.66])
def test_an_enter_held_down_since_before_the_dialog_never_runs(delay: float) -> None:
    hand = Hand("y")
    hand.enter()
    hand.wait(delay)
    for _ in range(30):
        assert not hand.wait(0.033).enter()


def test_y_and_enter_in_one_breath_is_a_paste_of_a_terminal_without_brackets() -> None:
    hand = Hand("y").wait(1).type("y", 0.0)
    assert not hand.enter()
    assert hand.confirmation.text == "" and hand.confirmation.complaint == TOO_FAST


def test_a_letter_that_only_looks_right_is_refused_by_its_name() -> None:
    hand = calm().type("pr").type("о")  # U+043E
    assert hand.confirmation.text == "pr"
    assert "U+043E CYRILLIC SMALL LETTER O" in hand.confirmation.complaint


def test_what_nobody_goes_on_with_is_not_left_standing() -> None:
    hand = calm().type(NAME).wait(FORGOTTEN_S)
    hand.confirmation.tick(hand.now)
    assert hand.confirmation.text == "" and hand.confirmation.complaint == LEFT
    assert not hand.enter()


def test_backspace_takes_back_and_the_name_must_stand_anew() -> None:
    hand = calm().type(NAME + "x").wait(PACE)
    hand.confirmation.erase(hand.now)
    assert hand.confirmation.is_complete and not hand.confirmation.is_armed(hand.now)
    assert hand.wait(A_WHILE).enter()


GAPS = st.floats(0.0, 1.5, allow_nan=False)
EVENT = st.tuples(st.sampled_from(("key", "key", "key", "wrong", "enter", "paste", "erase", "foreign")), GAPS)


@settings(max_examples=300, deadline=None)
@given(st.text("abc", min_size=1, max_size=5), st.lists(EVENT, max_size=40))
def test_whatever_comes_it_is_meant_only_after_the_name_key_by_key_and_a_pause(name: str, coming: list[tuple[str, float]]) -> None:
    """A second account of the rules: for an enter that is meant, the keys since the last clearing spell the name, none of
    them within a paste's echo, at a hand's pace, with the pause and the distance to the enter before.
    """
    hand = Hand(name)
    opened = hand.now
    entered: list[float] = []
    pasted: float | None = None
    echo_until = 0.0
    keys: list[float] = []
    for what, gap in coming:
        hand.wait(gap)
        if what == "paste":
            hand.paste("x")
            pasted, echo_until, keys = hand.now, hand.now + DEAF_S, []
            continue
        if pasted is not None and hand.now < echo_until:
            echo_until = hand.now + DEAF_S
        if what == "enter":
            meant = hand.enter()
            if meant:
                assert hand.confirmation.text == name
                assert hand.now - opened >= DEAF_S and hand.now >= echo_until
                assert len(keys) >= len(name) and hand.now - keys[-1] >= SETTLED_S
                assert not entered or hand.now - entered[-1] >= APART_S
                own = keys[-len(name) :]
                assert len(own) < 4 or own[-1] - own[0] >= (len(own) - 3) / KEYS_PER_S - 1e-9
            entered.append(hand.now)
        elif hand.confirmation.hears(hand.now):
            if what == "erase":
                hand.confirmation.erase(hand.now)
            elif what == "foreign":
                hand.confirmation.type("о", hand.now)
            else:
                at = len(hand.confirmation.text)
                hand.confirmation.type("z" if what == "wrong" else name[at : at + 1] or "z", hand.now)
            keys.append(hand.now)


@settings(max_examples=200, deadline=None)
@given(st.text("abcdefgh-/", min_size=2, max_size=40), st.lists(st.floats(0.0, 1 / KEYS_PER_S - 0.002), min_size=60, max_size=60))
def test_no_text_at_a_pace_over_fifteen_keys_a_second_ever_stands_complete(name: str, gaps: list[float]) -> None:
    hand = Hand(name).wait(DEAF_S)
    for character, gap in zip(name, gaps, strict=False):
        hand.type(character, gap)
    assert not hand.confirmation.is_complete
