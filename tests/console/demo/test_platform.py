"""The platform as a child process: what starts, what it writes, and that it leaves nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from console.demo.platform import Platform
from console.demo.settings import SERVERS, Settings

PATIENCE_S = 20.0


async def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:g} s for {what}"
        await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    """False for a zombie too: what has ended but was not waited for holds nothing."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def listens(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(2)
        return sock.connect_ex(("127.0.0.1", port)) == 0


def ports_of(config_out: Path) -> dict[str, int]:
    site = tomllib.loads(config_out.read_text())["sites"]["demo"]
    channels = json.loads((config_out.parent / site["channels"]["files"][0]).read_text())["channels"]
    urls = {
        "prometheus": site["prometheus"]["url"],
        "elasticsearch": site["elasticsearch"]["url"],
        "kubernetes": site["kubernetes"]["demo-1"]["url"],
        **{f"alertmanager-{n}": url for n, url in enumerate(site["alertmanager"]["urls"])},
        **{v["name"]: v["connect_to"] for v in channels[0]["vantages"]},
    }
    steering = json.loads(config_out.with_name(f"{config_out.name}.steering.json").read_text())
    urls["cdn"] = steering["cdn"]["url"]
    for name, one in steering["haproxy"].items():
        urls |= {name: one["address"], f"{name}-master": one["master"]}
    return {name: int(url.rpartition(":")[2]) for name, url in urls.items()}


async def spawn(settings: dict[str, object]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console.demo", json.dumps(settings), stderr=asyncio.subprocess.PIPE
    )


@asynccontextmanager
async def running(
    tmp_path: Path, **settings: object
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Path]]:
    config = tmp_path / "midwatch.toml"
    child = await spawn({"config_out": str(config), "seed": 7, **settings})
    try:
        await until(lambda: config.exists() or child.returncode is not None, "the configuration")
        if child.returncode is not None:
            assert child.stderr is not None
            pytest.fail(f"the platform ended with {child.returncode}: {(await child.stderr.read()).decode()}")
        yield child, config
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_it_starts_answers_on_every_port_and_leaves_nothing_behind(
    tmp_path: Path, sign: signal.Signals
):
    wire = tmp_path / "wire.jsonl"
    async with running(tmp_path, wire_log=str(wire)) as (child, config):
        ports = ports_of(config)
        assert set(ports) == set(SERVERS) and len(set(ports.values())) == len(SERVERS)
        assert all(listens(port) for port in ports.values())
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                f"http://127.0.0.1:{ports['edge-lhr']}/live/uk-sport-1/master.m3u8",
                headers={"Host": "edge-lhr.midwatch.test"},
            ) as response,
        ):
            assert response.status == 200
        child.send_signal(sign)
        assert await asyncio.wait_for(child.wait(), PATIENCE_S) == 0
        assert child.stderr is not None
        assert await child.stderr.read() == b""
    assert not any(listens(port) for port in ports.values())
    assert {p.name for p in tmp_path.iterdir()} == {
        "midwatch.toml",
        "midwatch.toml.channels.json",
        "midwatch.toml.policy.toml",
        "midwatch.toml.steering.json",
        "midwatch.toml.cdn-reader.token",
        "midwatch.toml.cdn-writer.token",
        *(f"midwatch.toml.kubernetes-{holder}.token" for holder in ("reader", "writer", "narrow")),
        "wire.jsonl",
    }
    assert {p.stat().st_mode & 0o777 for p in tmp_path.glob("*.token")} == {0o600}
    lines = [json.loads(line) for line in wire.read_text().splitlines()]
    asked = {line["n"]: line for line in lines if "method" in line}
    assert {line["peer"] for line in asked.values()} == set(SERVERS)
    assert {line["server"] for line in asked.values()} == {
        "prometheus", "alertmanager", "elasticsearch", "kubernetes", "hls", "cdn", "haproxy",
    }  # fmt: skip
    (playlist,) = (n for n, line in asked.items() if line["path"].endswith("master.m3u8"))
    assert [line["status"] for line in lines if line["n"] == playlist and "method" not in line] == [200]
    assert not any(line["write"] for line in asked.values())


async def test_an_open_watch_does_not_keep_it_from_stopping(tmp_path: Path):
    async with running(tmp_path) as (child, config):
        url = f"http://127.0.0.1:{ports_of(config)['kubernetes']}/api/v1/namespaces/live/pods?watch=true"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert response.status == 200
            asked = time.monotonic()
            child.terminate()
            assert await asyncio.wait_for(child.wait(), PATIENCE_S) == 0
            assert time.monotonic() - asked < 5


