"""How to reach a backend, and how we prove who we are: what every source takes instead of the configuration.

Assembly fills it from `console.config`; sources stay independent of how a credential is stored. A credential
is resolved when it is needed and again after a 401 (tokens are rotated under us), and is held nowhere but in
`Credentials`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit, urlunsplit

import msgspec

from console import __version__
from console.model.failure import Failure, FailureKind, SourceError

USER_AGENT = f"midwatch/{__version__} (+on-call console)"


async def nobody() -> Mapping[str, str]:
    """The authorisation of a backend that asks for none."""
    return {}


class Access(msgspec.Struct, frozen=True):
    """One backend. `urls` without trailing slashes; several are peers or nodes of one system.

    `authorize` returns the headers that carry the credential; it may read files or run a command, and raises
    OSError, ValueError or SourceError when it cannot. `proxy` is the only proxy used: the environment's is
    not looked at, nor is a .netrc, so that no credential goes anywhere the configuration did not name.
    """

    urls: tuple[str, ...]
    ca_file: str | None = None
    headers: Mapping[str, str] = {}
    proxy: str | None = None
    timeout_s: float = 10.0
    authorize: Callable[[], Awaitable[Mapping[str, str]]] = nobody
    client_cert: tuple[str, str] | None = None  # (certificate file, key file)

    @property
    def url(self) -> str:
        """The first, for systems that have one address."""
        return self.urls[0].rstrip("/")

    def base_headers(self) -> dict[str, str]:
        """What every request carries besides the credential."""
        return {"User-Agent": USER_AGENT, **self.headers}


def place(kind: str, url: str) -> str:
    """`prometheus http://host:9090/path` for failures: user, password, query and fragment never shown."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{kind} {urlunsplit((parts.scheme, host, parts.path.rstrip('/'), '', ''))}"


class Credentials:
    """The headers of `Access.authorize`, kept until the backend says 401."""

    def __init__(self, access: Access, on: str) -> None:
        self._access = access
        self._on = on
        self._headers: Mapping[str, str] | None = None

    async def headers(self) -> Mapping[str, str]:
        """Resolved at the first use. Raises SourceError (UNAUTHORIZED) that never quotes the secret."""
        if self._headers is None:
            try:
                self._headers = await self._access.authorize()
            except (OSError, ValueError) as error:
                name = getattr(error, "filename", None)
                what = f"{type(error).__name__} on {name}" if name else type(error).__name__
                raise SourceError(
                    Failure(
                        kind=FailureKind.UNAUTHORIZED,
                        tried="read the credential",
                        on=self._on,
                        got=what,
                        hint="check `read` of this backend: midwatch config check",
                    )
                ) from error
        return self._headers

    def refused(self) -> bool:
        """A 401 came: forget. True when there was a credential, so that one more try with a fresh one is
        worth it.
        """
        had = bool(self._headers)
        self._headers = None
        return had
