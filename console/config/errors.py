"""What is wrong with a configuration, told so that the reader can mend it without looking anything up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import msgspec

ENVIRONMENT = "environment"
Path = tuple[str | int, ...]


class Problem(msgspec.Struct, frozen=True):
    """One mistake. `line` is None where there is none to name: an environment variable, a file that cannot
    be read.
    """

    file: str
    line: int | None
    key: str  # dotted, as one would write it in TOML; list entries count from 0: sites.apac.gauges[0].warn
    what: str
    nearest: str | None = None  # the known key that was probably meant

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f"{self.key}: " if self.key else ""
        hint = f"; did you mean `{self.nearest}`?" if self.nearest else ""
        return _printable(f"{place}: {key}{self.what}{hint}")


class ConfigError(Exception):
    """Every problem of one configuration, in the order of the file. Never holds the value of a credential."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(
            sorted(problems, key=lambda problem: (problem.line is None, problem.line or 0))
        )
        super().__init__("\n".join(map(str, self.problems)))


def _printable(text: str) -> str:
    """A value is repeated in an error, and must not command the terminal of the one who reads it."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that `word` was probably meant to be; None when nothing is close."""
    by_fold = {candidate.lower().replace("-", "_"): candidate for candidate in known}
    found = get_close_matches(word.lower().replace("-", "_"), list(by_fold), n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def dotted(path: Path) -> str:
    """A key as one would write it in TOML; quotes where a bare key would not do."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        is_bare = part.isascii() and part.replace("_", "").replace("-", "").isalnum()
        word = part if is_bare else '"' + part.encode("unicode_escape").decode().replace('"', '\\"') + '"'
        text += f".{word}" if text else word
    return text
