"""The first step of every command that watches something: its configuration and its site."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from console.commands.flags import Flags, UsageError
from console.config.errors import ConfigError
from console.config.load import load
from console.config.paths import config_file
from console.config.root import Config
from console.config.site import Site


class Opened(msgspec.Struct, frozen=True):
    """What a command works with. `path` is kept for reloading."""

    path: Path
    config: Config
    site_name: str
    site: Site


def config_path(flags: Flags, environ: Mapping[str, str]) -> Path:
    """--config, else where the environment puts it."""
    return flags.config if flags.config is not None else config_file(environ)


def loaded(flags: Flags, environ: Mapping[str, str]) -> tuple[Path, Config]:
    """The configuration and where it stands. Raises UsageError with all that is wrong with it, or how to
    begin one.
    """
    path = config_path(flags, environ)
    if not path.exists():
        at_place = "" if flags.config is None else f" --config {path}"
        raise UsageError(
            f"there is no configuration at {path}\n"
            f"  midwatch config init{at_place}    writes an example there to edit\n"
            "  midwatch demo           shows the console on an embedded platform, without any configuration"
        )
    try:
        return path, load(path, environ)
    except ConfigError as wrong:
        count = len(wrong.problems)
        raise UsageError(f"the configuration has {count} error{'s' * (count != 1)}\n{wrong}") from wrong


def opened(flags: Flags, environ: Mapping[str, str]) -> Opened:
    """The configuration and the site to watch. Raises UsageError."""
    path, config = loaded(flags, environ)
    try:
        name, site = config.choose(flags.site)
    except ValueError as wrong:
        raise UsageError(str(wrong)) from wrong
    return Opened(path=path, config=config, site_name=name, site=site)
