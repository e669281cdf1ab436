"""Fetches a secret at the moment a request needs it, and keeps it out of everything that may be shown.

Nothing is cached: tokens rotate under us, and a file or a command that has the new one must win. Whoever
needs fewer calls holds on to the result for as long as the server accepts it.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress

from console.config.backend import Credential
from console.model.failure import Failure, FailureKind, SourceError

PARTING_S = 2.0  # for what was killed to be gone
MAX_BYTES = 64 * 1024
COMMAND_TIMEOUT_S = 10.0


class SecretHeaders(Mapping[str, str]):
    """Headers whose values no repr, log line or traceback shows."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)

    def __getitem__(self, name: str) -> str:
        return self._headers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def __repr__(self) -> str:
        return f"SecretHeaders({', '.join(f'{name}: ***' for name in self._headers)})"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


async def resolve(
    credential: Credential | None,
    environ: Mapping[str, str] | None = None,
    timeout_s: float = COMMAND_TIMEOUT_S,
) -> SecretHeaders:
    """The headers that let us in; none for no credential and for a client certificate (that one is shown by
    TLS).

    Raises SourceError (kind unauthorized) that names the place of the secret and what went wrong there, never
    its content.
    """
    variables = os.environ if environ is None else environ
    match credential:
        case None:
            return SecretHeaders({})
        case Credential(basic=basic) if basic is not None:
            password = await _secret(
                basic.password_file,
                basic.password_env,
                basic.password_command,
                variables,
                timeout_s,
                is_text=True,
            )
            word = base64.b64encode(f"{basic.user}:{password}".encode()).decode("ascii")
            return SecretHeaders({"Authorization": f"Basic {word}"})
        case Credential(header=header) if header is not None:
            value = await _secret(
                header.value_file, header.value_env, header.value_command, variables, timeout_s
            )
            return SecretHeaders({header.name: value})
        case Credential(client_cert=certificate) if certificate is not None:
            return SecretHeaders({})
    files, names = (
        (credential.bearer_file, credential.api_key_file),
        (credential.bearer_env, credential.api_key_env),
    )
    command = credential.bearer_command or credential.command or credential.api_key_command
    is_api_key = bool(credential.api_key_file or credential.api_key_env or credential.api_key_command)
    value = await _secret(files[0] or files[1], names[0] or names[1], command, variables, timeout_s)
    return SecretHeaders({"Authorization": f"{'ApiKey' if is_api_key else 'Bearer'} {value}"})


async def secret(
    file: str | None,
    variable: str | None,
    command: tuple[str, ...] | None,
    environ: Mapping[str, str] | None = None,
) -> str:
    """One secret that is no header: an address, what signs. Raises SourceError as `resolve` does."""
    return await _secret(file, variable, command, os.environ if environ is None else environ, COMMAND_TIMEOUT_S)


async def _secret(
    file: str | None,
    variable: str | None,
    command: tuple[str, ...] | None,
    environ: Mapping[str, str],
    timeout_s: float,
    is_text: bool = False,
) -> str:
    """The secret itself, without the line end editors leave. `is_text`: may hold more than a header can (a
    password).
    """
    if file is not None:
        return _cleaned(await asyncio.to_thread(_read, file), f"file {file}", is_text)
    if variable is not None:
        if variable not in environ:
            raise _refused(f"variable {variable}", "is not set")
        return _cleaned(environ[variable].encode(), f"variable {variable}", is_text)
    if command:
        # Only the program's name: its arguments may say more than a reader of the screen should know.
        return _cleaned(await _printed(command, environ, timeout_s), f"command {command[0]}", is_text)
    raise _refused("credential", "names no place of a secret")


def _read(file: str) -> bytes:
    try:
        # Not blocking: a FIFO in this place must not hold a thread forever.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _refused(f"file {file}", "is not a regular file")
            if status.st_mode & stat.S_IROTH:
                raise _refused(f"file {file}", "can be read by everyone; chmod o-rwx it")
            return opened.read(MAX_BYTES + 1)
    except OSError as wrong:
        raise _refused(f"file {file}", wrong.strerror or type(wrong).__name__) from None


async def _printed(command: tuple[str, ...], environ: Mapping[str, str], timeout_s: float) -> bytes:
    """What the program prints. It has no terminal, so it cannot ask there, and its own messages are not
    shown.
    """
    place = f"command {command[0]}"
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environ),
            start_new_session=True,
        )
    except (OSError, ValueError) as wrong:
        raise _refused(place, getattr(wrong, "strerror", None) or "cannot be started") from None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(timeout_s):
            output = await _capped(process.stdout)
            code = await process.wait() if len(output) <= MAX_BYTES else 0
    except TimeoutError:
        raise _refused(
            place, f"did not finish within {timeout_s:g} s; it gets no terminal to ask on"
        ) from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await reaped(process)
    if code != 0:
        raise _refused(place, f"exit code {code}; run it by hand to see why")
    return output


async def reaped(process: asyncio.subprocess.Process) -> None:
    """Wait for a program that was killed. asyncio tells of an exit only once every pipe was read to its end, so what still
    stands in them is read and dropped; a descendant that left the group and holds one open is not waited for.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(PARTING_S):
            await asyncio.gather(*(_drained(stream) for stream in (process.stdout, process.stderr) if stream is not None))
            await process.wait()


async def _drained(stream: asyncio.StreamReader) -> None:
    while await stream.read(MAX_BYTES):
        pass


async def _capped(stream: asyncio.StreamReader) -> bytes:
    """All of the stream, or a little more than allowed."""
    output = b""
    while len(output) <= MAX_BYTES and (piece := await stream.read(MAX_BYTES + 1 - len(output))):
        output += piece
    return output


def _cleaned(content: bytes, place: str, is_text: bool) -> str:
    if len(content) > MAX_BYTES:
        raise _refused(place, f"gave more than {MAX_BYTES} bytes; is it a secret?")
    try:
        text = content.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise _refused(place, "is not UTF-8 text") from None
    if not text.strip():
        raise _refused(place, "is empty")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        raise _refused(place, "holds line breaks or control characters; it must hold the secret alone")
    if not is_text and not text.isascii():
        raise _refused(place, "holds characters that no HTTP header can carry")
    return text


def _refused(place: str, got: str) -> SourceError:
    return SourceError(
        Failure(
            kind=FailureKind.UNAUTHORIZED,
            tried="read the credential",
            on=place,
            got=got,
            hint="midwatch config check",
        )
    )
