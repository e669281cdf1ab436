"""The key by which this server is known again. Lost or replaced, every client warns; read by another, it can be played.

Made once, in the state directory, where the configuration names none. One that the configuration names is never made: a
volume that was not mounted would else become another identity, and nobody would see it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import asyncssh

from console.config.paths import made
from console.serve.door.blob import fingerprint

NAME = "ssh_host_ed25519_key"
_KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
_MOST = 64 * 1024


class HostKeyError(Exception):
    """There is none that may be used. The text says why and what to do."""


def host_key(configured: Path | None, state: Path) -> asyncssh.SSHKey:
    """The key. Blocks. Raises HostKeyError."""
    path = configured if configured is not None else state / NAME
    try:
        if configured is None and not os.path.lexists(path):
            _make(path)
        return _read(path)
    except FileNotFoundError as wrong:
        raise HostKeyError(
            f"there is no host key at {path}; make one: ssh-keygen -t ed25519 -N '' -f {path} (or leave out serve.host_key)"
        ) from wrong
    except OSError as wrong:
        raise HostKeyError(f"cannot use the host key {path}: {wrong.strerror or wrong}") from wrong


def told(key: asyncssh.SSHKey) -> str:
    """Its fingerprint, for the eye."""
    return fingerprint(key.public_data)


def _make(path: Path) -> None:
    made(path.parent)
    key = asyncssh.generate_private_key("ssh-ed25519", comment="midwatch")
    # Under another name first: whoever is killed here must not leave half a key.
    growing = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.export_private_key("openssh"))
            file.flush()
            os.fsync(file.fileno())
        os.link(growing, path)  # never over one that somebody else made meanwhile
    except FileExistsError:
        pass
    finally:
        growing.unlink()


def _read(path: Path) -> asyncssh.SSHKey:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise HostKeyError(f"the host key {path} is not a regular file")
        mode, owner, own = stat.S_IMODE(status.st_mode), status.st_uid, os.geteuid()
        if owner not in (0, own):
            raise HostKeyError(f"the host key {path} belongs to uid {owner}, neither to root nor to uid {own}; chown {own} it")
        # Root's may be read by our group: that is how a secret is mounted for those who are not root.
        allowed = 0o700 if owner == own else 0o740
        if mode & ~allowed:
            raise HostKeyError(
                f"the host key {path} can be read or written by others (mode {mode:04o}); chmod 600 it, and if others had "
                "access to this host, make a new one"
            )
        content = os.read(descriptor, _MOST)
    finally:
        os.close(descriptor)
    try:
        key = asyncssh.import_private_key(content)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as wrong:
        if "passphrase" in str(wrong).lower():
            raise HostKeyError(f"the host key {path} has a passphrase, and nobody is there to type it") from wrong
        raise HostKeyError(f"the host key {path} cannot be read as a private key: {wrong}") from wrong
    if (kind := key.algorithm.decode()) not in _KINDS:
        raise HostKeyError(f"the host key {path} is of the kind {kind}; make one: ssh-keygen -t ed25519 -N '' -f {path}")
    return key
