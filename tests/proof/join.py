"""Joins what one run of the third ring measured into one document: what ran, on what, with which figures and goals.

`python -m tests.proof.join FOLDER OUT`. FOLDER holds tests.xml (what the tests came to), NAME.json (the figures of one part,
written by its test), NAME.bench (the lines of a bench) and NAME.failed (the words of a bench that could not be measured).
What should have run and did not is named with its reason, never left out. No path and no name of the machine gets in.
"""

from __future__ import annotations

import json
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
PARTS = (
    "lab-snapshot",
    "lab-calm",
    "lab-encoder",
    "lab-edge",
    "lab-prometheus",
    "lab-alertmanager",
    "lab-silence",
    "lab-logs",
    "media-minute",
    "media-ten-minutes",
    "media-encoder",
    "media-faults",
    "kubernetes",
    "elasticsearch",
    "acting_kubernetes",
    "acting_alertmanager",
    "acting_haproxy",
)
_FOLDERS = re.compile(r"(?<![\w.:/-])/(?:etc|home|mnt|opt|private|root|run|srv|tmp|usr|var|work)/(?:[\w.+@-]+/)*")
DEBIAN = tuple(
    name for name in (ROOT / "tests/lab/packages.txt").read_text().split("\n") if name and not name.startswith("#")
)
PYTHON = ("aiohttp", "elasticsearch", "httpx", "kubernetes", "msgspec", "prometheus-api-client", "textual")
Document = dict[str, Any]


def joined(folder: Path, versions: Document, machine: Document, commit: str, now: datetime) -> Document:
    """The document. A part without a file has not run; its reason is that of its skipped or failed tests, if they told one."""
    tests = outcomes(folder / "tests.xml")
    parts = {path.stem: {"ran": True, **figures_of(path)} for path in sorted(folder.glob("*.json"))}
    for name in PARTS:
        if name not in parts:
            parts[name] = {"ran": False, "why": why_not(name, tests)}
    benches: Document = {path.stem: lines_of(path) for path in sorted(folder.glob("*.bench"))}
    for path in folder.glob("*.failed"):
        figures = benches.get(path.stem, [])  # of before it failed
        benches[path.stem] = {"ran": False, "why": path.read_text().strip()[-500:], "figures": figures}
    for name in bench_names():
        benches.setdefault(name, {"ran": False, "why": "not asked for in this run"})
    return {
        "schema": 1,
        "at": now.isoformat(timespec="seconds"),
        "commit": commit,
        "machine": machine,
        "versions": versions,
        "tests": tests,
        "parts": parts,
        "benches": benches,
        "missed": sorted(missed(parts, benches)),
        "not_run": sorted(
            [name for name, part in parts.items() if not part["ran"]]
            + [f"bench {name}" for name, told in benches.items() if isinstance(told, dict)]
        ),
    }


def figures_of(path: Path) -> Document:
    told = json.loads(path.read_text())
    return told if isinstance(told, dict) else {"figures": told}


def lines_of(path: Path) -> list[Document]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{") and line.endswith("}")]


def bench_names() -> tuple[str, ...]:
    from tests.bench.__main__ import BENCHES

    return BENCHES


def outcomes(path: Path) -> list[Document]:
    """Every test of the lab by its name: passed, failed or skipped, and why."""
    if not path.exists():
        return []
    found = []
    for case in ElementTree.parse(path).iter("testcase"):
        bad = next((case.find(kind) for kind in ("failure", "error") if case.find(kind) is not None), None)
        skipped = case.find("skipped")
        told = bad if bad is not None else skipped
        found.append(
            {
                "test": f"{case.get('classname')}::{case.get('name')}",
                "outcome": "failed" if bad is not None else "skipped" if skipped is not None else "passed",
                "took_s": round(float(case.get("time") or 0.0), 2),
                **({"why": (told.get("message") or "")[:300]} if told is not None else {}),
            }
        )
    return found


