"""What a server stands on: its host key, its sockets, its lock, what it writes down, and how it refuses to start."""

from __future__ import annotations

import asyncio
import gc
import os
import stat
import weakref
from contextlib import AsyncExitStack
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import cli
from console.actions.audit import kinds
from console.actions.audit.journal import Journal
from console.actions.audit.operation import Actor
from console.actions.audit.reading import Standing, read_chain
from console.actions.audit.record import Record
from console.actions.audit.text import record_lines
from console.commands import serve
from console.config.serve import Serve, endpoint, told
from console.feeds.clock import SystemClock
from console.serve.door.active import Active, Taken
from console.serve.door.connection import Gate
from console.serve.door.hostkey import HostKeyError, host_key
from console.serve.door.ledger import WINDOW_S, Ledger
from console.serve.door.listening import CannotListen, bound
from console.serve.door.recorder import Recorder
from console.serve.door.refused import Denial, Why
from console.serve.person import Person
from tests.console.serve.house import House, line, new_key
from tests.hand_clock import HandClock


# -- host key ------------------------------------------------------------------------------------------------------------
def test_a_host_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first = host_key(None, tmp_path / "state")
    (path,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert host_key(None, tmp_path / "state").public_data == first.public_data
    assert first.algorithm == b"ssh-ed25519"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o602])
def test_a_host_key_that_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    host_key(None, tmp_path)
    (path,) = tmp_path.iterdir()
    path.chmod(mode)
    with pytest.raises(HostKeyError, match=f"mode {mode:04o}.*chmod 600"):
        host_key(None, tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_host_key_of_somebody_else_is_refused(tmp_path: Path) -> None:
    host_key(None, tmp_path)
    (path,) = tmp_path.iterdir()
    os.chown(path, 4711, -1)
    with pytest.raises(HostKeyError, match="belongs to uid 4711"):
        host_key(None, tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cannot be read"),
        (b"\0" * 100, "cannot be read"),
        (new_key().export_public_key(), "cannot be read"),
        (new_key().export_private_key("pkcs8-pem", passphrase="x"), "passphrase"),
        (new_key("ssh-rsa", key_size=2048).export_private_key(), "ssh-rsa"),
    ],
    ids=["empty", "zeros", "public", "passphrase", "rsa"],
)
def test_a_host_key_that_is_none_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(HostKeyError, match=says):
        host_key(path, tmp_path)


def test_a_host_key_that_is_named_and_missing_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(HostKeyError, match="ssh-keygen -t ed25519"):
        host_key(tmp_path / "mounted" / "key", tmp_path)
    (tmp_path / "directory").mkdir()
    with pytest.raises(HostKeyError, match="regular file"):
        host_key(tmp_path / "directory", tmp_path)
    assert not (tmp_path / "mounted").exists()


# -- sockets and the lock ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "where"),
    [("127.0.0.1:2222", ("127.0.0.1", 2222)), ("[::1]:22", ("::1", 22)), (":2222", ("0.0.0.0", 2222)), ("host:0", ("host", 0))],
)
def test_an_endpoint_is_read_and_told_again(text: str, where: tuple[str, int]) -> None:
    assert endpoint(text) == where and endpoint(told(*where)) == where


@pytest.mark.parametrize("text", ["2222", "a:b", "::1:22", "host:70000", "", "a:1:2"])
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        endpoint(text)


def test_a_port_that_is_taken_and_an_address_that_is_not_ours_say_what_to_do() -> None:
    (held,) = bound("127.0.0.1", 0)
    with held:
        with pytest.raises(CannotListen, match="somebody listens there already"):
            bound("127.0.0.1", held.getsockname()[1])
        with pytest.raises(CannotListen, match="no such address"):
            bound("192.0.2.77", 0)
        with pytest.raises(CannotListen, match="no name that is known"):
            bound("nowhere.invalid", 0)


def test_there_is_one_active_server_and_the_next_one_may_begin_when_it_ends(tmp_path: Path) -> None:
    first = Active.claim(tmp_path / "state")
    with pytest.raises(Taken, match=f"pid {os.getpid()}"):
        Active.claim(tmp_path / "state")
    first.release()
    Active.claim(tmp_path / "state").release()


async def test_a_standby_begins_when_the_active_one_ends_and_gives_up_at_a_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve, "STANDBY_S", 0.01)
    first, wake = Active.claim(tmp_path / "state"), asyncio.Event()
    async with AsyncExitStack() as stack, asyncio.timeout(5):
        waiting = asyncio.create_task(serve._is_active(stack, tmp_path / "state", wake, may_wait=True))
        while "standing by" not in capsys.readouterr().err:  # noqa: ASYNC110 - it is a stream
            await asyncio.sleep(0.01)
        assert not waiting.done()
        first.release()
        assert await waiting
        wake.set()
        assert not await serve._is_active(stack, tmp_path / "state", wake, may_wait=True)


