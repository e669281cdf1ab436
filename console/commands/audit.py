"""`midwatch audit show|verify`: what was done from here, and whether the account of it was touched.

Needs no configuration: it is for the hour after something broke, and for a host that only collected the files.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from console.actions.audit.history import History, TooLarge, history
from console.actions.audit.reading import Standing
from console.actions.audit.text import chain_line, operation_lines, record_lines
from console.actions.audit.verify import Checked, Proof, checked
from console.commands.flags import Flags, UsageError
from console.config.paths import audit_dir, state_dir
from console.exit_codes import ExitCode, most_telling
from console.feeds.clock import SystemClock

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_CODES = {
    Standing.CLOSED: ExitCode.OK,
    Standing.GROWING: ExitCode.OK,
    Standing.UNPROVEN: ExitCode.PARTIAL,
    Standing.TORN: ExitCode.PARTIAL,
    Standing.TAMPERED: ExitCode.UNHEALTHY,
    Standing.UNREADABLE: ExitCode.USAGE,
}


def run(
    _flags: Flags,
    environ: Mapping[str, str],
    *,
    action: str,
    since: str | None,
    target: str | None,
    as_json: bool,
    checkpoint: Path | None,
    key: Path | None,
) -> ExitCode:
    """One of the two. Raises UsageError for flags that go with the other one, and for what cannot be read."""
    if action == "show":
        if checkpoint is not None or key is not None:
            raise UsageError("audit: --checkpoint and --key go with `audit verify`")
        return _show(audit_dir(environ), since, target, as_json)
    if since is not None or target is not None or as_json:
        raise UsageError("audit: --since, --target and --json go with `audit show`")
    if key is not None and checkpoint is None:
        raise UsageError("audit: --key goes with --checkpoint FILE")
    return _verify(audit_dir(environ), checkpoint, key or state_dir(environ) / "checkpoint.pub")


def _show(directory: Path, since: str | None, target: str | None, as_json: bool) -> ExitCode:
    now = SystemClock().now().utc
    begin = _moment(since, now) if since is not None else None
    try:
        read = history(directory)
    except TooLarge as wrong:
        raise UsageError(f"{wrong}; move old chains elsewhere") from wrong
    except OSError as wrong:
        raise _cannot_read(directory, wrong) from wrong
    for chain in read.chains:
        if chain.standing not in (Standing.CLOSED, Standing.GROWING):
            print(f"midwatch: {chain_line(Checked(chain))}", file=sys.stderr)
    if not read.chains:
        # To a program no lines say the same.
        print(f"there is no audit under {directory}: nothing was ever done from here", file=sys.stderr if as_json else None)
    else:
        for line in _json(read, now, begin, target) if as_json else _text(read, now, begin, target):
            print(line)
    return ExitCode.PARTIAL if read.damaged else ExitCode.OK


def _text(read: History, now: datetime, begin: datetime | None, target: str | None) -> Iterator[str]:
    chosen = [each for each in read.operations(now) if _is_chosen(each.operation.last_at, each.operation.target, begin, target)]
    if chosen:
        yield from operation_lines(chosen)
    else:
        yield "no operation" + (" of this time and target" if begin or target else " was ever planned from here")
    yield ""
    ids = {each.operation.id for each in chosen}
    records = [
        record
        for record in read.records
        if (begin is None or record.header.at >= begin) and (target is None or getattr(record.entry, "op", "") in ids)
    ]
    yield from record_lines(records)


def _json(read: History, now: datetime, begin: datetime | None, target: str | None) -> Iterator[str]:
    """ASCII: what a name holds must not command the terminal of who looks at the lines."""
    ids: set[str] = set()
    for each in read.operations(now):
        if _is_chosen(each.operation.last_at, each.operation.target, begin, target):
            ids.add(each.operation.id)
            yield _line({"operation": msgspec.to_builtins(each)})
    for record in read.records:
        if (begin is None or record.header.at >= begin) and (target is None or getattr(record.entry, "op", "") in ids):
            yield _line({"record": msgspec.json.decode(record.line)})


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":")).replace("\x7f", "\\u007f")


def _is_chosen(last_at: datetime | None, its: str, begin: datetime | None, target: str | None) -> bool:
    is_late = begin is None or (last_at is not None and last_at >= begin)
    return is_late and (target is None or target in its)


def _moment(text: str, now: datetime) -> datetime:
    """`2h` or `7d` ago, or an RFC 3339 time; a day or a time without a zone is UTC."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found:
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise UsageError(f"audit: --since `{text}` is no time; write 2h, 7d, 2026-11-22 or 2026-11-22T02:00Z") from wrong
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _verify(directory: Path, checkpoint: Path | None, key: Path) -> ExitCode:
    proof = _proof(checkpoint, key) if checkpoint is not None else None
    try:
        found = checked(directory, proof)
    except OSError as wrong:
        raise _cannot_read(directory, wrong) from wrong
    if not found:
        print(f"there is no audit under {directory}: nothing to verify")
    for each in found:
        print(chain_line(each))
    codes = [_CODES[each.chain.standing] for each in found]
    if proof is not None:
        for line in proof.bad:
            where = f"line {line.number} of it " if line.number else ""
            print(f"TAMPERED       {checkpoint}: {where}{line.why}")
            codes.append(ExitCode.UNHEALTHY)
        if proof.foreign:
            print(f"midwatch: {proof.foreign} lines of {checkpoint} are signed with another key than {key}", file=sys.stderr)
        if proof.is_torn:
            print(f"midwatch: the last line of {checkpoint} has no end and is left out", file=sys.stderr)
        if not proof.by_chain:
            print(f"midwatch: no line of {checkpoint} is signed with {key}: it proves nothing", file=sys.stderr)
            codes.append(ExitCode.PARTIAL)
    elif found:
        print("midwatch: without --checkpoint FILE a chain that its owner wrote anew looks intact", file=sys.stderr)
    return most_telling(codes)


def _proof(checkpoint: Path, key: Path) -> Proof:
    from console.actions.audit.signing import KeyUnusable, public_key, read

    try:
        return Proof.of(read(checkpoint, public_key(key)))
    except KeyUnusable as wrong:
        raise UsageError(f"audit: {wrong}; name the public half of the signing host with --key FILE") from wrong
    except OSError as wrong:
        raise UsageError(f"audit: cannot read {checkpoint}: {wrong.strerror or wrong}") from wrong


def _cannot_read(directory: Path, wrong: OSError) -> UsageError:
    return UsageError(f"audit: cannot read {directory}: {wrong.strerror or wrong}")
