"""Every secret that a configuration names by file or variable, so that it can be hidden wherever it turns up.

Commands are not run for it: they cost time, and some of them a touch on a key. What they give is learnt when it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from console.redaction.redactor import SHORTEST

MAX_BYTES = 64 * 1024
_SECRET_WORDS = ("token", "auth", "key", "secret", "cookie", "signature", "passw")
_NOT_SECRET = ("ca_file", "cert_file", "policy_file", "checkpoint_file")


def known_secrets(config: msgspec.Struct, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Blocks. What cannot be read is not known: whoever needs it will tell."""
    found = {secret.strip() for secret in _of(config, environ)}
    return tuple(sorted(secret for secret in found if len(secret) >= SHORTEST))


def _of(value: Any, environ: Mapping[str, str]) -> Iterator[str]:
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _of_field(name, getattr(value, name), environ)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _of(each, environ)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _of(each, environ)


def _of_field(name: str, value: Any, environ: Mapping[str, str]) -> Iterator[str]:
    if not isinstance(value, str):
        if name == "headers" and isinstance(value, Mapping):
            yield from (each for header, each in value.items() if any(word in header.lower() for word in _SECRET_WORDS))
        else:
            yield from _of(value, environ)
    elif name.endswith("_env"):
        yield environ.get(value, "")
    elif name.endswith("_file") and name not in _NOT_SECRET:
        yield from _lines(value)


def _lines(file: str) -> Iterator[str]:
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(MAX_BYTES)
    except OSError:
        return
    text = content.decode("utf-8", "ignore")
    yield text
    yield from (line for line in text.splitlines() if len(line) >= 16 and not line.startswith("-----"))
