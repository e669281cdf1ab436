"""What each mark of `kinds.py` asks of a value."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from console.config.kinds import Kind
from console.config.rate import bytes_per_s
from console.config.serve import endpoint


def judge(mark: Kind, value: Any, base: Path) -> tuple[Any, str]:
    """The value as it will be used, and what is wrong with it ("" when nothing is)."""
    if mark is Kind.COMMAND:
        return value, "must name a program" if not value or not value[0] else ""
    if not isinstance(value, str):
        return value, ""  # its type has already been told
    if not value.strip():
        return value, "must not be empty"
    if mark in (Kind.URL, Kind.PROXY):
        return value, _url(value)
    if mark is Kind.NAME:
        return value, "" if value.isprintable() else "must not hold control characters"
    if mark is Kind.RATE:
        return value, _understood(bytes_per_s, value)
    if mark is Kind.ENDPOINT:
        return value, _understood(endpoint, value)
    return _file(mark, value, base)


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return "is no URL: its host or port cannot be read"
    # The value itself is never repeated: it may carry a password, or a token in its query.
    if parts.username is not None or parts.password is not None:
        return "must not carry user or password; name the credential in `read` (basic) instead"
    if parts.scheme not in ("http", "https"):
        return "must begin with http:// or https://"
    if not parts.hostname or port == 0:
        return "names no host that can be reached"
    if any(character.isspace() or not character.isprintable() for character in value):
        return "must not hold blanks or control characters"
    return ""


def _understood(reader: Callable[[str], object], value: str) -> str:
    try:
        reader(value)
    except ValueError as wrong:
        return str(wrong)
    return ""


def _file(mark: Kind, value: str, base: Path) -> tuple[str, str]:
    try:
        path = Path(os.path.normpath(base / Path(value).expanduser()))
    except RuntimeError:
        return value, f"whose home is meant by `{value}`?"
    if mark is Kind.PATH:
        return str(path), ""
    try:
        status = path.stat()
    except (OSError, ValueError) as wrong:
        return str(path), f"cannot read {path}: {getattr(wrong, 'strerror', None) or wrong}"
    if not stat.S_ISREG(status.st_mode):
        return str(path), f"{path} is not a regular file"
    if not os.access(path, os.R_OK):
        return str(path), f"cannot read {path}: Permission denied"
    if mark is Kind.SECRET_FILE and status.st_mode & stat.S_IROTH:
        return str(path), (
            f"{path} can be read by everyone (mode {stat.S_IMODE(status.st_mode):04o}); chmod o-rwx it "
            "(a Kubernetes secret volume: defaultMode 0440)"
        )
    return str(path), ""
