"""Guarded actions on two real HAProxy balancers under traffic: a weight moved in steps, a server drained and brought back,
and a shift that halts by itself when a server begins to fail. `make lab` first.
"""

from __future__ import annotations

import asyncio
import re
import time
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from console.actions.audit import kinds
from console.actions.audit.operation import Ending, State
from console.actions.refusal import Denied
from console.actions.targets.haproxy.hand import HaproxyHand
from console.actions.targets.haproxy.runtime import Runtime
from console.actions.targets.haproxy.tables import Server
from console.config.balancers import Balancers
from tests.lab.acting import Acting, acting, refused
from tests.lab.proof import Figure, figure, record
from tests.lab.servers import SITE, lab_folder

SETTLE_S = 3.0
PACE_S = 0.01  # between a visitor's two requests: a load, and nothing that is waited for
WORKERS = 8  # requests at a time, half of them at each balancer
NAMES = ("lb-1", "lb-2")


def config() -> Balancers | None:
    """As the lab's site tells it; None where that lab has no balancers."""
    site = tomllib.loads(SITE.read_text())["sites"]["lab"] if SITE.exists() else {}
    told = site.get("haproxy", {}).get("lab")
    return msgspec.convert({**told, "settle_s": SETTLE_S, "empty_s": 10.0}, Balancers) if told else None


pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(90),
    pytest.mark.skipif(config() is None, reason="tests/lab/site.toml names no balancers: run `make lab` first"),
]


class Visit(msgspec.Struct, frozen=True):
    """One request: when, through which balancer, who answered with what (0: nobody)."""

    at: float
    balancer: str
    server: str
    status: int


