"""What somebody who is logged in does not get, each time recorded with who, from where and what."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from console.serve.door.refused import Why
from tests.console.serve.house import House, certificate, line, new_key

KEY, CA = new_key(), new_key()
Request = Callable[[Any, Path], Awaitable[Any]]


async def _agent(connection: Any, _place: Path) -> None:
    channel, _ = await connection.create_session(asyncssh.SSHClientSession)
    assert not await channel._make_request(b"auth-agent-req@openssh.com")
    raise asyncssh.ChannelOpenError(1, "refused, as asserted")


async def _x11(connection: Any, _place: Path) -> None:
    channel, _ = await connection.create_session(asyncssh.SSHClientSession)
    fields = (asyncssh.packet.Boolean(False), asyncssh.packet.String(b"MIT-MAGIC-COOKIE-1"), asyncssh.packet.String(b"00" * 16), asyncssh.packet.UInt32(0))
    assert not await channel._make_request(b"x11-req", *fields)
    raise asyncssh.ChannelOpenError(1, "refused, as asserted")


async def _sftp(connection: Any, _place: Path) -> None:
    await connection.start_sftp_client()


async def _scp(connection: Any, place: Path) -> None:
    (place / "f").write_text("x")
    await asyncssh.scp(str(place / "f"), (connection, "/tmp/f"))


REQUESTS: list[tuple[str, Request, Why, str]] = [
    ("-L", lambda c, _: c.open_connection("10.0.0.1", 80), Why.FORWARDING, "direct-tcpip 10.0.0.1:80"),
    ("-D", lambda c, _: c.open_connection("example.org", 443), Why.FORWARDING, "direct-tcpip example.org:443"),
    ("-R", lambda c, _: c.forward_remote_port("", 7777, "localhost", 22), Why.FORWARDING, "tcpip-forward :7777"),
    ("-L to a socket", lambda c, _: c.open_unix_connection("/run/x"), Why.FORWARDING, "direct-streamlocal /run/x"),
    ("-R of a socket", lambda c, _: c.forward_remote_path("/run/x", "/run/y"), Why.FORWARDING, "streamlocal-forward /run/x"),
    ("tun", lambda c, _: c.open_tun(0), Why.TUNNEL, "tun 0"),
    ("tap", lambda c, _: c.open_tap(), Why.TUNNEL, "tap None"),
    ("-A", _agent, Why.AGENT, "agent forwarding"),
    ("-X", _x11, Why.X11, "X11 forwarding"),
    ("sftp", _sftp, Why.SESSION, "subsystem sftp"),
    ("scp", _scp, Why.SESSION, "exec scp"),
    ("a command", lambda c, _: c.create_process("rm -rf /"), Why.SESSION, "exec rm -rf /"),
]


@pytest.mark.parametrize(("ask", "why", "what"), [each[1:] for each in REQUESTS], ids=[each[0] for each in REQUESTS])
@pytest.mark.parametrize("way", ["key", "certificate"])
async def test_what_is_not_given_is_refused_and_recorded(tmp_path: Path, ask: Request, why: Why, what: str, way: str) -> None:
    (tmp_path / "ca.pub").write_text(line(CA))
    # one that permits nothing: asyncssh would refuse by itself, and nobody would know of it
    proof = KEY if way == "key" else certificate(CA, KEY, ["alice"], permit_port_forwarding=False)
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        async with house.connect("alice", proof) as connection:
            with pytest.raises((asyncssh.Error, asyncssh.ChannelListenError, OSError)):
                async with asyncio.timeout(5):
                    await ask(connection, tmp_path)
        (refused,) = await house.requests()
    assert refused.by is not None
    assert (refused.by.name, refused.address, refused.why) == ("alice", "127.0.0.1", why.value)
    assert refused.by.id.startswith("SHA256:") and refused.what.startswith(what)


async def test_of_the_environment_only_what_says_how_to_draw_arrives(tmp_path: Path) -> None:
    env = {"LANG": "C.UTF-8", "LC_ALL": "C", "NO_COLOR": "1", "COLORTERM": "truecolor", "TEXTUAL_THEME": "x", "PATH": "/evil", "LC_X": "y" * 300}
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        async with house.connect("alice", KEY) as connection:
            out = str((await connection.run("whoami", env=env, stdin=asyncssh.DEVNULL)).stdout)
        refused = {each.what for each in await house.requests()}
    assert out.strip() == "alice None [('COLORTERM', 'truecolor'), ('LANG', 'C.UTF-8'), ('LC_ALL', 'C'), ('NO_COLOR', '1')]"
    assert refused == {"environment TEXTUAL_THEME", "environment PATH", "environment LC_X"}


@pytest.mark.parametrize(("options", "may"), [("", True), ("no-pty", False), ("restrict", False), ("restrict,pty", True)])
async def test_a_line_may_forbid_a_terminal(tmp_path: Path, options: str, may: bool) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY, options))
        await house.keyring.read()
        async with house.connect("alice", KEY) as connection:
            if may:
                await connection.create_process(term_type="xterm")
            else:
                with pytest.raises(asyncssh.ChannelOpenError):
                    await connection.create_process(term_type="xterm")


async def test_a_full_hall_says_so_to_the_client_and_the_connection_lives_on(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        async with house.connect("alice", KEY) as connection:
            house.hall.full = "all 2 places are taken: try again later"
            with pytest.raises(asyncssh.ChannelOpenError, match="all 2 places are taken"):
                await connection.create_process("whoami")
            house.hall.full = ""
            assert (await connection.run("whoami", stdin=asyncssh.DEVNULL)).exit_status == 0
        assert [each.why for each in await house.requests()] == ["full"]


async def test_one_connection_has_so_many_channels_and_no_more(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        async with house.connect("alice", KEY) as connection:
            held = [await connection.create_process() for _ in range(8)]
            with pytest.raises(asyncssh.ChannelOpenError, match="at most 8"):
                await connection.create_process()
            held[0].stdin.write_eof()
            await held[0].wait()
            await connection.create_process()


async def test_a_fault_while_a_session_is_made_ends_that_channel_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        async with house.connect("alice", KEY) as connection:
            with monkeypatch.context() as broken:
                broken.setattr(house.hall, "session", lambda *_: 1 / 0)
                with pytest.raises(asyncssh.ChannelOpenError, match="fault of midwatch"):
                    await connection.create_process()
            assert (await connection.run("whoami", stdin=asyncssh.DEVNULL)).exit_status == 0


async def test_a_flood_of_refusals_becomes_a_few_records_with_a_count(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        async with house.connect("alice", KEY) as connection:
            for port in range(200):
                with pytest.raises(asyncssh.ChannelOpenError):
                    await connection.open_connection("10.0.0.1", 1000 + port)
        refused = await house.requests()
    assert len(refused) == 31 and sum(each.count for each in refused) == 200
    assert refused[-1].by is not None and (refused[-1].by.name, refused[-1].count) == ("alice", 170)
