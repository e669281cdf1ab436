"""The grammar of a command line: what is common to all commands, and that of `snapshot`, which is also understood over SSH.

Kept to the standard library and msgspec, as the command line is: nothing of what a command works with is imported to read it.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from console.commands.flags import Flags, UsageError, merged
from console.config.errors import nearest

VIEWS = (
    *("overview", "streams", "logs", "workloads", "capacity", "incidents"),
    *("actions", "hosts", "stores", "traffic", "sources"),
)
_EVERYWHERE = "global flags: --config FILE, --site NAME, --scope k=v, --write, --theme NAME, --log-file FILE, --link MODE"
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Parser(argparse.ArgumentParser):
    """argparse that raises instead of ending the process, and says what was probably meant."""

    def __init__(self, command: str, summary: str = "") -> None:
        super().__init__(
            prog=f"midwatch {command}".strip(),
            description=summary,
            epilog=_EVERYWHERE,
            allow_abbrev=False,
        )
        self._told = f"{command}: " if command else ""

    def error(self, message: str) -> NoReturn:
        wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        near = nearest(wrong[1], re.findall(r"[\w.-]+", wrong[2])) if wrong else None
        raise UsageError(f"{self._told}{message}" + (f"; did you mean `{near}`?" if near else ""))

    def parsed(self, argv: Sequence[str]) -> argparse.Namespace:
        """All of argv understood. Raises UsageError naming what is not, and the flag it resembles."""
        options, rest = self.parse_known_args(argv)
        if rest:
            word = rest[0].partition("=")[0]
            near = (
                nearest(word, [*self._option_string_actions, *GLOBAL_FLAGS]) if word.startswith("-") else None
            )
            what = f"unknown flag `{word}`" if word.startswith("-") else f"unexpected `{word}`"
            raise UsageError(f"{self._told}{what}" + (f"; did you mean `{near}`?" if near else ""))
        return options


GLOBAL_FLAGS = ("--config", "--site", "--scope", "--write", "--theme", "--log-file", "--link")


def seconds(text: str) -> float:
    """A duration as on the command line: 10s, 500ms, 2m, 1h, or bare seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", text)
    if not found:
        raise argparse.ArgumentTypeError(f"`{text}` is no duration; write 10s, 500ms or 2m")
    return float(found[1]) * _UNITS_S[found[2] or "s"]


def size(text: str) -> tuple[int, int]:
    """A screen as COLUMNSxROWS, within what can be drawn."""
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", text)
    if not found or not (20 <= int(found[1]) <= 1000 and 5 <= int(found[2]) <= 500):
        raise argparse.ArgumentTypeError(
            f"`{text}` is no size; write COLUMNSxROWS from 20x5 to 1000x500: 120x36"
        )
    return int(found[1]), int(found[2])


def snapshot(parser: Parser) -> None:
    parser.add_argument("view", choices=VIEWS, metavar="VIEW", help=", ".join(VIEWS))
    parser.add_argument("--format", choices=("text", "ansi", "svg", "png", "html", "json"), default="text")
    parser.add_argument("--size", type=size, default=(120, 36), metavar="120x36")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of stdout")
    parser.add_argument(
        "--wait", type=seconds, default=10.0, metavar="10s", help="at most; it is taken when settled"
    )
    parser.add_argument("--from", dest="from_host", metavar="HOST", help="ask a running `midwatch serve`")
    parser.add_argument("--exit-status", action="store_true", help="exit 1 when something is unhealthy")
    parser.add_argument("--post", metavar="DEST", help="deliver it to a chat")
    parser.add_argument("--as-seen", action="store_true", help="with what looks like a secret, as on the screen")


def without_global_flags(argv: list[str], environ: Mapping[str, str]) -> tuple[Flags, list[str]]:
    """Global flags may stand anywhere, so they are taken out before the command's own parser looks."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for flag in GLOBAL_FLAGS:
        if flag == "--write":
            parser.add_argument(flag, action="store_true")
        else:
            parser.add_argument(flag, action="append" if flag == "--scope" else "store")
    try:
        found, rest = parser.parse_known_args(argv)
    except argparse.ArgumentError as wrong:
        raise UsageError(str(wrong)) from wrong
    return merged(vars(found), environ), rest
