"""A process that posts to a webhook and delivers, until it is killed: `python -m tests.chat.poster FOLDER URL SECRET FIRST`.

Prints the id of each letter once posting it has returned.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from console.chat.message import Message
from console.chat.office import Office
from console.config.chat import ChatDestination
from console.feeds.clock import SystemClock
from console.redaction.redactor import Redactor
from tests.hand_clock import START


def office(folder: Path, url: str, secret: str) -> Office:
    told = msgspec.convert({"kind": "webhook", "url": url, "secret_file": secret, "rate": 50.0}, ChatDestination)
    return Office({"robot": told}, folder, SystemClock(), {}, Redactor())


async def main(folder: str, url: str, secret: str, first: str) -> None:
    opened = office(Path(folder), url, secret)
    opened.open()
    for number in range(int(first), int(first) + 1000):
        message = Message(id=f"mw-{number}", head="head", severity="CRIT", taken_at=START)
        await opened.post("robot", message)
        print(message.id, flush=True)
        await asyncio.sleep(0.002)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
