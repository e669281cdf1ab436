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

import msgspec

from console import __version__
from console.commands.flags import Flags, NotBuilt, UsageError
from console.commands.grammar import GLOBAL_FLAGS, Parser, seconds, snapshot, without_global_flags
from console.config.errors import nearest
from console.exit_codes import ExitCode
from console.shadow import foreign_package

NOT_BUILT = ("record", "replay", "drill")
PAGES = ("overview", "streams", "logs", "workloads", "capacity", "incidents", "actions", "sources")  # of a wall


class Command(msgspec.Struct, frozen=True):
    """One command: what it is for, the shape of its arguments, and the module whose `run` does it."""

    summary: str
    shape: Callable[[Parser], None]
    module: str


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
    parser.add_argument("--wall", action="store_true", help="the wall instead of the console")
    parser.add_argument("--rotate", type=seconds, metavar="20s", help="--wall: turn through all pages, each so long")


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


def _serve(parser: Parser) -> None:
    parser.add_argument("--listen", type=address, metavar="HOST:PORT", help="instead of the configuration's")
    parser.add_argument("--metrics", type=address, metavar="HOST:PORT", help="for Prometheus to scrape; also /healthz")
    parser.add_argument("--alert-webhook", type=address, metavar="HOST:PORT", help="for Alertmanager to post to; needs [bell]")
    parser.add_argument("--standby", action="store_true", help="wait while another one serves from this state directory")


def page(text: str) -> str:
    """A page of the wall by its name."""
    if text not in PAGES:
        known = ", ".join(repr(each) for each in PAGES)
        raise argparse.ArgumentTypeError(f"invalid choice: {text!r} (choose from {known})")
    return text


def _wall(parser: Parser) -> None:
    told = "pages beside the wall's own overview: " + ", ".join(PAGES[1:])
    parser.add_argument("views", nargs="*", type=page, metavar="VIEW", help=told)
    parser.add_argument("--rotate", type=seconds, default=20.0, metavar="20s", help="how long each page is shown")


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
    "snapshot": Command("one moment of a view, headless", snapshot, "console.commands.snapshot"),
    "config": Command("check, describe, find or begin the configuration", _config, "console.commands.config"),
    "probe": Command(
        "watches one stream by its URL, or a site's channels as metrics", _probe, "console.commands.probe"
    ),
    "serve": Command("the console for many, over SSH; each logs in by key or certificate", _serve, "console.commands.serve"),
    "wall": Command("one screen for a room full of people: read-only, for months", _wall, "console.commands.wall"),
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
    flags, rest = without_global_flags(argv, environ)
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
            "  --link full|slow|off   how the screen is sent: slow is for a bad line (a frame a second, 16 colours)",
            "",
            "midwatch COMMAND --help tells more. Without a configuration: midwatch demo",
            f"Not built yet in {__version__}: {', '.join(NOT_BUILT)}.",
        )
    )
