"""What a test needs of the machine; without it the test is skipped, and says which is missing."""

from __future__ import annotations

import os
import shutil

import pytest

_OF = {
    "ssh": "openssh-client", "ssh-keygen": "openssh-client", "sftp": "openssh-client", "scp": "openssh-client",
    "sshd": "openssh-server", "ip": "iproute2", "tmux": "tmux",
}  # fmt: skip


def need(*programs: str) -> None:
    """Skips where one is missing."""
    for program in programs:
        if found(program) is None:
            pytest.skip(f"{program} is missing (Debian: {_OF.get(program, program)})")


def need_root() -> None:
    """Skips where a namespace cannot be made, or sshd cannot become another user."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a network namespace, or sshd, is made")


def found(program: str) -> str | None:
    """Where it is; sshd and ip stand where the PATH of a user does not look."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")