def test_every_address_of_both_kinds_is_a_socket_each() -> None:
    sockets = bound("::", 0)
    try:
        assert len({each.family for each in sockets}) == 2 and len({each.getsockname()[1] for each in sockets}) == 1
    finally:
        for each in sockets:
            each.close()


# -- what is written down ------------------------------------------------------------------------------------------------
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 60), st.floats(0, 5)), max_size=400))
def test_no_number_of_strangers_fills_the_journal_and_none_is_forgotten(events: list[tuple[int, int, float]]) -> None:
    ledger: Ledger[int] = Ledger(-1, at_once=10, kinds=5)
    now, begun, written, counted, records = 0.0, 0.0, 0, 0, 0
    for fine, coarse, later in events:
        now += later
        due = ledger.due(now)
        counted += sum(count for _, count in due)
        records += len(due)
        is_written = ledger.note(fine, coarse, now)
        written += is_written
        records += is_written
    due = ledger.due(now, is_end=True)
    assert written + counted + sum(count for _, count in due) == len(events)
    assert records + len(due) <= (10 + 6) * (1 + (now - begun) // WINDOW_S + 1)


async def test_logins_and_refusals_stand_in_the_chain_and_can_be_read_again(tmp_path: Path) -> None:
    clock = HandClock()
    journal = await Journal.open(tmp_path / "audit", clock, Actor(name="midwatch"))
    recorder = Recorder(journal, clock)
    recorder.start()
    person = Person("alice", "SHA256:abc", ("viewer",), "192.0.2.1", "alice@laptop serial 7 by SHA256:def")
    recorder.came(person)
    recorder.refused_request(person, Why.FORWARDING, "direct-tcpip \x1b[31m10.0.0.1:80")
    recorder.refused_login(Denial(Why.WRONG_KEY, "not one of the keys", "SHA256:x"), "\x1b]0;evil\x07" + "b" * 500, "2001:db8::1", "publickey")
    for _ in range(50):
        recorder.refused_login(Denial(Why.HALF_OPEN, "too many"), "", "2001:db8::2", "")
    recorder.went(person, 61.5)
    await recorder.close()
    await journal.close()
    (path,) = (tmp_path / "audit").iterdir()
    kept: list[Record] = []
    assert read_chain(path, kept.append).standing is Standing.CLOSED
    entries = [each.entry for each in kept]
    came, asked, refused, first, went, counted = entries[1:7]
    assert isinstance(came, kinds.LoggedIn) and came.by.roles == ("viewer",) and came.certificate.startswith("alice@laptop")
    assert isinstance(asked, kinds.RequestRefused) and asked.what == "direct-tcpip \\x1b[31m10.0.0.1:80"
    assert isinstance(refused, kinds.LoginRefused) and refused.by is None and len(refused.claimed) == 64 and refused.claimed.startswith("\\x1b]0;evil")
    assert isinstance(first, kinds.LoginRefused) and first.count == 1
    assert isinstance(went, kinds.LoggedOut) and went.duration_ns == 61_500_000_000
    assert isinstance(counted, kinds.LoginRefused) and (counted.count, counted.address) == (49, "2001:db8::/64")
    text = "\n".join(record_lines(kept))
    assert "49 times half_open: somebody" in text and "\x1b" not in text


async def test_a_journal_that_cannot_be_written_keeps_nobody_out(tmp_path: Path) -> None:
    from console.actions.audit.writer import JournalClosed

    class Full:
        async def append(self, _entry: object) -> None:
            raise JournalClosed("no space left on device")

    async with House(tmp_path) as house:
        key = new_key()
        (house.keys / "alice").write_text(line(key))
        await house.keyring.read()
        house.recorder._journal = Full()  # type: ignore[assignment]
        assert await house.is_let_in("alice", key)
        await house.written()
        assert house.recorder.lost == 2


async def test_nothing_is_left_of_a_connection_that_ended(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        key, wrong = new_key(), new_key()
        (house.keys / "alice").write_text(line(key))
        await house.keyring.read()
        seen: list[weakref.ref[Gate]] = []
        came = house.door.came

        def noted(gate: Gate) -> None:
            seen.append(weakref.ref(gate))
            came(gate)

        house.door.came = noted  # type: ignore[method-assign]
        for each in (key, wrong, key, None):
            await house.is_let_in("alice", each)
        async with asyncio.timeout(5):
            while house.door._gates:  # noqa: ASYNC110 - the door tells nobody
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        gc.collect()
        assert len(seen) == 4 and [each() for each in seen] == [None] * 4
        assert not house.door._timers and not house.door._since and not house.door._shown


# -- the command -----------------------------------------------------------------------------------------------------------
def _environ(place: Path) -> dict[str, str]:
    return {"HOME": str(place), "XDG_STATE_HOME": str(place / "state"), "MIDWATCH_CONFIG": str(place / "config.toml"), "PATH": os.environ["PATH"]}


def _configured(place: Path, *lines: str) -> None:
    (place / "keys").mkdir(mode=0o755, exist_ok=True)
    (place / "keys" / "alice").write_text(line(new_key()))
    table = "\n".join(("[serve]", *lines)) if lines else ""
    (place / "config.toml").write_text(f'[sites.here.prometheus]\nurl = "http://127.0.0.1:1"\n{table}\n')


@pytest.mark.parametrize(
    ("table", "argv", "says"),
    [
        ((), (), "nobody could log in"),
        (('listen = "127.0.0.1:0"',), (), "nobody could log in"),
        (('authorized_keys = "keys"', 'listen = "2222"'), (), "HOST:PORT"),
        (('authorized_keys = "keys"', 'exec = ["sh"]'), (), "must be one of snapshot"),
        (('authorized_keys = "keys"', "limits = { sessions = 4 }"), (), "per_user (8) is above sessions (4)"),
        (('authorized_keys = "keys"', "passwords = true"), (), "unknown key"),
        (('authorized_keys = "nowhere"',), ("--listen", "127.0.0.1:0"), "nobody could log in"),
        (('authorized_keys = "keys"', 'revoked_keys = "nowhere"'), ("--listen", "127.0.0.1:0"), "what is revoked cannot be read"),
        (('authorized_keys = "keys"', 'host_key = "nowhere"'), ("--listen", "127.0.0.1:0"), "there is no host key"),
        (('authorized_keys = "keys"',), ("--listen", "192.0.2.77:22"), "no such address"),
        (('authorized_keys = "keys"',), ("--listen", "somewhere"), "is no address"),
        (('authorized_keys = "keys"',), ("--link", "off"), "--link off is not for a server"),
        (('authorized_keys = "keys"',), ("--alert-webhook", "127.0.0.1:1"), "the configuration needs [bell]"),
    ],
)
def test_what_keeps_it_from_serving_is_said_with_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], table: tuple[str, ...], argv: tuple[str, ...], says: str
) -> None:
    _configured(tmp_path, *table)
    assert cli.main(["serve", *argv], _environ(tmp_path)) == 2
    assert says in capsys.readouterr().err