async def test_backend_down_closes_the_port_and_opens_the_same_one_again(tmp_path: Path):
    truth = tmp_path / "truth.jsonl"
    async with running(
        tmp_path, scenario="backend-down", start_after_s=0.6, duration_s=1.2, truth_out=str(truth)
    ) as (_, config):
        port = ports_of(config)["elasticsearch"]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/") as response:
                assert response.status == 200
            await until(lambda: not listens(port), "the port to close")
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"http://127.0.0.1:{port}/")
            with socket.socket() as thief, pytest.raises(OSError):
                thief.bind(("127.0.0.1", port))
            assert len(truth.read_text().splitlines()) == 1
            await until(lambda: listens(port), "the port to open again")
            async with session.get(f"http://127.0.0.1:{port}/") as response:
                assert response.status == 200
        await until(lambda: len(truth.read_text().splitlines()) == 2, "the end in the truth file")
        start, end = (json.loads(line) for line in truth.read_text().splitlines())
        assert (start["kind"], end["kind"], start["entity"], start["layer"]) == (
            "start",
            "end",
            "elasticsearch",
            "source",
        )
        lasted = datetime.fromisoformat(end["t"]) - datetime.fromisoformat(start["t"])
        assert abs(lasted.total_seconds() - 1.2) < 0.002


async def test_bad_deploy_is_told_as_it_happens_and_seen_on_the_wire(tmp_path: Path):
    truth = tmp_path / "truth.jsonl"
    async with running(
        tmp_path, scenario="bad-deploy", start_after_s=0.5, duration_s=6.0, truth_out=str(truth)
    ) as (_, config):
        assert truth.exists()
        await until(lambda: len(truth.read_text().splitlines()) == 20, "twenty starts")
        ports = ports_of(config)

        async def playlist(channel: str) -> str:
            url = f"http://127.0.0.1:{ports['origin']}/live/{channel}/720p/index.m3u8"
            async with session.get(url) as response:
                return await response.text()

        async with aiohttp.ClientSession() as session:
            frozen, fresh = await playlist("uk-news-1"), await playlist("us-news-1")
            deadline = time.monotonic() + PATIENCE_S
            while await playlist("us-news-1") == fresh:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
            assert await playlist("uk-news-1") == frozen
            await until(lambda: len(truth.read_text().splitlines()) == 40, "twenty ends")
            assert await playlist("uk-news-1") != frozen


async def test_it_goes_when_its_parent_is_killed(tmp_path: Path):
    config, pid_file = tmp_path / "midwatch.toml", tmp_path / "pid"
    program = (
        "import json, os, pathlib, subprocess, sys\n"
        "settings = {'config_out': sys.argv[1], 'parent_pid': os.getpid()}\n"
        "child = subprocess.Popen([sys.executable, '-m', 'console.demo', json.dumps(settings)])\n"
        "pathlib.Path(sys.argv[2]).write_text(str(child.pid))\n"
        "child.wait()\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(config), str(pid_file))
    await until(config.exists, "the configuration")
    pid = int(pid_file.read_text())
    assert alive(pid)
    parent.kill()
    await parent.wait()
    try:
        await until(lambda: not alive(pid), "the orphan to end")
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)


async def test_ports_can_be_fixed_and_a_platform_restarted_on_them(tmp_path: Path):
    async with running(tmp_path) as (child, config):
        ports = ports_of(config)
        child.terminate()
        assert await child.wait() == 0
    config.unlink()
    async with running(tmp_path, ports=ports) as (_, config):
        assert ports_of(config) == ports


