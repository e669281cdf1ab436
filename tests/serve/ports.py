"""Ports of loopback."""

from __future__ import annotations

import socket


def free_port() -> int:
    """One that nobody holds now. Between this and its use somebody could; who starts a server says what became of it."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        number: int = sock.getsockname()[1]
        return number


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether an SSH server says its version there."""
    try:
        with socket.create_connection((host, port), timeout=2) as sock:
            return sock.recv(4) == b"SSH-"
    except OSError:
        return False
