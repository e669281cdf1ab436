"""The catalogue: every action by name. Keys, palette, help, command line and audit all read this one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from console.actions.action import About, Action
from console.actions.target import Target
from console.config.errors import nearest


class UnknownAction(ValueError):
    """No action of this name; names the nearest."""


class Registry:
    """Actions by name, in the order in which they are told."""

    def __init__(self, actions: Iterable[Action] = ()) -> None:
        self._actions: dict[str, Action] = {}
        for action in actions:
            self.add(action)

    def add(self, action: Action) -> None:
        """Raises ValueError for a name that is taken."""
        name = action.about.name
        if name in self._actions:
            raise ValueError(f"two actions are named {name}")
        self._actions[name] = action

    def __iter__(self) -> Iterator[Action]:
        return iter(self._actions.values())

    def get(self, name: str) -> Action:
        """Raises UnknownAction."""
        action = self._actions.get(name)
        if action is None:
            near = nearest(name, tuple(self._actions))
            hint = f"; did you mean {near}?" if near else ""
            raise UnknownAction(f"there is no action {name!r}{hint} (midwatch act list names them)")
        return action

    def fitting(self, target: Target) -> tuple[About, ...]:
        """What may be offered for this target."""
        return tuple(action.about for action in self if action.about.fits(target))