async def test_a_port_in_use_is_named_and_nothing_stays(tmp_path: Path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        child = await spawn({"config_out": str(tmp_path / "c.toml"), "ports": {"edge-nrt": port}})
        _, stderr = await asyncio.wait_for(child.communicate(), PATIENCE_S)
    assert child.returncode == 2
    assert b"edge-nrt: cannot bind 127.0.0.1:%d" % port in stderr and b"Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []


async def test_wrong_settings_end_it_with_2_and_one_line():
    child = await spawn({"config_out": "x", "scenario": "earthquake"})
    _, stderr = await child.communicate()
    assert child.returncode == 2 and stderr.count(b"\n") == 1 and b"earthquake" in stderr


async def test_a_config_out_that_cannot_be_written_is_said_and_nothing_stays(tmp_path: Path):
    child = await spawn({"config_out": str(tmp_path / "nosuch" / "c.toml")})
    _, stderr = await asyncio.wait_for(child.communicate(), PATIENCE_S)
    assert child.returncode == 2 and b"nosuch" in stderr and b"Traceback" not in stderr


async def test_log_lines_name_pods_that_stand_in_the_cluster(tmp_path: Path):
    async with running(tmp_path) as (_, config), aiohttp.ClientSession() as session:
        ports = ports_of(config)
        known: set[str] = set()
        for namespace in ("live", "vod", "platform"):
            url = f"http://127.0.0.1:{ports['kubernetes']}/api/v1/namespaces/{namespace}/pods"
            async with session.get(url) as response:
                known |= {pod["metadata"]["name"] for pod in (await response.json())["items"]}
        assert len(known) == 400
        query = {"size": 300, "sort": [{"@timestamp": "desc"}]}
        url = f"http://127.0.0.1:{ports['elasticsearch']}/logs-video-*/_search"
        async with session.post(url, json=query) as response:
            lines = [hit["_source"] for hit in (await response.json())["hits"]["hits"]]
    assert len(lines) == 300
    named = {line["kubernetes"]["pod"]["name"] for line in lines}
    # One encoder is replaced now and then; its last words may outlive it.
    assert all(name.startswith("vod-encoder-") for name in named - known) and len(named & known) > 10


async def test_ready_is_when_every_port_has_answered(tmp_path: Path):
    platform = Platform(Settings(config_out=str(tmp_path / "c.toml")))
    try:
        await platform.start()
        assert {name for name, listener in platform.listeners.items() if listener.is_open} == set(SERVERS)
        assert abs((platform.clock() - platform.world.start).total_seconds()) < 2
    finally:
        await platform.stop()


async def test_what_is_written_at_one_port_is_seen_at_the_others(tmp_path: Path):
    began = datetime.now(UTC)
    ahead = [0.0]
    platform = Platform(
        Settings(config_out=str(tmp_path / "c.toml")), lambda: began + timedelta(seconds=ahead[0])
    )
    try:
        await platform.start()
        told = json.loads((tmp_path / "c.toml.steering.json").read_text())
        urls = {name: f"http://127.0.0.1:{one.port}" for name, one in platform.listeners.items()}

        async def ask(query: str) -> list[float]:
            at = (began + timedelta(seconds=ahead[0])).timestamp()
            async with session.get(f"{urls['prometheus']}/api/v1/query", params={"query": query, "time": at}) as r:
                return [float(one["value"][1]) for one in (await r.json())["data"]["result"]]

        async with aiohttp.ClientSession() as session:
            headers = {"Authorization": f"Bearer {Path(told['cdn']['write_token_file']).read_text().strip()}"}
            weights = f"{told['cdn']['url']}/v1/properties/live/weights"
            async with session.get(weights, headers=headers) as response:
                etag = response.headers["ETag"]
            new = {"weights": {"own": 0, "cdn-a": 0, "cdn-b": 0, "cdn-c": 100}}
            async with session.put(weights, headers={**headers, "If-Match": etag}, json=new) as response:
                assert response.status == 200
            host, port = told["haproxy"]["lb-2"]["address"].split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"set server origin/origin-3 state drain\n")
            assert await reader.read() == b"\n"
            writer.close()
            silence = {
                "matchers": [{"name": "alertname", "value": "Watchdog", "isRegex": False}],
                "startsAt": began.isoformat(), "endsAt": (began + timedelta(hours=1)).isoformat(),
                "createdBy": "ann", "comment": "op:1",
            }  # fmt: skip
            async with session.post(f"{urls['alertmanager-0']}/api/v2/silences", json=silence) as response:
                made = (await response.json())["silenceID"]
            ahead[0] = 120.0
            assert await ask('cdn_share{cdn="cdn-c"}') == [1.0]
            assert await ask("sum(rate(edge_bytes_total[1m]))") == [0.0]
            assert await ask('haproxy_server_status{server="origin-3",state="DRAIN"} == 1') == [1.0]
            assert await ask('haproxy_server_current_sessions{balancer="lb-2",server="origin-3"}') == [0.0]
            assert (await ask('haproxy_server_current_sessions{balancer="lb-1",server="origin-3"}'))[0] > 100
            async with session.get(f"{urls['alertmanager-1']}/api/v2/alerts") as response:
                assert [one["status"]["silencedBy"] for one in await response.json()] == [[made]]
    finally:
        await platform.stop()


def test_the_platform_imports_nothing_of_the_engine():
    import ast

    room = Path(__file__).parents[3] / "console" / "demo"
    for path in room.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [])
            )
            for name in names:
                assert not name.startswith("console") or name.startswith("console.demo"), f"{path}: {name}"
