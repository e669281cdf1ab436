"""A listener without a door: whoever connects is who they say they are. Only the hall behind it is real."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import asyncssh
import msgspec

from console.serve.hall.hall import Hall


class Person(msgspec.Struct, frozen=True):
    """What the hall needs of one."""

    name: str
    key: str = "SHA256:none"
    roles: tuple[str, ...] | None = None
    address: str = "127.0.0.1"
    certificate: str = ""


class OpenDoor(asyncssh.SSHServer):
    """Asks for nothing."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._connection: Any = None

    def connection_made(self, conn: Any) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        return False

    def session_requested(self) -> Any:
        person = Person(self._connection.get_extra_info("username"))
        return self._hall.session(person, self._connection)


@cache
def host_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


@asynccontextmanager
async def listening(hall: Hall, **options: Any) -> AsyncIterator[int]:
    """The port. Ended with the connections that are left."""
    acceptor = await asyncssh.create_server(
        lambda: OpenDoor(hall), "127.0.0.1", 0, server_host_keys=[host_key()], encoding=None, line_editor=False,
        agent_forwarding=False, x11_forwarding=False, allow_pty=True, window=65_536, **options,
    )  # fmt: skip
    try:
        yield acceptor.get_port()
    finally:
        acceptor.close()
        await acceptor.wait_closed()


async def connected(port: int, name: str = "mei", **options: Any) -> asyncssh.SSHClientConnection:
    """A client that offers nothing but its name. None of this account's own SSH settings are read."""
    return await asyncssh.connect(
        "127.0.0.1", port, username=name, known_hosts=None, config=None, client_keys=None, agent_path=None, **options
    )
