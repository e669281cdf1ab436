"""Guarded actions on a real pair of Alertmanagers that gossip: what was previewed is what is silenced, at both, once.
`make lab` first.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from console.actions import executor
from console.actions.audit import kinds
from console.actions.audit.operation import Ending, Outcome
from console.actions.plan import Plan
from console.actions.refusal import Unable
from console.actions.targets.alertmanager.hand import AlertmanagerHand
from console.actions.writes import SilenceWrite
from console.sources.access import Access
from tests.lab.acting import ANNA, Acting, acting, refused
from tests.lab.answers import at_peer
from tests.lab.proof import Figure, figure, record
from tests.lab.servers import SITE, arguments, held

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(90),
    pytest.mark.skipif(not SITE.exists(), reason="tests/lab/site.toml is missing: run `make lab` first"),
]

Json = dict[str, Any]
RUN = uuid4().hex[:8]  # alerts of an earlier run may still be there
PATIENCE_S = 15.0
# What people write into labels, and what breaks whoever writes matchers as text.
STRANGE = {
    "quoted": 'say "no"',
    "path": "C:\\media\\new",
    "braces": '{a="b",c=~".*"}',
    "script": "Zürich 東京 ☎ é",
    "lines": "one\ntwo\ttab",
    "spaced": "  two  blanks  ",
}


@pytest.fixture(scope="module")
def figures() -> Iterator[list[Figure]]:
    found: list[Figure] = []
    yield found
    if found:
        record("acting_alertmanager", "guarded actions on a real pair of Alertmanagers that gossip", *found)


@pytest.fixture(scope="module")
def peers() -> tuple[str, str]:
    """Their urls; skipped by name when one does not run."""
    found = []
    for number in (0, 1):
        try:
            line = arguments(f"alertmanager-{number}")
        except (OSError, ValueError, AssertionError):
            pytest.skip(f"alertmanager-{number} of the lab does not run: run `make lab` again")
        found.append("http://" + next(each.partition("=")[2] for each in line if each.startswith("--web.listen-address=")))
    return found[0], found[1]


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is seen must stand for half a second and not for three: the feed asks every ten as it is."""
    monkeypatch.setattr(executor, "HOLDS_S", 0.5)


@pytest.fixture(autouse=True)
def clean(peers: tuple[str, str]) -> Iterator[None]:
    """No silence of ours stays, and no alert of this run."""
    yield
    for each in silences(0):
        if each["status"]["state"] != "expired" and "midwatch op:" in each["comment"]:
            at_peer(0, "DELETE", f"/api/v2/silence/{each['id']}")
    ended = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    ours = [each["labels"] for each in alerts(0) if each["labels"].get("run") == RUN]
    for number in (0, 1):
        at_peer(number, "POST", "/api/v2/alerts", [{"labels": labels, "startsAt": ended, "endsAt": ended} for labels in ours])


def silences(peer: int) -> list[Json]:
    found = at_peer(peer, "GET", "/api/v2/silences")
    assert isinstance(found, list)
    return found


def alerts(peer: int) -> list[Json]:
    found = at_peer(peer, "GET", "/api/v2/alerts")
    assert isinstance(found, list)
    return found


def fired(*every: Json) -> dict[str, str]:
    """These alerts fire at both peers, as a Prometheus tells both. Their names -> fingerprints."""
    begun = datetime.now(UTC).isoformat()
    told = [{"labels": {"run": RUN, **labels}, "startsAt": begun, "generatorURL": "http://lab/"} for labels in every]
    for number in (0, 1):
        at_peer(number, "POST", "/api/v2/alerts", told)
    return {each["labels"]["alertname"]: each["fingerprint"] for each in alerts(0) if each["labels"].get("run") == RUN}


def silenced(peer: int, fingerprint: str) -> list[str]:
    """The ids of what a peer says that an alert is silenced by."""
    return next(each["status"]["silencedBy"] for each in alerts(peer) if each["fingerprint"] == fingerprint)


def _is_silenced(peer: int, fingerprint: str, by: list[str]) -> bool:
    return silenced(peer, fingerprint) == by


