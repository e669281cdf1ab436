"""The gate for foreign text."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.sources.sanitise import MARKS_PER_BASE, clean


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("plain text", "plain text"),
        ("a\x1b[31mred\x1b[0m b", "ared b"),
        ("x\x1b]52;c;aGk=\x07y", "xy"),
        ("x\x1b]52;c;aGk=\x1b\\y", "xy"),
        ("x\x9d52;c;aGk=\x9cy", "xy"),
        ("x\x1b]52;c;aGk=", "x…"),
        ("x\x1b]0;a\x1b[2Jy", "xy"),
        ("x\x1b[12;", "x"),
        ("x\x9b2Jy", "xy"),
        ("x\x1bPq#0;1\x1b\\y", "xy"),
        ("x\x1b_Gf=100\x1b\\y", "xy"),
        ("x\x1b^pm\x1b\\y\x1bX sos\x1b\\z", "xyz"),
        ("x\x1bcy\x1b(0z", "xyz"),
        ("x\x1b[201~y", "xy"),
        ("lone \x1b", "lone "),
        ("a\u202enigol\u202c", "anigol"),
        ("\u2066a\u2069\u200f\u061c", "a"),
        ("pa\u200bss\u2060\ufeff\u00ad", "pass"),
        ("\ue000\U000f0000\u0378\ud800x", "x"),
        ("\u3164\u115f\u034fx", "x"),
        ("a\nb\r\nc\rd\u2028e\x85f", "a⏎b⏎c⏎d⏎e⏎f"),
        ("a\tb\x00\x7fc", "a bc"),
        ("e" + "\u0301" * 50 + "x", "e\u0301\u0301x"),
        ("\u0301\u0301x", "x"),
        ("日本語 Ünïcode ✓ 🎬", "日本語 Ünïcode ✓ 🎬"),
        ("no\u00a0break", "no break"),
    ],
)
def test_what_a_terminal_would_obey_is_gone(foreign: str, shown: str) -> None:
    assert clean(foreign) == shown


def test_a_long_text_ends_with_an_ellipsis_at_the_limit() -> None:
    assert clean("x" * 3000) == "x" * 1999 + "…"
    assert clean("x" * 2000) == "x" * 2000
    assert clean("é" * 11, limit=10) == "é" * 9 + "…"


@given(st.text(alphabet=st.characters() | st.sampled_from("\x1b[]PX^_\\\x07\x9b\x9c\x9d;0m\u0301"), max_size=300))
def test_nothing_that_passes_can_steer_a_terminal(foreign: str) -> None:
    shown = clean(foreign, limit=100)
    assert len(shown) <= 100
    marks = MARKS_PER_BASE
    for character in shown:
        category = unicodedata.category(character)
        assert category not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        marks = marks + 1 if category in ("Mn", "Me") else 0
        assert marks <= MARKS_PER_BASE
    assert clean(shown, limit=100) == shown


@pytest.mark.parametrize("evil", ["\x9d\n", "\x1b]", "\x1b[", "\x1b[1;", "\u0301", "\x9b", "\x1bP\x1b]"])
def test_a_hostile_megabyte_costs_no_more_than_its_beginning(evil: str) -> None:
    began = time.process_time()
    clean(evil * (1_000_000 // len(evil)))
    assert time.process_time() - began < 0.25
