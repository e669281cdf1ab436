"""Snapshots of a running server: over the user's own ssh (`--from`), and to a chat by whom the policy lets (`S`)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.chat.taker import Taker, taker
from tests.e2e.midwatch import MIDWATCH
from tests.e2e.platform import Platform
from tests.e2e.waiting import until
from tests.serve.client import Ended, ended
from tests.serve.keys import Keys
from tests.serve.need import found
from tests.serve.server import POLICY, Serving, environment, serving

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
CANARY = "canary-Zk3xPq81-of-the-server"
MAY_POST = """
[roles.teller]
people = ["mei", "otto"]
post   = ["on*"]
read   = { sites = [] }
"""


@pytest.fixture(scope="module")
def chat() -> Iterator[Taker]:
    with taker() as running:
        yield running


@pytest.fixture(scope="module")
def telling(place: Path, site: Platform, keys: Keys, chat: Taker) -> Iterator[Serving]:
    """A server with a chat of its own, to which mei may post, and otto with the key that is not a viewer's."""
    secret = place / "token"
    secret.write_text(CANARY)
    secret.chmod(0o600)
    told = {"oncall": {"kind": "webhook", "url": chat.url, "token_file": str(secret)}}
    with serving(place / "telling", site, keys, policy=POLICY + MAY_POST, chat=told) as running:
        yield running


class Afar:
    """midwatch's command line on another machine: its own folder, and an ssh that knows the server as `NAME.bastion`."""

    def __init__(self, place: Path, server: Serving) -> None:
        self.place = place
        (place / "bin").mkdir()
        lines = ["IdentitiesOnly yes", "IdentityAgent none", "StrictHostKeyChecking yes", f"UserKnownHostsFile {server.known_hosts}"]
        for name in ("mei", "ana", "otto", "zoe"):
            lines += [
                f"Host {name}.bastion", f"  HostName {server.host}", f"  Port {server.port}", f"  User {name}",
                f"  IdentityFile {server.keys.key(name)}",
            ]  # fmt: skip
        (place / "ssh_config").write_text("\n".join(lines) + "\n")
        (place / "ssh_config").chmod(0o600)
        script = place / "bin" / "ssh"
        script.write_text(f'#!/bin/sh\nexec {found("ssh")} -F {place / "ssh_config"} "$@"\n')
        script.chmod(0o755)

    @property
    def environ(self) -> Mapping[str, str]:
        return {**environment(self.place), "PATH": f"{self.place / 'bin'}:{os.environ.get('PATH', '')}"}

    def snapshot(self, name: str, *words: str, view: str = "overview") -> Ended:
        return ended([*MIDWATCH, "snapshot", view, "--from", f"{name}.bastion", *words], self.environ, 120)


@pytest.fixture
def afar(tmp_path: Path, telling: Serving) -> Afar:
    return Afar(tmp_path, telling)


def test_the_same_words_come_back_as_over_ssh_and_from_here_nothing_is_opened(afar: Afar, telling: Serving) -> None:
    done = afar.snapshot("mei", "--wait", "30s", "--scope", "region=emea")
    assert done.code in (0, 5), done.err
    assert done.out.startswith("demo · region=emea · ") and "Streams" in done.out
    assert not (afar.place / "state").exists()  # no log, no queue, no prober
    told = json.loads(afar.snapshot("mei", "--format", "json", view="workloads").out)
    assert told["view"] == "workloads" and any(row["namespace"] == "vod" for row in told["panes"][0]["rows"])


def test_who_may_not_read_a_namespace_does_not_read_it_from_afar_either(afar: Afar) -> None:
    told = json.loads(afar.snapshot("ana", "--format", "json", view="workloads").out)
    assert told["panes"][0]["rows"] and not any(row["namespace"] == "vod" for row in told["panes"][0]["rows"])


