"""How the screen is sent to the terminal."""

from __future__ import annotations

from enum import StrEnum


class LinkMode(StrEnum):
    """`full`: only the cells that have changed. `slow`: the same at most once a second (the echo of a key at once), in 16
    colours and without animation. `off`: Textual's own way, whole regions: to find out whether a fault of the screen is the
    link's.
    """

    FULL = "full"
    SLOW = "slow"
    OFF = "off"


def link_mode(text: str) -> LinkMode:
    """Raises ValueError that lists them."""
    try:
        return LinkMode(text)
    except ValueError:
        raise ValueError(f"there is no link `{text}`; there are {', '.join(LinkMode)}") from None
