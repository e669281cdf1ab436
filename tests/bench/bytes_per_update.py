"""Bytes a second of the overview on the embedded platform's `calm`, at two sizes and two rates: through the link; beside the
same app and the same updates as Textual's own driver would have sent them, counted in the same run; beside the least that the
changed cells could take; and beside btop at the same size.

`_off` is midwatch's own `--link off`, whose brush spares Textual the lines that have not changed: told, not judged.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.figure import Figure, Goal, figure
from tests.bench.harness import Pty, end, environment, measured
from tests.bench.idle import calm

SIZES = ((120, 36), (200, 60))
RATES_HZ = (1.0, 4.0)


def run(is_quick: bool) -> Iterator[Figure]:
    seconds, repeats = (2.5, 1) if is_quick else (20.0, 2)
    with ExitStack() as stack:
        config = stack.enter_context(calm(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        for size in SIZES[: 1 if is_quick else None]:
            for hz in RATES_HZ[: 1 if is_quick else None]:
                name = f"bytes_per_update_{size[0]}x{size[1]}_{hz:g}hz"
                told = [_counted(config, hz, seconds, "textual", size) for _ in range(repeats)]
                link = [each["link"] / each["seconds"] for each in told]
                yield _figure(name, link, [each["textual"] / each["seconds"] for each in told], Goal(1 / 8, is_ratio=True))
                yield _figure(f"{name}_least", link, [each["least"] / each["seconds"] for each in told], Goal(1.5, is_ratio=True))
                yield figure(f"{name}_frames", "frames/s", [each["frames"] / each["seconds"] for each in told], goal=None, basis="count")
                off = [_counted(config, hz, seconds, "off", size)]
                yield _figure(f"{name}_off", [each["link"] / each["seconds"] for each in off], [each["textual"] / each["seconds"] for each in off], None)
                if hz == 1.0 and (peer := _btop(size, seconds)) is not None:
                    yield _figure(f"{name}_btop", link, [peer] * len(link), Goal(1.0, is_ratio=True))


def _figure(name: str, values: list[float], baselines: list[float], goal: Goal | None) -> Figure:
    return figure(name, "B/s", values, baselines, goal=goal, basis="bytes")


def _counted(config: Path, hz: float, seconds: float, way: str, size: tuple[int, int]) -> dict[str, Any]:
    return {"link": 0, "textual": 0, "least": 0, "frames": 0, **measured("bytes_per_update_load", config, hz, seconds, way, size=size)}


def _btop(size: tuple[int, int], seconds: float) -> float | None:
    """Its bytes a second at one update a second, the first screen not counted; None where it is not installed."""
    program = shutil.which("btop")
    if program is None:
        print("btop is not installed: the row beside it is left out", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory(prefix="midwatch-bench-") as place:
        settings = Path(place) / "btop"
        settings.mkdir()
        (settings / "btop.conf").write_text("update_ms = 1000\n")
        terminal = Pty(size)
        child = subprocess.Popen(
            [program, "--utf-force"], stdin=terminal.slave, stdout=terminal.slave, stderr=terminal.slave,
            env={**environment(Path(place)), "XDG_CONFIG_HOME": place, "PATH": os.environ["PATH"]}, start_new_session=True,
        )  # fmt: skip
        try:
            time.sleep(3.0)
            before = terminal.received
            time.sleep(seconds)
            return (terminal.received - before) / seconds
        finally:
            end(child)
            terminal.close()
