"""A digest that another midwatch took says the same here as it did there; and what is none is told as none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.chat.composing import composed
from console.chat.message import as_text
from console.redaction.redactor import Redactor
from console.rows.digest import to_json, to_text
from console.rows.reread import NoDigest, digest_of
from tests.console.rows.test_digest import taken
from tests.scene import Scene

VIEWS = ("overview", "streams", "logs", "workloads", "capacity", "incidents", "actions", "sources")


@pytest.mark.parametrize("view", VIEWS)
async def test_it_says_the_same_in_text_and_in_chat(view: str) -> None:
    digest = taken(view=view, region="emea")
    again = digest_of(to_json(digest))
    assert to_text(again, 300) == to_text(digest, 300) and again.severity is digest.severity
    assert as_text(composed(again, Redactor(), said="x")).rpartition(" · ")[0] == as_text(composed(digest, Redactor())).rpartition(" · ")[0]


@pytest.mark.parametrize("how", ["fail", "connecting", "stale", "partial"])
async def test_what_cannot_be_believed_there_is_not_believed_here(how: str) -> None:
    scene = Scene()
    for view in ("streams", "logs", "workloads", "capacity", "incidents"):
        getattr(scene, how)(view, *(["2 of 3 answered"] if how == "partial" else []))
    digest = taken(scene)
    again = digest_of(to_json(digest))
    assert to_text(again, 300) == to_text(digest, 300) and again.severity is digest.severity


async def test_what_this_version_does_not_know_is_passed_over() -> None:
    told = json.loads(to_json(taken()))
    told["tomorrow"] = {"x": 1}
    told["panes"][0]["rows"][0]["forecast"] = 3
    assert to_text(digest_of(json.dumps(told).encode())) == to_text(taken())


def edited(**changes: Any) -> bytes:
    told = {"schema": 1, "site": "a", "view": "overview", "scope": {}, "taken_at": "2026-11-22T02:14:07Z", "panes": [], "incidents": [], "sources": []}
    return json.dumps({**told, **changes}).encode()


BAD = [
    b"", b"null", b"[1]", b"{}", b"\xff\xfe", b"[" * 100_000, edited(schema=2), edited(scope={"nothing": "x"}), edited(taken_at="now"),
    edited(panes=[{"name": "tomorrow", "state": "live", "severity": "OK", "summary": "", "rows": []}]),
    edited(panes=[{"name": "streams", "state": "live", "severity": "OK", "summary": "", "rows": [{"name": 1}]}]),
    edited(site=None), edited(incidents=[{}]),
]  # fmt: skip


@pytest.mark.parametrize("content", BAD, ids=[f"bad-{number}" for number in range(len(BAD))])
def test_what_is_no_digest_is_told_as_none(content: bytes) -> None:
    with pytest.raises(NoDigest):
        digest_of(content)


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_that(content: bytes) -> None:
    with pytest.raises(NoDigest):
        digest_of(content)
