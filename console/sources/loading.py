"""Importing connectors: on first use, in a thread, one at a time.

A connector costs 100 to 800 ms to import, so neither start-up nor the UI loop may pay for it. Two threads that import
packages with a common dependency at the same moment can make the import system report a deadlock (requests and
elastic_transport both import urllib3), so all of them pass this one door. httpx's command line is left out: the package imports
it where it can be imported, and it costs a fifth of the elasticsearch client's import (click, and half of rich).
"""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
from types import ModuleType

_DOOR = threading.Lock()
_COMMAND_LINE = "httpx._main"  # httpx goes on without it, as where click is not installed


def load_here(*names: str) -> list[ModuleType]:
    """Import in the calling thread, which must not be the loop's."""
    with _DOOR:
        sys.modules.setdefault(_COMMAND_LINE, None)  # type: ignore[arg-type]  # None: an import of it fails
        return [importlib.import_module(name) for name in names]


async def load(*names: str) -> list[ModuleType]:
    """Import in a thread while the loop goes on."""
    return await asyncio.to_thread(load_here, *names)
