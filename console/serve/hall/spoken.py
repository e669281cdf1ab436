"""What a client's environment says of its terminal; of the server's own terminal nothing is ever asked.

An SSH client sends TERM with its terminal and whatever it likes beside it. Few names are taken, short ones, of plain
characters: a name of a terminal is also the name of a file in a database. Textual and Rich read the environment of the
process, which is the server's (NO_COLOR of whoever started it, the width of a terminal that closed long ago): `fit` puts the
client's in its place.
"""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Mapping
from typing import Any

import msgspec
from rich.console import Console
from textual.filter import ANSIToTruecolor

from console.app.abilities import Abilities, Depth, abilities

TAKEN = frozenset({"TERM", "COLORTERM", "NO_COLOR", "LANG", "LC_ALL", "LC_CTYPE"})
_TERM = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,63}")
_WORD = re.compile(r"[A-Za-z0-9@+._-]{0,64}")
# The terminals that are told apart by their names. Of any other the database of terminals would have to be asked, which
# answers a process once and for one terminal only: such a one has colours if its name says so.
_KNOWN = re.compile(r"xterm|screen|tmux|rxvt|alacritty|kitty|foot|wezterm|ghostty|linux|.*-(?:\d+color|direct)")
_ONE_BYTE = re.compile(r"(?:iso-?8859-?\d{1,2}|latin-?\d|koi8-?[rut]|cp125\d|windows-125\d|us-ascii|ascii)", re.IGNORECASE)


class Spoken(msgspec.Struct, frozen=True):
    """A client's terminal. `is_dumb`: it can show lines of text, and no screen."""

    environ: Mapping[str, str]
    encoding: str
    able: Abilities
    is_dumb: bool


def spoken(term: str, sent: Mapping[str, str]) -> Spoken:
    """From the terminal's name and the environment as the client sent them. Never raises."""
    environ = {name: value for name, value in sent.items() if name in TAKEN and _WORD.fullmatch(value) is not None}
    environ["TERM"] = term if _TERM.fullmatch(term) is not None else ("" if not term else "vt100")
    if "NO_COLOR" in sent:
        environ["NO_COLOR"] = "1" if sent["NO_COLOR"] else ""
    encoding = _encoding(environ)
    if _KNOWN.match(environ["TERM"]) is None and not environ.get("COLORTERM"):
        # told that it has colours, it is not asked for
        able = abilities({**environ, "COLORTERM": "yes"}, encoding)
        if "color" not in environ["TERM"]:
            able = msgspec.structs.replace(able, has_colour=False, depth=Depth.NONE)
    else:
        able = abilities(environ, encoding)
    return Spoken(environ=environ, encoding=encoding, able=able, is_dumb=environ["TERM"] in ("", "dumb"))


def _encoding(environ: Mapping[str, str]) -> str:
    """By the first of the variables that is set, as a C library reads them; UTF-8 unless another is named."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "")
    codeset = locale.partition(".")[2].partition("@")[0]
    if not codeset or codeset.lower().replace("-", "") == "utf8":
        return "utf-8"
    if _ONE_BYTE.fullmatch(codeset) is None:
        return "ascii"
    try:
        return codecs.lookup(codeset).name
    except LookupError:
        return "ascii"


def fit(app: Any, said: Spoken | None) -> None:
    """Make an app, just constructed, one of this client's terminal; of none: a picture in all colours."""
    environ = said.environ if said is not None else {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    is_plain = said is not None and (bool(said.environ.get("NO_COLOR")) or not said.able.has_colour)
    if app.no_color != is_plain:
        app.no_color = is_plain
    app._filters = [each for each in app._filters if isinstance(each, ANSIToTruecolor)]
    app.console = Console(
        file=app.console.file,
        color_system="auto",
        markup=True,
        highlight=False,
        emoji=False,
        legacy_windows=False,
        _environ={name: value for name, value in environ.items() if name in ("TERM", "COLORTERM")},
        force_terminal=True,
        safe_box=False,
        soft_wrap=False,
    )
    # Textual puts the process's stdout and stderr aside while an app runs, and back when it ends: with many apps, ending in
    # another order than they began, the last one to end would leave them to one that is long gone.
    app._capture_stdout, app._capture_stderr = sys.stdout, sys.stderr
