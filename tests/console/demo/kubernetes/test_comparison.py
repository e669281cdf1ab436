"""The comparison itself must be able to fail, or every replay proves nothing."""

from __future__ import annotations

import pytest

RECORDED = {"kind": "Status", "metadata": {"continue": "abc"}, "message": "too old: 12 (15)", "details": {"a": [1, 2]}}


@pytest.mark.parametrize(("change", "word"), [
    ({"metadata": {}}, "missing"),
    ({"extra": 1}, "not in the recording"),
    ({"details": {"a": [1]}}, "elements"),
    ({"details": {"a": [1, "2"]}}, "recorded"),
    ({"details": {"a": [1, 3]}}, "recorded"),
    ({"metadata": {"continue": None}}, "recorded"),
    ({"message": "gone: 12 (15)"}, "recorded"),
    ({"kind": "Other"}, "recorded"),
])
def test_a_difference_is_found(differ, change, word):
    found = differ(RECORDED, RECORDED | change)
    assert len(found) == 1 and word in found[0]


def test_a_missing_key_is_found_at_any_depth(differ):
    assert differ({"a": [{"b": {"c": 1}}]}, {"a": [{"b": {}}]}) == [".a[0].b.c: missing in ours"]


def test_versions_tokens_and_digits_of_a_message_may_differ(differ):
    ours = RECORDED | {"metadata": {"continue": "xyz"}, "message": "too old: 7 (9)"}
    assert differ(RECORDED, ours) == []
