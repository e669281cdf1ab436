"""`midwatch config check|schema|path|init`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from console.commands.flags import Flags, UsageError
from console.commands.opening import config_path, loaded
from console.config import Config
from console.exit_codes import ExitCode


def run(
    flags: Flags, environ: Mapping[str, str], action: str, person: str | None = None, on: str | None = None
) -> ExitCode:
    """One of the four. What is wrong is a UsageError, so exit code 2."""
    if action != "check" and (person is not None or on is not None):
        raise UsageError("config: --person and --on go with `config check`")
    match action:
        case "check":
            return _check(flags, environ, person, on)
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


def _check(flags: Flags, environ: Mapping[str, str], person: str | None, on: str | None) -> ExitCode:
    path, config = loaded(flags, environ)
    if flags.site is not None or person is not None:
        try:
            site, _ = config.choose(flags.site)
        except ValueError as wrong:
            raise UsageError(str(wrong)) from wrong
    if person is not None or on is not None:
        if person is None or on is None:
            raise UsageError("config check: --person NAME and --on TARGET go together")
        return _explain(config, site, person, on)
    print(f"{path}: good; site{'s' * (len(config.sites) != 1)} {', '.join(config.sites)}")
    _check_policy(config)
    _check_keys(config)
    return ExitCode.OK


def _check_policy(config: Config) -> None:
    if config.policy_file is None:
        return  # a console that only reads needs none
    from console.commands.rights import policy_of, warnings

    policy = policy_of(config)
    roles, freezes = len(policy.roles), len(policy.freezes)
    print(
        f"{config.policy_file}: good; {roles} role{'s' * (roles != 1)}, {freezes} freeze{'s' * (freezes != 1)}, "
        f"version {policy.version[:12]}"
    )
    for line in warnings(policy):
        print(f"  warning: {line}")


def _check_keys(config: Config) -> None:
    """By whom `serve` could be entered, if this were the account it runs under: the files' owners are looked at, too."""
    settings = config.serve
    if settings.authorized_keys is None and settings.ca_keys is None:
        return
    import asyncio

    from console.feeds.clock import SystemClock
    from console.serve.door.keyring import Keyring, Places

    keyring = Keyring(Places.of(settings), SystemClock())
    asyncio.run(keyring.read())
    keys = sum(map(len, keyring.trust.people.values()))
    people, authorities = len(keyring.trust.people), len(keyring.trust.authorities)
    words = f"{people} {'person' if people == 1 else 'people'} with {keys} key{'s' * (keys != 1)}"
    print(f"serve: {words}, {authorities} authorit{'y' if authorities == 1 else 'ies'}")
    for problem in keyring.problems:
        print(f"  warning: {problem}")


def _explain(config: Config, site: str, person: str, on: str) -> ExitCode:
    from console.actions.target import BadTarget, Target
    from console.commands.rights import explained, policy_of
    from console.feeds.clock import SystemClock

    try:
        target = Target.parse(on)
    except BadTarget as wrong:
        raise UsageError(f"config check: --on {wrong}") from wrong
    lines, may_any = explained(policy_of(config), site, person, target, SystemClock().now().utc)
    for line in lines:
        print(line)
    return ExitCode.OK if may_any else ExitCode.REFUSED


def _init(flags: Flags, environ: Mapping[str, str]) -> None:
    from console.config.init import write_example

    path: Path = config_path(flags, environ)
    try:
        write_example(path)
    except FileExistsError as wrong:
        raise UsageError(
            f"{path} exists already and is left as it is; edit it, or name another with --config"
        ) from wrong
    except OSError as wrong:
        raise UsageError(f"cannot write {path}: {wrong.strerror or wrong}") from wrong
    print(path)
