"""The embedded platform as a child process: started, waited for, stopped.

It is never imported: the two ends of a wire must not share a mistake. The child notices by itself when we die
without having stopped it (`parent_pid`), and it has a session of its own so that ctrl+c in our terminal
reaches it through us alone and in order.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

READY_WITHIN_S = 60.0
STOP_WITHIN_S = 5.0
STDERR_TAIL = 4000  # characters of the child's last words that an error repeats
_POLL_S = 0.05


class PlatformFailed(Exception):
    """The platform did not start; the text has its own last words."""


def started(
    settings: Mapping[str, Any], environ: Mapping[str, str], stderr: IO[bytes] | None
) -> subprocess.Popen[bytes]:
    """The child, with `settings` (what is None is left to its defaults). `stderr` None: it writes to ours."""
    wanted = {key: value for key, value in settings.items() if value is not None} | {"parent_pid": os.getpid()}
    return subprocess.Popen(
        # -P, and our own root first: a `console` package in the directory the user stands in must not be
        # taken for ours.
        [sys.executable, "-P", "-m", "console.demo", json.dumps(wanted, default=str)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if stderr is not None else None,
        stderr=stderr,
        env={**environ, "PYTHONPATH": python_path(environ)},
        start_new_session=True,
    )


def python_path(environ: Mapping[str, str]) -> str:
    """For a child that is to find the very package that we are."""
    root = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, (root, environ.get("PYTHONPATH"))))


def await_ready(
    child: subprocess.Popen[bytes], config_out: Path, stderr_file: Path, within_s: float = READY_WITHIN_S
) -> None:
    """Returns when `config_out` is there, which the child renames into place once every port answers.

    Raises PlatformFailed when the child ends first or takes too long.
    """
    deadline = time.monotonic() + within_s
    while not config_out.exists():
        if child.poll() is not None:
            raise PlatformFailed(
                f"the embedded platform ended with code {child.returncode} before it was ready{_tail(stderr_file)}"
            )
        if time.monotonic() > deadline:
            raise PlatformFailed(f"the embedded platform was not ready within {within_s:g} s{_tail(stderr_file)}")
        time.sleep(_POLL_S)


def stop(child: subprocess.Popen[bytes]) -> int:
    """SIGTERM, and SIGKILL for one that does not listen. The child's exit code."""
    if child.poll() is None:
        child.terminate()
    try:
        return child.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _tail(stderr_file: Path) -> str:
    try:
        text = stderr_file.read_bytes()[-STDERR_TAIL:].decode("utf-8", "replace").strip()
    except OSError:
        return ""
    # The words are foreign as far as the terminal is concerned.
    shown = "".join(character for character in text if character.isprintable() or character == "\n")
    return f"; it said:\n{shown}" if shown else "; it said nothing"
