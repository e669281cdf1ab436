"""One line of a person's file of public keys, in OpenSSH's format, and what its options mean here.

`from=`, `expiry-time=`, `no-pty` (and `restrict`, `pty`) and `environment="MIDWATCH_ROLES=a,b"` are honoured. What forbids
forwarding, X11, agents or an rc file is accepted and changes nothing: there is none of it here. Any other option would be a
promise that is not kept, so its line lets nobody in.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec
from asyncssh import KeyImportError, import_public_key
from asyncssh.misc import ip_address, ip_network
from asyncssh.pattern import HostPatternList

from console.serve.door.blob import Torn, Wire

ROLES = "MIDWATCH_ROLES"
LEAST_RSA_BITS = 2048
MAX_LINE = 16 * 1024  # characters; an RSA key of 16384 bits with options is a quarter of it
_TYPES = frozenset(
    (
        *("ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ssh-rsa"),
        *("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "sk-ecdsa-sha2-nistp256@openssh.com"),
    )
)
_NEVER_HERE = frozenset(("no-port-forwarding", "no-agent-forwarding", "no-x11-forwarding", "no-user-rc"))
_OPTION = re.compile(r'([A-Za-z0-9-]+)(?:="((?:[^"\\]|\\.)*)")?(,|[ \t]+|\Z)')
_TIME = re.compile(r"(\d{8})(?:(\d{4})(\d{2})?)?(Z?)")


class Refusing(ValueError):
    """Why this line lets nobody in."""


class KeyLine(msgspec.Struct, frozen=True, kw_only=True):
    """A key, and under which conditions it is good."""

    key: bytes
    number: int  # of the line, from 1
    sources: tuple[str, ...] = ()  # each a list of patterns, of which all must fit
    expires_at: datetime | None = None
    roles: tuple[str, ...] | None = None
    may_have_pty: bool = True

    def is_from(self, address: str) -> bool:
        """Whether it is good from there. Addresses only: a name would be what a resolver says of a stranger."""
        return all(_patterns(each).matches("", address, ip_address(address)) for each in self.sources)


def read(line: str, number: int) -> KeyLine | None:
    """What stands in a line; None for a comment or an empty one. Raises Refusing."""
    text = line.strip()
    if not text or text.startswith("#"):
        return None
    if len(text) > MAX_LINE:
        raise Refusing(f"has {len(text)} characters; a key has at most {MAX_LINE}")
    options, rest = _options(text)
    key = public_key(rest)
    found = KeyLine(key=key, number=number)
    for name, value in options:
        found = _with(found, name, value)
    return found


def public_key(text: str) -> bytes:
    """The blob of a key as it stands in a .pub file. Raises Refusing for what is none, and for what is too weak."""
    kind, _, rest = text.partition(" ")
    if kind not in _TYPES:
        if "-cert-v01@openssh.com" in kind:
            raise Refusing("is a certificate, not a key")
        raise Refusing(f"holds no key of a kind that is good here ({kind[:40]!a})")
    try:
        blob: bytes = import_public_key(f"{kind} {rest.split()[0] if rest.split() else ''}").public_data
    except (KeyImportError, ValueError) as wrong:
        raise Refusing(f"holds a key that cannot be read: {wrong}") from wrong
    if weak := weakness(blob):
        raise Refusing(weak)
    return blob


def weakness(key: bytes) -> str:
    """Why a key must not be relied on; "" where it may."""
    try:
        wire = Wire(key)
        kind = wire.string().decode("ascii", "replace")
        if kind not in _TYPES:
            return f"a key of the kind {kind[:40]!a} is not good here"
        if kind == "ssh-rsa":
            wire.string()
            bits = int.from_bytes(wire.string()).bit_length()
            if bits < LEAST_RSA_BITS:
                return f"an RSA key of {bits} bits is too short; at least {LEAST_RSA_BITS}"
    except Torn as wrong:
        return f"a key that cannot be read: {wrong}"
    return ""


def _options(text: str) -> tuple[list[tuple[str, str | None]], str]:
    """The options before the key, in their order, and the key."""
    options: list[tuple[str, str | None]] = []
    if text.split(None, 1)[0] in _TYPES:
        return options, text
    at = 0
    while True:
        found = _OPTION.match(text, at)
        if found is None:
            raise Refusing(f"cannot be read from here on: {text[at : at + 30]!a}")
        value = found[2]
        options.append((found[1].lower(), value.replace('\\"', '"') if value is not None else None))
        at = found.end()
        if found[3] != ",":
            return options, text[at:]


def _with(line: KeyLine, name: str, value: str | None) -> KeyLine:
    given = msgspec.structs.replace
    if value is None:
        if name in _NEVER_HERE:
            return line
        if name in ("restrict", "no-pty"):
            return given(line, may_have_pty=False)
        if name == "pty":
            return given(line, may_have_pty=True)
    elif name == "from":
        return given(line, sources=(*line.sources, _checked(value)))
    elif name == "expiry-time":
        until = _moment(value)
        return given(line, expires_at=until if line.expires_at is None else min(until, line.expires_at))
    elif name == "environment":
        return given(line, roles=_roles(value, line.roles))
    raise Refusing(f"has the option `{name}`, which is not kept here; without it the line is good")


def _roles(value: str, before: tuple[str, ...] | None) -> tuple[str, ...]:
    name, is_set, words = value.partition("=")
    if name != ROLES or not is_set:
        raise Refusing(f"sets {name[:40]!a}; only {ROLES} can be set")
    if before is not None:
        raise Refusing(f"sets {ROLES} twice")
    return tuple(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))


def _patterns(value: str) -> HostPatternList:
    return HostPatternList(value)


def _checked(value: str) -> str:
    for pattern in value.split(","):
        bare = pattern.removeprefix("!")
        if not bare or not re.fullmatch(r"[0-9A-Fa-f:.*?/]+", bare):
            raise Refusing(f"is good only from {pattern[:60]!a}, and names of hosts are not looked up here; write addresses")
        if "/" in bare:
            try:
                _patterns(bare)
                if "*" in bare or "?" in bare:
                    raise ValueError
                ip_network(bare)
            except ValueError as wrong:
                raise Refusing(f"is good only from {pattern[:60]!a}, which is no network") from wrong
    return value


def _moment(value: str) -> datetime:
    """YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, of this host's zone, or with a Z behind it of UTC."""
    found = _TIME.fullmatch(value)
    try:
        if found is None:
            raise ValueError("")
        naive = datetime.strptime(f"{found[1]}{found[2] or '0000'}{found[3] or '00'}", "%Y%m%d%H%M%S")
        return naive.replace(tzinfo=UTC) if found[4] else naive.astimezone().astimezone(UTC)
    except (ValueError, OverflowError) as wrong:
        raise Refusing(f"expires at {value[:40]!a}, which is no time; write YYYYMMDD or YYYYMMDDHHMMSSZ") from wrong

