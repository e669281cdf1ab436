"""The stylesheets: parsed once for all apps of a process."""

from __future__ import annotations

import pytest
from textual.css.stylesheet import StylesheetParseError

from console.app.sheet import SharedSheet

CSS = "Label { color: $ink; }"


def sheet(ink: str) -> SharedSheet:
    made = SharedSheet(variables={"ink": ink})
    made.add_source(CSS, ("here", "Label.DEFAULT_CSS"))
    return made


def test_two_apps_of_one_theme_have_the_very_same_rules():
    one, other = sheet("red"), sheet("red")
    assert one.rules[0] is other.rules[0] and one.rules is not other.rules
    copied = one.copy()
    copied.parse()
    assert copied.rules[0] is one.rules[0]


def test_another_theme_has_its_own_and_going_back_finds_the_first_ones():
    one = sheet("red")
    first = one.rules[0]
    one.set_variables({"ink": "blue"})
    one.reparse()
    assert one.rules[0] is not first and one.rules[0].styles.color != first.styles.color
    assert sheet("red").rules[0] is first  # and nothing of it went when this app left it
    one.set_variables({"ink": "red"})
    one.reparse()
    assert one.rules[0] is first


def test_what_cannot_be_parsed_leaves_the_rules_that_stand():
    one = sheet("red")
    first = one.rules[0]
    one.add_source("Label { colour: red; }", ("there", ""))
    with pytest.raises(StylesheetParseError):
        one.reparse()
    assert one._rules[0] is first
