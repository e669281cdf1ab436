"""`midwatch config check|schema|path|init`."""

from __future__ import annotations

import json
from collections.abc import Mapping

from console.commands.flags import Flags, UsageError
from console.commands.opening import config_path, loaded
from console.exit_codes import ExitCode


def run(flags: Flags, environ: Mapping[str, str], action: str) -> ExitCode:
    """One of the four. What is wrong is a UsageError, so exit code 2."""
    match action:
        case "check":
            _check(flags, environ)
        case "schema":
            from console.config.schema import schema

            print(json.dumps(schema(), indent=2))
        case "path":
            print(config_path(flags, environ))
        case "init":
            _init(flags, environ)
        case _:
            raise ValueError(action)
    return ExitCode.OK


def _check(flags: Flags, environ: Mapping[str, str]) -> None:
    path, config = loaded(flags, environ)
    if flags.site is not None:
        try:
            config.choose(flags.site)
        except ValueError as wrong:
            raise UsageError(str(wrong)) from wrong
    print(f"{path}: good; site{'s' * (len(config.sites) != 1)} {', '.join(config.sites)}")


def _init(flags: Flags, environ: Mapping[str, str]) -> None:
    from console.config.init import write_example

    path = config_path(flags, environ)
    try:
        write_example(path)
    except FileExistsError as wrong:
        raise UsageError(
            f"{path} exists already and is left as it is; edit it, or name another with --config"
        ) from wrong
    except OSError as wrong:
        raise UsageError(f"cannot write {path}: {wrong.strerror or wrong}") from wrong
    print(path)
