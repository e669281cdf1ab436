"""Tells when a foreign package hides one of ours.

`console`, `widgets`, `views` and `themes` are names others use too. midwatch is meant to live in an
environment of its own; where it does not, a plain ImportError deep in a screen would tell nobody what is
wrong.
"""

from __future__ import annotations

from importlib.machinery import PathFinder
from pathlib import Path

OURS = ("console", "widgets", "views", "themes")


def foreign_package(root: Path | None = None, search: list[str] | None = None) -> str | None:
    """What hides which of our packages and what to do, or None. `search` is the path to look along (None:
    sys.path).
    """
    home = (root or Path(__file__).parent.parent).resolve()
    for name in OURS:
        spec = PathFinder.find_spec(name, search)
        places = (
            [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.origin else [])]
            if spec
            else []
        )
        if places and Path(places[0]).resolve() != home / name:
            return (
                f"another package named `{name}`, at {places[0]}, hides midwatch's own ({home / name}): "
                "install midwatch into an environment of its own (pipx install midwatch), "
                "and start it as `midwatch`"
            )
    return None
