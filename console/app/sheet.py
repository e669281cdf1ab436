"""One parse of the stylesheets for all apps of a process.

Textual parses every widget's rules anew for each app: a good part of what a login to `midwatch serve` costs, in time and in
what it leaves on the heap. A rule that was parsed is never changed, and depends on its text and on the theme's variables only.

What must not be done here: share what was applied to a widget.
"""

from __future__ import annotations

from typing import Any

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet

THEMES = 12  # sets of variables whose rules are kept: ours, and what Textual starts with
SOURCES = 512  # of one of them

_Variables = dict[str, str]
_known: LRUCache[frozenset[tuple[str, str]], tuple[_Variables, LRUCache[Any, Any]]] = LRUCache(THEMES)


class SharedSheet(Stylesheet):
    """As Textual's; what it parses is everybody's."""

    def __init__(self, *, variables: _Variables | None = None) -> None:
        super().__init__(variables=variables)
        self.set_variables(self._variables)

    def set_variables(self, variables: _Variables) -> None:
        """Another theme, whose rules somebody may have parsed already."""
        name = frozenset(variables.items())
        known = _known.get(name)
        if known is None:
            known = _known[name] = (dict(variables), LRUCache(SOURCES))
        self._parse_cache = LRUCache(1)  # Textual empties it
        super().set_variables(known[0])
        self._parse_cache = known[1]

    def reparse(self) -> None:
        """Nothing of what stands is replaced before all of it is parsed."""
        self.parse()

    def copy(self) -> Stylesheet:
        sheet = SharedSheet(variables=self._variables)
        sheet.source = self.source.copy()
        return sheet
