"""A bell on loopback over a scene, the chat it tells, and an Alertmanager made by hand."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from console.bell.bell import Bell
from console.bell.drawing import Wish
from console.chat.office import Office
from console.config.bell import Bell as Settings
from console.config.chat import ChatDestination
from console.config.scope import DEFAULTS
from console.redaction.redactor import Redactor
from tests.chat import slack
from tests.console.chat.turning import until
from tests.hand_clock import START, HandClock
from tests.scene import Scene

TOKEN = "canary-bell-token-0001"
EVER = datetime(1, 1, 1, tzinfo=UTC)


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at.year > 1 else "0001-01-01T00:00:00Z"


def alert(name: str = "ChannelStale", *, status: str = "firing", since: datetime = START, summary: str = "", **labels: str) -> dict[str, Any]:
    told = {"alertname": name, "severity": "critical", **labels}
    return {
        "status": status, "labels": told, "annotations": {"summary": summary} if summary else {}, "startsAt": stamp(since),
        "endsAt": stamp(EVER if status == "firing" else since + timedelta(minutes=5)),
        "generatorURL": "http://prom:9090/graph?g0.expr=up", "fingerprint": f"{abs(hash_of(told)):016x}",
    }  # fmt: skip


def hash_of(labels: dict[str, str]) -> int:
    value = 14695981039346656037
    for byte in repr(sorted(labels.items())).encode():
        value = ((value ^ byte) * 1099511628211) % 2**64
    return value


def payload(*alerts: dict[str, Any], group: str = "ChannelStale", **more: Any) -> dict[str, Any]:
    """What Alertmanager posts of one group."""
    firing = any(each["status"] == "firing" for each in alerts)
    return {
        "version": "4", "groupKey": f'{{}}:{{alertname="{group}"}}', "truncatedAlerts": 0, "status": "firing" if firing else "resolved",
        "receiver": "midwatch", "groupLabels": {"alertname": group}, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "http://am:9093", "alerts": list(alerts), **more,
    }  # fmt: skip


def said(message: dict[str, Any]) -> str:
    return "\n".join([message["text"], *slack.texts(message["blocks"])])


class Belfry:
    """All of it. `ring` posts; `turn` lets time pass until something holds."""

    def __init__(self, place: Path, started: Callable[..., Any], clock: HandClock, token: str, kept: Callable[[str, str], str]) -> None:
        self.place, self.clock, self.token = place, clock, token
        self._started, self._kept = started, kept
        self.scene = Scene(clock)
        self.redactor = Redactor([TOKEN, slack.TOKEN])
        self.slack: slack.Slack
        self.port = 0
        self.also: dict[str, dict[str, Any]] = {}  # destinations beside the Slack
        self.wishes: list[Wish] = []
        self.draw = self._wished  # a child process for each picture is what one test is about

    async def _wished(self, wish: Wish) -> bytes:
        self.wishes.append(wish)
        return slack.PNG

    async def open(self) -> None:
        if not hasattr(self, "slack"):
            self.slack = await self._started(slack.Slack(self.clock))
        told = {"kind": "slack", "url": f"{self.slack.url}/api", "token_file": self._kept("slack", slack.TOKEN), "channel": slack.CHANNEL}
        self.destinations = {name: msgspec.convert(each, ChatDestination) for name, each in {"oncall": told, **self.also}.items()}
        self.office = Office(self.destinations, self.place / "state" / "chat", self.clock, {}, self.redactor, rng=random.Random(7))
        self.office.open()
        settings = msgspec.convert({"to": list(self.destinations), "auth": {"bearer_file": self.token}}, Settings)
        self.bell = Bell(
            settings, self.destinations, self.office, self.place / "state" / "bell", self.scene.desk, "apac", self.clock, {}, DEFAULTS,
            lambda: self.redactor, draw=self.draw,
        )  # fmt: skip
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        listening.setblocking(False)
        self.listening = listening
        await self.bell.open([listening])
        self.http = aiohttp.ClientSession()

    async def close(self) -> None:
        await self.http.close()
        await self.bell.close()
        self.listening.close()
        await self.office.close()

    async def again(self) -> None:
        """Stopped and started over the same state."""
        await self.close()
        await self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def ring(self, body: Any, *, headers: dict[str, str] | None = None, path: str = "", token: str = TOKEN) -> tuple[int, str]:
        sent = body if isinstance(body, bytes) else msgspec.json.encode(body)
        told = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **(headers or {})}
        async with self.http.post(self.url + path, data=sent, headers=told) as answer:
            return answer.status, await answer.text()

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What arrived; of copies, which a stop in the middle of a delivery makes, the first."""
        return list({each["metadata"]["event_payload"]["id"]: each for each in reversed(self.slack.messages)}.values())[::-1]

    async def turn(self, condition: Callable[[], bool], **how: Any) -> float:
        return await until(self.clock, condition, **how)

    async def passes(self, seconds: float) -> None:
        """Time in which whatever may happen does."""
        end = self.clock.now().mono + seconds
        while self.clock.now().mono < end:
            await asyncio.sleep(0.002)
            await self.clock.advance(0.25)

    @property
    def journal(self) -> Path:
        return self.place / "state" / "bell" / "oncall" / "journal"
