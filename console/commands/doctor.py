"""`midwatch doctor`: asks every backend of the site once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from console.commands.flags import Flags
from console.commands.opening import opened
from console.doctor import Diagnosis, examined
from console.doctor.text import state, table
from console.exit_codes import ExitCode
from console.feeds.clock import SystemClock
from console.model.instant import Clock


def run(flags: Flags, environ: Mapping[str, str], *, as_json: bool) -> ExitCode:
    """The table or the document on stdout. Raises UsageError when the configuration itself is what ails."""
    found = opened(flags, environ)
    clock: Clock = SystemClock()
    began = clock.now().utc
    diagnoses = asyncio.run(examined(found.site, found.config, clock))
    code = exit_code(diagnoses)
    if as_json:
        document = {
            "schema": 1,
            "site": found.site_name,
            "taken_at": began,
            "exit_code": int(code),
            "backends": [
                {**msgspec.to_builtins(each), "state": state(each), "skewed": each.is_skewed} for each in diagnoses
            ],
        }
        print(msgspec.json.format(msgspec.json.encode(document), indent=1).decode())
    else:
        print(table(found.site_name, found.site, diagnoses))
    return code


def exit_code(diagnoses: Sequence[Diagnosis]) -> ExitCode:
    """0 all well, 3 nothing could be reached, 5 some are not well. Reading a file reaches nothing."""
    remote = [each for each in diagnoses if each.is_remote]
    if remote and not any(each.reachable for each in remote):
        return ExitCode.UNREACHABLE
    return ExitCode.OK if all(each.is_well for each in diagnoses) else ExitCode.PARTIAL
