"""midwatch's own log: a file of its own, written by a thread, never the terminal and never the UI loop."""

from __future__ import annotations

import logging
import logging.handlers
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.model.shapes import quoted

MAX_BYTES = 8 * 1024 * 1024
KEPT = 3
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_LONGEST = 60_000  # characters of one record, its traceback with it


class _Redacting(logging.Formatter):
    """The log file outlives whoever read the screen, and is sent around when something is wrong: no record, and no traceback
    under it, holds what has the shape of a credential.
    """

    def format(self, record: logging.LogRecord) -> str:
        return quoted(super().format(record), _LONGEST)


@contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Send every record of this process to `path` (mode 0600) until the block ends. OSError when it cannot be opened."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)
    file = logging.handlers.RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8")
    file.setFormatter(_Redacting(_FORMAT))
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(records)
    listener = logging.handlers.QueueListener(records, file)
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for chatty in ("httpx", "httpcore", "elastic_transport", "urllib3", "asyncio", "aiohttp"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    listener.start()
    try:
        yield
    finally:
        listener.stop()
        file.close()
        root.setLevel(before[0])
        root.handlers[:] = before[1]
