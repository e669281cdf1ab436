"""Of a fault and what follows from it only the fault is told; what follows is kept for the channel's own page."""

from __future__ import annotations

import msgspec

from console.judge.causality import causes
from console.model.finding import Finding
from console.model.observation import Outcome
from console.model.severity import Layer, Severity
from tests.console.judge.night import EPOCH, Night, Reply, World

CRIT, WARN = Severity.CRIT, Severity.WARN


def finding(code: str, layer: Layer, severity: Severity = CRIT, rendition: str | None = "1080p") -> Finding:
    return Finding(code, "uk-sport-1", rendition, layer, None, severity, code, EPOCH, EPOCH)


def told(*findings: Finding) -> list[str]:
    return [one.code for one in causes(list(findings))[0]]


def test_a_fault_further_up_explains_one_further_down_that_is_no_graver():
    package, edge = finding("STALE", Layer.PACKAGE), finding("LATENCY", Layer.EDGE, WARN)
    assert causes([edge, package]) == ([package], [edge])
    assert told(finding("GAP", Layer.PACKAGE, WARN), finding("SEG_DUP", Layer.EDGE)) == ["GAP", "SEG_DUP"]


def test_another_rendition_is_another_fault_and_one_without_a_rendition_is_all_of_them():
    assert told(finding("STALE", Layer.TRANSCODE), finding("EDGE_SKEW", Layer.EDGE, rendition="720p")) == [
        "STALE",
        "EDGE_SKEW",
    ]
    assert told(finding("NOT_PLAYLIST", Layer.ORIGIN, rendition=None), finding("TIMEOUT", Layer.EDGE, WARN)) == [
        "NOT_PLAYLIST"
    ]


def test_no_packager_makes_an_edge_refuse_connections_and_no_origin_error_makes_a_wrong_target_duration():
    assert told(finding("STALE", Layer.PACKAGE), finding("FETCH_FAIL", Layer.EDGE, WARN)) == ["STALE", "FETCH_FAIL"]
    assert told(finding("CACHE_HDR", Layer.ORIGIN, WARN), finding("FETCH_FAIL", Layer.EDGE)) == [
        "CACHE_HDR",
        "FETCH_FAIL",
    ]


def test_schedule_and_drm_stand_beside_the_way():
    assert told(finding("KEY", Layer.DRM), finding("GAP", Layer.EDGE), finding("UNEXPECTED_END", Layer.SCHEDULE)) == [
        "KEY",
        "GAP",
        "UNEXPECTED_END",
    ]


def test_an_origin_that_fails_is_told_and_its_edges_are_its_children():
    start = 41.9

    class Dark(World):
        def at_origin(self, rendition: str | None, t: float) -> Reply:
            is_bad = rendition == "720p" and t >= start
            return Reply(Outcome.HTTP, 503, detail="503") if is_bad else super().at_origin(rendition, t)

        def at_edge(self, vantage: str, rendition: str | None, t: float) -> Reply:
            reply = super().at_edge(vantage, rendition, t)
            return msgspec.structs.replace(reply, age_header_s=None) if reply.outcome is Outcome.OK else Reply(
                Outcome.TIMEOUT, None
            )

    night = Night(Dark()).run(start + 30)
    assert {(f.code, f.layer) for f in night.verdict.findings} == {("FETCH_FAIL", Layer.ORIGIN)}
    assert {(f.code, f.layer) for f in night.verdict.children} == {("TIMEOUT", Layer.EDGE)}
    assert all(f.rendition == "720p" for f in night.verdict.children)
