"""The word that is translated on the way, wherever the network cuts it in two. Needs no lab."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.forwarder import translation

OLD, NEW = "strict_date_optional_time_nanos", "strict_date_optional_time"
BODY = json.dumps({"sort": {"@timestamp": {"format": OLD}}, "range": {"gte": f"no {OLD}", "format": OLD}}).encode()


@given(cuts=st.lists(st.integers(0, len(BODY)), max_size=8))
def test_the_word_is_translated_wherever_it_is_cut_and_no_length_changes(cuts: list[int]) -> None:
    translate = translation(OLD, NEW)
    edges = [0, *sorted(cuts), len(BODY)]
    told, waiting = b"", b""
    for start, end in itertools.pairwise(edges):
        ready, waiting = translate(waiting + BODY[start:end])
        told += ready
    assert waiting == b"", "a body that ends is told to its end"
    assert len(told) == len(BODY)
    assert json.loads(told) == {"sort": {"@timestamp": {"format": NEW}}, "range": {"gte": f"no {OLD}", "format": NEW}}


def test_a_longer_word_is_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        translation(NEW, OLD)