def test_who_belongs_elsewhere_is_refused_with_the_servers_own_words_and_code(afar: Afar) -> None:
    done = afar.snapshot("zoe")
    assert done.code == 6 and "may read the site" in done.err and not done.out


def test_a_picture_goes_into_a_file_whole(afar: Afar) -> None:
    file = afar.place / "picture.png"
    done = afar.snapshot("mei", "--format", "png", "-o", str(file))
    assert done.code in (0, 5), done.err
    assert file.read_bytes().startswith(b"\x89PNG") and file.read_bytes().endswith(b"IEND\xaeB`\x82")


def test_a_host_that_is_not_there_and_a_key_that_is_not_known_are_told(afar: Afar, telling: Serving) -> None:
    config = afar.place / "ssh_config"
    config.write_text(config.read_text() + "Host nobody.bastion\n  HostName 127.0.0.1\n  Port 1\n")
    done = afar.snapshot("nobody")
    assert done.code == 3 and "Connection refused" in done.err and "ssh nobody.bastion snapshot overview" in done.err
    config.write_text(config.read_text().replace(str(telling.keys.key("mei")), str(telling.keys.key("stranger"))))
    done = afar.snapshot("mei")
    assert done.code == 3 and "Permission denied" in done.err


def test_from_a_server_to_a_chat_of_ones_own(afar: Afar) -> None:
    with taker() as mine:
        config = afar.place / "midwatch.toml"
        config.write_text(f'[sites.a.prometheus]\nurl = "http://127.0.0.1:1"\n[chat.own]\nkind = "webhook"\nurl = "{mine.url}"\n')
        done = afar.snapshot("mei", "--post", "own", "--config", str(config), view="streams")
        assert done.code in (0, 5) and "arrived at own" in done.err, done.err
        (document,), (picture,) = mine.documents, mine.pictures
    assert document["site"] == "demo" and document["view"] == "streams" and picture.startswith(b"\x89PNG")
    assert document["text"].startswith("demo · ")


def test_s_of_one_who_may_post_arrives_and_stands_in_the_audit(telling: Serving, chat: Taker) -> None:
    before = len(chat.documents)
    with telling.client("mei").window() as terminal:
        terminal.shows("Streams", "q quit")
        terminal.press("3")
        terminal.shows("3 Workloads")
        terminal.press("S")
        terminal.shows("snapshot of workloads", "to oncall", "enter posts this", within_s=60)
        terminal.press("\r")
        terminal.shows("arrived at oncall, its picture", within_s=90)
        terminal.press("\x1b")
        until(lambda: "snapshot of" not in terminal.screen, "the page to go", 30, seen=lambda: terminal.screen)
        terminal.press("q")
        assert terminal.ended() == 0
    (document,) = chat.documents[before:]
    assert document["view"] == "workloads" and chat.pictures
    records = [each["record"] for each in telling.records() if "record" in each]
    (posted,) = (each for each in records if each["event.action"] == "snapshot.posted")
    assert posted["user"]["name"] == "mei" and posted["rule.name"] == "role teller"
    assert (posted["midwatch.destination"], posted["midwatch.message_id"]) == ("oncall", document["message_id"])
    shown = telling.audit("show").out
    assert f"to oncall: workloads {document['message_id']}" in shown and CANARY not in telling.log


@pytest.mark.parametrize(("name", "key"), [("ana", "ana"), ("otto", "otto-at-home")])
def test_s_of_one_who_may_not_says_why_and_nothing_leaves(telling: Serving, chat: Taker, name: str, key: str) -> None:
    before = len(chat.documents)
    with telling.client(name, telling.keys.key(key)).window() as terminal:
        terminal.shows("Streams", "q quit")
        terminal.press("S")
        terminal.shows(f"no role of {name}", "may post to oncall", within_s=60)
        terminal.press("\r\x1b")
        until(lambda: "snapshot of" not in terminal.screen, "the page to go", 30, seen=lambda: terminal.screen)
    assert len(chat.documents) == before
