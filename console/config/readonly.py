"""A configuration with which nothing can be written: what a wall, which anybody may stand before, is opened with."""

from __future__ import annotations

from typing import Any

import msgspec

from console.config.backend import Backend
from console.config.root import Config

_WRITE = "write"


def without_writes(config: Config) -> Config:
    """The same without any credential that may write, and without what is there only to be written to: balancers, switches,
    chats.
    """
    sites = {
        name: msgspec.structs.replace(site, haproxy={}, switches={}) for name, site in config.sites.items()
    }
    cleaned: Config = _clean(msgspec.structs.replace(config, sites=sites, chat={}))
    return cleaned


def _clean(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        changes = {}
        for field in value.__struct_fields__:
            before = getattr(value, field)
            after = None if isinstance(value, Backend) and field == _WRITE else _clean(before)
            if after is not before:
                changes[field] = after
        return msgspec.structs.replace(value, **changes) if changes else value
    if isinstance(value, dict):
        cleaned = {key: _clean(each) for key, each in value.items()}
        return cleaned if any(cleaned[key] is not value[key] for key in value) else value
    if isinstance(value, tuple):
        members = tuple(_clean(each) for each in value)
        return members if any(new is not old for new, old in zip(members, value, strict=True)) else value
    return value
