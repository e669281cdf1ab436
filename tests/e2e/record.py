"""The record of a watch: every moment, and when what was seen first."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.e2e.platform import ROOT
from tests.e2e.waiting import PATIENCE_S, until
from tests.e2e.watch import Moment

SETTLED = frozenset({"streams", "logs", "workloads", "capacity"})


class Record:
    """Follows the file that a watch writes."""

    def __init__(self, path: Path, errors: Path) -> None:
        self.moments: list[Moment] = []
        self._path = path
        self._errors = errors
        self._read = 0

    def renew(self) -> list[Moment]:
        """All moments until now."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._read)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._read += len(line)
                    self.moments.append(msgspec.json.decode(line, type=Moment))
        return self.moments

    @property
    def now(self) -> Moment | None:
        """The newest moment; None before the first."""
        return moments[-1] if (moments := self.renew()) else None

    def until(self, holds: Callable[[Moment], object], what: str, within_s: float = PATIENCE_S) -> Moment:
        """The first of the moments from now on of which it holds."""
        begun = len(self.renew())

        def found() -> Moment | None:
            return next((moment for moment in self.renew()[begun:] if holds(moment)), None)

        return until(found, what, within_s, seen=self.told)

    def told(self) -> str:
        """The newest moment, for an assertion's message."""
        now = self.now
        said = self._errors.read_text()[-2000:] if self._errors.exists() else ""
        if now is None:
            return f"no moment at all; stderr: {said}"
        panes = "\n".join(
            f"  {name}: {pane.state} {pane.severity} {pane.summary!r} {pane.note!r} {pane.error!r} {pane.rows[:3]}"
            for name, pane in now.panes.items()
        )
        return f"{len(self.moments)} moments, the last at {now.at}:\n{panes}\nstderr: {said}"


@contextmanager
def watching(config: Path, name: str, before: Sequence[str] = ()) -> Iterator[Record]:
    """A watch of `config` from now on; ended, and seen to leave in order, on the way out. `before`: see NICE."""
    out, errors = config.with_name(f"{name}.moments"), config.with_name(f"{name}.stderr")
    with errors.open("wb") as stderr:
        child = subprocess.Popen(
            [*before, sys.executable, "-m", "tests.e2e.watch", str(config), str(out)],
            cwd=ROOT, stderr=stderr, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    record = Record(out, errors)
    try:
        yield record
    finally:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    record.renew()
    assert child.returncode == 0, f"the watch ended with {child.returncode}: {errors.read_text()}"
    assert "Traceback" not in errors.read_text(), errors.read_text()
