"""`midwatch demo`: the console on the embedded platform, or the platform alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec

from console.commands import platform
from console.commands.flags import Flags, UsageError
from console.config.paths import log_dir, made
from console.exit_codes import BY_SIGNAL, ExitCode


def run(
    flags: Flags,
    environ: Mapping[str, str],
    *,
    scenario: str | None,
    seed: int | None,
    headless: bool,
    config_out: Path | None,
    truth_out: Path | None,
    wire_log: Path | None,
    kube_version: str | None,
    wall: bool = False,
    rotate: float | None = None,
) -> int:
    """Raises UsageError when the flags do not fit together or the platform does not start."""
    settings = {
        "scenario": scenario,
        "seed": seed,
        "truth_out": truth_out,
        "wire_log": wire_log,
        "kube_version": kube_version,
    }
    if headless:
        if config_out is None:
            raise UsageError("demo --headless needs --config-out FILE: that is how others learn the ports")
        return _alone({**settings, "config_out": config_out}, environ)
    if config_out is not None:
        raise UsageError("demo --config-out goes with --headless; the console reads a file of its own")
    if rotate is not None and not wall:
        raise UsageError("demo --rotate goes with --wall")
    return _with_face(settings, flags, environ, partial(_wall, rotate) if wall else _console)


def _alone(settings: Mapping[str, Any], environ: Mapping[str, str]) -> int:
    """Until the child ends; SIGTERM and SIGINT are passed on, and the first SIGINT makes it 130."""
    return _awaited(lambda: platform.started(settings, environ, stderr=None))


def _awaited(start: Callable[[], subprocess.Popen[bytes]]) -> int:
    child: subprocess.Popen[bytes] | None = None
    heard: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        heard.append(number)
        if child is not None:
            child.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        child = start()
        for number in heard:
            child.send_signal(number)
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if signal.SIGINT in heard and code in (0, -signal.SIGINT):
        return ExitCode.INTERRUPTED
    return code if code >= 0 else BY_SIGNAL - code


def _console(flags: Flags, environ: Mapping[str, str]) -> int:
    from console.commands import console  # only now: the platform alone needs no engine

    return console.run(msgspec.structs.replace(flags, write=True), environ)


def _wall(rotate: float | None, flags: Flags, environ: Mapping[str, str]) -> int:
    """A process of its own: it forks, and what a fork of ours left behind would stop the platform on its way out."""
    pages = ["--rotate", f"{rotate:g}s", "streams", "workloads", "capacity", "logs"] if rotate is not None else []
    options = [f"--config={flags.config}", f"--log-file={flags.log_file}"]
    options += [f"--theme={flags.theme}"] * (flags.theme is not None) + [f"--link={flags.link}"] * (flags.link is not None)
    options += [f"--scope={key}={value}" for key, value in flags.scope.pairs]
    command = [sys.executable, "-P", "-m", "console", "wall", *pages, *options]
    own = {**environ, "PYTHONPATH": platform.python_path(environ)}
    return _awaited(lambda: subprocess.Popen(command, env=own))


def _with_face(
    settings: Mapping[str, Any], flags: Flags, environ: Mapping[str, str], face: Callable[[Flags, Mapping[str, str]], int]
) -> int:
    # The user's own settings are about the user's own systems, and must not reach into the demo.
    own = {name: value for name, value in environ.items() if not name.startswith("MIDWATCH_")}
    with tempfile.TemporaryDirectory(prefix="midwatch-demo-") as place:
        config_out, said = Path(place) / "config.toml", Path(place) / "stderr"
        with said.open("wb") as stderr:
            child = platform.started({**settings, "config_out": config_out}, own, stderr)
        try:
            platform.await_ready(child, config_out, said)
            # What is done to the demo is nobody's audit: its state goes when it goes. The log is midwatch's own, and stays.
            own["XDG_STATE_HOME"] = str(Path(place) / "state")
            log = flags.log_file
            if log is None:
                log = log_dir(environ) / "midwatch.log"
                with suppress(OSError):  # the console says what is wrong with it
                    made(log.parent)
            return face(msgspec.structs.replace(flags, config=config_out, site=None, log_file=log), own)
        except platform.PlatformFailed as wrong:
            raise UsageError(str(wrong)) from wrong
        finally:
            platform.stop(child)