def test_a_link_that_is_off_in_the_configuration_is_refused_and_a_flag_wins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _configured(tmp_path, 'authorized_keys = "keys"')
    off = {**_environ(tmp_path), "MIDWATCH_LINK": "off"}
    assert cli.main(["serve"], off) == 2
    assert 'link = "off"' in (err := capsys.readouterr().err) and "--link slow" in err
    assert cli.main(["serve", "--link", "full", "--listen", "192.0.2.77:22"], off) == 2
    assert "no such address" in capsys.readouterr().err, "it got as far as its sockets"


def test_a_host_key_with_the_wrong_mode_keeps_it_from_starting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _configured(tmp_path, 'authorized_keys = "keys"')
    host_key(None, tmp_path / "state" / "midwatch")
    (tmp_path / "state" / "midwatch" / "ssh_host_ed25519_key").chmod(0o644)
    assert cli.main(["serve", "--listen", "127.0.0.1:0"], _environ(tmp_path)) == 2
    assert "mode 0644" in capsys.readouterr().err


def test_a_second_server_over_the_same_state_is_told_of_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _configured(tmp_path, 'authorized_keys = "keys"')
    active = Active.claim(tmp_path / "state" / "midwatch")
    assert cli.main(["serve", "--listen", "127.0.0.1:0"], _environ(tmp_path)) == 2
    assert f"pid {os.getpid()}" in (err := capsys.readouterr().err) and "--standby" in err
    active.release()


def test_the_defaults_are_those_of_a_server_that_only_this_host_reaches() -> None:
    assert Serve().listen == "127.0.0.1:2222" and asyncssh.__version__.startswith("2.24.")
    assert SystemClock().now().utc.tzinfo is not None


def test_config_check_says_who_could_log_in_and_which_lines_let_nobody_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _configured(tmp_path, 'authorized_keys = "keys"')
    (tmp_path / "keys" / "bob").write_text(line(new_key(), 'command="ls"') + line(new_key()))
    assert cli.main(["config", "check"], _environ(tmp_path)) == 0
    out = capsys.readouterr().out
    assert "serve: 2 people with 2 keys, 0 authorities" in out and "bob:1: has the option `command`" in out
