"""A hundred thousand lines are held: what is the same in many of them is held once."""

from __future__ import annotations

import gc
import json

import pytest

from console.feeds.log import LogRing
from console.model.logline import LogLine
from console.sources.elasticsearch.fields import ECS, line_of


def line(number: int, doc_id: str) -> LogLine:
    document = {
        "@timestamp": "2026-11-22T02:00:00.000Z",
        "message": f"line {number}",
        "log": {"level": "error"},
        "service": {"name": "packager"},
        "kubernetes": {"pod": {"name": "packager-7"}, "namespace": "live"},
        "host": {"name": "node-3"},
        "cloud": {"region": "emea"},
        "labels": {"channel": "uk-sport-1"},
    }
    return line_of(json.loads(json.dumps(document)), doc_id, ECS, is_late=False)


def test_lines_of_different_documents_share_the_names_that_they_have_in_common() -> None:
    ring = LogRing(10)
    for number in range(2):
        ring.append(line(number, f"logs-video-1/{number}"))
    first, second = ring.line(1), ring.line(2)
    for name in ("service", "pod", "namespace", "host", "region", "channel", "index"):
        assert getattr(first, name) is getattr(second, name) is not None, name
    assert first.own_id != second.own_id


@pytest.mark.parametrize("doc_id", ["logs-video-1/abc", "cluster:logs-video-1/a/b//c", ".ds-logs-2026.11.22-000001/x", "/x", "logs/"])
def test_a_document_is_found_again_whatever_slashes_its_id_has(doc_id: str) -> None:
    assert line(0, doc_id).doc_id == doc_id.removeprefix("/")


def test_the_collector_does_not_walk_through_the_ring() -> None:
    assert not gc.is_tracked(line(0, "logs-video-1/0"))
