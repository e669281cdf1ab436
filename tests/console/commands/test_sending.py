"""`S`: what would be posted is shown to the letter, and what was shown is posted, once it was recorded, and nothing else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from console.actions.audit import kinds
from console.actions.audit.operation import Actor
from console.actions.policy.policy import Policy, PolicyError, Role
from console.app.pivots import Place
from console.app.sending import Draft, NotSent, Step
from console.chat.posting import Posted
from console.commands.sending import Clerk, Counter
from console.commands.sending_for_many import couriers
from console.config.chat import ChatDestination
from console.config.root import Config
from console.config.site import Site
from console.feeds.clock import SystemClock
from console.feeds.desk import VIEWS
from console.model.scope import Scope
from console.model.sight import Sight
from console.redaction.veil import veiled
from tests.chat.slack import CHANNEL, HOOK, PNG, TOKEN, Slack, texts
from tests.console.feeds.sight_world import WorldDesk, canaries
from tests.hand_clock import HandClock
from tests.scene import Scene

ME = Actor(name="mei", id="1000")


class Pages:
    """A journal that keeps what it is given; or cannot."""

    def __init__(self, wrong: Exception | None = None) -> None:
        self.entries: list[kinds.SnapshotPosted] = []
        self.wrong = wrong

    async def append(self, entry: Any) -> None:
        if self.wrong is not None:
            raise self.wrong
        self.entries.append(entry)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    server = Slack(HandClock())
    await server.start()
    yield server
    await server.stop()


class House:
    """A counter over one Slack by bot (`oncall`) and by hook (`hook`), and the scene of a bad deploy."""

    def __init__(self, place: Path, slack: Slack, scene: Scene) -> None:
        token, hook = place / "token", place / "hook"
        token.write_text(TOKEN)
        hook.write_text(f"{slack.url}{HOOK}")
        for secret in (token, hook):
            secret.chmod(0o600)
        told = {
            "oncall": {"kind": "slack", "url": f"{slack.url}/api", "token_file": str(token), "channel": CHANNEL},
            "hook": {"kind": "slack-webhook", "url_file": str(hook)},
        }
        chat = {name: msgspec.convert(each, ChatDestination) for name, each in told.items()}
        environ = {"XDG_STATE_HOME": str(place / "state"), "HOME": str(place)}
        self.queue = place / "state" / "midwatch" / "chat"
        self.scene = scene
        self.counter = Counter(Config(sites={"demo": Site()}, chat=chat), environ, SystemClock(), None)
        self.pages = Pages()

    def clerk(self, **more: Any) -> Clerk:
        clerk = self.counter.clerk(
            more.pop("desk", self.scene.desk), "demo", is_prod=False, who="mei@bastion", by=ME, journal=lambda: self.pages, **more
        )
        assert clerk is not None
        return clerk


@asynccontextmanager
async def house(place: Path, slack: Slack) -> AsyncIterator[House]:
    opened = House(place, slack, Scene())
    try:
        yield opened
    finally:
        await opened.counter.close()
        await opened.scene.hub.close()


async def sent(clerk: Clerk, draft: Draft) -> list[Step]:
    steps: list[Step] = []
    await clerk.send(draft, steps.append)
    return steps


async def drafted(clerk: Clerk, view: str = "overview", scope: Scope = Scope()) -> dict[str, Draft]:  # noqa: B008 - frozen
    return {draft.destination: draft for draft in await clerk.drafts(Place(view, scope))}


async def test_what_was_shown_is_what_arrives_with_its_picture_and_a_record_before(tmp_path: Path, slack: Slack) -> None:
    async with house(tmp_path, slack) as at:
        clerk = at.clerk()
        draft = (await drafted(clerk, "streams", Scope.parse(["region=emea"])))["oncall"]
        assert draft.picture == "a picture of 120x36" and "uk-sport-1" in draft.text and "INC-7f3a" in draft.text
        at.scene.fail("streams")  # what happens after one has looked is not sent
        steps = await sent(clerk, draft)
    (message,), ((picture, _),) = slack.messages, slack.pictures
    arrived = "\n".join(texts(message["blocks"]))
    assert [line for line in draft.text.split("\n") if line] == [line for line in arrived.split("\n") if line]
    assert picture.startswith(PNG) and not slack.complaints
    assert [step.is_over for step in steps[:-1]] == [False] * (len(steps) - 1) and steps[-1].is_over
    assert "on the disk" in steps[0].words and "arrived at oncall, its picture" in steps[-1].words
    (entry,) = at.pages.entries
    assert (entry.by, entry.destination, entry.message) == (ME, "oncall", draft.id)
    assert (entry.site, entry.view, entry.scope) == ("demo", "streams", "region=emea")


async def test_where_no_picture_is_taken_it_is_said_before_and_the_text_is_of_the_same_moment(tmp_path: Path, slack: Slack) -> None:
    async with house(tmp_path, slack) as at:
        found = await drafted(at.clerk())
    assert found["hook"].id == found["oncall"].id and not found["hook"].picture
    assert "takes no pictures" in found["hook"].no_picture


async def test_what_cannot_be_recorded_does_not_leave(tmp_path: Path, slack: Slack) -> None:
    async with house(tmp_path, slack) as at:
        at.pages.wrong = OSError(28, "No space left on device")
        clerk = at.clerk()
        with pytest.raises(NotSent, match=r"recorded in the audit.*No space"):
            await sent(clerk, (await drafted(clerk))["oncall"])
        assert not at.queue.exists()
    assert not slack.messages


async def test_a_right_that_is_taken_away_after_the_look_is_gone_when_it_is_sent(tmp_path: Path, slack: Slack) -> None:
    allowed = {"oncall"}

    async def may(destination: str) -> str:
        if destination not in allowed:
            raise NotSent(f"no role of mei may post to {destination}")
        return "role operator"

    async with house(tmp_path, slack) as at:
        clerk = at.clerk(may=may)
        found = await drafted(clerk)
        assert list(found) == ["oncall"]  # hook is not offered
        allowed.clear()
        with pytest.raises(NotSent, match="no role of mei"):
            await sent(clerk, found["oncall"])
        with pytest.raises(NotSent, match="no role of mei"):
            await drafted(clerk)
        assert not at.pages.entries and not slack.messages


async def test_who_leaves_leaves_it_on_its_way(tmp_path: Path, slack: Slack) -> None:
    async with house(tmp_path, slack) as at:
        clerk = at.clerk()
        draft = (await drafted(clerk))["hook"]
        steps: list[Step] = []
        sending = asyncio.create_task(clerk.send(draft, steps.append))
        while not steps:  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        async with asyncio.timeout(20):
            while not slack.messages:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
    assert len(slack.messages) == 1


# -- from a server, for many -------------------------------------------------------------------------------------------
LIVE = Sight.of([(("live",), ("*",))])
HIDDEN = re.compile(r"canary-vod|\bvod\b")


async def test_a_draft_and_its_picture_hold_no_word_that_their_person_may_not_read(tmp_path: Path, slack: Slack) -> None:
    world: Any = WorldDesk(canaries(HandClock().now()))
    async with house(tmp_path, slack) as at:
        try:
            clerk = at.clerk(desk=world.whole.seen_by(LIVE))
            for view in VIEWS:
                for draft in (await drafted(clerk, view)).values():
                    assert not HIDDEN.search(draft.text), view
            kept = clerk._kept[next(reversed(clerk._kept))]
            desk, _ = await veiled(clerk._desk, kept.redactor, kept.digest)
            seen = "".join(str(desk.sit(view).pane(Scope(), desk.clock.now())) for view in VIEWS if view != "overview")
            assert "canary-live" in seen and not HIDDEN.search(seen)
        finally:
            await world.hub.close()


def couriers_with(at: House, policy: Any) -> Any:
    engine: Any = SimpleNamespace(name="demo", is_prod=False)
    journal: Any = at.pages
    return couriers(at.counter, engine, policy, journal)


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        pytest.param(("viewer",), "no role of mei .viewer. may post to oncall", id="a-narrowed-key"),
        pytest.param(("teller",), "", id="the-right"),
        pytest.param(None, "", id="all-roles"),
    ],
)
async def test_the_policy_says_who_may_post_from_a_server(
    tmp_path: Path, slack: Slack, roles: tuple[str, ...] | None, told: str
) -> None:
    teller, viewer = Role(people=("mei",), post=("oncall",)), Role(people=("mei",))

    async def policy() -> Policy:
        return Policy(version="v", roles={"teller": teller, "viewer": viewer})

    async with house(tmp_path, slack) as at:
        clerk = couriers_with(at, policy)(at.scene.desk, Actor(name="mei", id="SHA256:x", roles=roles), "mei@bastion")
        if told:
            with pytest.raises(NotSent, match=told):
                await drafted(clerk)
            return
        found = await drafted(clerk)
        assert list(found) == ["oncall"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("console.commands.sending.carry", posted)
            await sent(clerk, found["oncall"])
        assert at.pages.entries[0].right == "role teller" and at.pages.entries[0].by.name == "mei"


async def posted(office: Any, name: str, message: Any, *_: Any, **more: Any) -> Posted:
    return Posted(message.id, True)


async def test_without_a_policy_and_with_a_broken_one_nobody_posts_from_a_server(tmp_path: Path, slack: Slack) -> None:
    async def broken() -> Policy:
        raise PolicyError("line 3: what is this")

    me = Actor(name="mei", id="SHA256:x")
    async with house(tmp_path, slack) as at:
        for policy, told in ((None, "names no policy_file"), (broken, "policy cannot be read")):
            with pytest.raises(NotSent, match=told):
                await drafted(couriers_with(at, policy)(at.scene.desk, me, "mei@bastion"))
