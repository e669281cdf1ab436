"""From one look to another, in as few bytes as any."""

from __future__ import annotations

from itertools import product

import pytest

from console.link import PLAIN, Look
from console.link.look import change
from tests.console.link.terminal import Style, Terminal
from tests.console.link.wanted import NAMES, look_of

SOME = [
    Style(foreground, background, frozenset(attributes))
    for foreground, background, attributes in product(
        ("", "31", "38;2;1;2;3"), ("", "48;5;17"), [(), ("bold",), ("dim", "bold"), ("underline", "reverse"), NAMES]
    )
]


@pytest.mark.parametrize("before", SOME)
def test_a_change_leads_there(before: Style) -> None:
    for after in SOME:
        terminal = Terminal(1, 1)
        terminal.feed(change(PLAIN, look_of(before)) + change(look_of(before), look_of(after)))
        assert terminal.style == after


def test_the_shorter_way_is_taken() -> None:
    red, bold = Look.of("31"), Look.of("31", "", 1)
    assert change(red, Look.of("32")) == "\x1b[32m"
    assert change(red, bold) == "\x1b[1m"
    assert change(Look.of("31", "44", 0b1001), PLAIN) == "\x1b[m"
    assert change(Look.of("31", "44", 0b1001), red) == "\x1b[0;31m"
    assert change(bold, bold) == ""


def test_one_look_is_one_object_and_the_default_colour_has_one_name() -> None:
    assert Look.of("31", "44", 1) is Look.of("31", "44", 1)
    assert Look.of("39", "49") is PLAIN
    assert Look.of("31").blank is PLAIN
    assert Look.of("31", "", 8).blank is Look.of("31", "", 8)
