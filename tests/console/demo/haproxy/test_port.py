"""The socket: answers laid beside those of a real HAProxy 2.6, prompt mode, levels, the wire log, reload."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.demo.haproxy.balancer import Balancer
from console.demo.haproxy.command import writes
from console.demo.haproxy.port import MAX_LINE, Port
from console.demo.wire import WireLog
from console.demo.world.world import World

VECTORS = Path(__file__).parents[3] / "vectors" / "haproxy"
START = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)


def bound() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock


class Lab:
    def __init__(self, wire: WireLog) -> None:
        self.now = START
        self.balancer = Balancer("lb-1", World(7, "calm", START))
        self.port = Port("lb-1", bound(), self.balancer, lambda: self.now, wire)
        self.master = Port("lb-1-master", bound(), self.balancer, lambda: self.now, wire, master=True)

    def after(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def say(self, line: str, port: Port | None = None) -> str:
        """One connection, until the balancer closes it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", (port or self.port).port)
        writer.write(line.encode() + b"\n")
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return answer.decode()

    async def stat(self, row: str) -> dict[str, str]:
        lines = (await self.say("show stat")).split("\n")
        names = lines[0].removeprefix("# ").split(",")
        (found,) = (line for line in lines if line.startswith(row.replace("/", ",") + ","))
        return dict(zip(names, found.split(","), strict=True))


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    wire = WireLog(tmp_path / "wire.jsonl")
    made = Lab(wire)
    await made.port.start()
    await made.master.start()
    yield made
    await made.port.stop()
    await made.master.stop()
    wire.close()


async def test_every_answer_is_byte_for_byte_the_one_a_real_haproxy_gave(lab: Lab):
    steps = json.loads((VECTORS / "runtime-2.6.12.json").read_text())["steps"]
    for number, step in enumerate(steps):
        assert await lab.say(step["line"]) == step["answer"], f"step {number}: {step['line']}"
    assert len(steps) > 100


async def test_the_tables_have_the_real_ones_columns_and_fill_the_same(lab: Lab):
    real = json.loads((VECTORS / "tables-2.6.12.json").read_text())
    lines = (await lab.say("show stat")).split("\n")
    assert lines[0] == real["header"] and lines[-2:] == ["", ""]
    names = lines[0].removeprefix("# ").split(",")

    def filled(line: str) -> set[str]:
        return {name for name, value in zip(names, line.split(","), strict=True) if value}

    for kind, start in (("frontend", "live,"), ("server", "origin,origin-2,"), ("backend", "origin,BACKEND,")):
        (mine,) = (line for line in lines if line.startswith(start))
        # Only the demo's servers have a maxconn.
        assert filled(mine) - {"slim"} == filled(real[kind]) - {"slim"}, kind
    for state in ("maint", "drain"):
        await lab.say(f"set server origin/origin-1 state {state}")
        (mine,) = (x for x in (await lab.say("show stat")).split("\n") if x.startswith("origin,origin-1"))
        assert filled(mine) - {"slim"} == filled(real[state]) - {"slim"}
        status = names.index("status")
        assert mine.split(",")[status] == real[state].split(",")[status]
        table = (await lab.say("show servers state origin")).split("\n")
        other = real[f"{state}_state"].split("\n")
        assert table[:2] == other[:2] and len(table) == len(other)
        # But for the address and the port they are the same row.
        ours, theirs = table[2].split(), other[2].split()
        assert [x for n, x in enumerate(ours) if n not in (4, 18)] == [x for n, x in enumerate(theirs) if n not in (4, 18)]


async def test_show_info_has_the_real_ones_names_in_their_order(lab: Lab):
    real = json.loads((VECTORS / "tables-2.6.12.json").read_text())["info"]
    mine = await lab.say("show info")
    assert [line.partition(":")[0] for line in mine.split("\n")] == [line.partition(":")[0] for line in real.split("\n")]


async def test_prompt_keeps_the_connection_and_a_second_prompt_ends_it(lab: Lab):
    reader, writer = await asyncio.open_connection("127.0.0.1", lab.port.port)

    async def say(line: bytes) -> bytes:
        writer.write(line)
        return await asyncio.wait_for(reader.readuntil(b"> "), 5)

    assert await say(b"prompt\n") == b"\n> "
    assert await say(b"show version\n") == b"2.6.12-1+deb12u4\n\n> "
    assert await say(b"set weight origin/origin-1 abc\n") == b"Empty weight string empty or preceded by garbage\n> "
    writer.write(b"show version;show backend\n")
    got = await reader.readuntil(b"> ") + await reader.readuntil(b"> ")
    assert got == b"2.6.12-1+deb12u4\n\n> # name\norigin\nsession-api\n\n> "
    writer.write(b"prompt\n")
    assert await asyncio.wait_for(reader.read(), 5) == b"\n"
    writer.close()


async def test_a_line_without_an_end_is_not_kept_for_ever(lab: Lab):
    reader, writer = await asyncio.open_connection("127.0.0.1", lab.port.port)
    writer.write(b"x" * (MAX_LINE + 1))
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_drained_server_empties_over_seconds_and_the_others_take_over(lab: Lab):
    before = int((await lab.stat("origin/origin-1"))["scur"])
    assert before > 100
    await lab.say("set server origin/origin-1 state drain")
    seen = []
    for _ in range(12):
        row = await lab.stat("origin/origin-1")
        assert row["status"] == "DRAIN" and row["rate"] == "0"
        seen.append(int(row["scur"]))
        lab.after(1)
    assert seen[0] == before and seen == sorted(seen, reverse=True) and 0 < seen[2] < before
    assert seen[-1] == 0
    assert int((await lab.stat("origin/origin-2"))["scur"]) == pytest.approx(before * 4 / 3, rel=0.05)


