"""The document of a proof: nothing that should have run is silently absent, and nothing of the machine gets in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.proof.join import PARTS, joined, names_of_this_machine, outcomes, scrubbed

NOW = datetime(2026, 11, 22, 3, 14, tzinfo=UTC)
TESTS = """<testsuites><testsuite>
<testcase classname="tests.lab.test_lab" name="test_a" time="1.234"/>
<testcase classname="tests.lab.test_lab" name="test_b" time="0.5"><failure message="not STALE within 12 s">trace</failure></testcase>
<testcase classname="tests.lab.test_kubernetes" name="test_c" time="0"><skipped message="no cluster: make lab-kubernetes"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tests.xml").write_text(TESTS)
    figures = [{"name": "settled", "value": 6.1, "ok": True}, {"name": "healed", "value": 99, "ok": False}]
    (tmp_path / "lab-snapshot.json").write_text(json.dumps({"what": "a snapshot", "figures": figures}))
    (tmp_path / "table.bench").write_text('{"name":"table","value":3,"ok":false}\n{"name":"table_as_shown","ok":true}\n')
    (tmp_path / "log.bench").write_text("")
    (tmp_path / "log.failed").write_text("bench log: no pty\n")
    return tmp_path


def test_every_part_and_bench_is_named_with_its_figures_or_with_why_it_did_not_run(folder: Path) -> None:
    document = joined(folder, {}, {}, "abc", NOW)
    assert set(PARTS) <= set(document["parts"])
    assert document["parts"]["lab-snapshot"]["ran"] is True
    assert document["parts"]["lab-edge"] == {"ran": False, "why": "not STALE within 12 s"}
    assert document["parts"]["kubernetes"] == {"ran": False, "why": "no cluster: make lab-kubernetes"}
    assert document["parts"]["elasticsearch"]["why"] == "no test of tests/lab/test_elasticsearch.py was run"
    assert len(document["benches"]["table"]) == 2
    assert document["benches"]["log"] == {"ran": False, "why": "bench log: no pty", "figures": []}
    assert document["benches"]["idle"] == {"ran": False, "why": "not asked for in this run"}
    assert {"kubernetes", "lab-edge", "bench log", "bench idle"} <= set(document["not_run"])
    assert "bench table" not in document["not_run"]


def test_what_missed_its_goal_is_told_by_name(folder: Path) -> None:
    assert joined(folder, {}, {}, "abc", NOW)["missed"] == ["bench table: table", "lab-snapshot: healed"]


def test_a_test_is_told_with_its_outcome_and_reason(folder: Path) -> None:
    told = {test["test"].rpartition("::")[2]: test for test in outcomes(folder / "tests.xml")}
    assert [told[name]["outcome"] for name in ("test_a", "test_b", "test_c")] == ["passed", "failed", "skipped"]
    assert "why" not in told["test_a"]
    assert outcomes(folder / "none.xml") == []


def test_neither_a_path_nor_the_name_of_the_machine_gets_in(folder: Path) -> None:
    words = names_of_this_machine(folder)
    for word in words:
        assert word not in json.dumps(scrubbed({word: [f"{word}x", {"why": f"in {word}"}]}, words))
    assert scrubbed("no /var/cache/lab/run/es.pid, http://127.0.0.1:9/api/v2/alerts", {}) == (
        "no .../es.pid, http://127.0.0.1:9/api/v2/alerts"
    )
