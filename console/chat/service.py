"""What every chat service is to the rest of the room: two questions, each answered with an outcome."""

from __future__ import annotations

from typing import Protocol

from console.chat.letter import Letter, Receipt
from console.chat.message import Message
from console.chat.outcome import Outcome
from console.chat.shown import Shown


class Service(Protocol):
    """One destination, spoken to. Its methods raise SourceError for a secret that cannot be read, and nothing else."""

    rate: float  # messages a second that the service bears
    burst: int
    no_picture: str  # why it takes none; "" when it does
    has_threads: bool

    def shown(self, message: Message) -> Shown:
        """What `text` would send of a message that is not late. Nothing is sent or read for it."""
        ...

    async def text(self, letter: Letter, opener: Receipt | None, late_s: float) -> Outcome:
        """Post the text; `opener`: what it answers."""
        ...

    async def picture(self, letter: Letter, picture: bytes, text: Receipt | None) -> Outcome:
        """Post the picture beside its text."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
