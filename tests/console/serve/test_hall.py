"""Sessions over real SSH on loopback, before an engine without backends: the screen is there, and nothing is asked."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncssh
import pyte
import pytest

from console.app.app import MidwatchApp
from console.assembly import Engine
from console.commands.asked import asked
from console.config.link import LinkMode
from console.config.load import load
from console.exit_codes import ExitCode
from console.feeds.clock import SystemClock
from console.serve.hall import sweeping
from console.serve.hall.hall import Bounds, Hall
from console.serve.hall.phasing import EVERY_S, SLOW_EVERY_S
from tests.console.serve.listening import connected, listening

COLOUR = re.compile(r"\x1b\[[\d;]*(?:3[0-8]|4[0-8]|9\d|10\d)[\d;]*m")


async def until(found: Callable[[], object], within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not found():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)


class Terminal(asyncssh.SSHClientSession[bytes]):
    """A client's terminal: what it shows, and how it was left."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.screen = pyte.Screen(*size)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.errors = b""
        self.ended = asyncio.Event()
        self.status: int | None = None
        self.channel: Any = None

    def connection_made(self, chan: Any) -> None:
        self.channel = chan

    def data_received(self, data: bytes, datatype: Any) -> None:
        if datatype == asyncssh.EXTENDED_DATA_STDERR:
            self.errors += data
            return
        self.raw += data
        self.stream.feed(data)

    def exit_status_received(self, status: int) -> None:
        self.status = status

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    async def shows(self, word: str) -> None:
        try:
            await until(lambda: word in self.text or self.ended.is_set())
        except TimeoutError:
            raise AssertionError(f"no {word!r} on\n{self.text}") from None
        assert word in self.text, (self.status, self.errors)

    async def left(self) -> int | None:
        async with asyncio.timeout(20):
            await self.ended.wait()
        return self.status


async def seated(
    connection: Any, *, size: tuple[int, int] = (100, 30), told: Any = None, term: str = "xterm-256color", env: Any = None
) -> Terminal:
    _, terminal = await connection.create_session(
        lambda: Terminal(size), term_type=term, term_size=told or size, encoding=None, request_pty="force", env=env or {}
    )
    return terminal  # type: ignore[no-any-return]


class House:
    """A hall, its listener, and the clients that came."""

    def __init__(self, hall: Hall, port: int) -> None:
        self.hall, self.port = hall, port
        self.connections: list[Any] = []

    async def came(self, name: str = "mei") -> Any:
        connection = await connected(self.port, name)
        self.connections.append(connection)
        return connection

    async def console(self, name: str = "mei", **how: Any) -> Terminal:
        terminal = await seated(await self.came(name), **how)
        await terminal.shows("midwatch")
        return terminal


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    config = tmp_path / "midwatch.toml"
    config.write_text("[sites.quiet]\n")
    environ = {"XDG_STATE_HOME": str(tmp_path / "state"), "HOME": str(tmp_path)}
    return Engine.open(load(config, environ), None, SystemClock(), environ)


