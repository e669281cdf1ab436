"""A key revocation list as `ssh-keygen -k` writes it (OpenSSH's PROTOCOL.krl, format version 1), read.

A list that cannot be read to its end is no list: what its last section would have revoked must not get in by being the last.
Its own signature is not checked: the file is believed for where it lies and who may write it, as ca_keys is.
"""

from __future__ import annotations

import hashlib

import msgspec

from console.serve.door.blob import Torn, Wire

MAGIC = b"SSHKRL\n\0"
_CERTIFICATES, _KEYS, _SHA1, _SIGNATURE, _SHA256, _EXTENSION = 1, 2, 3, 4, 5, 255
_SERIALS, _RANGE, _BITMAP, _IDS, _CERT_EXTENSION = 0x20, 0x21, 0x22, 0x23, 0x39
_MOST_BITS = 8 * 1024 * 1024


class Bits(msgspec.Struct, frozen=True):
    """Serials as bits, of which the lowest stands for `first`."""

    first: int
    bits: int

    def has(self, serial: int) -> bool:
        place = serial - self.first
        return 0 <= place < self.bits.bit_length() and bool(self.bits >> place & 1)


class OfAuthority(msgspec.Struct):
    """What is revoked of one authority; of any, where `authority` is empty."""

    authority: bytes
    serials: set[int]
    ranges: list[tuple[int, int]]
    bitmaps: list[Bits]
    ids: set[str]

    def has(self, authority: bytes, serial: int, key_id: str) -> bool:
        """Serial 0 is what an authority writes that does not count, so it revokes nobody by itself."""
        if self.authority and self.authority != authority:
            return False
        if key_id in self.ids:
            return True
        if serial == 0:
            return False
        return (
            serial in self.serials
            or any(low <= serial <= high for low, high in self.ranges)
            or any(bitmap.has(serial) for bitmap in self.bitmaps)
        )


class Revoked(msgspec.Struct):
    """Everything that is revoked. Keys are also the authorities': what they signed goes with them."""

    keys: set[bytes]
    sha1: set[bytes]
    sha256: set[bytes]
    certificates: list[OfAuthority]

    @classmethod
    def nothing(cls) -> Revoked:
        return cls(set(), set(), set(), [])

    def has_key(self, key: bytes) -> bool:
        """Whether this key is revoked, as it is or by its hash."""
        return (
            key in self.keys
            or (bool(self.sha256) and hashlib.sha256(key).digest() in self.sha256)
            or (bool(self.sha1) and hashlib.sha1(key, usedforsecurity=False).digest() in self.sha1)
        )

    def has_certificate(self, authority: bytes, serial: int, key_id: str) -> bool:
        """Whether this certificate is revoked by its serial or its id."""
        return any(each.has(authority, serial, key_id) for each in self.certificates)


def read(data: bytes) -> Revoked:
    """Raises Torn, saying what stands in the way."""
    wire = Wire(data)
    if wire.take(len(MAGIC)) != MAGIC:
        raise Torn("is no revocation list")
    if (version := wire.u32()) != 1:
        raise Torn(f"is a revocation list of version {version}; only 1 can be read")
    wire.u64(), wire.u64(), wire.u64()  # its number, when it was made, flags
    wire.string(), wire.string()  # reserved, a comment
    found = Revoked.nothing()
    while wire:
        kind = wire.byte()
        if kind == _SIGNATURE:
            wire.string(), wire.string()
            continue
        section = wire.within()
        if kind == _CERTIFICATES:
            found.certificates.append(_certificates(section))
        elif kind in (_KEYS, _SHA1, _SHA256):
            into = {_KEYS: found.keys, _SHA1: found.sha1, _SHA256: found.sha256}[kind]
            while section:
                into.add(section.string())
        elif kind == _EXTENSION:
            _extension(section)
        else:
            raise Torn(f"has a section of the kind {kind}, which is not known")
    return found


def _certificates(wire: Wire) -> OfAuthority:
    found = OfAuthority(wire.string(), set(), [], [], set())
    wire.string()  # reserved
    while wire:
        kind = wire.byte()
        section = wire.within()
        if kind == _SERIALS:
            while section:
                found.serials.add(section.u64())
        elif kind == _RANGE:
            found.ranges.append((section.u64(), section.u64()))
        elif kind == _BITMAP:
            first, bits = section.u64(), section.string()
            if len(bits) * 8 > _MOST_BITS:
                raise Torn("holds a bitmap that is too large")
            found.bitmaps.append(Bits(first, int.from_bytes(bits)))
        elif kind == _IDS:
            found.ids.update(section.names())
        elif kind == _CERT_EXTENSION:
            _extension(section)
        else:
            raise Torn(f"has certificates revoked in a way ({kind}) that is not known")
    return found


def _extension(wire: Wire) -> None:
    """Raises Torn for one that must be understood."""
    name, is_critical = wire.string(), wire.byte()
    if is_critical:
        raise Torn(f"demands {name[:40]!a}, which is not known")
