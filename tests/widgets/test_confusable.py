"""Texts that are not what they look like are written out, and told of."""

from __future__ import annotations

import pytest

from widgets.confusable import MOST, visible, warnings


@pytest.mark.parametrize(
    ("text", "seen"),
    [("plain", "plain"), ("a\u202eb", "a<U+202E>b"), ("a\u200bb", "a<U+200B>b"), ("a\x1b[2J", "a<U+001B>[2J"), ("Zürich", "Zürich")],
)
def test_what_cannot_be_seen_is_written_out(text: str, seen: str) -> None:
    assert visible(text) == seen


def test_a_letter_of_another_script_in_a_latin_word_is_told_by_name() -> None:
    assert list(warnings(["prоd"])) == ["U+043E CYRILLIC SMALL LETTER O"]
    assert list(warnings(["a\u202egol", "a\u202egol"])) == ["U+202E RIGHT-TO-LEFT OVERRIDE"]


def test_a_word_that_is_wholly_of_another_script_deceives_nobody() -> None:
    assert not list(warnings(["кино", "Zürich", "東京-news", "plain"]))


def test_a_flood_is_told_of_in_a_handful() -> None:
    assert len(list(warnings(["a" + "".join(chr(point) for point in range(0x2060, 0x206F))]))) == MOST