class Crowd:
    """Visitors, one request after the other, each on a connection of its own."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []
        self._fronts = {name: _front(name) for name in NAMES}
        self._tasks: list[asyncio.Task[None]] = []
        self._came = asyncio.Event()  # somebody has

    def begin(self) -> None:
        self._tasks = [asyncio.create_task(self._come(NAMES[number % 2])) for number in range(WORKERS)]

    async def _come(self, balancer: str) -> None:
        while True:
            at = time.monotonic()
            server, status = await _ask(self._fronts[balancer])
            self.visits.append(Visit(at, balancer, server, status))
            self._came.set()
            await asyncio.sleep(PACE_S)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def shares(self, visits: int = 200) -> dict[str, float]:
        """Of the next so many visits to each balancer: how many web-1 gets."""
        since = time.monotonic()

        def come(name: str) -> list[Visit]:
            return [visit for visit in self.visits if visit.balancer == name and visit.at >= since]

        async with asyncio.timeout(30):
            while min(len(come(name)) for name in NAMES) < visits:
                await self._came.wait()
                self._came.clear()
        return {name: sum(visit.server == "web-1" for visit in come(name)) / len(come(name)) for name in NAMES}

    @property
    def failed(self) -> list[Visit]:
        return [visit for visit in self.visits if visit.status != 200]


def _front(name: str) -> int:
    found = re.search(r"bind 127\.0\.0\.1:(\d+)", (lab_folder() / f"traffic/{name}.cfg").read_text())
    assert found is not None
    return int(found[1])


async def _ask(port: int) -> tuple[str, int]:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")
            said = (await reader.read(-1)).decode("latin-1")
        finally:
            writer.close()
    except OSError:
        return "", 0
    server = re.search(r"(?i)x-server: (\S+)", said)
    return server[1] if server else "", int(said.split()[1]) if said.startswith("HTTP/") else 0


async def standing() -> dict[str, dict[str, Server]]:
    """What each balancer says itself, asked beside the console."""
    told = config()
    assert told is not None
    hand = HaproxyHand({"lab": told})
    return {name: await hand.servers(f"lab/{name}", "web") for name in NAMES}


async def told(balancer: str, weight: int) -> None:
    """Until that balancer says that web-1 has this weight."""
    async with asyncio.timeout(10):
        while (await standing())[balancer]["web-1"].weight != weight:  # noqa: ASYNC110  a socket of HAProxy's tells no news
            await asyncio.sleep(0.02)


async def _as_configured() -> None:
    """Whatever a test left behind."""
    told = config()
    assert told is not None
    for name, address in told.balancers.items():
        for server in ("web-1", "web-2"):
            for word in ("weight 100", "state ready"):
                await Runtime(name, address, 3.0).ask(f"set server web/{server} {word}")


@pytest.fixture(scope="module")
def figures() -> Iterator[list[Figure]]:
    found: list[Figure] = []
    yield found
    if found:
        record("acting_haproxy", "guarded actions on two real HAProxy balancers under traffic", *found)


@asynccontextmanager
async def shop(home: Path) -> AsyncIterator[tuple[Acting, Crowd]]:
    """The service, and visitors that come all the while."""
    told = config()
    assert told is not None
    addresses = ", ".join(f'{name} = "{address}"' for name, address in told.balancers.items())
    site = f"[sites.lab.haproxy.lab]\nbalancers = {{ {addresses} }}\nsettle_s = {SETTLE_S}\nempty_s = 10\n"
    crowd = Crowd()
    await _as_configured()
    crowd.begin()
    try:
        async with acting(home, site) as made:
            await crowd.shares(50)
            yield made, crowd
    finally:
        await crowd.end()
        for name in ("web-1", "web-2"):
            (lab_folder() / f"traffic/{name}.fails").unlink(missing_ok=True)
        await _as_configured()


async def test_a_weight_moves_real_traffic_balancer_by_balancer_and_back(tmp_path: Path, figures: list[Figure]):
    async with shop(tmp_path) as (made, crowd):
        before = await crowd.shares()
        plan = await made.confirmed("haproxy.weight", "haproxy:lab/web/web-1", weight=25)
        task = asyncio.ensure_future(made.run(plan))
        await told("lb-1", 25)
        between = await standing()
        assert between["lb-2"]["web-1"].weight == 100  # the second only after the first came to rest
        assert await task is Ending.SUCCEEDED, made.operation(plan)
        after = await crowd.shares()
        assert {name: each["web-1"].weight for name, each in (await standing()).items()} == dict.fromkeys(NAMES, 25)
        begun = [entry for entry in made.records(plan.op) if isinstance(entry, kinds.StepBegun)]
        assert [entry.step for entry in begun] == [1, 2, 3, 4]  # 30 points: in two steps at each balancer
        await made.undone(plan.op)
        again = await crowd.shares()
        for name in NAMES:
            figures.append(figure(f"web-1 on {name}, share before (weight 100 of 200)", before[name], "ratio", 0.42, 0.58))
            figures.append(figure(f"web-1 on {name}, share after (weight 25 of 125)", after[name], "ratio", 0.14, 0.26))
            figures.append(figure(f"web-1 on {name}, share after the undo", again[name], "ratio", 0.42, 0.58))
        figures.append(figure("visits while it moved there and back", len(crowd.visits), "requests", least=100))
        figures.append(figure("of them not answered with 200", len(crowd.failed), "requests", most=0))


async def test_a_drained_server_gets_nobody_and_comes_back(tmp_path: Path, figures: list[Figure]):
    async with shop(tmp_path) as (made, crowd):
        operation = await made.done("haproxy.drain", "haproxy:lab/web/web-1")
        drained = await crowd.shares()
        last = await made.plan("haproxy.drain", "haproxy:lab/web/web-2")
        assert "is the last of web that takes traffic on lb-1, lb-2" in refused(last)["last server"]
        await made.undone(operation.id)
        assert made.service.book.get(operation.id).state is State.UNDONE  # type: ignore[union-attr]
        back = await crowd.shares()
        figures.append(figure("a drained server's share of the visits", max(drained.values()), "ratio", most=0))
        figures.append(figure("its share after it was ready again", min(back.values()), "ratio", least=0.35))
        figures.append(figure("visits not answered with 200 around the drain", len(crowd.failed), "requests", most=0))


async def test_a_shift_halts_when_a_server_begins_to_fail_and_the_other_balancer_is_not_told(
    tmp_path: Path, figures: list[Figure]
):
    async with shop(tmp_path) as (made, crowd):
        plan = await made.confirmed("haproxy.weight", "haproxy:lab/web/web-1", weight=50)
        task = asyncio.ensure_future(made.run(plan))
        await told("lb-1", 50)
        (lab_folder() / "traffic/web-2.fails").touch()  # it passes its health check all the while
        failing = time.monotonic()
        assert await task is None, made.operation(plan)
        took_s = time.monotonic() - failing
        stopped = next(entry for entry in made.records(plan.op) if isinstance(entry, kinds.Stopped))
        assert "lb-1 web/web-2 answered" in stopped.reason or "lb-1 web answered" in stopped.reason, stopped.reason
        known = made.service.book.get(plan.op)
        assert known is not None and known.state is State.STOPPED and known.may_undo and known.operation.undo_offered
        assert (await standing())["lb-2"]["web-1"].weight == 100
        (lab_folder() / "traffic/web-2.fails").unlink()
        await made.undone(plan.op)
        assert {name: each["web-1"].weight for name, each in (await standing()).items()} == dict.fromkeys(NAMES, 100)
        figures.append(figure("from the first failing answer to the halt", took_s, "s", most=SETTLE_S))
        figures.append(figure("visitors who met the failing server until then", len(crowd.failed), "requests"))


async def test_somebody_else_at_a_socket_makes_the_plan_void_and_is_not_written_over(tmp_path: Path):
    group = config()
    assert group is not None
    async with shop(tmp_path) as (made, _crowd):
        plan = await made.confirmed("haproxy.weight", "haproxy:lab/web/web-1", weight=50)
        await Runtime("lb-2", group.balancers["lb-2"], 3.0).ask("set server web/web-1 weight 70")
        with pytest.raises(Denied, match="changed since the plan"):
            await made.run(plan)
        assert (await standing())["lb-2"]["web-1"].weight == 70
