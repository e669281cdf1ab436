"""The scanner knows every key tomllib finds, on the line it was written on."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from console.config.lines import scan

KEYS = st.one_of(
    st.from_regex(r"[a-z_][a-z0-9_-]{0,5}", fullmatch=True),
    st.sampled_from(["", "a.b", 'q"q', "sp ace", "#", "[x]", "é", "=", "\t", "\\"]),
)
TEXTS = st.one_of(st.text(max_size=12), st.sampled_from(['"""', "'''", "]\n[x]", "a = 1\nb", "# no", "},", "\\"]))
SCALARS = st.one_of(st.booleans(), st.integers(-99, 99), st.floats(allow_nan=False), TEXTS, st.datetimes(), st.dates())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=5)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {path} if path else set()
    for key, entry in below:
        found |= paths(entry, (*path, key))
    return found


@given(DOCUMENTS, st.booleans())
def test_every_key_of_a_random_document_has_a_line_and_no_other_has(document: dict[str, Any], multiline: bool) -> None:
    text = tomli_w.dumps(document, multiline_strings=multiline)
    found = scan(text)
    assert set(found.by_path) == paths(tomllib.loads(text))
    assert found.twice == ()


@st.composite
def numbered(draw: st.DrawFn) -> tuple[str, dict[tuple[str | int, ...], int]]:
    """A text in the styles people use, with the line of each value noted while it is written."""
    lines: list[str] = []
    expected: dict[tuple[str | int, ...], int] = {}
    for table in range(draw(st.integers(0, 3))):
        lines += draw(st.lists(st.sampled_from(["", "# x = 1", "   # [y]"]), max_size=2))
        repeats = draw(st.integers(0, 2))
        for entry in range(max(1, repeats)):
            name = f"t{table}"
            lines.append(f"[[{name}]] # it = 1" if repeats else f"  [ {name} ]")
            path: tuple[str | int, ...] = (name, entry) if repeats else (name,)
            expected[path] = len(lines)
            for index in range(draw(st.integers(0, 4))):
                key = f"k{index}"
                style = draw(st.integers(0, 6))
                expected[(*path, key)] = len(lines) + 1
                match style:
                    case 0:
                        lines.append(f"{key} = 1979-05-27 07:32:00Z # c")
                    case 1:
                        lines += [f'"{key}" = """', "k9 = 1", '\\""" ]', '[z]""""']
                    case 2:
                        lines += [f"'{key}' = '''", "[[t0]]", "\\'''"]
                    case 3:
                        lines += [f"{key} = [", " 'a', # ]", " { in = 2, 'o' = [ 3 ] },", "]"]
                        expected[(*path, key, 0)] = len(lines) - 2
                        expected[(*path, key, 1)] = len(lines) - 1
                        expected[(*path, key, 1, "in")] = len(lines) - 1
                        expected[(*path, key, 1, "o", 0)] = len(lines) - 1
                    case 4:
                        lines.append(f"{key} . d .'e' = {{}}")
                        expected[(*path, key, "d", "e")] = len(lines)
                    case 5:
                        lines.append(f"\t{key}={{a={{b=[1,2]}},c='}}'}}\r")
                        expected[(*path, key, "a", "b", 1)] = len(lines)
                    case _:
                        lines.append(f"{key} = {json.dumps(draw(st.text(alphabet='a#=]}', max_size=5)))}")
    return "\n".join(lines) + "\n", expected


@given(numbered())
def test_a_key_stands_on_the_line_it_was_written_on(case: tuple[str, dict[tuple[str | int, ...], int]]) -> None:
    text, expected = case
    tomllib.loads(text)  # the generator writes TOML
    found = scan(text).by_path
    assert {path: found.get(path) for path in expected} == expected
    assert set(found) == paths(tomllib.loads(text))


def test_a_nested_array_of_tables_counts_its_entries_within_each_parent() -> None:
    text = "[[a]]\n[[a.b]]\n[[a.b]]\nx = 1\n[[a]]\n[[a.b]]\nx = 2\n[a.c]\ny = 3\n"
    found = scan(text).by_path
    assert found[("a", 0, "b", 1, "x")] == 4
    assert found[("a", 1, "b", 0, "x")] == 7
    assert found[("a", 1, "c", "y")] == 9


def test_a_missing_key_has_the_line_of_its_table() -> None:
    assert scan("\n[a]\nb = 1\n").of(("a", "zz", 3)) == 2
    assert scan("").of(("a",)) is None


def test_a_key_written_twice_is_told_with_both_lines() -> None:
    (twice,) = scan("[a]\nb = 1\n\nb = 2\n").twice
    assert (twice.path, twice.first, twice.again) == (("a", "b"), 2, 4)


@given(st.text(alphabet='[]{}="\'#.,a1 \n\\\t', max_size=40))
def test_a_text_that_is_no_toml_never_raises(text: str) -> None:
    scan(text)
