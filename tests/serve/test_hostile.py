"""What hostile clients do to the server and to those beside them: nothing."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

import msgspec
import pytest

from tests.e2e.platform import Platform
from tests.e2e.waiting import until
from tests.serve.client import Client, Ended
from tests.serve.fuzzing import Fuzzer, recorded
from tests.serve.keys import Keys
from tests.serve.server import Serving, serving

pytestmark = pytest.mark.lab
LOGIN_WITHIN_S = 5.0
ARRIVALS = {"arrivals_at_once": 10_000, "arrivals_per_s": 10_000}  # or a flood is put out before it comes to what is tested
GROWN_MB = 40.0  # what thousands of hostile connections may leave behind, allocator and all


@pytest.fixture(scope="module")
def attacked(place: Path, site: Platform, keys: Keys) -> Iterator[Serving]:
    """A server of their own, at which an address may arrive as often as it likes."""
    with serving(place / "attacked", site, keys, login_s=10, limits=ARRIVALS) as running:
        yield running


def is_let_in(done: Ended) -> bool:
    """It was told that this is no shell, which only those are told who have logged in; no backend is asked for it."""
    return done.code == 2 and "is a console and not a shell" in done.err


def _from_elsewhere(server: Serving) -> float:
    """How long an honest login takes, from an address that is not the attacker's."""
    begin = time.monotonic()
    done = server.client("mei").run("id", flags=("-b", "127.0.0.2"))
    assert is_let_in(done), (done, server.told[-2000:], server.log[-3000:])
    return time.monotonic() - begin


def test_two_hundred_half_open_connections_of_one_address_keep_nobody_out(attacked: Serving):
    usual_s = _from_elsewhere(attacked)
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(socket.create_connection(("127.0.0.1", attacked.port), timeout=5))
        took_s = _from_elsewhere(attacked)
        held = attacked.number("midwatch_serve_unauthenticated")
        own = attacked.client("ana").run("id")  # the address of the attacker's: it is the newest of them
    print(f"half-open: login beside 200 took {took_s:.2f} s (alone {usual_s:.2f} s); {held:.0f} are held")
    assert took_s < LOGIN_WITHIN_S
    assert held <= 32
    assert is_let_in(own)
    dropped = lambda: attacked.number("midwatch_serve_refusals_total", reason="half_open")  # noqa: E731
    until(lambda: dropped() >= 200 - 32, "the dropped ones to be counted", 10, seen=lambda: str(dropped()))


@contextmanager
def flooded(server: Serving) -> Iterator[Callable[[], int]]:
    """From the usual address connections are opened as fast as it goes, and how many have been is told."""
    over, made = Event(), 0

    def flood() -> None:
        nonlocal made
        opened: list[socket.socket] = []
        while not over.is_set():
            try:
                opened.append(socket.create_connection(("127.0.0.1", server.port), timeout=5))
            except OSError:
                continue
            finally:
                made += 1
            if len(opened) > 60:
                opened.pop(0).close()
        for each in opened:
            each.close()

    thread = Thread(target=flood)
    thread.start()
    try:
        until(lambda: made > 300, "the flood", 20)
        yield lambda: made
    finally:
        over.set()
        thread.join(10)


def test_a_flood_that_comes_again_and_again_keeps_nobody_out(attacked: Serving):
    with flooded(attacked) as made:
        took = [_from_elsewhere(attacked) for _ in range(5)]
    print(f"flood: {made()} connections; logins beside it took {max(took):.2f} s at most")
    assert max(took) < LOGIN_WITHIN_S


def test_a_flood_of_one_address_is_put_out_unheard_and_costs_the_loop_next_to_nothing(
    place: Path, site: Platform, keys: Keys
):
    """As many a second as its maker can make; the loop is looked at through its own metrics, and by logins from elsewhere."""
    with serving(place / "flooded", site, keys) as server:
        usual = [_from_elsewhere(server) for _ in range(5)]
        begin, cpu = time.monotonic(), server.cpu_s
        with flooded(server) as made:
            before = made(), time.monotonic()
            took = [_from_elsewhere(server) for _ in range(10)]
            rate = (made() - before[0]) / (time.monotonic() - before[1])
        share = (server.cpu_s - cpu) / (time.monotonic() - begin)
        put_out = server.number("midwatch_serve_refusals_total", reason="too_fast")
        heard = server.number("midwatch_serve_connections_total")
        lag = server.number("midwatch_serve_loop_lag_recent_seconds", quantile="0.99")
        print(f"flood: {made()} connections, {rate:.0f} a second, {put_out:.0f} put out, {heard:.0f} heard; {share:.0%} of a core; "
              f"loop lag p99 {lag * 1000:.0f} ms; logins beside it p50 {sorted(took)[5]:.2f}, at most {max(took):.2f} s, "
              f"before it {sorted(usual)[2]:.2f} and {max(usual):.2f} s")  # fmt: skip
        assert put_out > heard, "of those it came to; the rest was gone again before its turn"
        assert max(took) < LOGIN_WITHIN_S
        server.ended()
        fast = [each for each in server.records() if "too_fast" in json.dumps(each)]
        assert 1 < len(fast) < 10, "the first at once, the others as a number a minute"


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (65535, 65535), (65535, 1), (1, 65535)])
def test_a_window_of_any_size_is_drawn_in_bounds(attacked: Serving, size: tuple[int, int]):
    before = attacked.resident_mb
    with attacked.client("ana").window(pretended=size) as terminal:
        until(lambda: terminal.received > 50, "something to come", 30)  # a cell or a line holds no more than that
        terminal.pretend(120, 36)
        terminal.shows("Streams", "Capacity")
        terminal.pretend(*size)
        terminal.pretend(120, 36)
        terminal.shows("Streams", "Capacity")
        assert terminal.received < 3_000_000
        terminal.press("q")
        assert terminal.ended() == 0
    assert attacked.resident_mb < before + GROWN_MB


