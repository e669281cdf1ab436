"""File and environment to `Config`, or to every reason why not."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

import msgspec

from console.config.check import walked
from console.config.environment import overlaid
from console.config.errors import ENVIRONMENT, ConfigError, Path, Problem, dotted
from console.config.lines import Lines, scan
from console.config.root import Config
from console.config.scope import DEFAULTS

MAX_BYTES = 1_000_000  # a configuration is written by hand; more than this is another file


def load(path: FilePath, environ: Mapping[str, str]) -> Config:
    """The configuration at `path` with `environ` over it. Raises ConfigError with everything that is wrong.

    Relative files in it are taken from the directory of `path`. No credential is read, only looked at from
    outside.
    """
    text = _text(path)
    raw = _raw(path, text)
    lines = scan(text)
    overlay = overlaid(raw, environ, Config)
    problems = list(overlay.problems)

    def tell(key: Path, what: str, near: str | None) -> None:
        problems.append(_problem(path, lines, overlay.origins, key, what, near))

    checked = walked(Config, overlay.raw, path.absolute().parent, tell)
    if problems:
        raise ConfigError(problems)
    try:
        return msgspec.convert(_with_scope_defaults(checked), Config)
    except msgspec.ValidationError as wrong:  # the walk should have met it; never let it pass as a traceback
        raise ConfigError([Problem(str(path), None, "", str(wrong))]) from wrong


def _text(path: FilePath) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as wrong:
        raise ConfigError(
            [Problem(str(path), None, "", f"cannot read it: {wrong.strerror or wrong}")]
        ) from wrong
    if len(content) > MAX_BYTES:
        raise ConfigError(
            [Problem(str(path), None, "", f"is larger than {MAX_BYTES:,} bytes; is it a configuration?")]
        )
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as wrong:
        line = content.count(b"\n", 0, wrong.start) + 1
        raise ConfigError(
            [Problem(str(path), line, "", f"is not UTF-8 (byte 0x{content[wrong.start]:02x})")]
        ) from wrong


def _raw(path: FilePath, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as wrong:
        raise ConfigError([Problem(str(path), None, "", "is nested too deeply")]) from wrong
    except tomllib.TOMLDecodeError as wrong:
        raise ConfigError(_syntax(str(path), text, str(wrong))) from wrong


def _syntax(file: str, text: str, message: str) -> list[Problem]:
    """tomllib's one complaint, with its line; a key written twice is named with the place of both."""
    what = re.sub(r" \(at .*\)$", "", message)
    found = re.search(r"\(at line (\d+), column \d+\)$", message)
    line = int(found[1]) if found else text.count("\n") + 1
    twice = [
        Problem(
            file, entry.again, dotted(entry.path), f"is a duplicate: it stands on line {entry.first} already"
        )
        for entry in scan(text).twice
    ]
    is_duplicate = "overwrite" in what or "twice" in what or "mutate" in what
    if twice and is_duplicate:
        return twice
    return [Problem(file, line, "", f"no TOML: {what[:1].lower()}{what[1:]}")]


def _problem(
    path: FilePath, lines: Lines, origins: Mapping[Path, str], key: Path, what: str, near: str | None
) -> Problem:
    for length in range(len(key), 0, -1):
        if key[:length] in origins:
            below = dotted(key[length:])
            return Problem(
                ENVIRONMENT, None, origins[key[:length]], f"{below}: {what}" if below else what, near
            )
    return Problem(str(path), lines.of(key), dotted(key), what, near)


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
