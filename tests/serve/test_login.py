"""Who gets in by OpenSSH's own client, who does not, and that each refusal is in the audit. Cheap: one server, all at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.waiting import until
from tests.serve.client import Ended
from tests.serve.keys import Keys
from tests.serve.server import Serving

ASKED = ("snapshot", "sources")


class Try(msgspec.Struct, frozen=True):
    """A login that must fail."""

    user: str
    identity: Callable[[Keys], Path]
    why: str
    options: tuple[str, ...] = ()


def _certificate(name: str, principals: str | None, **more: Any) -> Callable[[Keys], Path]:
    return lambda keys: keys.certificate(name, principals, **more)


REFUSED = {
    "the key of another": Try("mei", lambda keys: keys.key("ana"), "wrong_key"),
    "a key of nobody's": Try("mei", lambda keys: keys.key("stranger"), "wrong_key"),
    "a person that there is not": Try("root", lambda keys: keys.key("mei"), "unknown_person"),
    "a name that is a path": Try("../people/mei", lambda keys: keys.key("mei"), "unknown_person"),
    "a key that was lost": Try("mei", lambda keys: keys.key("lost"), "revoked"),
    "a certificate for another": Try("mei", _certificate("c-other", "ana"), "wrong_principal"),
    "a certificate for a role": Try("mei", _certificate("c-role", "oncall,lead"), "wrong_principal"),
    "a certificate for anybody": Try("mei", _certificate("c-anybody", None), "no_principals"),
    "a certificate that is over": Try("mei", _certificate("c-over", "mei", valid="-2h:-1h"), "expired"),
    "a certificate of tomorrow": Try("mei", _certificate("c-early", "mei", valid="+1h:+2h"), "not_yet_valid"),
    "a certificate of another authority": Try("mei", _certificate("c-foreign", "mei", authority="impostor"), "wrong_authority"),
    "a certificate that was revoked": Try("mei", _certificate("c-revoked", "mei", serial=66), "revoked"),
    "a certificate with a command": Try("mei", _certificate("c-command", "mei", options=("force-command=id",)), "critical_option"),
    "a certificate from elsewhere": Try("mei", _certificate("c-place", "mei", options=("source-address=10.0.0.0/8",)), "wrong_address"),
    "a password": Try(
        "mei", lambda keys: keys.key("stranger"), "no_key",
        ("PubkeyAuthentication=no", "PreferredAuthentications=password,keyboard-interactive", "BatchMode=no"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def tried(server: Serving, keys: Keys) -> dict[str, Ended]:
    """All of them, three at a time."""
    identities = {name: one.identity(keys) for name, one in REFUSED.items()}

    def ran(name: str) -> Ended:
        one = REFUSED[name]
        return server.client(one.user, identities[name]).run(*ASKED, options=one.options)

    with ThreadPoolExecutor(3) as pool:
        return dict(zip(REFUSED, pool.map(ran, REFUSED), strict=True))


@pytest.fixture(scope="module")
def refusals(server: Serving, tried: dict[str, Ended]) -> str:
    """What the audit says of refused logins, once all are in it."""
    assert tried
    return until(
        lambda: told if (told := server.audit("show", "--json").out).count("session.login_refused") >= len(REFUSED) else None,
        "every refusal in the audit", 20, seen=lambda: server.audit("show").out,
    )  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_is_not_let_in_is_not_told_why_and_is_in_the_audit(name: str, tried: dict[str, Ended], refusals: str, server: Serving):
    ended, wanted = tried[name], REFUSED[name]
    assert ended.code == 255
    assert ended.out == ""
    assert "Permission denied (publickey)" in ended.err
    for word in (wanted.why, "principal", "revoked", "expired", "authority"):
        assert word not in ended.err.replace(str(server.place), "").replace("c-revoked", "")
    found = [
        line for line in refusals.splitlines()
        if "session.login_refused" in line and f'"{wanted.why}"' in line and json.dumps(wanted.user) in line
    ]  # fmt: skip
    assert found, refusals


def test_a_key_lets_in_and_a_snapshot_is_what_midwatch_would_print(server: Serving):
    ended = server.client("mei").run("snapshot", "workloads", "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    told = json.loads(ended.out)
    assert (told["schema"], told["site"], told["view"]) == (1, "demo", "workloads")
    assert [pane["name"] for pane in told["panes"]] == ["workloads"]


def test_a_certificate_for_the_name_lets_in(server: Serving, keys: Keys):
    ended = server.client("mei", keys.certificate("c-good", "mei,somebody-else")).run(*ASKED)
    assert ended.code == 0, ended.err
    assert "c-good" in until(
        lambda: told if "c-good" in (told := server.audit("show").out) else None, "the login in the audit", 20,
        seen=lambda: server.audit("show").out,
    )  # fmt: skip


def test_without_a_terminal_it_is_the_digest_with_the_exit_code_of_a_snapshot(server: Serving):
    ended, asked = server.client("ana").run(flags=("-T",)), server.client("ana").run("snapshot", "overview")
    assert ended.code == asked.code == 0
    assert ended.out.startswith("demo · ")
    assert "\x1b" not in ended.out
    assert [line[:8] for line in ended.out.splitlines()][1:] == [line[:8] for line in asked.out.splitlines()][1:]


def test_the_overview_stands_on_a_terminal_and_q_ends_it_with_0(server: Serving):
    with server.client("mei").window() as terminal:
        terminal.shows("Streams", "Logs", "Workloads", "Capacity", "mei@")
        terminal.press("q")
        assert terminal.ended(20) == 0


def test_a_person_of_another_site_is_let_in_and_sees_nothing(server: Serving):
    ended = server.client("zoe").run(*ASKED)
    assert ended.code not in (0, 255)
    assert "may read the site demo" in ended.err + ended.out
    assert "kubernetes" not in ended.out


def test_two_keys_of_one_person_are_each_their_own_roles(server: Serving, keys: Keys):
    wide, narrow = (
        json.loads(server.client("otto", keys.key(name)).run("snapshot", "workloads", "--format", "json").out)
        for name in ("otto", "otto-at-home")
    )
    seen = [{row["namespace"] for pane in told["panes"] for row in pane["rows"]} for told in (wide, narrow)]
    assert "vod" in seen[0]
    assert seen[1] == seen[0] - {"vod"}


@pytest.mark.parametrize("command", ["id", "midwatch doctor", "sh -c id", "snapshot overview -o /tmp/written", "snapshot nowhere"])
def test_a_command_that_is_not_on_the_list_runs_nothing(server: Serving, command: str):
    ended = server.client("ana").run(command)
    assert ended.code == 2, ended
    assert "uid=" not in ended.out
    assert not Path("/tmp/written").exists()
