"""The whole configuration, and how a site is chosen from it."""

from __future__ import annotations

import msgspec

from console.config.bell import Bell
from console.config.chat import ChatDestination
from console.config.errors import nearest
from console.config.kinds import FilePath, Name
from console.config.link import LinkMode
from console.config.scope import ScopeNames
from console.config.serve import Serve
from console.config.site import Site


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """config.toml with the environment laid over it. Paths in it are absolute."""

    sites: dict[Name, Site]
    default_site: str | None = None
    policy_file: FilePath | None = None  # roles, freezes, tiers; broken or missing: nothing may be written
    checkpoint_file: FilePath | None = None  # signed checkpoints of the audit go here, for another host to collect
    theme: str | None = None
    link: LinkMode | None = None  # None: full
    kitty_keys: bool = False  # ask the terminal for kitty's keyboard protocol
    scope: ScopeNames = ScopeNames()
    serve: Serve = Serve()
    chat: dict[Name, ChatDestination] = {}  # by the name that --post takes
    bell: Bell | None = None

    def choose(self, name: str | None = None) -> tuple[str, Site]:
        """The site by this name, else the default, else the only one. Raises ValueError that lists the
        sites.
        """
        wanted = name or self.default_site or (next(iter(self.sites)) if len(self.sites) == 1 else None)
        there_are = f"the configuration has {', '.join(self.sites)}"
        if wanted is None:
            raise ValueError(f"which site? {there_are}; say --site NAME or set default_site")
        if wanted not in self.sites:
            near = nearest(wanted, tuple(self.sites))
            raise ValueError(
                f"no site `{wanted}`: {there_are}" + (f"; did you mean `{near}`?" if near else "")
            )
        return wanted, self.sites[wanted]
