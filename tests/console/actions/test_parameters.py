"""Parameters are typed and bounded, and what is wrong with one is said in a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.actions.parameters import BadParameter, Parameter, Type, parsed

REPLICAS = Parameter(name="replicas", type=Type.INTEGER, about="how many pods", least=0, most=100)
LENGTH = Parameter(name="for", type=Type.DURATION, about="how long", default=900, least=60, most=3600)
FORCE = Parameter(name="force", type=Type.FLAG, about="all the same", default=False)
NAME = Parameter(name="name", type=Type.WORD, about="a name", is_optional=True, most=10)
NOTE = Parameter(name="note", type=Type.TEXT, about="a sentence", is_optional=True, least=3, most=20)
EVERY = (REPLICAS, LENGTH, FORCE, NAME, NOTE)


def test_what_is_left_out_takes_its_default_and_an_optional_one_stays_out() -> None:
    assert parsed(EVERY, {"replicas": "3"}) == {"replicas": 3, "for": 900, "force": False}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"replicas": "0"}, {"replicas": 0}),
        ({"replicas": "100", "for": "60s"}, {"replicas": 100, "for": 60}),
        ({"replicas": "3", "for": "15m"}, {"for": 900}),
        ({"replicas": "3", "for": "1h", "force": "YES"}, {"for": 3600, "force": True}),
        ({"replicas": "3", "name": "a;b$(c)", "note": "two words"}, {"name": "a;b$(c)", "note": "two words"}),
    ],
)
def test_what_is_given_is_taken_as_what_it_means(given: dict[str, str], expected: dict[str, object]) -> None:
    assert expected.items() <= parsed(EVERY, given).items()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "replicas is missing: --set replicas=… (how many pods)"),
        ({"replicas": "3", "replica": "3"}, "there is no parameter 'replica' (there are: replicas, for, force, name, note); did you mean replicas?"),
        ({"replicas": "three"}, "replicas='three' is no integer (how many pods)"),
        ({"replicas": "3.0"}, "is no integer"),
        ({"replicas": " 3"}, "is no integer"),
        ({"replicas": "٣"}, "is no integer"),  # an Arabic digit is a digit to Python
        ({"replicas": "1e3"}, "is no integer"),
        ({"replicas": "9" * 5000}, "is no integer"),
        ({"replicas": "-1"}, "replicas: -1 is less than 0"),
        ({"replicas": "101"}, "replicas: 101 is more than 100"),
        ({"replicas": "3", "for": "15"}, "is no duration: write 90s, 15m or 2h"),
        ({"replicas": "3", "for": "59s"}, "for: 59 s is less than 60 s"),
        ({"replicas": "3", "for": "2h"}, "for: 7200 s is more than 3600 s"),
        ({"replicas": "3", "force": "1"}, "is no flag"),
        ({"replicas": "3", "name": "two words"}, "is no word"),
        ({"replicas": "3", "name": "pr\u043ed"}, "is no word"),
        ({"replicas": "3", "name": ""}, "is no word"),
        ({"replicas": "3", "name": "x" * 11}, "name: 11 characters is more than 10 characters"),
        ({"replicas": "3", "note": "ab"}, "note: 2 characters is less than 3 characters"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_in_a_sentence(given: dict[str, str], expected: str) -> None:
    with pytest.raises(BadParameter) as caught:
        parsed(EVERY, given)
    assert expected in str(caught.value)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(("replicas", "for", "force", "name", "note", "x")), st.text(max_size=12), max_size=6))
def test_any_texts_are_values_within_their_bounds_or_are_refused(texts: dict[str, str]) -> None:
    try:
        values = parsed(EVERY, texts)
    except BadParameter:
        return
    assert 0 <= values["replicas"] <= 100 and 60 <= values["for"] <= 3600
    assert isinstance(values["force"], bool)
    assert len(str(values.get("name", ""))) <= 10 and len(str(values.get("note", ""))) <= 20
