"""What takes one cell is what Textual lays out as one."""

from __future__ import annotations

import sys
import unicodedata

from rich.cells import get_character_cell_size, split_graphemes

from console.link import PLAIN, Link
from console.link.graphemes import is_certain, is_single


def test_what_is_sent_as_it_stands_takes_one_cell_everywhere() -> None:
    single = [char for char in map(chr, range(sys.maxunicode + 1)) if is_single(char)]
    assert len(single) > 2000
    assert {char for char in single if get_character_cell_size(char) != 1} == set()
    assert {unicodedata.category(char) for char in single} & {"Cc", "Cf", "Cs", "Co", "Mn", "Mc", "Me"} == set()


def test_what_is_certain_of_width_is_so_for_rich_and_for_unicode() -> None:
    for char in filter(is_certain.__wrapped__, map(chr, range(0x20, 0x30000))):
        if unicodedata.category(char) != "Cn":
            assert get_character_cell_size(char) == (2 if unicodedata.east_asian_width(char) in "WF" else 1), hex(
                ord(char)
            )


def test_emoji_selectors_and_joined_sequences_are_in_doubt() -> None:
    for grapheme in ("😀", "⚠", "❤\ufe0f", "👩\u200d🔬", "ก\u0e34", "\ue0b0", "\u00ad", "か\u3099\ufe0f"):
        assert not is_certain(grapheme)
    for grapheme in ("a", "█", "日", "가", "e\u0301", "タ"):
        assert is_certain(grapheme)


def test_a_caller_lays_out_by_its_own_measure() -> None:
    link = Link(10, 1, split=lambda text: split_graphemes(text)[0])
    link.put(0, 0, [("❤\ufe0f|", PLAIN)])
    assert "❤\ufe0f\x1b[;3H|" in link.frame()
