"""Who must go when too many connections have not logged in.

A newcomer is never turned away: where there is no room the oldest half-open connection of the address with the most of them
goes. So an address that holds one keeps it as long as another holds two, and whoever floods from one address throws out
nobody but themselves. Of IPv6 a whole /64 counts as one address, since that is what one customer gets.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Network, ip_address


class HalfOpen:
    """Pure: `came` and `left`, and who has to go. Ids are the caller's."""

    def __init__(self, limit: int, per_address: int) -> None:
        self._limit, self._per_address = limit, per_address
        self._by_group: dict[str, dict[Hashable, int]] = {}  # group -> id -> its place in the order of arrival
        self._group_of: dict[Hashable, str] = {}
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._group_of)

    def came(self, who: Hashable, address: str) -> Hashable | None:
        """A connection from there; what is returned must be dropped, and has left already."""
        group = group_of(address)
        own = self._by_group.get(group, {})
        goes: Hashable | None = None
        if len(own) >= self._per_address:
            goes = next(iter(own))
        elif len(self._group_of) >= self._limit:
            # the newcomer counts for its address, else the last of it could throw out a lone one of another
            goes = min(
                (
                    (-len(each) - (name == group), next(iter(each.values())), next(iter(each)))
                    for name, each in self._by_group.items()
                ),
                key=lambda found: found[:2],
            )[2]
        if goes is not None:
            self.left(goes)
        self._arrivals += 1
        self._by_group.setdefault(group, {})[who] = self._arrivals
        self._group_of[who] = group
        return goes

    def left(self, who: Hashable) -> bool:
        """It has logged in or gone; False where it was not half-open any more."""
        group = self._group_of.pop(who, None)
        if group is None:
            return False
        del self._by_group[group][who]
        if not self._by_group[group]:
            del self._by_group[group]
        return True


@lru_cache(maxsize=1_024)  # a flood asks again and again
def group_of(address: str) -> str:
    """What counts as one address; a text that is none is one of its own."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((found, 64), strict=False))
