"""kill -9 in the middle of writing: what was acknowledged is there, and nothing that is there is broken.

SIGKILL leaves the kernel's cache as it was, so this shows that nothing is acknowledged before it was written, not that it
would survive a power cut; that an acknowledgement waits for the fsync is shown in `test_journal.py`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.actions.audit.chain import is_held
from console.actions.audit.reading import Standing, chains, read_chain
from console.actions.audit.record import Record

ROOT = Path(__file__).parents[4]


def killed(tmp_path: Path, times: int) -> dict[Standing, int]:
    """Start and kill as many writers; how their chains were found."""
    found: dict[Standing, int] = {}
    random_moments = random.Random(7)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.console.actions.audit.writing_child"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdin is not None and child.stdout is not None
        for number in range(times):
            directory, notes = tmp_path / str(number), tmp_path / f"{number}.acknowledged"
            child.stdin.write(f"{directory} {notes}\n")
            child.stdin.flush()
            pid = int(child.stdout.readline())
            wanted = random_moments.randrange(4000)  # bytes of acknowledgements, from none to some fifty records
            deadline = time.monotonic() + 20
            while not notes.exists() or notes.stat().st_size < wanted:
                assert time.monotonic() < deadline, "the writer does not write"
                time.sleep(random_moments.random() / 1000)
            os.kill(pid, signal.SIGKILL)
            assert child.stdout.readline() == "dead\n"
            standing = judged(directory, notes)
            found[standing] = found.get(standing, 0) + 1
        child.stdin.close()
    return found


def judged(directory: Path, notes: Path) -> Standing:
    paths = chains(directory)
    acknowledged = [line.split() for line in notes.read_text().splitlines()]
    if not paths:
        assert not acknowledged
        return Standing.UNPROVEN
    (path,) = paths
    assert not is_held(path)
    hashes: dict[int, str] = {}

    def take(record: Record) -> None:
        hashes[record.header.sequence] = record.header.hash

    chain = read_chain(path, take)
    for sequence, digest in acknowledged:
        assert hashes[int(sequence)] == digest
    assert len({sequence for sequence, _ in acknowledged}) == len(acknowledged)
    return chain.standing


def test_whatever_was_acknowledged_before_a_kill_is_there_and_whole(tmp_path: Path) -> None:
    found = killed(tmp_path, 12)
    assert set(found) <= {Standing.UNPROVEN, Standing.TORN}
    assert sum(found.values()) == 12


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_a_thousand_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    found = killed(tmp_path, 1000)
    print({standing.value: count for standing, count in found.items()})
    assert set(found) <= {Standing.UNPROVEN, Standing.TORN}
