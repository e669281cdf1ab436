"""File and environment to `Config`, or to every reason why not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

import msgspec

from console.config.check import walked
from console.config.document import MAX_BYTES, Document, document
from console.config.environment import overlaid
from console.config.errors import ENVIRONMENT, ConfigError, Path, Problem, dotted
from console.config.root import Config
from console.config.rules import broken_rules
from console.config.scope import DEFAULTS

__all__ = ["MAX_BYTES", "load"]


def load(path: FilePath, environ: Mapping[str, str]) -> Config:
    """The configuration at `path` with `environ` over it. Raises ConfigError with everything that is wrong.

    Relative files in it are taken from the directory of `path`. No credential is read, only looked at from
    outside.
    """
    read = document(path)
    overlay = overlaid(read.raw, environ, Config)
    problems = list(overlay.problems)

    def tell(key: Path, what: str, near: str | None) -> None:
        problems.append(_problem(read, overlay.origins, key, what, near))

    checked = walked(Config, overlay.raw, path.absolute().parent, tell, broken_rules)
    if problems:
        raise ConfigError(problems)
    try:
        return msgspec.convert(_with_scope_defaults(checked), Config)
    except msgspec.ValidationError as wrong:  # the walk should have met it; never let it pass as a traceback
        raise ConfigError([Problem(str(path), None, "", str(wrong))]) from wrong


def _problem(read: Document, origins: Mapping[Path, str], key: Path, what: str, near: str | None) -> Problem:
    for length in range(len(key), 0, -1):
        if key[:length] in origins:
            below = dotted(key[length:])
            return Problem(
                ENVIRONMENT, None, origins[key[:length]], f"{below}: {what}" if below else what, near
            )
    return read.problem(key, what, near)


def _with_scope_defaults(raw: dict[str, Any]) -> dict[str, Any]:
    """What a [scope.DIMENSION] leaves out keeps the default of that dimension, not of an empty table."""
    given = raw.get("scope")
    if not given:
        return raw
    defaults: dict[str, dict[str, str]] = msgspec.to_builtins(DEFAULTS)
    return {
        **raw,
        "scope": {dimension: {**defaults[dimension], **names} for dimension, names in given.items()},
    }
