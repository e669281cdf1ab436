"""Signed checkpoints: what a chain's end was at some moment, told to a place that its owner cannot reach back into.

A line of the checkpoint file says "record N of this chain has this hash", signed with Ed25519. The file is for another
host to collect (a log shipper, scp, a mount that only grows). A chain that is later shorter than its checkpoint, or has
another record N, was cut or rewritten.

The signature says that a midwatch with this key made the line, so that a collector who holds the public half needs to
trust neither the way there nor its other suppliers, and cannot forge one himself: that is why it is not an HMAC. It proves
nothing against whoever can read the private key, which is the account that writes the chains; against that account only
the copy that was already collected stands. Give collectors the public half (`checkpoint.pub`) by a way of your own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from console.actions.audit.checkpoint import BadLine, Checkpoint, ForeignLine, TornLine
from console.config.paths import made

EVERY_RECORDS = 256
EVERY_S = 60.0
MAX_LINE = 4096
_CONTEXT = b"midwatch audit checkpoint 1\n"  # so that a signature of ours can never pass for one of something else
_PRIVATE, _PUBLIC = "checkpoint.key", "checkpoint.pub"
_CANONICAL = msgspec.json.Encoder(order="sorted")


class KeyUnusable(Exception):
    """A key that is not there or is none; the text says which and what to do."""


class Checkpoints:
    """Signs and appends. Blocks; called in the writer's thread."""

    def __init__(
        self, path: Path, key: Ed25519PrivateKey, every_records: int = EVERY_RECORDS, every_s: float = EVERY_S
    ) -> None:
        self.path = path
        self.key_id = key_id(key.public_key())
        self.every_records = every_records
        self.every_s = every_s
        self._key = key

    def append(self, chain: str, sequence: int, digest: str, at: datetime) -> None:
        """One line, in one write, synced. Several processes may append to one file. Raises OSError."""
        unsigned = Checkpoint(at=at, chain=chain, sequence=sequence, hash=digest, key=self.key_id)
        signature = base64.b64encode(self._key.sign(_signed_bytes(unsigned))).decode()
        line = _CANONICAL.encode(msgspec.structs.replace(unsigned, signature=signature)) + b"\n"
        # Readable by a collector's account; it holds names of chains and hashes.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if os.write(descriptor, line) != len(line):
                raise OSError("only part of the line could be written")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read(path: Path, key: Ed25519PublicKey) -> Iterator[Checkpoint | BadLine | ForeignLine | TornLine]:
    """Every line of a checkpoint file, judged with one public key. Raises OSError when it cannot be read."""
    ours = key_id(key)
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE):
            number += 1
            yield _judged(line, number, key, ours)
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE)


def _judged(
    line: bytes, number: int, key: Ed25519PublicKey, ours: str
) -> Checkpoint | BadLine | ForeignLine | TornLine:
    if not line.endswith(b"\n"):
        return TornLine(number) if len(line) < MAX_LINE else BadLine(number, "is far too long")
    try:
        checkpoint = msgspec.json.decode(line, type=Checkpoint)
        signature = base64.b64decode(checkpoint.signature, validate=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error, ValueError):
        return BadLine(number, "is no checkpoint")
    if checkpoint.key != ours:
        return ForeignLine(number, checkpoint.key)
    try:
        key.verify(signature, _signed_bytes(checkpoint))
    except InvalidSignature:
        return BadLine(number, "is not signed by the key it names")
    return checkpoint


def _signed_bytes(checkpoint: Checkpoint) -> bytes:
    return _CONTEXT + _CANONICAL.encode(msgspec.structs.replace(checkpoint, signature=""))


def key_id(key: Ed25519PublicKey) -> str:
    """How a line names the key."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def signing_key(state: Path) -> Ed25519PrivateKey:
    """The key under the state directory; made at first use, with its public half beside it. Raises KeyUnusable, OSError."""
    path = made(state) / _PRIVATE
    if not path.exists():
        fresh = Ed25519PrivateKey.generate()
        # Linked into place whole: two processes may start at once, and the second takes the first one's.
        draft = state / f"{_PRIVATE}.{os.getpid()}"
        _written(draft, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = _loaded(path)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    beside = state / _PUBLIC
    if not beside.exists() or beside.read_bytes() != public:
        _written(beside, public, 0o644)
    return key


def _loaded(path: Path) -> Ed25519PrivateKey:
    if path.stat().st_mode & 0o077:
        raise KeyUnusable(f"{path} can be read by others; chmod 600 it, or remove it and a new one is made")
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as wrong:
        raise KeyUnusable(f"{path} holds no private key; remove it and a new one is made") from wrong
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusable(f"{path} holds no Ed25519 key; remove it and a new one is made")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """The public half with which a checkpoint file is judged. Raises KeyUnusable."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as wrong:
        raise KeyUnusable(f"cannot read the public key {path}: {wrong.strerror or wrong}") from wrong
    except (ValueError, UnsupportedAlgorithm) as wrong:
        raise KeyUnusable(f"{path} holds no public key") from wrong
    if not isinstance(key, Ed25519PublicKey):
        raise KeyUnusable(f"{path} holds no Ed25519 public key")
    return key


def public_key_path(state: Path) -> Path:
    """Where the public half of this host's key stands."""
    return state / _PUBLIC


def _written(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
