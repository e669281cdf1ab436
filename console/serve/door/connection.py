"""One connection, from the first byte to the last: what asyncssh asks us about it, and our answers.

asyncssh keeps the protocol; who may come in is decided by the door, what sessions are made of by the hall. `Gate` overrides
some methods of its connection, because three things are not told to an application otherwise: which ways of logging in were
tried, the certificate itself (asyncssh hands over its authority only, and lets one without principals in under any name), and
requests that its own options refuse before anybody is asked. So asyncssh's minor version is pinned.

What must not be done here: `begin_auth` that returns anything but True (False would let in without a key); an await between a
proof and what follows from it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncssh
from asyncssh.constants import (
    DISC_NO_MORE_AUTH_METHODS_AVAILABLE,
    DISC_TOO_MANY_CONNECTIONS,
    OPEN_CONNECT_FAILED,
    OPEN_RESOURCE_SHORTAGE,
)
from asyncssh.constants import OPEN_ADMINISTRATIVELY_PROHIBITED as PROHIBITED
from asyncssh.packet import SSHPacket

from console.serve.door.blob import Torn, Wire
from console.serve.door.certificates import SIGNATURES
from console.serve.door.refused import Denial, Why
from console.serve.door.trust import Grant
from console.serve.person import Person

if TYPE_CHECKING:  # it makes us
    from console.serve.door.door import Door

TRIES = 8  # keys or passwords shown; an agent may hold some
MOST_BEFORE = 256 * 1024  # bytes that somebody may send before they have logged in
MOST_ANSWERS = 4 * 1024 * 1024  # bytes that wait for a client that goes on asking; a channel's window holds less
CHANNELS = 8  # at a time on one connection
WINDOW = 64 * 1024  # bytes that a client may have under way to us: they are keys pressed
PACKET = 32 * 1024
_ENVIRONMENT = frozenset((b"TERM", b"COLORTERM", b"LANG", b"NO_COLOR"))
_VARIABLES = 32
_VALUE = 256  # bytes
_UNSENT = getattr(socket, "TCP_NOTSENT_LOWAT", 25 if sys.platform == "linux" else None)
UNSENT_BYTES = 4096

log = logging.getLogger(__name__)


class Gate(asyncssh.SSHServerConnection):
    """A connection. `person` is None until it has logged in."""

    def __init__(self, door: Door, loop: asyncio.AbstractEventLoop, options: asyncssh.SSHServerConnectionOptions) -> None:
        self.door = door
        self.person: Person | None = None
        self.address = ""
        self.method = ""
        self.claimed = ""
        self.denials: list[Denial] = []
        self.may_have_pty = True
        self.channels = 0
        self._granted: Grant | None = None
        self._link: asyncio.WriteTransport | None = None
        self._received = 0
        self._tries = 0
        super().__init__(loop, options)

    # -- before the login ----------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            self._link = transport
        super().connection_made(transport)

    def data_received(self, data: bytes, datatype: Any = None) -> None:
        """What came. asyncssh keeps it while it waits for us, so strangers may send so much only."""
        if self.person is None:
            self._received += len(data)
            if self._received > MOST_BEFORE:
                self.denied(Denial(Why.NOT_SSH, f"sent more than {MOST_BEFORE} bytes before a login"))
                self.abort()
                return
        elif self._link is not None and self._link.get_write_buffer_size() > MOST_ANSWERS:
            log.warning("%s (%s) asks and does not read: closed", self.person.name, self.address)
            self.abort()
            return
        super().data_received(data, datatype)

    async def reload_config(self) -> None:
        """There is no configuration file of ssh here, and nothing to look up about a client."""

    async def _finish_userauth(self, begin_auth: bool, method: bytes, packet: SSHPacket) -> None:
        """Note by what somebody tries to log in: what is not supported is refused without anybody being asked."""
        self.claimed = self._username
        self.method = method.decode("ascii", "replace")
        if method not in (b"none", b"publickey"):  # `none` is how every client asks what there is
            self.denied(Denial(Why.METHOD, f"tried {self.method[:40]!a}; only keys and certificates are good here"))
        await super()._finish_userauth(begin_auth, method, packet)

    def send_userauth_failure(self, partial_success: bool) -> None:
        """No, and after too many of them no more."""
        self._tries += self.method != "none"
        if self._tries >= TRIES:
            self.denied(Denial(Why.TOO_MANY_TRIES, f"{self._tries} tries"))
            self.disconnect(DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many authentication failures")
            return
        super().send_userauth_failure(partial_success)

    async def validate_public_key(self, username: str, key_data: bytes, msg: bytes, signature: bytes) -> bool:
        """First what the files say, then asyncssh: it checks the signatures, and the certificate once more."""
        self._granted = None
        found = await self.door.asked(username, key_data, self.address)
        if isinstance(found, Grant) and msg and (weak := _weak(signature)):
            found = Denial(Why.WEAK_KEY, weak, found.person.key)
        if isinstance(found, Denial):
            self.denied(found)
            return False
        self._granted = found
        is_good = await super().validate_public_key(username, key_data, msg, signature)
        if not is_good:
            self._granted = None
            self.denied(Denial(Why.BAD_SIGNATURE, "the signature is not that of the key", found.person.key))
        elif msg:
            self.door.shown(self, key_data)
        else:  # asked whether the key would do; nothing is proven by that
            self._granted = None
        return is_good

    def expects(self, key: bytes, *, is_authority: bool) -> bool:
        """asyncssh's question, whether this key is good, has been answered already: for one key, and for this moment."""
        granted = self._granted
        return granted is not None and (granted.authority == key if is_authority else not granted.authority)

    def denied(self, denial: Denial) -> None:
        """Remembered until it is known how it ends: a client shows all the keys it has, and most end well."""
        if len(self.denials) < TRIES + 2:
            self.denials.append(denial)

    def proven(self) -> None:
        """The login is done. Raises nothing; what does not fit closes the connection."""
        granted = self._granted
        if granted is None or granted.person.name != self.get_extra_info("username"):
            log.error("a login was completed that nobody granted: closed")
            self.abort()
            return
        self.may_have_pty = granted.may_have_pty
        if refused := self.door.admitted(self, granted.person):
            self.denied(Denial(Why.FULL, refused, granted.person.key))
            self.disconnect(DISC_TOO_MANY_CONNECTIONS, refused)
            return
        self.person = granted.person

    # -- after the login -----------------------------------------------------------------------------------------------
    def refused(self, what: str, why: str = "", *, word: Why = Why.SESSION) -> None:
        """Record that something was asked for and not given."""
        if self.person is not None:
            self.door.refused(self.person, word, f"{what} {why}".strip())

    def check_certificate_permission(self, permission: str) -> bool:
        """Forwarding is refused to everybody, and by us, so that it is recorded."""
        return permission == "port-forwarding" or super().check_certificate_permission(permission)

    async def create_agent_listener(self) -> bool:
        self.refused("agent forwarding", word=Why.AGENT)
        return False

    async def attach_x11_listener(self, chan: Any, auth_proto: bytes, auth_data: bytes, screen: int) -> str | None:
        self.refused("X11 forwarding", word=Why.X11)
        return None

    def add_channel(self, chan: Any) -> int:
        number = super().add_channel(chan)
        self.channels += 1
        return number

    def remove_channel(self, recv_chan: int) -> None:
        super().remove_channel(recv_chan)
        self.channels -= 1
        if not self.channels:
            self.door.is_empty(self)


