"""The files of keys: what a line means, who may have written it, what happens when it changes or breaks."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.serve.door import certificates, keyline, krl, modes, revoked
from console.serve.door.blob import Torn, fingerprint
from console.serve.door.keyline import Refusing
from console.serve.door.keyring import Keyring, Places
from console.serve.door.krl import Revoked
from console.serve.door.refused import Denial, Why
from console.serve.door.trust import Grant, Trust, asked
from tests.console.serve.house import certificate, line, new_key
from tests.hand_clock import START, HandClock

KEY, OTHER, CA = new_key(), new_key(), new_key()
PUBLIC = line(KEY).strip()


# -- lines -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["", "   ", "# a comment", "\t# ssh-ed25519 AAAA"])
def test_comments_and_empty_lines_say_nothing(text: str) -> None:
    assert keyline.read(text, 1) is None


@pytest.mark.parametrize(
    ("options", "roles", "address", "is_good"),
    [
        ("", None, "10.1.2.3", True),
        ('from="10.0.0.0/8"', None, "10.1.2.3", True),
        ('from="10.0.0.0/8"', None, "192.0.2.1", False),
        ('from="10.0.0.0/8,192.0.2.*"', None, "192.0.2.1", True),
        ('from="10.0.0.0/8,!10.1.0.0/16"', None, "10.1.2.3", False),
        ('from="!10.1.0.0/16"', None, "10.2.0.1", False),
        ('from="10.0.0.0/8",from="10.1.2.?"', None, "10.1.2.3", True),
        ('from="10.0.0.0/8",from="10.1.2.?"', None, "10.1.2.33", False),
        ('from="2001:db8::/32"', None, "2001:db8::1", True),
        ('environment="MIDWATCH_ROLES=viewer,operator"', ("viewer", "operator"), "::1", True),
        ('environment="MIDWATCH_ROLES= viewer , viewer"', ("viewer",), "::1", True),
        ('environment="MIDWATCH_ROLES="', (), "::1", True),
        ("no-agent-forwarding,NO-PORT-FORWARDING,no-X11-forwarding,no-user-rc", None, "::1", True),
    ],
)
def test_a_line_means_what_its_options_say(options: str, roles: tuple[str, ...] | None, address: str, is_good: bool) -> None:
    found = keyline.read(f"{options} {PUBLIC} alice@laptop, her second".strip(), 3)
    assert found is not None and found.key == KEY.public_data
    assert (found.roles, found.is_from(address)) == (roles, is_good)


@pytest.mark.parametrize(
    ("written", "until"),
    [
        ("20300102Z", datetime(2030, 1, 2, tzinfo=UTC)),
        ("203001021530Z", datetime(2030, 1, 2, 15, 30, tzinfo=UTC)),
        ("20300102153059Z", datetime(2030, 1, 2, 15, 30, 59, tzinfo=UTC)),
        ("20300102", datetime(2030, 1, 2).astimezone(UTC)),
        ('20300102Z",expiry-time="20290101Z', datetime(2029, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_line_ends_when_it_says(written: str, until: datetime) -> None:
    found = keyline.read(f'expiry-time="{written}" {PUBLIC}', 1)
    assert found is not None and found.expires_at == until


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('command="ls" PUBLIC', "`command`"),
        ("cert-authority PUBLIC", "`cert-authority`"),
        ('principals="alice" PUBLIC', "`principals`"),
        ("verify-required PUBLIC", "`verify-required`"),
        ("no-touch-required PUBLIC", "`no-touch-required`"),
        ('permitopen="a:1" PUBLIC', "`permitopen`"),
        ("no-pty=1 PUBLIC", "cannot be read"),
        ('environment="PATH=/evil" PUBLIC', "only MIDWATCH_ROLES"),
        ('environment="MIDWATCH_ROLES" PUBLIC', "only MIDWATCH_ROLES"),
        ('environment="MIDWATCH_ROLES=a",environment="MIDWATCH_ROLES=b" PUBLIC', "twice"),
        ('from="bastion.example" PUBLIC', "names of hosts"),
        ('from="10.0.0.0/64" PUBLIC', "no network"),
        ('from="10.0.0.*/8" PUBLIC', "no network"),
        ('from="" PUBLIC', "names of hosts"),
        ('expiry-time="tomorrow" PUBLIC', "no time"),
        ('expiry-time="20301399" PUBLIC', "no time"),
        ('from="10.0.0.1 PUBLIC', "cannot be read"),
        ("ssh-ed25519", "cannot be read"),
        ("ssh-ed25519 AAAA", "cannot be read"),
        ("ssh-ed25519 !!!!", "cannot be read"),
        ("ssh-dss AAAAB3NzaC1kc3MAAACB", "no key of a kind"),
        ("hello world", "no key of a kind"),
        ("hello", "no key of a kind"),
        ("x" * 20_000, "characters"),
    ],
)
def test_a_line_that_promises_what_is_not_kept_lets_nobody_in(text: str, says: str) -> None:
    with pytest.raises(Refusing, match=says):
        keyline.read(text.replace("PUBLIC", PUBLIC), 1)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["", PUBLIC, 'from="', "environment=", "expiry-time="]))
def test_no_text_breaks_the_reader_of_lines(text: str, before: str) -> None:
    for each in (before + text, text + " " + PUBLIC):
        try:
            found = keyline.read(each.replace("\n", " "), 1)
        except Refusing:
            continue
        assert found is None or found.key == KEY.public_data


# -- certificates ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ssh-rsa"])
def test_a_certificate_of_every_kind_is_read(kind: str) -> None:
    key = new_key(kind)
    _, made = certificate(CA, key, ["alice", "carol"], serial=2**63 + 1, key_id="laptöp")
    found = certificates.read(made.public_data)
    assert (found.key, found.serial, found.id, found.principals) == (key.public_data, 2**63 + 1, "laptöp", ("alice", "carol"))
    assert (found.authority, found.signed_with, found.kind) == (CA.public_data, "ssh-ed25519", 1)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_certificate_with_bits_turned_is_torn_or_another(data: st.DataObject) -> None:
    blob = bytearray(certificate(CA, KEY, ["alice"])[1].public_data)
    for _ in range(data.draw(st.integers(1, 8))):
        blob[data.draw(st.integers(0, len(blob) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    if data.draw(st.booleans()):
        del blob[data.draw(st.integers(0, len(blob) - 1)) :]
    trust = Trust({}, frozenset((CA.public_data,)), Revoked.nothing())
    assert isinstance(asked(trust, "alice", bytes(blob), "::1", START), Grant | Denial)


def test_a_certificate_that_an_authority_signed_with_sha1_is_refused() -> None:
    ca = new_key("ssh-rsa", key_size=2048)
    made = certificate(ca, KEY, ["alice"], sig_alg="ssh-rsa")[1]
    trust = Trust({}, frozenset((ca.public_data,)), Revoked.nothing())
    found = asked(trust, "alice", made.public_data, "::1", datetime.now(UTC))
    assert isinstance(found, Denial) and found.why is Why.WEAK_KEY


# -- what is revoked -----------------------------------------------------------------------------------------------------
@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_a_list_of_ssh_keygen_is_read(tmp_path: Path) -> None:
    keygen = shutil.which("ssh-keygen")
    assert keygen is not None
    hashed = new_key()
    (tmp_path / "ca.pub").write_text(line(CA))
    (tmp_path / "key.pub").write_text(line(KEY))
    (tmp_path / "hashed.pub").write_text(line(hashed))
    spec = "serial: 5\nserial: 100-200\n" + "".join(f"serial: {number}\n" for number in range(1000, 1400, 7)) + "id: lost laptop\n"
    spec += f"hash: {fingerprint(hashed.public_data)}\n"
    (tmp_path / "spec").write_text(spec)
    subprocess.run([keygen, "-q", "-k", "-f", "list", "-s", "ca.pub", "key.pub", "spec"], cwd=tmp_path, check=True, timeout=20)
    found = revoked.read((tmp_path / "list").read_bytes())
    assert found.has_key(KEY.public_data) and found.has_key(hashed.public_data) and not found.has_key(OTHER.public_data)
    for serial in (5, 100, 150, 200, 1000, 1007, 1399):
        assert found.has_certificate(CA.public_data, serial, "x"), serial
    for serial in (0, 4, 6, 99, 201, 999, 1001, 1400, 2**64 - 1):
        assert not found.has_certificate(CA.public_data, serial, "x"), serial
    assert found.has_certificate(CA.public_data, 1, "lost laptop") and not found.has_certificate(OTHER.public_data, 5, "lost laptop")
    whole = (tmp_path / "list").read_bytes()
    ends = set()
    for length in range(len(krl.MAGIC), len(whole)):
        try:
            krl.read(whole[:length])
            ends.add(length)
        except Torn:
            continue
    assert len(ends) <= 4  # only between two sections


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("serial: 0", "line 1"), ("serial: 9-5", "line 1"), ("\nserial: x", "line 2"), ("ssh-ed25519 ???", "line 1"),
        ("everybody", "line 1"), ("SHA256:short", "line 1"), ("serial: " + "9" * 30, "line 1"),
    ],
)  # fmt: skip
def test_a_line_of_what_is_revoked_that_cannot_be_read_breaks_the_file(text: str, says: str) -> None:
    with pytest.raises(Refusing, match=says):
        revoked.read(text.encode())


def test_bytes_that_are_no_list_and_no_text_break_the_file() -> None:
    for content in (b"\xff\xfe", krl.MAGIC, krl.MAGIC + b"\0\0\0\2" + b"\0" * 40, krl.MAGIC + b"\0\0\0\1" + b"\0" * 32 + b"\x09\0\0\0\0"):
        with pytest.raises(Refusing):
            revoked.read(content)


# -- whose files they are ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("mode", "is_good"), [(0o600, True), (0o644, True), (0o640, True), (0o664, False), (0o646, False), (0o666, False)])
def test_a_file_that_others_can_write_is_not_believed(tmp_path: Path, mode: int, is_good: bool) -> None:
    path = tmp_path / "alice"
    path.write_text("x")
    path.chmod(mode)
    if is_good:
        assert modes.content(path, 10) == b"x"
    else:
        with pytest.raises(modes.Unsafe, match="chmod go-w"):
            modes.content(path, 10)


def test_a_file_in_a_directory_that_others_can_write_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "alice").write_text("x")
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path / "open" / "alice")
    for path in (tmp_path / "open" / "alice", tmp_path / "link"):
        with pytest.raises(modes.Unsafe, match="open can be written by others"):
            modes.content(path, 10)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "alice"
    path.write_text("x")
    os.chown(path, 4711, -1)
    with pytest.raises(modes.Unsafe, match="belongs to uid 4711"):
        modes.content(path, 10)


def test_what_is_no_file_or_too_large_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    (tmp_path / "large").write_bytes(b"x" * 11)
    for name, says in (("fifo", "regular"), ("large", "larger"), (".", "regular")):
        with pytest.raises(OSError, match=says):
            modes.content(tmp_path / name, 10)


# -- changes -------------------------------------------------------------------------------------------------------------
async def _ring(place: Path) -> Keyring:
    (place / "keys").mkdir(mode=0o755)
    (place / "keys" / "alice").write_text(line(KEY))
    (place / "ca").write_text(line(CA))
    (place / "revoked").write_text("serial: 5\n")
    ring = Keyring(Places(place / "keys", place / "ca", place / "revoked"), HandClock())
    await ring.read()
    assert ring.mark == "" and ring.problems == ()
    return ring


async def test_a_changed_file_is_read_again_and_one_that_is_gone_takes_its_person_away(tmp_path: Path) -> None:
    ring = await _ring(tmp_path)
    told: list[str] = []
    ring.changed = lambda: told.append(ring.mark)
    (tmp_path / "keys" / "bob").write_text(line(OTHER))
    await ring.read()
    assert set(ring.trust.people) == {"alice", "bob"}
    (tmp_path / "keys" / "alice").unlink()
    await ring.read()
    await ring.read()
    assert set(ring.trust.people) == {"bob"} and told == ["", ""]


async def test_of_a_broken_file_the_last_good_content_stands_until_it_is_mended(tmp_path: Path) -> None:
    ring = await _ring(tmp_path)
    alice = tmp_path / "keys" / "alice"
    alice.write_text(line(OTHER))
    alice.chmod(0o666)
    await ring.read()
    assert ring.trust.people["alice"][0].key == KEY.public_data
    assert "last good" in ring.mark and "alice" in ring.mark
    alice.chmod(0o600)
    await ring.read()
    assert ring.trust.people["alice"][0].key == OTHER.public_data and ring.mark == ""


@pytest.mark.parametrize("name", ["ca", "revoked", "keys"])
async def test_of_a_list_that_is_gone_or_broken_the_last_good_one_stands(tmp_path: Path, name: str) -> None:
    ring = await _ring(tmp_path)
    before = ring.trust
    (tmp_path / name).rename(tmp_path / "elsewhere")
    await ring.read()
    assert str(tmp_path / name) in ring.mark
    assert (ring.trust.people, ring.trust.authorities) == (before.people, before.authorities)
    assert ring.trust.revoked.has_certificate(CA.public_data, 5, "")
    (tmp_path / "elsewhere").rename(tmp_path / name)
    await ring.read()
    assert ring.mark == ""


async def test_before_what_is_revoked_was_ever_read_nobody_is_let_in(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir(mode=0o755)
    (tmp_path / "keys" / "alice").write_text(line(KEY))
    (tmp_path / "revoked").write_text("everybody\n")
    ring = Keyring(Places(tmp_path / "keys", None, tmp_path / "revoked"), HandClock())
    await ring.read()
    assert ring.is_revocation_unread and not ring.trust.people
    (tmp_path / "revoked").write_text("still everybody\n")
    await ring.read()
    assert not ring.trust.people
    (tmp_path / "revoked").write_text("# nobody\n")
    await ring.read()
    assert not ring.is_revocation_unread and set(ring.trust.people) == {"alice"}


async def test_a_bad_line_is_told_and_the_others_hold(tmp_path: Path) -> None:
    ring = await _ring(tmp_path)
    (tmp_path / "keys" / "alice").write_text(line(OTHER, 'command="ls"') + line(KEY))
    (tmp_path / "keys" / "not a name!").write_text(line(OTHER))
    (tmp_path / "keys" / ".hidden").write_text(line(OTHER))
    (tmp_path / "ca").write_text(line(CA) + "rubbish\n")
    await ring.read()
    assert ring.mark == "" and len(ring.problems) == 3
    assert [each.number for each in ring.trust.people["alice"]] == [2] and set(ring.trust.people) == {"alice"}
    assert ring.trust.authorities == {CA.public_data}


async def test_a_volume_of_kubernetes_is_followed_through_its_links(tmp_path: Path) -> None:
    (tmp_path / "keys" / "..2026").mkdir(parents=True)
    (tmp_path / "keys" / "..2026" / "alice").write_text(line(KEY))
    (tmp_path / "keys" / "..data").symlink_to("..2026")
    (tmp_path / "keys" / "alice").symlink_to("..data/alice")
    ring = Keyring(Places(tmp_path / "keys"), HandClock())
    await ring.read()
    assert set(ring.trust.people) == {"alice"} and ring.problems == ()


async def test_at_a_login_the_files_are_looked_at_when_the_last_look_is_old(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir(mode=0o755)
    clock = HandClock()
    ring = Keyring(Places(tmp_path / "keys"), clock)
    await ring.read()
    (tmp_path / "keys" / "alice").write_text(line(KEY))
    assert not (await ring.fresh()).people
    await clock.advance(1.1)
    assert set((await ring.fresh()).people) == {"alice"}
