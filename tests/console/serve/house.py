"""A door on loopback with a hall that echoes, and clients that knock at it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncssh

from console.actions.audit import kinds
from console.actions.audit.entry import Entry, fields_of
from console.config.serve import Limits, Serve
from console.feeds.clock import SystemClock
from console.serve.door.connection import Gate
from console.serve.door.door import Door
from console.serve.door.keyring import Keyring, Places
from console.serve.door.listening import bound
from console.serve.door.recorder import Recorder
from console.serve.person import Person
from console.serve.tally import Tally

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")


class Pages:
    """A journal that keeps what it is given, after the same checks."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    async def append(self, entry: Entry) -> None:
        fields_of(entry)
        self.entries.append(entry)


class Echo(asyncssh.SSHServerSession[bytes]):
    """Says who it is for, then what it hears; refuses what the hall would."""

    def __init__(self, person: Person, gate: Gate) -> None:
        self.person, self.gate = person, gate
        self.channel: Any = None

    def connection_made(self, chan: Any) -> None:
        self.channel = chan

    def pty_requested(self, *_: Any) -> bool:
        return True

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        if command == "whoami":
            return True
        self.gate.refused(f"exec {command}")
        return False

    def subsystem_requested(self, subsystem: str) -> bool:
        self.gate.refused(f"subsystem {subsystem}")
        return False

    def session_started(self) -> None:
        self.channel.write(f"{self.person.name} {self.person.roles} {sorted(self.channel.get_environment().items())}\n".encode())

    def data_received(self, data: bytes, datatype: Any) -> None:
        self.channel.write(data)

    def eof_received(self) -> bool:
        self.channel.exit(0)
        return False


class EchoHall:
    """No limits but those it is told."""

    def __init__(self) -> None:
        self.full = ""
        self.people: list[Person] = []

    def full_for(self, _person: Person) -> str:
        return self.full

    def session(self, person: Person, gate: Gate) -> Echo:
        self.people.append(person)
        return Echo(person, gate)


class House:
    """All of it. `keys` is the directory of people's keys."""

    def __init__(self, place: Path, limits: Limits | None = None, **settings: Any) -> None:
        self.place = place
        self.keys = place / "keys"
        self.keys.mkdir(mode=0o755, exist_ok=True)
        self.ca, self.revoked = place / "ca.pub", place / "revoked"
        self.pages = Pages()
        self.hall = EchoHall()
        self.clock = SystemClock()
        self.tally = Tally()
        self.marks: list[str] = []
        self.keyring = Keyring(
            Places(self.keys, self.ca if self.ca.exists() else None, self.revoked if self.revoked.exists() else None), self.clock
        )
        self.recorder = Recorder(self.pages, self.clock)  # type: ignore[arg-type]
        self.serve = Serve(limits=limits or Limits(), **settings)
        self.port = 0

    async def __aenter__(self) -> House:
        self.recorder.start()
        self.door = Door(
            self.serve, HOST_KEY, self.keyring, self.hall, self.recorder, self.clock, self.tally, told=self.marks.append
        )
        await self.door.open(bound("127.0.0.1", 0))
        self.port = int(self.door.addresses[0].rpartition(":")[2])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.door.close()
        await self.recorder.close()

    def connect(self, name: str, key: Any = None, **options: Any) -> Any:
        """A client's connection, to be awaited or entered."""
        keys = [] if key is None else [key]
        return asyncssh.connect(
            "127.0.0.1", self.port, username=name, client_keys=options.pop("client_keys", keys), known_hosts=None, config=None,
            agent_path=None, **{"preferred_auth": "publickey", **options},
        )  # fmt: skip

    async def is_let_in(self, name: str, key: Any = None, **options: Any) -> bool:
        try:
            async with self.connect(name, key, **options):
                return True
        except (asyncssh.DisconnectError, OSError):
            return False

    async def written(self) -> list[Entry]:
        """Everything that was recorded; the recorder is done with it."""
        await self.door.close()
        await self.recorder.close()
        return self.pages.entries

    async def refusals(self) -> list[kinds.LoginRefused]:
        return [each for each in await self.written() if isinstance(each, kinds.LoginRefused)]

    async def requests(self) -> list[kinds.RequestRefused]:
        return [each for each in await self.written() if isinstance(each, kinds.RequestRefused)]


def new_key(kind: str = "ssh-ed25519", **options: Any) -> asyncssh.SSHKey:
    return asyncssh.generate_private_key(kind, **options)


def line(key: asyncssh.SSHKey, options: str = "") -> str:
    """Its line in a file of keys."""
    text = key.export_public_key("openssh").decode().strip()
    return f"{options} {text}\n" if options else f"{text}\n"


def certificate(ca: asyncssh.SSHKey, key: asyncssh.SSHKey, principals: Sequence[str], **options: Any) -> Any:
    """A client key with a certificate over it, as `client_keys` takes one."""
    options = {"serial": 7, "valid_after": "-1h", "valid_before": "+1h", **options}
    make = ca.generate_host_certificate if options.pop("of_host", False) else ca.generate_user_certificate
    return key, make(key, options.pop("key_id", "alice@laptop"), principals=list(principals), **options)
