"""Who we are, as the value of the Authorization header: asked for at each request, and told when the server
refused it.

A token is not a constant: plugins mint them for an hour, the kubelet rotates the one in a file, people log in
again. So nothing here is kept longer than its source says, and `forget` (after a 401) makes the next question
go back to the source. No value ever appears in an error, a repr or a log line.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from console.model.failure import Failure, FailureKind, SourceError

TOKEN_LIMIT = 64 * 1024


class ClientCertificate(NamedTuple):
    """What an exec plugin may give instead of a token; PEM."""

    certificate: str
    key: str


class Credentials(Protocol):
    """A source of the header's value. `authorization` raises SourceError when it cannot be had."""

    async def authorization(self) -> str | None: ...

    def forget(self, refused: str | None) -> None:
        """The server answered 401 to this value; ignored when a newer one is already there."""
        ...

    @property
    def certificate(self) -> ClientCertificate | None: ...


class Given:
    """From whoever built the target (the configuration's own secrets)."""

    certificate: ClientCertificate | None = None

    def __init__(self, ask: Callable[[], Awaitable[str | None]] | None, on: str) -> None:
        self._ask = ask
        self._on = on

    async def authorization(self) -> str | None:
        if self._ask is None:
            return None
        try:
            return await self._ask()
        except SourceError:
            raise
        # The callback is not ours, and its text may hold what it read: name only its class.
        except Exception as error:
            raise unreadable(self._on, f"reading it raised {type(error).__name__}", "midwatch doctor") from error

    def forget(self, refused: str | None) -> None:
        """The one who gave it reads it anew at each question."""


class TokenFile:
    """A bearer token in a file that somebody else rotates: read at every question, which is a few
    microseconds.
    """

    certificate: ClientCertificate | None = None

    def __init__(self, path: Path, on: str) -> None:
        self._path = path
        self._on = on

    async def authorization(self) -> str | None:
        try:
            with self._path.open("rb") as file:
                raw = file.read(TOKEN_LIMIT)
        except OSError as error:
            raise unreadable(
                self._on, f"token file {self._path}: {error.strerror}", "check its path and mode"
            ) from None
        return bearer(raw.decode("ascii", "replace"), self._on)

    def forget(self, refused: str | None) -> None:
        """Nothing is kept."""


class Fixed:
    """What a kubeconfig says in plain words. After a 401 the file is read again: the user may have logged in
    since.
    """

    certificate: ClientCertificate | None = None

    def __init__(self, value: str | None, reread: Callable[[], str | None]) -> None:
        self._value = value
        self._reread = reread
        self._is_doubted = False

    async def authorization(self) -> str | None:
        if self._is_doubted:
            self._value = self._reread()
            self._is_doubted = False
        return self._value

    def forget(self, refused: str | None) -> None:
        self._is_doubted = self._is_doubted or refused == self._value


def bearer(token: str, on: str) -> str:
    """The header for a token. Raises SourceError for an empty one, or one that cannot stand in a header (a
    stray newline).
    """
    token = token.strip()
    if not token:
        raise unreadable(on, "the token is empty", "log in again")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise unreadable(on, "the token holds characters that no token has", "is it the right file?")
    return f"Bearer {token}"


def basic(user: str, password: str) -> str:
    """The header for user and password (servers since 1.19 refuse it; proxies before them may want it)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def unreadable(on: str, got: str, hint: str) -> SourceError:
    """A credential that cannot be had."""
    return SourceError(Failure(kind=FailureKind.UNAUTHORIZED, tried="read the credential", on=on, got=got, hint=hint))