async def until(is_so: Callable[[], bool], what: str) -> float:
    """Seconds until it was so."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < PATIENCE_S, f"not within {PATIENCE_S:g} s: {what}"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


@asynccontextmanager
async def armed(home: Path, *urls: str, timeout_s: int = 10) -> AsyncIterator[Acting]:
    """A service over these peers; its feed has told the alerts of this run."""
    table = f"[sites.lab.alertmanager]\nurls = {json.dumps(urls)}\ntimeout_s = {timeout_s}\n"
    async with acting(home, table) as found:
        yield found


async def test_a_silence_is_what_its_plan_previewed_known_to_both_peers_and_told_by_our_own_feed(
    peers: tuple[str, str], tmp_path: Path, figures: list[Figure]
) -> None:
    """With label values of every kind: a silence must match exactly what it was made from."""
    known = fired(
        {"alertname": "Strange", **STRANGE},
        {"alertname": "Strange2", **STRANGE},
        {"alertname": "Other", **STRANGE, "quoted": "say no"},
        {"alertname": "Bare"},
    )
    async with armed(tmp_path / "home", *peers) as anna:
        plan = await anna.plan("alert.silence", f"alert:{known['Strange']}")
        assert dict(plan.proof.wants)["fingerprints"] == known["Strange"]
        plan = await anna.confirmed("alert.silence", f"alert:{known['Strange']}", by="run,quoted,path,script,lines", comment='für "Mei"')
        previewed = set(str(dict(plan.proof.wants)["fingerprints"]).split(","))
        assert previewed == {known["Strange"], known["Strange2"]}
        assert [each.reason for each in plan.verdicts if each.guard == "silence"] == ["1 other alert would be quiet too"]
        began = time.monotonic()
        assert await anna.run(plan) is Ending.SUCCEEDED, anna.operation(plan)
        told_s = time.monotonic() - began
        (made,) = [each for each in silences(0) if f"op:{plan.op}" in each["comment"]]
        assert (made["createdBy"], made["comment"]) == ("anna", f'für "Mei" midwatch op:{plan.op}')
        assert {each["name"]: each["value"] for each in made["matchers"]} == {
            "run": RUN, **{name: STRANGE[name] for name in ("quoted", "path", "script", "lines")}
        }  # fmt: skip
        gossip_s = await until(lambda: any(each["id"] == made["id"] for each in silences(1)), "the other peer knows it")
        wrong: set[str] = set()
        for peer in (0, 1):
            await until(partial(_is_silenced, peer, known["Strange"], [made["id"]]), f"peer {peer} silences it")
            wrong |= previewed ^ {name for name in known.values() if silenced(peer, name) == [made["id"]]}
        assert not wrong, "both silence what was previewed and nothing else"

        back = await anna.undone(plan.op)
        assert back.target == f"silence:{made['id']}"
        for peer in (0, 1):
            await until(partial(_is_silenced, peer, known["Strange"], []), f"loud again at peer {peer}")
        (made,) = [each for each in silences(0) if each["id"] == made["id"]]
        assert made["status"]["state"] == "expired"
        again = await anna.plan("silence.expire", f"silence:{made['id']}")
        assert refused(again)["change"] == "it has expired already: there is nothing to do"
    figures += [
        figure("alerts silenced that were not previewed, or the reverse, at two peers", len(wrong), "alerts", most=0),
        figure("from the write until our own feed tells it", told_s, "s", most=15),
        figure("from that until the other peer knows it", gossip_s, "s", most=10),
    ]


class Thief:
    """A way to one peer that takes a request there and its answer nowhere: it hangs up once the peer has answered a POST."""

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url)
        self.steals = 0  # answers to POST that are still to be stolen
        self.stolen = 0
        self.posts = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._line, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, asks = await asyncio.open_connection(self._to.hostname, self._to.port)
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                body = await reader.readexactly(int(lengths[0].partition(b":")[2]) if lengths else 0)
                is_post = head.startswith(b"POST ")
                self.posts += is_post
                asks.write(head + body)
                answer = await there.readuntil(b"\r\n\r\n")
                if is_post and self.steals:
                    self.steals -= 1
                    self.stolen += 1
                    break
                writer.write(answer + await _rest(answer, there))
        writer.transport.abort()
        asks.transport.abort()


async def _rest(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """The body of an answer, by its length or in chunks."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return await reader.readexactly(int(line.partition(b":")[2]))
    if b"chunked" not in head.lower():
        return b""
    body = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        body += size + await reader.readexactly(int(size, 16) + 2)
        if int(size, 16) == 0:
            return body