class Canal(asyncssh.SSHServerChannel[bytes]):
    """A session's channel that takes of a client's environment what says how it can draw, and nothing else."""

    _conn: Gate

    def _process_env_request(self, packet: SSHPacket) -> bool:
        name, value = packet.get_string(), packet.get_string()
        packet.check_end()
        is_known = name in _ENVIRONMENT or name.startswith(b"LC_")
        if is_known and len(self._env) < _VARIABLES and len(name) <= _VALUE and len(value) <= _VALUE:
            self._env[name] = value
            return True
        self._conn.refused(f"environment {name[:60].decode('ascii', 'backslashreplace')}", word=Why.ENVIRONMENT)
        return False


class Callbacks(asyncssh.SSHServer):
    """What asyncssh asks. It gets the connection with its first call."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._gate: Gate | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        assert isinstance(conn, Gate)
        self._gate = conn
        peer = conn.get_extra_info("peername")
        conn.address = str(peer[0]).removeprefix("::ffff:") if peer else ""
        sock = conn.get_extra_info("socket")
        if sock is not None and _UNSENT is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            # The kernel's buffer would swallow seconds of a slow link, and what is in it cannot be replaced by what is newer.
            with suppress(OSError):  # gone already
                sock.setsockopt(socket.IPPROTO_TCP, _UNSENT, UNSENT_BYTES)
        self._door.came(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._gate is not None:
            self._door.went(self._gate, exc)

    def begin_auth(self, username: str) -> bool:
        return True

    def auth_completed(self) -> None:
        if self._gate is not None:
            self._gate.proven()

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._gate is not None and self._gate.expects(key.public_data, is_authority=False)

    def validate_ca_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._gate is not None and self._gate.expects(key.public_data, is_authority=True)

    def password_auth_supported(self) -> bool:
        return False

    def kbdint_auth_supported(self) -> bool:
        return False

    def host_based_auth_supported(self) -> bool:
        return False

    def session_requested(self) -> Any:
        """A channel and what answers on it. Raises ChannelOpenError, whose words the client shows."""
        gate = self._gate
        if gate is None or gate.person is None:
            raise asyncssh.ChannelOpenError(PROHIBITED, "nobody has logged in")
        if gate.channels >= CHANNELS:
            gate.refused(f"more than {CHANNELS} channels", word=Why.CHANNELS)
            raise asyncssh.ChannelOpenError(OPEN_RESOURCE_SHORTAGE, f"a connection has at most {CHANNELS} channels here")
        if full := self._door.hall.full_for(gate.person):
            gate.refused("session", full, word=Why.FULL)
            raise asyncssh.ChannelOpenError(OPEN_RESOURCE_SHORTAGE, full)
        try:
            session = self._door.hall.session(gate.person, gate)
        except Exception as wrong:
            log.exception("no session could be made for %s", gate.person.name)
            raise asyncssh.ChannelOpenError(OPEN_CONNECT_FAILED, "a fault of midwatch's own; its log says more") from wrong
        loop = asyncio.get_running_loop()
        return Canal(gate, loop, gate.may_have_pty, False, False, 0, 1024, None, "strict", WINDOW, PACKET), session

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        raise self._never(Why.FORWARDING, f"direct-tcpip {dest_host}:{dest_port}")

    def unix_connection_requested(self, dest_path: str) -> bool:
        raise self._never(Why.FORWARDING, f"direct-streamlocal {dest_path}")

    def tun_requested(self, unit: int | None) -> bool:
        raise self._never(Why.TUNNEL, f"tun {unit}")

    def tap_requested(self, unit: int | None) -> bool:
        raise self._never(Why.TUNNEL, f"tap {unit}")

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        self._never(Why.FORWARDING, f"tcpip-forward {listen_host}:{listen_port}")
        return False

    def unix_server_requested(self, listen_path: str) -> bool:
        self._never(Why.FORWARDING, f"streamlocal-forward {listen_path}")
        return False

    def _never(self, word: Why, what: str) -> asyncssh.ChannelOpenError:
        if self._gate is not None:
            self._gate.refused(what, word=word)
        return asyncssh.ChannelOpenError(PROHIBITED, "nothing is forwarded here")


def _weak(signature: bytes) -> str:
    """asyncssh takes from a client what it would not offer: RSA with SHA-1."""
    try:
        name = Wire(signature).string().decode("ascii", "replace")
    except Torn:
        return "a signature that cannot be read"
    return "" if name in SIGNATURES else f"signed with {name[:40]!a}, which is not good any more"
