"""What a running `midwatch serve` shows, asked for by the user's own ssh: `ssh HOST snapshot VIEW ...`.

HOST is whatever their ssh understands: an alias of its configuration, user@host, ssh://user@host:port. Nothing of it is read
as an option, neither here nor there. All that comes back is somebody else's: it is bounded, cleaned where it is words, and
believed only where it is what was asked for.
"""

from __future__ import annotations

import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import msgspec

from console.commands.flags import Flags, UsageError
from console.exit_codes import ExitCode
from console.sources.sanitise import clean

CONNECT_S = 15.0
DRAWING_S = 30.0  # how long the server itself lets a picture take
ENDING_S = 5.0
BYTES = 64 * 1024 * 1024
WORDS = 64 * 1024  # of stderr
_STARTS = {"png": b"\x89PNG\r\n\x1a\n", "json": b"{", "svg": b"<svg", "html": b"<!DOCTYPE html"}
_OURS = frozenset(int(code) for code in ExitCode)
_HOST = re.compile(r"[^\s\x00-\x1f\x7f]{1,300}")
SSH_FAILED = 255


class Unreached(Exception):
    """No snapshot came back. `code`: what the command ends with."""

    def __init__(self, words: str, code: int = ExitCode.UNREACHABLE) -> None:
        super().__init__(words)
        self.code = code


class Answer(msgspec.Struct, frozen=True):
    """The server's own exit code, what it sent, and its words beside it, cleaned."""

    code: int
    content: bytes
    words: tuple[str, ...] = ()


def checked(host: str) -> str:
    """The same HOST. Raises UsageError for one that ssh could take for an option, or that is none at all."""
    name = host.removeprefix("ssh://").rpartition("@")[2]
    if host.startswith("-") or name.startswith("-"):
        raise UsageError(f"snapshot --from: `{clean(host, 80)}` begins like an option of ssh; a host does not")
    if not _HOST.fullmatch(host) or not name:
        raise UsageError(f"snapshot --from: {clean(host, 80)!r} is no host: an alias of your ssh, user@host, ssh://user@host:port")
    return host


def command(
    view: str, flags: Flags, *, format: str, size: tuple[int, int], wait_s: float, exit_status: bool, as_seen: bool
) -> str:
    """What the server is asked, as one line for its own reader of words."""
    words = ["snapshot", view, "--format", format, "--size", f"{size[0]}x{size[1]}", "--wait", f"{wait_s:g}s"]
    for dimension, value in flags.scope.pairs:
        words += ["--scope", f"{dimension}={value}"]
    if flags.theme is not None:
        words += ["--theme", flags.theme]
    words += ["--exit-status"] * exit_status + ["--as-seen"] * as_seen
    return shlex.join(words)


def fetched(host: str, asked: str, format: str, environ: Mapping[str, str], *, wait_s: float) -> Answer:
    """Ask, and wait for the whole answer. Raises Unreached and UsageError, which say what was tried."""
    ssh = shutil.which("ssh", path=environ.get("PATH"))
    if ssh is None:
        raise UsageError("snapshot --from: there is no `ssh` on the PATH; it asks the server by it")
    options = ["-T", "-o", f"ConnectTimeout={CONNECT_S:.0f}", "-o", "ClearAllForwardings=yes", "-o", "RequestTTY=no"]
    if not sys.stderr.isatty():
        options += ["-o", "BatchMode=yes"]  # nobody could answer a question
    tried = f"ssh {shlex.quote(host)} {asked}"
    code, out, err = _run([ssh, *options, "--", host, asked], environ, CONNECT_S + wait_s + DRAWING_S, tried)
    words = _words(err)
    if code < 0:
        raise Unreached(f"{tried}: ssh was ended by {signal.Signals(-code).name}{_last(words)}")
    if code == SSH_FAILED:
        said = _last(words) or ", and says nothing"
        raise Unreached(f"{tried}: ssh could not{said}; try it by hand: ssh {shlex.quote(host)} snapshot overview")
    if code not in _OURS:
        raise Unreached(f"{tried}: ended with {code}{_last(words)}; is `midwatch serve` what listens there?")
    if code in (ExitCode.USAGE, ExitCode.REFUSED, ExitCode.INTERNAL, ExitCode.INTERRUPTED):
        raise Unreached(f"{tried}: refused there{_last(words)}", code)
    if not out:
        raise Unreached(f"{tried}: ended with {code} and sent nothing{_last(words)}")
    start = _STARTS.get(format)
    if start is not None and not out.startswith(start):
        first = clean(out[:200].decode("utf-8", "replace"), 100)
        raise Unreached(f"{tried}: what came back is no {format}, it begins {first!r}; is `midwatch serve` what listens there?")
    return Answer(code, _plain(out) if format in ("text", "json") else out, words)


def _run(words: Sequence[str], environ: Mapping[str, str], limit_s: float, tried: str) -> tuple[int, bytes, bytes]:
    """Its exit code, stdout and stderr; ended with all of its own children when it takes too long or says too much."""
    child = subprocess.Popen(
        words, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )
    assert child.stdout is not None and child.stderr is not None
    out, err = bytearray(), bytearray()
    until = time.monotonic() + limit_s
    try:
        with selectors.DefaultSelector() as waiting:
            waiting.register(child.stdout, selectors.EVENT_READ, out)
            waiting.register(child.stderr, selectors.EVENT_READ, err)
            while waiting.get_map():
                left = until - time.monotonic()
                ready = waiting.select(max(0.0, left)) if left > 0 else []
                if not ready:
                    raise Unreached(f"{tried}: no end within {limit_s:.0f} s{_last(_words(bytes(err)))}", ExitCode.TIMED_OUT)
                for key, _ in ready:
                    content = os.read(key.fd, 65536)
                    if not content:
                        waiting.unregister(key.fileobj)
                    key.data.extend(content if key.data is out else content[: max(0, WORDS - len(err))])
                if len(out) > BYTES:
                    raise Unreached(f"{tried}: it sends more than {BYTES} bytes, which is no snapshot")
        try:
            return child.wait(max(0.1, until - time.monotonic())), bytes(out), bytes(err)
        except subprocess.TimeoutExpired:
            raise Unreached(f"{tried}: it closed its output and did not end", ExitCode.TIMED_OUT) from None
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for pipe in (child.stdout, child.stderr):
        assert pipe is not None
        pipe.close()


def _words(err: bytes) -> tuple[str, ...]:
    lines = (clean(line, 300).strip() for line in err.decode("utf-8", "replace").splitlines()[-20:])
    return tuple(line for line in lines if line)


def _last(words: Sequence[str]) -> str:
    return f": {words[-1].removeprefix('midwatch: ')}" if words else ""


def _plain(content: bytes) -> bytes:
    """Words of another machine on their way to a terminal: lines of printable characters."""
    from console.rows.digest import plain

    lines = content.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    return "\n".join(plain(line) for line in lines).encode()
