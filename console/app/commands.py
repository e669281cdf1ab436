"""The command line behind `:`. Names come from the registry of keys; `scope`, `theme` and `help` take words."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from console.app.keymap import ENTRIES
from console.model.scope import DIMENSIONS, Scope
from themes import THEMES

if TYPE_CHECKING:
    from console.app.screen import ConsoleScreen

_BY_WORD = {entry.label.replace(" ", "-"): entry for entry in ENTRIES}
COMMANDS: tuple[str, ...] = (
    *_BY_WORD,
    "scope clear",
    *(f"scope {dimension}=" for dimension in DIMENSIONS),
    *(f"theme {theme.name}" for theme in THEMES),
)


def run(screen: ConsoleScreen, text: str) -> str | None:
    """Do what was typed; a complaint when it cannot be understood."""
    word, _, rest = text.strip().partition(" ")
    if word == "scope":
        return _scope(screen, rest.split())
    if word == "theme" and rest:
        if rest not in {theme.name for theme in THEMES}:
            return f"no theme {rest!r}: {', '.join(theme.name for theme in THEMES)}"
        screen.app.theme = rest
        return None
    entry = _BY_WORD.get(word) or next((each for each in ENTRIES if each.name == word), None)
    if entry is None:
        near = difflib.get_close_matches(word, [*_BY_WORD, "scope", "theme"], n=1)
        return f"no command {word!r}" + (f"; did you mean {near[0]!r}?" if near else "; ? lists them all")
    screen.call_later(screen.run_action, entry.action)
    return None


def _scope(screen: ConsoleScreen, words: list[str]) -> str | None:
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
