"""The embedded platform as a child process, for tests that need every backend to answer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.commands import platform


@contextmanager
def embedded(place: Path, **settings: object) -> Iterator[Path]:
    """Runs it and gives the configuration that reaches it."""
    config, said = place / "platform.toml", place / "platform.stderr"
    with said.open("wb") as stderr:
        child = platform.started({"config_out": config, "seed": 7, **settings}, dict(os.environ), stderr)
    try:
        platform.await_ready(child, config, said)
        yield config
    finally:
        platform.stop(child)
