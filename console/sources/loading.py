"""Importing connectors: on first use, in a thread, one at a time.

A connector costs 100 to 800 ms to import, so neither start-up nor the UI loop may pay for it. Two threads that import
packages with a common dependency at the same moment can make the import system report a deadlock (requests and
elastic_transport both import urllib3), so all of them pass this one door. httpx's command line is left out: the package imports
it where it can be imported, and it costs a fifth of the elasticsearch client's import (click, and half of rich). That client's
own namespaces wait for their first use (`namespaces.py`).
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sys
import threading
from types import ModuleType

from console.sources.namespaces import at_first_use

_DOOR = threading.Lock()
_COMMAND_LINE = "httpx._main"  # httpx goes on without it, as where click is not installed

_SNIFFER = "sniffio"  # httpcore tries to import it at each question, and looks along the whole path when it is not there


def load_here(*names: str) -> list[ModuleType]:
    """Import in the calling thread, which must not be the loop's."""
    with _DOOR, at_first_use():
        sys.modules.setdefault(_COMMAND_LINE, None)  # type: ignore[arg-type]  # None: an import of it fails
        if _SNIFFER not in sys.modules and importlib.util.find_spec(_SNIFFER) is None:
            sys.modules[_SNIFFER] = None  # type: ignore[assignment]
        return [importlib.import_module(name) for name in names]


async def load(*names: str) -> list[ModuleType]:
    """Import in a thread while the loop goes on."""
    return await asyncio.to_thread(load_here, *names)
