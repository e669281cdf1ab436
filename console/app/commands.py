"""The command line behind `:`. Names come from the registry of keys; `act`, `scope`, `theme` take words, `who` has no key."""

from __future__ import annotations

import difflib
from typing import Protocol

from console.app.keymap import ENTRIES
from console.app.pivots import Place
from console.model.scope import DIMENSIONS, Scope
from themes import THEMES

# reversed: of two entries with one label the first has the word, so that `:logs` is the view
_BY_WORD = {entry.label.replace(" ", "-"): entry for entry in reversed(ENTRIES)}
COMMANDS: tuple[str, ...] = (
    *_BY_WORD,
    "who",
    "scope clear",
    *(f"scope {dimension}=" for dimension in DIMENSIONS),
    *(f"theme {theme.name}" for theme in THEMES),
)


class Commanded(Protocol):
    """What a command may ask of the console."""

    @property
    def place(self) -> Place: ...

    def set_scope(self, scope: Scope) -> None: ...

    def set_theme(self, name: str) -> None: ...

    def act_on(self, words: str) -> str | None: ...

    def do(self, action: str) -> None: ...


def run(screen: Commanded, text: str) -> str | None:
    """Do what was typed; a complaint when it cannot be understood."""
    word, _, rest = text.strip().partition(" ")
    if word == "scope":
        return _scope(screen, rest.split())
    if word == "who":
        screen.do("who")
        return None
    if word == "act" and rest.strip():
        return screen.act_on(rest)
    if word == "theme" and rest:
        if rest not in {theme.name for theme in THEMES}:
            return f"no theme {rest!r}: {', '.join(theme.name for theme in THEMES)}"
        screen.set_theme(rest)
        return None
    entry = _BY_WORD.get(word) or next((each for each in ENTRIES if each.name == word), None)
    if entry is None:
        near = difflib.get_close_matches(word, [*_BY_WORD, "scope", "theme"], n=1)
        return f"no command {word!r}" + (f"; did you mean {near[0]!r}?" if near else "; ? lists them all")
    screen.do(entry.action)
    return None


def _scope(screen: Commanded, words: list[str]) -> str | None:
    if not words:
        return f"scope is {screen.place.scope or 'everything'}; say scope k=v, or scope clear"
    if words == ["clear"]:
        screen.set_scope(Scope())
        return None
    try:
        added = Scope.parse(words)
    except ValueError as error:
        return str(error)
    scope = screen.place.scope
    for dimension, value in added.pairs:
        scope = scope.narrowed(dimension, value)
    screen.set_scope(scope)
    return None
