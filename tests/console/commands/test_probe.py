"""`midwatch probe URL`: a stream told as a story, on a healthy stream and on a broken one."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections import Counter
from typing import Any

import pytest

from console.cli import main
from console.commands.exposing import is_mine
from console.exit_codes import ExitCode
from console.model.channel import Channel
from tests.console.sources.hls.station import Station

URL = "http://origin.midwatch.test/{}/master.m3u8"


async def probed(*words: str, stop: bool = False) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console", "probe", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    if stop:
        first = await process.stdout.readline()
        process.send_signal(signal.SIGINT)
    out, error = await process.communicate()
    return process.returncode or 0, (first if stop else b"").decode() + out.decode(), error.decode()


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


async def test_a_healthy_stream_has_no_finding_and_a_frozen_one_is_named():
    async with Station() as station:
        way = f"127.0.0.1:{station.port}"
        station.frozen[("origin", "two", "360p")] = time.time() - 1
        (well, told, _), (sick, faults, _), (text_code, text, _) = await asyncio.gather(
            probed(URL.format("one"), "--connect-to", way, "--json", "--duration", "10s"),
            probed(URL.format("two"), "--connect-to", way, "--json", "--duration", "10s"),
            probed(URL.format("two"), "--connect-to", way, "--duration", "10s"),
        )
    assert well == ExitCode.OK
    assert [set(line) for line in lines(told)] == [{"summary"}]
    summary = lines(told)[0]["summary"]
    assert (summary["severity"], summary["entity"], summary["renditions_ok"]) == ("OK", "one", 2)
    assert summary["is_settled"] and summary["target_duration_s"] == 1.0
    assert sick == text_code == ExitCode.UNHEALTHY
    found, last = lines(faults)
    assert (found["code"], found["rendition"], found["layer"]) == ("STALE", "360p", "transcode")
    assert {"entity", "vantage", "severity", "reason", "first_seen", "last_seen", "evidence", "spec_ref"} <= set(found)
    assert last["summary"]["codes"] == ["STALE"]
    assert "STALE [transcode] 360p stale" in text and "1 of 2 renditions well" in text


async def test_a_token_in_the_url_is_never_shown_and_nobody_answering_ends_with_3():
    code, out, error = await probed("http://me:hush@127.0.0.1:1/live/x.m3u8?token=hush", "--duration", "8s", "--json")
    assert code == ExitCode.UNREACHABLE
    assert "hush" not in out + error
    assert lines(out)[-1]["summary"]["codes"] == ["DOWN", "FETCH_FAIL"]


async def test_a_404_is_a_finding():
    async with Station() as station:
        station.bodies["/gone/master.m3u8"] = (404, b"no", {})
        code, out, _ = await probed(
            URL.format("gone"), "--connect-to", f"127.0.0.1:{station.port}", "--duration", "8s", "--json"
        )
    assert code == ExitCode.UNHEALTHY
    assert lines(out)[0]["evidence"].get("status", 404) == 404


async def test_ctrl_c_ends_the_watch_with_its_summary():
    async with Station() as station:
        code, out, _ = await probed(
            URL.format("one"), "--connect-to", f"127.0.0.1:{station.port}", "--duration", "10m", stop=True
        )
    assert code == ExitCode.INTERRUPTED
    assert "UNKNOWN" in out.splitlines()[-1] and "no finding" in out.splitlines()[-1]


@pytest.mark.parametrize("shards", [1, 2, 3, 7, 64])
def test_every_channel_is_one_shards_and_a_shard_more_takes_only_its_part(shards: int):
    channels = [Channel(name=f"channel-{number}", vantages=()) for number in range(2_000)]
    owner = {c.name: [n for n in range(1, shards + 1) if is_mine(c, (n, shards))] for c in channels}
    assert all(len(mine) == 1 for mine in owner.values())
    counts = Counter(mine[0] for mine in owner.values())
    assert len(counts) == shards and max(counts.values()) < 2 * len(channels) / shards
    moved = [c for c in channels if not is_mine(c, (owner[c.name][0], shards + 1))]
    assert all(is_mine(c, (shards + 1, shards + 1)) for c in moved)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["probe"], "name a URL"),
        (["probe", "ftp://x/y"], "no http or https URL"),
        (["probe", "http://me:hush@/x?token=hush"], "no http or https URL"),
        (["probe", "http://x/y", "--duration", "0.5s"], "at least 1 s"),
        (["probe", "http://x/y", "--edge", "http://z"], "write NAME=URL"),
        (["probe", "http://x/y", "--edge", "a=http://z/y", "--edge", "edge-a=http://z/y"], "one name"),
        (["probe", "http://x/y", "--connect-to", "lhr=1.2.3.4:80"], "there is no `edge-lhr`"),
        (["probe", "http://x/y", "--connect-to", "1.2.3.4"], "write IP:PORT"),
        (["probe", "http://x/y", "--metrics", "127.0.0.1:0"], "no URL"),
        (["probe", "--metrics", "nowhere"], "write HOST:PORT"),
        (["probe", "--shard", "3/2"], "write I/N"),
        (["probe", "--shard", "1/2"], "needs --metrics"),
    ],
)
def test_a_wrong_command_line_is_told_what_is_right(words: list[str], told: str, capsys: pytest.CaptureFixture[str]):
    assert main(words, {}) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert told in error
    assert "hush" not in error
