"""The command line. Nothing else parses argv.

This module knows the shape of every command and none of their work: a command's module is imported when it is
run, so that `midwatch version` costs nothing and the console can paint before a connector is loaded. Keep it
to the standard library and msgspec.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import msgspec

from console import __version__
from console.commands.flags import Flags, NotBuilt, UsageError, merged
from console.config.errors import nearest
from console.exit_codes import ExitCode
from console.shadow import foreign_package

VIEWS = (
    *("overview", "streams", "logs", "workloads", "capacity", "incidents"),
    *("actions", "hosts", "stores", "traffic", "sources"),
)
NOT_BUILT = ("wall", "serve", "record", "replay", "drill")
_EVERYWHERE = "global flags: --config FILE, --site NAME, --scope k=v, --write, --theme NAME, --log-file FILE"
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


GLOBAL_FLAGS = ("--config", "--site", "--scope", "--write", "--theme", "--log-file")


class Command(msgspec.Struct, frozen=True):
    """One command: what it is for, the shape of its arguments, and the module whose `run` does it."""

    summary: str
    shape: Callable[[Parser], None]
    module: str


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


def _no_arguments(_parser: Parser) -> None:
    """A command that takes global flags only."""


def _demo(parser: Parser) -> None:
    parser.add_argument(
        "--scenario", metavar="NAME", help="what breaks, 20 s after the start (calm; cycle runs all)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="another world of the same kind")
    parser.add_argument("--headless", action="store_true", help="only the platform, until SIGTERM")
    parser.add_argument("--config-out", type=Path, metavar="FILE", help="appears when every port answers")
    parser.add_argument(
        "--truth-out", type=Path, metavar="FILE", help="what is really broken, a JSON line per event"
    )
    parser.add_argument("--wire-log", type=Path, metavar="FILE", help="every request, a JSON line each")
    parser.add_argument("--kube-version", choices=("1.31", "1.20"), help="which Kubernetes to play")


def _snapshot(parser: Parser) -> None:
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


def _config(parser: Parser) -> None:
    actions = ("check", "schema", "path", "init")
    parser.add_argument("action", choices=actions, metavar="|".join(actions))
    parser.add_argument("--person", metavar="NAME", help="check: what the policy lets them do, with --on")
    parser.add_argument("--on", metavar="TARGET", help="check: to this (kube:CLUSTER/NS/KIND/NAME, node:CLUSTER/NAME, ...)")


def _doctor(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", dest="as_json")


def _act(parser: Parser) -> None:
    verbs = ("list", "plan", "run", "resume", "undo", "leave")
    parser.add_argument("verb", choices=verbs, metavar="|".join(verbs))
    parser.add_argument(
        "action", nargs="?", metavar="ACTION", help="noun.verb: deployment.restart; of resume, undo, leave: OPERATION"
    )
    parser.add_argument("target", nargs="?", metavar="TARGET", help="kube:CLUSTER/NS/KIND/NAME, node:CLUSTER/NAME, ...")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="k=v", help="a parameter")
    parser.add_argument("--reason", default="", metavar="TEXT", help="run: why; kept in the audit")
    parser.add_argument("--ticket", default="", metavar="T", help="run: the ticket it belongs to")
    parser.add_argument("--confirm", metavar="NAME", help="run: what the plan says has to be typed")
    parser.add_argument("--plan", metavar="HASH", help="run: the plan that was seen; required above tier low")
    parser.add_argument("--override-freeze", action="store_true", help="plan: pass a freeze that may be overridden")


def address(text: str) -> tuple[str, int]:
    """Where to listen: HOST:PORT, an IPv6 host in brackets; port 0 takes a free one."""
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]*)):(\d{1,5})", text)
    if not found or int(found[3]) > 65535:
        raise argparse.ArgumentTypeError(f"`{text}` is no address; write HOST:PORT, 127.0.0.1:9464")
    return found[1] or found[2] or "0.0.0.0", int(found[3])


def share(text: str) -> tuple[int, int]:
    """I/N: the I-th of N equal shares, counted from 1."""
    found = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"`{text}` is no share; write I/N with I from 1 to N: 2/8")
    return int(found[1]), int(found[2])


def _probe(parser: Parser) -> None:
    parser.add_argument("url", nargs="?", metavar="URL", help="a master or media playlist, or an MPD")
    parser.add_argument("--duration", type=seconds, metavar="60s", help="how long to watch")
    parser.add_argument("--json", action="store_true", dest="as_json", help="a JSON line per finding, the summary last")
    parser.add_argument(
        "--edge", action="append", default=[], metavar="NAME=URL", help="the same stream at an edge (repeatable)"
    )
    parser.add_argument(
        "--connect-to",
        action="append",
        default=[],
        metavar="[NAME=]IP:PORT",
        help="connect there and keep the URL's host name; of `origin` when no edge is named (repeatable)",
    )
    parser.add_argument(
        "--metrics", type=address, metavar="HOST:PORT", help="the site's channels instead, for Prometheus to scrape"
    )
    parser.add_argument("--shard", type=share, metavar="I/N", help="--metrics: only the I-th of N shares of the channels")


def _audit(parser: Parser) -> None:
    actions = ("show", "verify")
    parser.add_argument("action", choices=actions, metavar="|".join(actions))
    parser.add_argument("--since", metavar="2h", help="show: what happened since then (2h, 7d, 2026-11-22)")
    parser.add_argument("--target", metavar="TEXT", help="show: operations whose target holds this text")
    parser.add_argument("--json", action="store_true", dest="as_json", help="show: a JSON line per operation and record")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="verify: beside the signed checkpoints in FILE")
    parser.add_argument("--key", type=Path, metavar="FILE", help="verify: the public key of their signer (this host's)")


COMMANDS = {
    "demo": Command(
        "the console on an embedded video platform; needs no configuration", _demo, "console.commands.demo"
    ),
    "snapshot": Command("one moment of a view, headless", _snapshot, "console.commands.snapshot"),
    "config": Command("check, describe, find or begin the configuration", _config, "console.commands.config"),
    "probe": Command(
        "watches one stream by its URL, or a site's channels as metrics", _probe, "console.commands.probe"
    ),
    "doctor": Command("asks every backend, and says what is wrong", _doctor, "console.commands.doctor"),
    "act": Command(
        "lists, plans, runs, resumes and undoes guarded actions; needs --write", _act, "console.commands.act"
    ),
    "audit": Command("what was done from here, and whether its record was touched", _audit, "console.commands.audit"),
    "version": Command("prints the version", _no_arguments, "console.commands.version"),
}
CONSOLE = Command("the console", _no_arguments, "console.commands.console")


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Runs one command and returns its exit code; tells every refusal on stderr."""
    variables = dict(os.environ if environ is None else environ)
    try:
        hidden = foreign_package()
        if hidden:
            raise UsageError(hidden)
        code = _run(list(sys.argv[1:] if argv is None else argv), variables)
        sys.stdout.flush()
        return code
    except (UsageError, NotBuilt) as refused:
        print(f"midwatch: {refused}", file=sys.stderr)
        return ExitCode.USAGE
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough; without this the interpreter would complain again on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except SystemExit as ended:  # argparse, after --help
        return ended.code if isinstance(ended.code, int) else ExitCode.OK
    except Exception:
        traceback.print_exc()
        print(f"midwatch {__version__}: this is a fault of midwatch itself, not a verdict", file=sys.stderr)
        return ExitCode.INTERNAL