def why_not(part: str, tests: Iterable[Mapping[str, Any]]) -> str:
    """The reasons of the tests that would have written it."""
    room = f"test_{part.partition('-')[0]}"
    mine = [test for test in tests if room in test["test"].split("::")[0].split(".")]
    reasons = dict.fromkeys(test["why"] for test in mine if "why" in test)
    if reasons:
        return "; ".join(reasons)
    return f"tests/lab/{room}.py ran and wrote no figures" if mine else f"no test of tests/lab/{room}.py was run"


def missed(parts: Mapping[str, Document], benches: Mapping[str, Any]) -> Iterable[str]:
    """Every figure whose goal was not met."""
    for name, part in parts.items():
        told = part.get("figures")
        for figure in told if isinstance(told, list) else ():
            if isinstance(figure, dict) and figure.get("ok") is False:
                yield f"{name}: {figure.get('name')}"
    for name, lines in benches.items():
        for line in lines if isinstance(lines, list) else ():
            if line.get("ok") is False:
                yield f"bench {name}: {line.get('name')}"


def scrubbed(value: Any, words: Mapping[str, str]) -> Any:
    """The value with each of the words (a path, a host name) replaced wherever it stands in a text, and the folders of any
    other path of a machine left out.
    """
    if isinstance(value, str):
        for word, instead in words.items():
            value = value.replace(word, instead)
        return _FOLDERS.sub(".../", value)
    if isinstance(value, dict):
        return {scrubbed(key, words): scrubbed(each, words) for key, each in value.items()}
    return [scrubbed(each, words) for each in value] if isinstance(value, list) else value


def names_of_this_machine(folder: Path) -> dict[str, str]:
    """What must not get into the document, the longest first: a path may begin with another."""
    words = {
        f"{ROOT}/": "", str(ROOT): ".", str(folder): "FOLDER", str(Path.home()): "~",
        tempfile.gettempdir(): "TMP", socket.gethostname(): "HOST",
    }  # fmt: skip
    return dict(sorted(((word, to) for word, to in words.items() if len(word) > 3), key=lambda pair: -len(pair[0])))


def said(*command: str) -> str:
    """The first line of what a program says, or "" when it is not there or fails."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return next(iter(ended.stdout.splitlines()), "").strip() if ended.returncode == 0 else ""


def versions_here() -> Document:
    def installed(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "not installed"

    noida = next((line[6:] for line in (ROOT / "tests/lab/logs.sh").read_text().splitlines() if line.startswith("NOIDA=")), "")
    return {
        "midwatch": installed("midwatch"),
        "python": platform.python_version(),
        **{name: installed(name) for name in PYTHON},
        "debian": {name: said("dpkg-query", "-W", "-f", "${Version}", name) or "not installed" for name in DEBIAN},
        "noida-db": noida,
    }


def machine_here() -> Document:
    kilobytes = next(line.split()[1] for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    release = platform.release().partition("-")[0]  # what follows names the build
    return {
        "system": f"{platform.system()} {release} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory_gb": round(int(kilobytes) / 1024**2, 1),
        "load_1min_at_the_end": round(os.getloadavg()[0], 2),
    }


def commit_here() -> str:
    head = said("git", "rev-parse", "HEAD")
    is_changed = bool(said("git", "status", "--porcelain", "--untracked-files=no"))
    return f"{head} with changes" if head and is_changed else head or "unknown"


def main(folder: str, out: str) -> int:
    """1 when a test failed or none ran."""
    document = joined(Path(folder), versions_here(), machine_here(), commit_here(), datetime.now(UTC))
    document = scrubbed(document, names_of_this_machine(Path(folder)))
    Path(out).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    counts = {word: sum(test["outcome"] == word for test in document["tests"]) for word in ("passed", "failed", "skipped")}
    print(f"{out}: " + ", ".join(f"{count} {word}" for word, count in counts.items()))
    for word in ("missed", "not_run"):
        if document[word]:
            print(f"{word.replace('_', ' ')}: {'; '.join(document[word])}")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
