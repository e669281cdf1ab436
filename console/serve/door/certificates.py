"""A user certificate of OpenSSH, read, and whether it lets its bearer in under a name.

A certificate whose list of principals is empty is, for OpenSSH, good for any name; whoever bears one could then choose whom
the audit names, and be the second person of their own operation. So it is refused here, whatever else it says.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from asyncssh.misc import ip_address, ip_network

from console.serve.door.blob import Torn, Wire, fingerprint
from console.serve.door.keyline import weakness
from console.serve.door.refused import Denial, Why

SUFFIX = "-cert-v01@openssh.com"
SIGNATURES = frozenset(
    (
        *("ssh-ed25519", "sk-ssh-ed25519@openssh.com", "rsa-sha2-256", "rsa-sha2-512"),
        *("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "sk-ecdsa-sha2-nistp256@openssh.com"),
        "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
    )
)  # RSA with SHA-1 is not among them
_USER = 1
_KEY_PARTS = {  # how many strings the key takes between the nonce and the serial
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "sk-ssh-ed25519@openssh.com": 2,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What one says. Its authority's signature is checked by asyncssh, together with that of its bearer."""

    key: bytes  # the blob of the bearer's plain key
    serial: int
    kind: int
    id: str
    principals: tuple[str, ...]
    valid_after: int  # seconds since 1970
    valid_before: int
    critical: tuple[tuple[str, bytes], ...]
    authority: bytes  # the blob of the key that signed it
    signed_with: str

    @property
    def told(self) -> str:
        """For the audit: whose, which, by whom."""
        return f"{self.id} serial {self.serial} by {fingerprint(self.authority)}"


def is_certificate(blob: bytes) -> bool:
    """Whether this is one, by the name in front."""
    try:
        return Wire(blob).string().endswith(SUFFIX.encode())
    except Torn:
        return False


def read(blob: bytes) -> Certificate:
    """Raises Torn for what is none, and for a kind of key that is not good here."""
    wire = Wire(blob)
    algorithm = wire.string().decode("ascii", "replace")
    kind = "sk-" + algorithm[3:] if algorithm.startswith("sk-") else algorithm
    kind = kind.removesuffix(SUFFIX) + ("@openssh.com" if algorithm.startswith("sk-") else "")
    parts = _KEY_PARTS.get(kind)
    if parts is None:
        raise Torn(f"a certificate of the kind {algorithm[:60]!a} is not good here")
    wire.string()  # the nonce
    key = [kind.encode(), *(wire.string() for _ in range(parts))]
    return Certificate(
        key=b"".join(len(part).to_bytes(4) + part for part in key),
        serial=wire.u64(),
        kind=wire.u32(),
        id=wire.string().decode("utf-8", "backslashreplace")[:200],
        principals=wire.within().names(),
        valid_after=wire.u64(),
        valid_before=wire.u64(),
        critical=_critical(wire.within()),
        authority=(wire.string(), wire.string(), wire.string())[2],  # extensions and what is reserved grant nothing here
        signed_with=wire.within().string().decode("ascii", "replace"),
    )


def _critical(wire: Wire) -> tuple[tuple[str, bytes], ...]:
    found = []
    while wire:
        found.append((wire.string().decode("utf-8", "backslashreplace"), wire.string()))
    return tuple(found)


def refusal(certificate: Certificate, name: str, address: str, authorities: frozenset[bytes], now: datetime) -> Denial | None:
    """Why it does not let its bearer in as `name` from `address`; None where it does."""
    found = _refusal(certificate, name, address, authorities, now)
    if found is None:
        return None
    return Denial(found[0], f"{found[1]} ({certificate.told})", fingerprint(certificate.key))


def _refusal(
    certificate: Certificate, name: str, address: str, authorities: frozenset[bytes], now: datetime
) -> tuple[Why, str] | None:
    if certificate.authority not in authorities:
        return Why.WRONG_AUTHORITY, "signed by an authority that is not believed here"
    if certificate.kind != _USER:
        return Why.HOST_CERTIFICATE, "is of a host, not of a person"
    if certificate.signed_with not in SIGNATURES:
        return Why.WEAK_KEY, f"signed with {certificate.signed_with[:40]!a}"
    for key in (certificate.key, certificate.authority):
        if weak := weakness(key):
            return Why.WEAK_KEY, weak
    if not certificate.principals:
        return Why.NO_PRINCIPALS, "names no principals, so it would be good for any name"
    if name not in certificate.principals:
        return Why.WRONG_PRINCIPAL, f"is good for {', '.join(certificate.principals)[:100]!a} only"
    seconds = now.timestamp()
    if seconds < certificate.valid_after:
        return Why.NOT_YET_VALID, f"is good only from {_told(certificate.valid_after)} on"
    if seconds >= certificate.valid_before:
        return Why.EXPIRED, f"was good until {_told(certificate.valid_before)}"
    for option, value in certificate.critical:
        if option != "source-address":  # also force-command: what it would force is not what this server does
            return Why.CRITICAL_OPTION, f"demands {option[:60]!a}, which is not kept here"
        if not _is_from(value, address):
            return Why.WRONG_ADDRESS, "is not good from this address"
    return None


def _told(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return f"second {seconds}"


def _is_from(value: bytes, address: str) -> bool:
    try:
        networks = Wire(value).string().decode("ascii").split(",")
        return any(ip_address(address) in ip_network(each.strip()) for each in networks)
    except ValueError:  # Torn and UnicodeDecodeError are of its kind
        return False
