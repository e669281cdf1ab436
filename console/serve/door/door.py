"""The door: it listens, lets in whom the files of keys let in, and hands each session they ask for to the hall.

Nobody comes in but by a key or a certificate, under the name it is good for. Whoever has not logged in costs little and can be
dropped at any moment (`halfopen.py`); whoever has is counted, per person and in all. All refusals are recorded, and no number
of them fills the journal (`ledger.py`).

What must not be done here: read a configuration of ssh (anybody's `Match exec` would run here); tell a stranger why they were
refused; wait for a disk.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol

import asyncssh
from asyncssh.constants import DISC_BY_APPLICATION
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs

from console.config.serve import Serve
from console.config.serve import told as address_of
from console.model.instant import Clock
from console.serve.door.arrivals import Arrivals
from console.serve.door.connection import Callbacks, Gate
from console.serve.door.halfopen import HalfOpen
from console.serve.door.keyring import Keyring
from console.serve.door.porch import Porch
from console.serve.door.recorder import Recorder
from console.serve.door.refused import Denial, Why
from console.serve.door.trust import Grant, asked
from console.serve.person import Person
from console.serve.tally import Tally

BANNER = "midwatch"
HANG_UP_S = 2.0  # for clients to leave by themselves at the end
EMPTY_S = 60.0  # a connection without a session, as one that is shared is between two of them
_TOO_FAST = Denial(Why.TOO_FAST, "opens more connections than an address may")
_QUIET = (Why.WRONG_KEY, Why.UNKNOWN_PERSON)  # before a login: a client tries all the keys it has

_KEX = (
    *("mlkem768x25519-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com"),
    *("curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp521", "ecdh-sha2-nistp384", "ecdh-sha2-nistp256"),
)
_CIPHERS = (
    *("chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes128-ctr"),
)
_MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")

log = logging.getLogger(__name__)


class Hall(Protocol):
    """What sessions are made of."""

    def full_for(self, person: Any, /) -> str:
        """Why there is no room for one more session; empty when there is."""
        ...

    def session(self, person: Any, connection: Any, /) -> asyncssh.SSHServerSession[bytes]:
        """A session for a channel that this person has opened."""
        ...


class Door:
    """One a process, used from its loop. Nothing is accepted before `open` and after `shut`."""

    def __init__(
        self,
        settings: Serve,
        host_key: asyncssh.SSHKey,
        keyring: Keyring,
        hall: Hall,
        recorder: Recorder,
        clock: Clock,
        tally: Tally,
        *,
        told: Callable[[str], None] = lambda _mark: None,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`told` hears what is wrong with the files of keys, "" when nothing is any more. `wall`: certificates are good for
        times on the calendar, and asyncssh looks at the system's, too.
        """
        self.hall = hall
        self._settings = settings
        self._host_key = host_key
        self._keyring = keyring
        self._recorder = recorder
        self._clock = clock
        self._tally = tally
        self._tell = told
        self._wall = wall
        self._half_open = HalfOpen(settings.limits.unauthenticated, settings.limits.per_address)
        self._gates: set[Gate] = set()
        self._since: dict[Gate, float] = {}  # of those who are logged in, in the order in which they came
        self._shown: dict[Gate, bytes] = {}  # by what they were let in: asked for again when the files change
        self._arrivals = Arrivals(settings.limits.arrivals_per_s, settings.limits.arrivals_at_once)
        self._porches: list[Porch] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[Gate, asyncio.TimerHandle] = {}
        self._draining = ""

    async def open(self, sockets: list[socket.socket]) -> None:
        """Listen on these, which are bound already."""
        logging.getLogger("asyncssh").setLevel(logging.WARNING)  # who comes and goes is told by us, and in ASCII
        await self._keyring.read()
        self._keyring.changed = self._renewed
        self._tell(self._keyring.mark)
        loop = asyncio.get_running_loop()
        options = await asyncssh.SSHServerConnectionOptions.construct(**self._options())
        self._porches = [Porch(each, self._arrivals, lambda: Gate(self, loop, options), self._put_out) for each in sockets]
        self._tasks.add(asyncio.create_task(self._keyring.watch(), name="files of keys"))

    def shut(self, why: str) -> None:
        """Nobody new from now on; whoever is in stays."""
        self._draining = why
        for porch in self._porches:
            porch.close()
        for gate in self._gates - set(self._since):
            gate.abort()

    async def close(self) -> None:
        """Everybody out, and nothing of ours left."""
        self.shut(self._draining or "this server is stopped")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._hung_up()
        leaving = list(self._gates)
        for gate in leaving:
            gate.disconnect(DISC_BY_APPLICATION, self._draining)
        try:
            async with asyncio.timeout(2.0):
                await asyncio.gather(*(gate.wait_closed() for gate in leaving))
        except TimeoutError:
            for gate in leaving:
                gate.abort()

    async def _hung_up(self) -> None:
        """Whose last channel is closed hangs up by itself, with the exit code that it was told; told to disconnect in the same
        breath, a client takes the connection for broken and ends with 255.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(HANG_UP_S):
                await asyncio.gather(*(gate.wait_closed() for gate in self._gates & set(self._since)))

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it listens, with the ports that were really taken."""
        return tuple(address_of(porch.name[0], porch.name[1]) for porch in self._porches)

    @property
    def people(self) -> tuple[Person, ...]:
        """Who is logged in, one entry a connection, in the order in which they came."""
        return tuple(gate.person for gate in self._since if gate.person is not None)

    def _options(self) -> dict[str, object]:
        settings = self._settings
        return {
            "config": None,
            "server_factory": lambda: Callbacks(self),
            "server_version": BANNER,
            "server_host_keys": [self._host_key],
            "kex_algs": _among(_KEX, get_kex_algs()),
            "encryption_algs": _among(_CIPHERS, get_encryption_algs()),
            "mac_algs": _among(_MACS, get_mac_algs()),
            "compression_algs": ["none"],  # a few bytes may unpack to many, and what we send is short already
            "signature_algs": [
                *("ssh-ed25519", "sk-ssh-ed25519@openssh.com", "rsa-sha2-512", "rsa-sha2-256", "ecdsa-sha2-nistp256"),
                *("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "sk-ecdsa-sha2-nistp256@openssh.com"),
            ],
            "login_timeout": settings.login_s,
            "keepalive_interval": settings.keepalive_s,
            "keepalive_count_max": settings.keepalive_count,
            "public_key_auth": True,
            "password_auth": False,
            "kbdint_auth": False,
            "host_based_auth": False,
            "gss_host": None,
            "gss_kex": False,
            "gss_auth": False,
            "x509_trusted_certs": None,
            "agent_forwarding": False,
            "x11_forwarding": False,
            "allow_pty": True,
            "line_editor": False,
            "encoding": None,
            "rdns_lookup": False,
            "allow_scp": False,
            "tcp_keepalive": True,
        }

    # -- asked by connections ------------------------------------------------------------------------------------------
    def came(self, gate: Gate) -> None:
        """Somebody has connected. Whoever must go for it goes now."""
        self._tally.connected()
        self._gates.add(gate)
        goes = self._half_open.came(gate, gate.address)
        self._count()
        if isinstance(goes, Gate):
            goes.denied(Denial(Why.HALF_OPEN, "did not log in, and there were too many of them"))
            goes.abort()

    def went(self, gate: Gate, _why: Exception | None) -> None:
        """The connection is gone."""
        self._gates.discard(gate)
        self._half_open.left(gate)
        self._count()
        self._shown.pop(gate, None)
        if (timer := self._timers.pop(gate, None)) is not None:
            timer.cancel()
        since = self._since.pop(gate, None)
        if since is not None and gate.person is not None:
            self._recorder.went(gate.person, self._clock.now().mono - since)
            return
        if not gate.denials and (gate.claimed or not self._draining):  # those that we dropped unheard say nothing
            gate.denied(Denial(*_silence(gate, _why)))
        self._told(gate, gate.denials)

    async def asked(self, name: str, blob: bytes, address: str) -> Grant | Denial:
        """Whether this key, or this certificate, would let them in under this name."""
        return asked(await self._keyring.fresh(), name, blob, address, self._wall())

    def admitted(self, gate: Gate, person: Person) -> str:
        """They have proven who they are: why there is no room for them, or empty, and then they are in."""
        self._half_open.left(gate)
        self._count()
        limits = self._settings.limits
        own = Counter(each.name for each in self.people)[person.name]
        if self._draining:
            return self._draining
        if len(self._since) >= limits.sessions:
            return f"all {limits.sessions} places are taken: try again later"
        if own >= limits.per_user:
            return f"{person.name} is here {own} times already, which is the most: close one of them"
        self._since[gate] = self._clock.now().mono
        self._tally.logged_in("certificate" if person.certificate else "key")
        self._recorder.came(person)
        self._told(gate, [each for each in gate.denials if each.why not in _QUIET])
        self.is_empty(gate)
        return ""

    def refused(self, person: Person, why: Why, what: str) -> None:
        """A person who is in asked for what there is not."""
        self._tally.refused(why.value)
        self._recorder.refused_request(person, why, what)

    def is_empty(self, gate: Gate) -> None:
        """It has no session; a moment from now it must have one, or go."""
        if gate in self._since:
            if (timer := self._timers.get(gate)) is not None:
                timer.cancel()
            self._timers[gate] = asyncio.get_running_loop().call_later(EMPTY_S, self._emptied, gate)

    # -- of our own ----------------------------------------------------------------------------------------------------
    def _emptied(self, gate: Gate) -> None:
        self._timers.pop(gate, None)
        if gate in self._since and not gate.channels:
            gate.disconnect(DISC_BY_APPLICATION, "no session was asked for")

    def _put_out(self, address: str) -> None:
        """A connection that was not heard: its address opens more of them than it may."""
        self._tally.refused(Why.TOO_FAST.value)
        self._recorder.refused_login(_TOO_FAST, "", address, "")

    def _told(self, gate: Gate, denials: list[Denial]) -> None:
        for denial in denials:
            self._tally.refused(denial.why.value)
            self._recorder.refused_login(denial, gate.claimed, gate.address, gate.method)

    def _count(self) -> None:
        self._tally.unauthenticated = len(self._half_open)

    def _renewed(self) -> None:
        """The files have changed: whoever would not be let in by them any more goes."""
        self._tell(self._keyring.mark)
        for gate in tuple(self._since):
            blob = self._shown.get(gate)
            if gate.person is None or blob is None:
                continue
            found = asked(self._keyring.trust, gate.person.name, blob, gate.person.address, self._wall())
            if isinstance(found, Grant):
                why, text = Why.ROLES, "its roles are others now"
                if found.person.roles == gate.person.roles:
                    continue
            else:
                why, text = found.why, found.text
                if why is Why.EXPIRED and gate.person.certificate:
                    continue  # good for the hour in which one logs in, and not for that in which one leaves
            log.warning("%s is put out: %s", gate.person.name, text)
            self.refused(gate.person, why, f"to stay: {text}")
            gate.disconnect(DISC_BY_APPLICATION, "your key is no longer good here as it was: log in again")

    def shown(self, gate: Gate, blob: bytes) -> None:
        """By what somebody was let in."""
        self._shown[gate] = blob


def _silence(gate: Gate, why: Exception | None) -> tuple[Why, str]:
    if isinstance(why, asyncssh.ConnectionLost) and "timeout" in str(why).lower():
        return Why.LATE, "did not log in in time"
    if why is not None and not isinstance(why, asyncssh.ConnectionLost | OSError):
        return Why.NOT_SSH, f"{type(why).__name__}: {why}"[:200]
    if gate.claimed:
        return Why.NO_KEY, "showed no key, and only keys and certificates are good here"
    return Why.LEFT, "went without having said anything"


def _among(wanted: tuple[str, ...], there: list[bytes]) -> list[str]:
    """Those that this build of asyncssh has."""
    return [each for each in wanted if each.encode() in there]
