"""What a terminal may send: the same keys as on a local one, and of everything else nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS, IGNORE_SEQUENCE
from textual._xterm_parser import XTermParser
from textual.messages import TerminalSupportsSynchronizedOutput

from console.serve.hall.hearing import PASTE, SEQUENCE, Hearing


def heard(*parts: bytes, settled: bool = True) -> list[events.Event]:
    hearing = Hearing()
    found = [each for part in parts for each in hearing.heard(part)]
    if settled and hearing.is_waiting:
        found += hearing.settle()
    assert len(hearing._held) <= SEQUENCE
    return found  # type: ignore[return-value]


def keys(*parts: bytes) -> list[str]:
    return [each.key if isinstance(each, events.Key) else type(each).__name__ for each in heard(*parts)]


SINGLE = [each for each, keys in ANSI_SEQUENCES_KEYS.items() if keys is not IGNORE_SEQUENCE and each.isascii()]


def test_a_key_is_the_key_that_it_is_on_a_local_terminal() -> None:
    for sequence in SINGLE:
        local = [each.key if isinstance(each, events.Key) else "" for each in XTermParser().feed(sequence)]
        if local == [""]:  # the place of the cursor: whether it was asked for or not, nobody waits for it here
            assert not keys(sequence.encode()), sequence
        elif local and sequence != "\x1b\x1b":  # else it waits, as we do, for what may come after an escape
            assert keys(sequence.encode()) == local, sequence


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"q", ["q"]),
        ("é漢".encode(), ["é", "漢"]),
        (b"\x1b", ["escape"]),
        (b"\x1b\x1b", ["escape", "escape"]),
        (b"\x1bx", ["alt+x"]),
        (b"\x1b[", []),  # cut off
        (b"\x1b[A\x1b[B", ["up", "down"]),
        (b"\x1b[97;5u", ["ctrl+a"]),
        (b"\x1b[I\x1b[O", ["AppFocus", "AppBlur"]),
        (b"\x1b[<0;3;4M\x1b[<0;3;4m\x1b[<65;3;4M", ["MouseDown", "MouseUp", "MouseScrollDown"]),
        (b"\x1b[200~ls\n\x1b[201~q", ["Paste", "q"]),
    ],
)
def test_keys_clicks_and_pastes_are_told_apart(data: bytes, named: list[str]) -> None:
    assert keys(data) == named
    assert keys(*(bytes([byte]) for byte in data)) == named, "byte by byte"


@pytest.mark.parametrize(
    "answer",
    [
        b"\x1b[?62;22c",
        b"\x1b[>1;95;0c",
        b"\x1b[12;34R",
        b"\x1b[48;99999999999;99999999999;0;0t",
        b"\x1b[8;5000;5000t",
        b"\x1b[?2048;1$y",
        b"\x1b[?997;1n",
        b"\x1b]11;rgb:0000/0000/0000\x1b\\",
        b"\x1b]52;c;cTtxO3EK\x07",
        b"\x1bP>|XTerm(380)\x1b\\",
        b"\x1bP1$r0 q\x1b\\",
        b"\x1b_Gi=1;OK\x1b\\",
        b"\x1b[" + b"1;" * 400 + b"q",
        b"\x1b[9999999999u",
        b"\x1b[1114112u",
        b"\x1b[<0;99999;99999M",
        b"\x1b[<0;0;0M",
        b"\x1b[M   ",
        "\x9b5n".encode(),
        "\x9d0;q\x9c".encode(),
        b"\x1b[0;0;1114112u",
    ],
)
def test_the_answer_to_a_question_nobody_asked_is_no_key(answer: bytes) -> None:
    named = [each for each in keys(answer, b"j") if each != "space"]
    assert named == ["j"]
    assert not keys(answer) or answer == b"\x1b[M   "


def test_the_answer_that_it_paints_in_one_piece_is_believed_once() -> None:
    found = heard(b"\x1b[?2026;2$y" * 5)
    assert [type(each) for each in found] == [TerminalSupportsSynchronizedOutput]


def test_a_string_that_never_ends_is_not_kept() -> None:
    hearing = Hearing()
    for _ in range(10):
        assert not list(hearing.heard(b"\x1b]0;" + b"q" * 5_000))
    assert not hearing._held
    assert not list(hearing.settle())
    assert [each.key for each in hearing.heard(b"j")] == ["j"]  # type: ignore[attr-defined]


def test_a_paste_is_cut_and_its_end_is_found_however_it_comes() -> None:
    hearing = Hearing()
    list(hearing.heard(b"\x1b[200~"))
    for _ in range(100):
        assert not list(hearing.heard(b"a" * 10_000))
    found = [each for byte in b"\x1b[201~" for each in hearing.heard(bytes([byte]))]
    assert len(found) == 1 and isinstance(found[0], events.Paste)
    assert len(found[0].text) == PASTE
    assert not hearing._paste


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from([b"\x1b[200~", b"\x1b[201~", b"\x1b[", b"\x1b]", b"\x1b\\", b"\x1bO", b"\x1b[<", b"u", b";" * 30]),
        ),
        max_size=30,
    )
)
def test_whatever_comes_it_is_taken_and_bounded(parts: list[bytes]) -> None:
    hearing = Hearing()
    for part in parts:
        for message in hearing.heard(part):
            assert isinstance(message, events.Key | events.Paste | events.MouseEvent | events.AppFocus | events.AppBlur)
        assert len(hearing._held) <= SEQUENCE
    list(hearing.settle())
    list(hearing.heard(b"\x1b[201~\x1b\\"))
    assert [each.key for each in list(hearing.heard(b"j"))] == ["j"]  # type: ignore[attr-defined]
