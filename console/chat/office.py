"""All destinations of a configuration: where letters are posted, and the carriers that run while it is open."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from console.chat.carrier import Carrier, Standing
from console.chat.disk import Disk
from console.chat.letter import PICTURE_OF, Letter, LetterKind
from console.chat.message import Message
from console.chat.services import service_of
from console.chat.store import Store
from console.config.chat import ChatDestination
from console.config.errors import nearest
from console.model.instant import Clock
from console.redaction.redactor import Redactor


class UnknownDestination(Exception):
    """No `[chat.NAME]` of this name."""


class Office:
    """Open it to have letters carried; without, they are only kept. One a process."""

    def __init__(
        self,
        destinations: Mapping[str, ChatDestination],
        folder: Path,
        clock: Clock,
        environ: Mapping[str, str],
        redactor: Redactor,
        *,
        disk: Disk | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """`folder`: of all queues, below the state directory."""
        self.redactor = redactor
        self._clock = clock
        self._destinations = destinations
        self._carriers: dict[str, Carrier] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        for name, destination in destinations.items():
            service = service_of(destination, environ, redactor, clock)
            store = Store(folder / name, disk)
            self._carriers[name] = Carrier(name, store, service, clock, redactor, rate=destination.rate, rng=rng)

    def open(self, *names: str) -> None:
        """Begin to carry; only for some, where named."""
        for name in names or tuple(self._carriers):
            if name not in self._running:
                self._running[name] = asyncio.create_task(self._run(name), name=f"chat {name}")

    async def close(self) -> None:
        """End the carriers; what waits stays on the disk."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        self._running.clear()
        for carrier in self._carriers.values():
            await carrier.service.close()

    def carrier(self, name: str) -> Carrier:
        """Raises UnknownDestination that lists them."""
        if name not in self._carriers:
            near = nearest(name, tuple(self._carriers))
            there_are = ", ".join(self._carriers) or "none; one is a table [chat.NAME]"
            hint = f"; did you mean `{near}`?" if near else ""
            raise UnknownDestination(f"no chat destination `{name}`: the configuration has {there_are}{hint}")
        return self._carriers[name]

    async def post(
        self, name: str, message: Message, *, thread: str = "", document: dict[str, Any] | None = None
    ) -> bool:
        """The text, on the disk when it returns; False when this message is there already.

        Raises UnknownDestination, QueueFull and OSError.
        """
        letter = Letter(
            id=message.id, kind=LetterKind.TEXT, at=self._clock.now().utc, message=message, thread=thread, document=document
        )
        return await self._put(name, letter, b"")

    async def post_picture(self, name: str, message: Message, picture: bytes) -> bool:
        """The picture of a message that has been posted. The same as `post`; and False where the service takes none."""
        if self.carrier(name).service.no_picture:
            return False
        letter = Letter(
            id=message.id + PICTURE_OF, kind=LetterKind.PICTURE, at=self._clock.now().utc, message=message, of=message.id
        )
        return await self._put(name, letter, picture)

    async def standings(self) -> list[Standing]:
        """How each destination does."""
        return [await carrier.standing() for carrier in self._carriers.values()]

    async def _put(self, name: str, letter: Letter, picture: bytes) -> bool:
        carrier = self.carrier(name)

        def put() -> bool:
            carrier.store.make()
            return carrier.store.put(letter, picture)

        is_new = await asyncio.to_thread(put)
        carrier.wake()
        return is_new

    async def _run(self, name: str) -> None:
        carrier = self._carriers[name]
        await asyncio.to_thread(carrier.store.make)
        await carrier.run()
