"""Who is let in, who is not, and that each of them is recorded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from console.actions.audit import kinds
from console.config.serve import Limits
from console.serve.door.blob import fingerprint
from tests.console.serve.house import House, certificate, line, new_key

KEY, OTHER, CA, OTHER_CA = new_key(), new_key(), new_key(), new_key()


class Told(asyncssh.SSHClient):
    """A client that keeps what it was told at the end."""

    why: Exception | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self.why = exc


async def said(house: House, name: str, key: Any, **options: Any) -> str:
    async with house.connect(name, key, **options) as connection:
        return str((await connection.run("whoami", stdin=asyncssh.DEVNULL, check=True)).stdout).strip()


async def test_a_key_lets_its_person_in_and_both_ends_of_the_visit_are_recorded(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        assert (await said(house, "alice", KEY)).startswith("alice None")
        came, went = await house.written()
    assert isinstance(came, kinds.LoggedIn) and isinstance(went, kinds.LoggedOut)
    assert (came.by.name, came.by.id, came.address) == ("alice", fingerprint(KEY.public_data), "127.0.0.1")
    assert went.duration_ns > 0


async def test_the_greeting_tells_the_name_of_the_program_and_nothing_else(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        assert await reader.readline() == b"SSH-2.0-midwatch\r\n"
        writer.close()


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp521", "ssh-rsa"])
async def test_every_kind_of_key_that_is_good_lets_in(tmp_path: Path, kind: str) -> None:
    key = new_key(kind, **({"key_size": 2048} if kind == "ssh-rsa" else {}))
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(key))
        await house.keyring.read()
        assert await house.is_let_in("alice", key)


async def test_two_keys_of_one_person_bring_each_its_own_roles(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY, 'environment="MIDWATCH_ROLES=viewer"') + line(OTHER))
        await house.keyring.read()
        assert (await said(house, "alice", KEY)).startswith("alice ('viewer',)")
        assert (await said(house, "alice", OTHER)).startswith("alice None")
        narrow, _, wide, _ = await house.written()
    assert (narrow.by.roles, wide.by.roles) == (("viewer",), None)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "key", "options", "why"),
    [
        ("alice", OTHER, "", "wrong_key"),
        ("bob", KEY, "", "unknown_person"),
        ("../alice", KEY, "", "unknown_person"),
        ("alice", KEY, 'from="10.0.0.0/8"', "wrong_address"),
        ("alice", KEY, 'from="127.0.0.*,!127.0.0.1"', "wrong_address"),
        ("alice", KEY, 'expiry-time="20200101Z"', "expired"),
        ("alice", KEY, 'command="ls"', "wrong_key"),
        ("alice", KEY, "cert-authority", "wrong_key"),
    ],
)
async def test_a_key_that_is_not_good_is_refused_and_recorded(tmp_path: Path, name: str, key: Any, options: str, why: str) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY, options))
        await house.keyring.read()
        assert not await house.is_let_in(name, key)
        (refused,) = await house.refusals()
    assert (refused.claimed, refused.why, refused.address) == (name, why, "127.0.0.1")
    if name != "../alice":
        assert refused.key == fingerprint(key.public_data)


@pytest.mark.parametrize("options", ['from="127.0.0.0/8,!10.0.0.1"', 'expiry-time="29990101"', "restrict,pty", "no-port-forwarding,no-x11-forwarding"])
async def test_options_that_hold_let_in(tmp_path: Path, options: str) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY, options))
        await house.keyring.read()
        assert await house.is_let_in("alice", KEY)


async def test_a_weak_key_lets_nobody_in(tmp_path: Path) -> None:
    key = new_key("ssh-rsa", key_size=1024)
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(key))
        await house.keyring.read()
        assert "too short" in house.keyring.problems[0]
        assert not await house.is_let_in("alice", key)
        (refused,) = await house.refusals()
    assert refused.why == "weak_key"


async def test_a_signature_with_sha1_is_refused_though_asyncssh_would_take_it(tmp_path: Path) -> None:
    key = new_key("ssh-rsa", key_size=2048)
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(key))
        await house.keyring.read()
        pair = asyncssh.load_keypairs([key])[0]
        pair.set_sig_algorithm(b"ssh-rsa")
        pair.sig_algorithms = (b"ssh-rsa",)
        assert not await house.is_let_in("alice", pair, signature_algs=["ssh-rsa"])
        assert "weak_key" in [each.why for each in await house.refusals()]


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
async def test_passwords_are_refused_and_recorded(tmp_path: Path, method: str) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        assert not await house.is_let_in("alice", password="midnight", preferred_auth=method)
        refused = await house.refusals()
    assert [(each.claimed, each.why) for each in refused] == [("alice", "no_key")] or refused[0].why == "method"
    assert "midnight" not in str(house.pages.entries)


async def test_who_tries_too_often_is_put_out(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        assert not await house.is_let_in("alice", client_keys=[*(new_key() for _ in range(10)), KEY])
        whys = [each.why for each in await house.refusals()]
    assert whys.count("wrong_key") == 8 and whys[-1] == "too_many_tries"


async def test_wrong_keys_before_the_right_one_are_how_a_client_finds_it(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        assert await house.is_let_in("alice", client_keys=[OTHER, KEY])
        assert await house.refusals() == []


# -- certificates ------------------------------------------------------------------------------------------------------
async def test_a_certificate_lets_in_whom_it_names(tmp_path: Path) -> None:
    (tmp_path / "ca.pub").write_text(line(CA))
    async with House(tmp_path) as house:
        assert (await said(house, "alice", certificate(CA, KEY, ["carol", "alice"]))).startswith("alice None")
        came = (await house.written())[0]
    assert isinstance(came, kinds.LoggedIn)
    assert came.certificate == f"alice@laptop serial 7 by {fingerprint(CA.public_data)}"


@pytest.mark.parametrize(
    ("ca", "principals", "options", "why"),
    [
        (CA, ["bob"], {}, "wrong_principal"),
        (CA, [], {}, "no_principals"),
        (OTHER_CA, ["alice"], {}, "wrong_authority"),
        (CA, ["alice"], {"valid_before": "-1s"}, "expired"),
        (CA, ["alice"], {"valid_after": "+10m"}, "not_yet_valid"),
        (CA, ["alice"], {"of_host": True}, "host_certificate"),
        (CA, ["alice"], {"force_command": "ls"}, "critical_option"),
        (CA, ["alice"], {"source_address": ["10.0.0.0/8"]}, "wrong_address"),
    ],
)
async def test_a_certificate_that_is_not_good_is_refused_and_recorded(
    tmp_path: Path, ca: asyncssh.SSHKey, principals: list[str], options: dict[str, Any], why: str
) -> None:
    (tmp_path / "ca.pub").write_text(line(CA))
    async with House(tmp_path) as house:
        assert not await house.is_let_in("alice", client_keys=[certificate(ca, KEY, principals, **options)])
        whys = {each.why for each in await house.refusals()}
    assert why in whys and whys <= {why, "unknown_person"}  # a client shows the plain key of a certificate, too


async def test_a_certificate_from_where_it_is_good_lets_in(tmp_path: Path) -> None:
    (tmp_path / "ca.pub").write_text(line(CA))
    async with House(tmp_path) as house:
        assert await house.is_let_in("alice", certificate(CA, KEY, ["alice"], source_address=["127.0.0.0/8"]))


async def test_a_certificate_whose_authority_did_not_sign_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pub").write_text(line(CA))
    key, good = certificate(CA, KEY, ["bob"])
    data = bytearray(good.public_data)
    at = bytes(data).index(b"\x03bob")
    data[at + 1 : at + 4] = b"eve"
    async with House(tmp_path) as house:
        from console.serve.door.refused import Denial

        found = await house.door.asked("eve", bytes(data), "127.0.0.1")
        assert not isinstance(found, Denial)  # what it says is fine; the signature is asyncssh's part

        forged = await _logged_in_with(house, "eve", key, bytes(data))
        assert not forged
        assert "bad_signature" in [each.why for each in await house.refusals()]


async def _logged_in_with(house: House, name: str, key: asyncssh.SSHKey, blob: bytes) -> bool:
    """A client that shows these bytes for its certificate."""
    pair = asyncssh.load_keypairs([certificate(CA, key, [name])])[0]
    pair.public_data = blob
    return await house.is_let_in(name, client_keys=[pair])


@pytest.mark.parametrize("what", ["key", "authority", "serial", "id", "hash"])
async def test_what_is_revoked_is_refused(tmp_path: Path, what: str) -> None:
    (tmp_path / "ca.pub").write_text(line(CA))
    lines = {
        "key": line(KEY), "authority": line(CA), "serial": "serial: 5-9", "id": "id: alice@laptop",
        "hash": fingerprint(KEY.public_data),
    }  # fmt: skip
    (tmp_path / "revoked").write_text(f"# lost laptops\n{lines[what]}\n")
    async with House(tmp_path) as house:
        (house.keys / "bob").write_text(line(OTHER))
        await house.keyring.read()
        assert not await house.is_let_in("alice", client_keys=[certificate(CA, KEY, ["alice"])])
        assert await house.is_let_in("bob", OTHER)
        assert "revoked" in [each.why for each in await house.refusals()]


async def test_a_plain_key_that_is_revoked_is_refused(tmp_path: Path) -> None:
    (tmp_path / "revoked").write_text(line(KEY))
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        assert not await house.is_let_in("alice", KEY)
        assert [each.why for each in await house.refusals()] == ["revoked"]


# -- numbers -----------------------------------------------------------------------------------------------------------
async def test_a_person_who_is_here_too_often_is_told_so_and_others_get_in(tmp_path: Path) -> None:
    async with House(tmp_path, Limits(per_user=2)) as house:
        for name, key in (("alice", KEY), ("bob", OTHER)):
            (house.keys / name).write_text(line(key))
        await house.keyring.read()
        async with house.connect("alice", KEY) as one, house.connect("alice", KEY):
            client = Told()
            async with house.connect("alice", KEY, client_factory=lambda: client) as third:
                await third.wait_closed()
            assert "alice is here 2 times" in str(client.why)
            assert await house.is_let_in("bob", OTHER)
            assert "alice" in str((await one.run("whoami", stdin=asyncssh.DEVNULL)).stdout)
        assert "full" in [each.why for each in await house.refusals()]


async def test_who_does_not_log_in_in_time_is_dropped(tmp_path: Path) -> None:
    async with House(tmp_path, login_s=0.2) as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        async with asyncio.timeout(5):
            await reader.read()
        writer.close()
        assert [each.why for each in await house.refusals()] == ["late"]


async def test_who_sends_much_before_a_login_is_dropped(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        try:
            for _ in range(40):
                writer.write(b"SSH-2.0-x\r\n" + b"\0" * 65536)
                await writer.drain()
            await reader.read()
        except OSError:
            pass
        writer.close()
        refused = await house.refusals()
        assert [(each.why, each.count) for each in refused] == [("not_ssh", 1)]


async def test_a_logged_in_person_goes_when_their_key_is_taken_away(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        (house.keys / "bob").write_text(line(OTHER))
        await house.keyring.read()
        async with house.connect("alice", KEY) as alice, house.connect("bob", OTHER) as bob:
            (house.keys / "alice").unlink()
            await house.keyring.read()
            async with asyncio.timeout(5):
                await alice.wait_closed()
            assert "bob" in str((await bob.run("whoami", stdin=asyncssh.DEVNULL)).stdout)


async def test_a_logged_in_person_goes_when_their_roles_become_others_and_stays_when_they_do_not(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY, 'environment="MIDWATCH_ROLES=viewer,operator"'))
        (house.keys / "bob").write_text(line(OTHER))
        await house.keyring.read()
        async with house.connect("alice", KEY) as alice, house.connect("bob", OTHER) as bob:
            (house.keys / "alice").write_text(line(KEY, 'environment="MIDWATCH_ROLES=viewer"'))
            (house.keys / "bob").write_text(line(OTHER, 'from="127.0.0.0/8"'))
            await house.keyring.read()
            async with asyncio.timeout(5):
                await alice.wait_closed()
            assert "bob" in str((await bob.run("whoami", stdin=asyncssh.DEVNULL)).stdout)
        assert [each.why for each in await house.requests()] == ["roles"]


async def test_who_does_not_answer_is_gone_after_the_keepalives(tmp_path: Path) -> None:
    async with House(tmp_path, keepalive_s=0.05, keepalive_count=2) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        connection = await house.connect("alice", KEY)
        assert [each.name for each in house.door.people] == ["alice"]
        connection._transport.pause_reading()
        async with asyncio.timeout(5):
            while house.door.people:  # noqa: ASYNC110 - the door tells nobody
                await asyncio.sleep(0.01)
        connection.abort()


async def test_who_asks_and_never_reads_the_answers_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.serve.door.connection.MOST_ANSWERS", 4096)
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        (house.keys / "bob").write_text(line(OTHER))
        await house.keyring.read()
        async with house.connect("bob", OTHER) as bob:
            connection = await house.connect("alice", KEY)
            connection._transport.pause_reading()
            question = asyncssh.packet.String(b"direct-tcpip"), *(asyncssh.packet.UInt32(n) for n in (0, 1, 1))
            target = asyncssh.packet.String("x"), asyncssh.packet.UInt32(1), asyncssh.packet.String("x"), asyncssh.packet.UInt32(1)
            async with asyncio.timeout(30):
                while len(house.door.people) == 2:
                    for _ in range(500):
                        connection.send_packet(90, *question, *target)
                    await asyncio.sleep(0)
            assert "bob" in str((await bob.run("whoami", stdin=asyncssh.DEVNULL)).stdout)
            connection.abort()


async def test_when_it_is_shut_nobody_new_comes_in_and_who_is_in_stays(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        async with house.connect("alice", KEY) as alice:
            house.door.shut("later")
            assert not await house.is_let_in("alice", KEY)
            assert "alice" in str((await alice.run("whoami", stdin=asyncssh.DEVNULL)).stdout)