def _run(argv: list[str], environ: Mapping[str, str]) -> int:
    flags, rest = _without_global_flags(argv, environ)
    if rest and rest[0] in ("-h", "--help", "help"):
        if rest[1:] and rest[1] in COMMANDS:
            return _run([rest[1], "--help"], environ)
        print(_help())
        return ExitCode.OK
    if rest and rest[0] in ("-V", "--version"):
        rest[0] = "version"
    if not rest:
        return _dispatch(CONSOLE, Parser(""), [], flags, environ)
    word = rest[0]
    if word in NOT_BUILT:
        raise NotBuilt(word)
    if word not in COMMANDS:
        near = nearest(word, GLOBAL_FLAGS if word.startswith("-") else (*COMMANDS, *NOT_BUILT))
        what = "flag" if word.startswith("-") else "command"
        hint = f"; did you mean `{near}`?" if near else ""
        raise UsageError(f"unknown {what} `{word}`{hint} (midwatch --help)")
    command = COMMANDS[word]
    return _dispatch(command, Parser(word, command.summary), rest[1:], flags, environ)


def _dispatch(
    command: Command, parser: Parser, rest: list[str], flags: Flags, environ: Mapping[str, str]
) -> int:
    command.shape(parser)
    options = parser.parsed(rest)
    run: Callable[..., int] = import_module(command.module).run
    return run(flags, environ, **vars(options))


def _without_global_flags(argv: list[str], environ: Mapping[str, str]) -> tuple[Flags, list[str]]:
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


def _help() -> str:
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  midwatch {name.ljust(width)}{command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        (
            f"midwatch {__version__}: a terminal console for the on-call engineers of a video platform",
            "",
            f"  midwatch {''.ljust(width)}the console",
            *lines,
            "",
            "Global flags, before or after the command:",
            "  --config FILE  --site NAME  --scope k=v (repeatable)  --write  --theme NAME  --log-file FILE",
            "",
            "midwatch COMMAND --help tells more. Without a configuration: midwatch demo",
            f"Not built yet in {__version__}: {', '.join(NOT_BUILT)}.",
        )
    )