async def test_weights_move_the_sessions_and_the_counters_follow(lab: Lab):
    await lab.say("set server origin/origin-1 weight 50%;set server origin/origin-2 weight 0")
    lab.after(30)
    first = {n: await lab.stat(f"origin/origin-{n}") for n in (1, 2, 3)}
    lab.after(60)
    second = {n: await lab.stat(f"origin/origin-{n}") for n in (1, 2, 3)}
    gained = {n: int(second[n]["stot"]) - int(first[n]["stot"]) for n in (1, 2, 3)}
    assert gained[2] == 0 and gained[1] * 2 == pytest.approx(gained[3], rel=0.01) and gained[3] > 1000
    assert (first[2]["status"], first[2]["weight"], first[2]["scur"]) == ("UP", "0", "0")


async def test_too_few_servers_fill_up_and_answer_with_errors(lab: Lab):
    calm = await lab.stat("origin/origin-1")
    for n in (2, 3, 4):
        await lab.say(f"disable server origin/origin-{n}")
    lab.after(60)
    alone = await lab.stat("origin/origin-1")
    assert alone["scur"] == alone["slim"] == "500" and int(alone["qcur"]) > 0
    gained = {name: int(alone[name]) - int(calm[name]) for name in ("stot", "hrsp_5xx")}
    assert 0.3 < gained["hrsp_5xx"] / gained["stot"] < 0.9


async def test_a_backend_without_a_server_is_down_and_answers_for_itself(lab: Lab):
    for n in (1, 2, 3):
        await lab.say(f"set server session-api/api-{n} weight 0")
    before = await lab.stat("session-api/BACKEND")
    lab.after(10)
    after = await lab.stat("session-api/BACKEND")
    assert (before["status"], before["weight"], before["act"], before["chkdown"]) == ("DOWN", "0", "0", "1")
    gained = {name: int(after[name]) - int(before[name]) for name in ("stot", "lbtot", "econ", "hrsp_5xx")}
    assert gained["lbtot"] == 0 and gained["stot"] == pytest.approx(gained["econ"], abs=2) and gained["econ"] > 1000


async def test_a_reload_forgets_what_was_set_and_counts_from_0(lab: Lab):
    await lab.say("set server origin/origin-1 weight 7;set server origin/origin-2 state maint")
    assert await lab.say("reload") != "" and await lab.say("get weight origin/origin-1") == "7 (initial 100)\n\n"
    assert await lab.say("reload", lab.master) == ""
    assert await lab.say("get weight origin/origin-1") == "100 (initial 100)\n\n"
    row = await lab.stat("origin/origin-2")
    assert (row["status"], row["stot"], row["scur"]) == ("UP", "0", "0")
    lab.after(20)
    assert int((await lab.stat("origin/origin-2"))["scur"]) > 100
    assert "Uptime_sec: 20\n" in await lab.say("show info")


async def test_the_other_balancer_is_untouched(lab: Lab):
    other = Balancer("lb-2", lab.balancer.world)
    await lab.say("set server origin/origin-1 weight 7")
    assert other.process.status["origin", "origin-1"].weight == 100


async def test_every_command_is_on_the_wire_log_before_it_has_an_effect(lab: Lab, tmp_path: Path):
    path = tmp_path / "wire.jsonl"
    weights: list[int] = []
    told = lab.port._answer

    def watched(commands, text: str) -> str:
        last = json.loads(path.read_text().splitlines()[-1])
        weights.append(lab.balancer.process.status["origin", "origin-1"].weight)
        assert (last["path"], last["method"]) == (text.strip(), "CLI")
        return told(commands, text)

    lab.port._answer = watched
    await lab.say("set server origin/origin-1 weight 5; show backend")
    await lab.say("reload", lab.master)
    assert weights == [100, 5]
    asked = [line for line in map(json.loads, path.read_text().splitlines()) if "method" in line]
    assert [(line["peer"], line["path"], line["write"]) for line in asked] == [
        ("lb-1", "set server origin/origin-1 weight 5", True),
        ("lb-1", "show backend", False),
        ("lb-1-master", "reload", True),
    ]
    assert {line["server"] for line in asked} == {"haproxy"} and {line["port"] for line in asked[:2]} == {lab.port.port}


@pytest.mark.parametrize(
    ("text", "write"),
    [
        ("show stat", False),
        ("get weight a/b", False),
        (" set  weight a/b 1", True),
        ("set server", True),
        ("disable server a/b", True),
        ("enable server a/b", True),
        ("", False),
        ("setserver", False),
    ],
)
def test_a_write_is_known_by_its_first_words(text: str, write: bool):
    assert writes(text) is write


@pytest.mark.parametrize("text", ["9" * 10_000, "9" * 10_000 + "%", "-" + "9" * 5000])
async def test_a_number_of_any_length_is_answered(lab: Lab, text: str):
    assert (await lab.say(f"set server origin/origin-1 weight {text}")).endswith("\n")
    assert await lab.say("show stat " + "9" * 5000 + " 4 -1") != ""
    assert (await lab.stat("origin/origin-2"))["weight"] == "100"
