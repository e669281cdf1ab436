"""The global flags, and the two ways a command line is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from console import __version__
from console.config.link import LinkMode, link_mode
from console.model.scope import Scope


class UsageError(Exception):
    """The command line or the configuration cannot be used; the text says what to do. Exit code 2."""


class NotBuilt(Exception):
    """A command of the contract that this version does not have. Exit code 2."""

    def __init__(self, command: str) -> None:
        super().__init__(f"`midwatch {command}`".replace(" `", "`") + f" is not built yet in {__version__}")


class Flags(msgspec.Struct, frozen=True):
    """What the global flags say, or the environment where they are silent. None: the configuration
    decides.
    """

    config: Path | None = None  # None: the usual place
    site: str | None = None
    scope: Scope = Scope()
    write: bool = False  # no variable sets it: to be able to write is a decision of the moment
    theme: str | None = None
    log_file: Path | None = None
    link: LinkMode | None = None


def merged(given: Mapping[str, Any], environ: Mapping[str, str]) -> Flags:
    """Flags over MIDWATCH_CONFIG, MIDWATCH_SITE, MIDWATCH_SCOPE ("k=v k=v") and MIDWATCH_LOG_FILE.

    Raises UsageError for a scope that names no known dimension, and for a link that is none.
    """

    def of(flag: str) -> str | None:
        value = given.get(flag)
        return value if value is not None else environ.get(f"MIDWATCH_{flag.upper()}") or None

    config, log_file = of("config"), of("log_file")
    words = given.get("scope") or environ.get("MIDWATCH_SCOPE", "").split()
    try:
        scope = Scope.parse(words)
        link = link_mode(given["link"]) if given.get("link") is not None else None  # MIDWATCH_LINK as MIDWATCH_THEME
    except ValueError as wrong:
        raise UsageError(str(wrong)) from wrong
    return Flags(
        config=Path(config) if config is not None else None,
        site=of("site"),
        scope=scope,
        write=bool(given.get("write")),
        theme=given.get("theme"),  # MIDWATCH_THEME is laid over the configuration's key
        log_file=Path(log_file) if log_file is not None else None,
        link=link,
    )
