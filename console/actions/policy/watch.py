"""The policy as it is now, asked for at every decision, and never as it once was.

The configuration keeps its last good one while a new one is broken; a policy must not: whoever broke it may have been taking
a right away. So while the file is broken or gone, `current()` raises and nothing may be written.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from console.actions.policy.load import content_of, policy_of
from console.actions.policy.policy import Policy, PolicyError


class Policies:
    """One per process. Every question reads the file, which is small and seldom asked for: a time stamp can stand still
    over a change (coarse clocks, restored backups, network file systems), bytes cannot. It is parsed when they changed.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: bytes | None = None
        self._last: Policy | PolicyError | None = None
        self._turn = asyncio.Lock()

    @property
    def path(self) -> Path | None:
        """Where the policy is; None where the configuration names none."""
        return self._path

    async def current(self) -> Policy:
        """The policy now. Raises PolicyError while there is none that can be read whole."""
        if self._path is None:
            raise PolicyError("the configuration names no policy_file, so nothing may be written; set policy_file")
        async with self._turn:
            content = await asyncio.to_thread(content_of, self._path)
            if self._last is None or content != self._seen:
                try:
                    self._last = await asyncio.to_thread(policy_of, self._path, content)
                except PolicyError as wrong:
                    self._last = wrong
                self._seen = content
        if isinstance(self._last, PolicyError):
            raise PolicyError(*self._last.problems)  # a new one: a traceback must not grow with every question
        return self._last
