"""Looks after the configuration file while the console runs.

What is running stays as it was started: feeds, credentials and the screen hang on the configuration, and half of a
new one would be neither. So a change is told, and a restart applies it; a broken file is refused and told until it is
mended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from console.config.reload import Reloader
from console.model.instant import Clock

EVERY_S = 2.0
CHANGED = "configuration changed: restart to apply"

log = logging.getLogger(__name__)


async def watch(reloader: Reloader, tell: Callable[[str], None], clock: Clock, every_s: float = EVERY_S) -> None:
    """Until cancelled: `tell` hears the mark for the screen whenever it changes, "" when all is as it was started.

    The file is looked at in a thread: it may lie on a disk that hangs.
    """
    running, told = reloader.config, ""
    while True:
        await clock.sleep(every_s)
        try:
            outcome = await asyncio.to_thread(reloader.check)
        except Exception:
            log.exception("the configuration could not be looked at")
            continue
        mark = outcome.mark or (CHANGED if outcome.config != running else "")
        if mark != told:
            told = mark
            log.warning("configuration: %s", outcome.error or mark or "as it was started")
            tell(mark)