HOSTILE = [
    {"TERM": "../../../../etc/passwd"}, {"TERM": "x" * 200}, {"TERM": "xterm\x1b]52;c;aGk=\x07"}, {"TERM": "dumb"},
    {"TERM": ""}, {"COLORTERM": "\x1b[2J"}, {"LC_ALL": "../../x"}, {"LANG": "C.%n%n", "NO_COLOR": "\x9b"},
]  # fmt: skip


@pytest.mark.parametrize("environ", HOSTILE)
def test_an_environment_of_any_kind_gets_a_console_or_a_digest(attacked: Serving, environ: dict[str, str]):
    with attacked.client("ana").window(options=("SendEnv=COLORTERM LANG LC_* NO_COLOR",), **environ) as terminal:
        seen = until(
            lambda: screen if "Streams" in (screen := terminal.screen) or "demo" in screen else None, "an answer", 30,
            seen=lambda: terminal.screen,
        )  # fmt: skip
        if "q quit" in seen:
            terminal.press("q")
        assert terminal.ended(30) in (0, 5), terminal.screen


ATTACKS = (
    b"\x1b]52;c;cm0gLXJmIC8=\x07", b"\x1bP+q544e\x1b\\", b"\x1b[?1;2c", b"\x1b[200~:quit\r\x1b[201~", b"\x1b[201~",
    b"\x1b[999999;999999R", b"\x1b[?2026;2$y" * 500, b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\", b"\x1b[<35;65535;65535M" * 200,
    b"\x1b" * 3000, b"\x1b]" + b"A" * 200_000, b"\x00\xff\xfe\x80" * 500, b"\x1b[" + b"9" * 50_000 + b"u", b"\x1b_G" + b"i" * 5000,
)  # fmt: skip


def test_a_terminal_that_answers_late_wrongly_or_with_an_attack_is_ignored_and_nobody_else_notices(attacked: Serving):
    with attacked.client("mei").window() as beside, attacked.client("ana").window() as hostile:
        beside.shows("Streams", "Capacity")
        hostile.shows("Streams", "Capacity")
        for attack in ATTACKS:
            for piece in range(0, len(attack), 512):
                hostile.press(attack[piece : piece + 512].decode("latin-1"))
        beside.press("2")
        beside.shows("Logs")
        beside.press("0")
        beside.shows("Streams", "Capacity")
        assert attacked.child.poll() is None
        if hostile.child.poll() is None:
            hostile.press("\x1b\x1b")
    assert attacked.number("midwatch_serve_session_faults_total") == 0


def test_a_thousand_hostile_connections_change_nothing(attacked: Serving, keys: Keys):
    fuzzed(attacked, keys, 1_000)


def fuzzed(server: Serving, keys: Keys, count: int) -> None:
    honest: Client = server.client("mei")
    took: list[float] = []

    async def beside(made: int) -> None:
        begin = time.monotonic()
        done = await asyncio.to_thread(honest.run, "id")
        assert is_let_in(done), (made, done, server.log[-3000:])
        took.append(time.monotonic() - begin)

    async def attacked() -> Fuzzer:
        def words(port: int) -> list[str]:
            return msgspec.structs.replace(honest, port=port).words("snapshot", "actions")

        good = await recorded(server.port, words, honest.environment)
        fuzzer = Fuzzer(server.port, good, "mei", keys.key("mei"))
        await fuzzer.run(50)  # what is allocated once is not counted
        before = server.resident_mb
        await fuzzer.run(count, beside=beside)
        after = server.resident_mb
        print(f"fuzzer: {count} connections, memory {before:.1f} -> {after:.1f} MB, "
              f"{len(took)} logins beside it in {max(took):.2f} s at most")  # fmt: skip
        print(*sorted(fuzzer.ends.items()), sep="\n")
        assert after - before < GROWN_MB
        return fuzzer

    with honest.window() as screen:
        screen.shows("Streams", "Capacity")
        fuzzer = asyncio.run(attacked())
        assert not any("LOGGED IN" in end for end in fuzzer.ends), fuzzer.ends
        screen.press("2")
        screen.shows("Logs")
    assert server.child.poll() is None
    assert server.number("midwatch_serve_session_faults_total") == 0
    until(lambda: server.number("midwatch_serve_unauthenticated") == 0, "no half-open connection left", 30)
    records = server.audit("show", "--json").out.count("session.")
    print(f"the audit holds {records} records of sessions")
    assert records < 400 + count / 5