@pytest.fixture
async def house(engine: Engine, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    options = dict(getattr(request, "param", {}))
    config = load(tmp_path / "midwatch.toml", {})
    hall = Hall(engine, config, grammar=asked, **options)
    await hall.open()
    async with listening(hall) as port:
        house = House(hall, port)
        yield house
        for each in house.connections:
            each.close()
            await each.wait_closed()
    await hall.close()
    await engine.close()


async def test_a_client_with_a_terminal_has_the_console_and_q_gives_the_terminal_back(house: House) -> None:
    terminal = await house.console()
    await terminal.shows("quiet")
    terminal.channel.write(b"q")
    assert await terminal.left() == ExitCode.OK
    assert terminal.raw.rstrip().endswith(b"\x1b[?1049l\x1b[?25h")
    assert b"\x1b[?7h" in terminal.raw
    assert not house.hall.sessions


async def test_two_sessions_are_at_two_places_and_their_keys_are_their_own(house: House) -> None:
    first, second = await house.console("mei"), await house.console("tom")
    first.channel.write(b"9")
    await until(lambda: house.hall.sessions[0].view == "sources")
    assert house.hall.sessions[1].view == "overview"
    assert "mei@" in first.text and "tom@" in second.text
    assert [visit.person.name for visit in house.hall.presence.visits] == ["mei", "tom"]


async def test_an_escape_is_the_key_however_soon_the_next_key_is_read(house: House) -> None:
    terminal = await house.console()
    session = house.hall.sessions[0]
    terminal.channel.write(b"9")
    await until(lambda: session.view == "sources")
    for key in (b"?", b"\x1b", b"3"):
        session.data_received(key, None)  # three packets that are read in one turn of the loop
        if key == b"?":
            await terminal.shows("help")
    await until(lambda: session.view == "workloads")


@pytest.mark.parametrize("told", [(0, 0), (1, 1), (4294967295, 4294967295, 4294967295, 4294967295), (3, 60000, 0, 7)])
async def test_whatever_a_client_says_of_its_window_something_that_can_be_drawn_is_drawn(house: House, told: Any) -> None:
    terminal = await seated(await house.came(), size=(200, 60), told=told)
    await until(lambda: terminal.raw)
    await until(lambda: house.hall.sessions[0].app is not None and house.hall.sessions[0].app.console_screen.is_mounted)
    app = house.hall.sessions[0].app
    assert app is not None
    assert 1 <= app.size.width <= 500 and 1 <= app.size.height <= 200
    terminal.channel.change_terminal_size(100, 30, 0, 0)
    await until(lambda: tuple(app.size) == (100, 30))


async def test_nothing_of_the_servers_own_terminal_is_taken_for_the_clients(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"NO_COLOR": "1", "COLUMNS": "7", "LINES": "3", "TERM": "dumb", "COLORTERM": ""}.items():
        monkeypatch.setenv(name, value)
    terminal = await house.console(env={"COLORTERM": "truecolor"})
    assert COLOUR.search(terminal.raw.decode())
    assert b"38;2;" in terminal.raw
    app = house.hall.sessions[0].app
    assert app is not None and tuple(app.size) == (100, 30)


async def test_the_clients_no_color_and_its_poor_terminal_are_respected(house: House) -> None:
    plain = await house.console("mei", env={"NO_COLOR": "1"})
    assert not COLOUR.search(plain.raw.decode())
    poor = await house.console("tom", term="vt220", env={"LANG": "en_US.ISO-8859-1"})
    assert not COLOUR.search(poor.raw.decode("latin-1"))
    assert all(byte < 128 for byte in poor.raw)
    assert b"\x1b[?2026$p" not in poor.raw  # what a terminal does not understand, it prints


@pytest.mark.parametrize("house", [{"link": LinkMode.SLOW}], indirect=True)
async def test_of_a_server_on_a_slow_link_every_session_is(house: House) -> None:
    terminal = await house.console(env={"COLORTERM": "truecolor"})
    app = house.hall.sessions[0].app
    assert app is not None and app.mode is LinkMode.SLOW and app.animation_level == "none"
    assert COLOUR.search(terminal.raw.decode()) and b"38;2;" not in terminal.raw and b"38;5;" not in terminal.raw


async def test_a_session_is_renewed_by_the_length_of_its_own_way(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = await house.console("mei"), await house.console("tom")
    monkeypatch.setattr(house.hall.sessions[1]._seat.wire, "_trip_s", lambda: 0.3)
    for session in house.hall.sessions:
        session._beat._typed_at = float("-inf")  # what its terminal answered is no key either
    assert [session._beat.every_s for session in house.hall.sessions] == [EVERY_S, SLOW_EVERY_S]
    for terminal in (near, far):
        terminal.channel.write(b"9")
    await until(lambda: all(session.view == "sources" for session in house.hall.sessions))


def test_a_hall_whose_link_is_off_is_not_made(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="full, or slow"):
        Hall(engine, load(tmp_path / "midwatch.toml", {}), link=LinkMode.OFF)


async def test_without_a_terminal_the_digest_is_told_and_the_exit_code_is_the_snapshots(house: House) -> None:
    connection = await house.came()
    told = await connection.run(stdin=subprocess.DEVNULL)
    snapshot = await connection.run("snapshot overview", stdin=subprocess.DEVNULL)
    assert "quiet" in told.stdout and "Streams" in told.stdout
    assert told.exit_status == snapshot.exit_status
    dumb = await connection.run(term_type="dumb", stdin=subprocess.DEVNULL)
    assert "Streams" in dumb.stdout and "\x1b" not in dumb.stdout


async def test_a_snapshot_is_understood_by_the_command_lines_own_grammar(house: House) -> None:
    connection = await house.came()
    told = await connection.run("midwatch snapshot sources --format json --scope region=emea", stdin=subprocess.DEVNULL)
    digest = json.loads(told.stdout)
    assert digest["view"] == "sources" and digest["scope"] == {"region": "emea"}
    svg = await connection.run("snapshot overview --format svg --size 100x30", stdin=subprocess.DEVNULL)
    assert svg.stdout.startswith("<svg")


async def test_a_png_is_drawn_while_the_others_go_on(house: House) -> None:
    connection = await house.came()
    png = await connection.run("snapshot overview --format png --size 80x24", encoding=None, stdin=subprocess.DEVNULL)
    assert png.stdout.startswith(b"\x89PNG"), png.stderr
    assert png.exit_status == (await connection.run("snapshot overview", stdin=subprocess.DEVNULL)).exit_status


async def test_what_is_not_of_the_allow_list_is_refused_in_words_and_recorded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[tuple[str, str]] = []
    monkeypatch.setattr(house.hall, "refused", lambda person, connection, what, why: refused.append((what, why)))
    connection = await house.came()
    for command in (
        *("sh", "snapshot", "snapshot nothing", "snapshot overview; id", "snapshot overview -o /tmp/x", "scp -t /tmp"),
        *("snapshot overview --write", "snapshot overview --config /etc/passwd", "snapshot 'overview", "doctor", " "),
        *("snapshot overview --size 9999x9999", "snapshot --help", "snapshot overview --post chat", "x" * 9000),
    ):
        told = await connection.run(command, stdin=subprocess.DEVNULL)
        assert told.exit_status == ExitCode.USAGE, command
        assert told.stderr.startswith("midwatch: ") and told.stdout == "", command
    assert len(refused) == 15 and all(len(what) < 120 for what, _ in refused)


async def test_a_subsystem_is_refused(house: House) -> None:
    connection = await house.came()
    with pytest.raises(asyncssh.ChannelOpenError):
        await connection.start_sftp_client()


@pytest.mark.parametrize("house", [{"bounds": Bounds(sessions=3, per_user=2)}], indirect=True)
async def test_a_person_has_so_many_sessions_and_the_server_so_many_in_all(house: House) -> None:
    connection = await house.came()
    first, second = await seated(connection), await seated(connection)
    await first.shows("midwatch")
    await second.shows("midwatch")
    third = await seated(connection)
    assert await third.left() == ExitCode.REFUSED
    assert b"mei has 2 sessions" in third.errors
    await house.console("tom")
    late = await seated(await house.came("ana"))
    assert await late.left() == ExitCode.REFUSED and b"all 3 places are taken" in late.errors
    first.channel.write(b"q")
    await first.left()
    await house.console("ana")


async def test_a_fault_in_one_session_ends_that_one_alone(house: House) -> None:
    well, ill = await house.console("mei"), await house.console("tom")
    app = house.hall.sessions[1].app
    assert app is not None
    app._handle_exception(app_fault := RuntimeError("a fault that the test makes"))
    app._is_up = False
    app._handle_exception(app_fault)
    assert await ill.left() == ExitCode.INTERNAL
    assert b"a fault of its own" in ill.errors
    well.channel.write(b"9")
    await until(lambda: house.hall.sessions[0].view == "sources")
    assert len(house.hall.sessions) == 1


@pytest.mark.parametrize("house", [{"bounds": Bounds(idle_s=600, warn_s=60)}], indirect=True)
async def test_who_touches_no_key_is_warned_and_then_logged_out(house: House) -> None:
    terminal = await house.console()
    session = house.hall.sessions[0]
    session.look(session._heard_at + 530)
    assert not session._is_warned
    session.look(session._heard_at + 545)
    await terminal.shows("logged out in 55 s")
    terminal.channel.write(b"j")
    await until(lambda: not session._is_warned)
    session.look(session._heard_at + 600)
    assert await terminal.left() == ExitCode.OK
    assert b"no key for 10 min: logged out" in terminal.errors


async def test_a_drain_is_told_lets_nobody_in_and_ends_everybody(house: House) -> None:
    terminal = await house.console()
    await asyncio.gather(house.hall.drain(1.0), terminal.left())
    assert terminal.status == ExitCode.OK and b"the server was stopped" in terminal.errors
    assert terminal.raw.rstrip().endswith(b"\x1b[?25h")
    late = await seated(await house.came("tom"))
    assert await late.left() == ExitCode.REFUSED and b"being stopped" in late.errors


@pytest.mark.parametrize("house", [{"bounds": Bounds(stalled_s=1.0)}], indirect=True)
async def test_a_client_that_takes_nothing_is_dropped_and_the_others_notice_nothing(house: House) -> None:
    well, ill = await house.console("mei"), await house.console("tom")
    ill.channel.get_connection()._transport.pause_reading()
    session = house.hall.sessions[1]
    seat = session._seat
    assert seat is not None

    def shout() -> None:
        for _ in range(200):
            seat.wire.write("x" * 65_536)

    shout()
    await until(lambda: session not in house.hall.sessions)
    assert len(house.hall.sessions) == 1
    well.channel.write(b"9")
    await until(lambda: house.hall.sessions[0].view == "sources")


async def test_a_session_that_has_ended_leaves_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "SOON_S", 0.1)  # nothing is collected here but by the hall's own sweep
    stays = await house.console()
    hub = house.hall.engine.hub
    apps: list[weakref.ref[MidwatchApp]] = []

    async def led(terminal: Terminal, key: bytes, view: str) -> None:
        """A key is given only when all that came before it is done: where it has led to its view, nothing is still mounted."""
        terminal.channel.write(key)
        await until(lambda: house.hall.sessions[-1].view == view)

    def held() -> tuple[int, int, int]:
        return sum(feed.topic.readers for feed in hub.feeds()), len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))

    def is_over(is_page: bool) -> bool:
        """Whether a page stands over the console's own."""
        app = apps[-1]()
        return app is not None and (app.screen is not app.console_screen) is is_page

    await led(stays, b"9", "sources")  # all that is imported and cached once is
    await led(stays, b"0", "overview")
    await led(stays, b"9", "sources")
    before = held()
    for end in (b"q", b"", b"hang up"):
        tom = await house.console("tom")
        app = house.hall.sessions[-1].app
        assert app is not None
        apps.append(weakref.ref(app))
        del app
        await led(tom, b"9", "sources")
        tom.channel.write(b"?")
        await until(lambda: is_over(True))
        if end == b"q":
            tom.channel.write(b"\x1b")
            await until(lambda: is_over(False))
            tom.channel.write(b"q")
        elif end == b"":
            tom.channel.write_eof()
        else:
            house.connections[-1].abort()
        await tom.left()
        await until(lambda: len(house.hall.sessions) == 1)
        house.connections[-1].close()
        await house.connections.pop().wait_closed()
        del tom
    await until(lambda: held() == before)
    await until(lambda: not [app for app in apps if app() is not None])


class Policies:
    """What the policy says, for as long as it says it."""

    def __init__(self, *people: str) -> None:
        self.people = people

    async def __call__(self) -> Any:
        from console.actions.policy.policy import Policy, Role

        return Policy(version="one", roles={"viewer": Role(people=self.people)})


async def test_who_may_not_read_the_site_is_told_so_and_who_no_longer_may_is_put_out(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.serve.hall.hall.RIGHTS_EVERY", 1)
    policies = Policies("mei")
    hall = Hall(engine, load(tmp_path / "midwatch.toml", {}), policy=policies)
    await hall.open()
    async with listening(hall) as port:
        house = House(hall, port)
        tom = await seated(await house.came("tom"))
        assert await tom.left() == ExitCode.REFUSED and b"no role of tom may read the site quiet" in tom.errors
        mei = await house.console("mei")
        policies.people = ()
        assert await mei.left() == ExitCode.REFUSED and b"no role of mei may read" in mei.errors
        for each in house.connections:
            each.close()
            await each.wait_closed()
    await hall.close()
    await engine.close()