async def test_a_lost_answer_makes_one_silence_and_not_two(
    peers: tuple[str, str], tmp_path: Path, figures: list[Figure]
) -> None:
    known = fired({"alertname": "Lost"})
    thief = Thief(peers[0])
    async with thief.open() as way, armed(tmp_path / "home", way, peers[1]) as anna:
        plan = await anna.confirmed("alert.silence", f"alert:{known['Lost']}")
        thief.steals = 1
        ending = await anna.run(plan)
        assert (thief.stolen, thief.posts) == (1, 1)
        ours = [each for each in silences(0) if f"op:{plan.op}" in each["comment"]]
        assert ending is Ending.SUCCEEDED, anna.operation(plan)
        looked = [each for each in anna.records(plan.op) if isinstance(each, kinds.ReadBack)]
        assert [(each.found, each.uid) for each in looked] == [(kinds.Found.APPLIED, ours[0]["id"])]
        back = await anna.service.plan_undo(anna.person, plan.op)
        assert back.target.text == f"silence:{ours[0]['id']}", "an undo knows the id although its answer was lost"
    figures.append(figure("silences after a POST whose answer was lost", len(ours), "silences", least=1, most=1))


async def test_with_one_peer_away_the_other_is_asked_and_with_both_away_nothing_is_planned(
    peers: tuple[str, str], tmp_path: Path, figures: list[Figure]
) -> None:
    known = fired({"alertname": "Away"})
    nobody = "http://127.0.0.1:9"

    async def one_refuses() -> None:
        async with armed(tmp_path / "home", nobody, peers[1]) as anna:
            plan = await anna.confirmed("alert.silence", f"alert:{known['Away']}")
            assert _asked(plan) == peers[1]
            assert await anna.run(plan) is Ending.SUCCEEDED, anna.operation(plan)
            await until(lambda: silenced(0, known["Away"]) != [], "the first hears of it by gossip")

    async def none_is_there() -> None:
        async with armed(tmp_path / "none", nobody, "http://127.0.0.1:1") as anna:
            with pytest.raises(Unable, match="cannot be seen") as told:
                await anna.plan("alert.silence", f"alert:{known['Away']}")
            assert told.value.is_unreachable

    await asyncio.gather(one_refuses(), none_is_there())
    with held("alertmanager-0"):  # takes connections, answers nothing
        async with armed(tmp_path / "held", *peers, timeout_s=3) as anna:
            began = time.monotonic()
            plan = await anna.plan("alert.silence", f"alert:{known['Away']}", **{"for": "2m"})
            took_s = time.monotonic() - began
            assert _asked(plan) == peers[1]
    figures.append(figure("a plan while the first peer takes connections and answers nothing (timeout 3 s)", took_s, "s", most=15))


def _asked(plan: Plan) -> str:
    """The peer that a plan of one silence writes to."""
    (step,) = plan.steps
    assert isinstance(step.write, SilenceWrite)
    return step.write.url


async def test_expiring_what_is_not_there_is_told_as_it_is(peers: tuple[str, str], tmp_path: Path) -> None:
    """Older Alertmanagers answer 500 to an id they do not know, newer ones 404; neither is a success."""
    gone = str(uuid4())
    with pytest.raises(HTTPError) as refusal:
        at_peer(0, "DELETE", f"/api/v2/silence/{gone}")
    status = refusal.value.code
    assert status in (404, 500)
    async with armed(tmp_path / "home", *peers) as anna:
        with pytest.raises(Unable, match=f"there is no silence {gone} at {peers[0]}"):
            await anna.plan("silence.expire", f"silence:{gone}")
    hand = AlertmanagerHand(Access(urls=peers))
    try:
        write = SilenceWrite(url=peers[0], id=gone)
        answer = await hand.do(write, "op-1", ANNA)
        echo = await hand.read_back(write)
    finally:
        await hand.close()
    expected = {404: Outcome.FAILURE, 500: Outcome.UNKNOWN}[status]
    assert (answer.outcome, answer.status) == (expected, status)
    assert (echo.found, echo.text) == (kinds.Found.UNCLEAR, "no silence of this id is there")
    print(f"DELETE of an unknown silence: {answer.text}")
