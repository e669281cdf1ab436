"""The generic webhook, against a receiver that was written from its documentation."""

from __future__ import annotations

import msgspec
import pytest

from console.chat.composing import DOCUMENT_BYTES, composed, for_programs
from console.chat.posting import post
from console.feeds.clock import SystemClock
from console.redaction.redactor import Redactor
from tests.chat import posts
from tests.chat.slack import PNG
from tests.chat.webhook import SECRET, Receiver
from tests.console.chat.turning import until
from tests.console.rows.test_digest import PANE_KEYS, taken


@pytest.fixture
async def receiver(started, clock):
    return await started(Receiver(clock))


@pytest.fixture
def hook(receiver, kept):
    return {"kind": "webhook", "url": f"{receiver.url}/take", "secret_file": kept("signing", SECRET)}


async def test_the_contract_of_a_snapshot_arrives_signed_with_its_text(receiver, hook, office, clock) -> None:
    message = composed(taken(), Redactor())
    await office(robot=hook).post("robot", message, document=for_programs(taken(), Redactor()))
    await until(clock, lambda: len(receiver.documents) == 1)
    told = receiver.documents[message.id]
    assert (told["schema"], told["site"], told["severity"], told["message_id"]) == (1, "apac", "CRIT", message.id)
    assert all(set(pane) >= PANE_KEYS for pane in told["panes"]) and told["text"].startswith("apac · 02:14 UTC · CRIT")
    assert not receiver.complaints


async def test_a_lost_answer_repeats_the_idempotency_key(receiver, hook, office, clock) -> None:
    receiver.took_then.append(posts.drop)
    message = composed(taken(), Redactor())
    await office(robot=hook).post("robot", message)
    await until(clock, lambda: bool(receiver.repeated))
    assert receiver.repeated == [message.id] and list(receiver.documents) == [message.id]


async def test_a_picture_is_a_request_of_its_own(receiver, hook, office, clock) -> None:
    opened, message = office(robot=hook), composed(taken(), Redactor())
    await opened.post("robot", message)
    await opened.post_picture("robot", message, PNG + b"pixels")
    await until(clock, lambda: bool(receiver.pictures))
    assert receiver.pictures == {f"{message.id}-picture": PNG + b"pixels"}
    headers = receiver.requests[-1][1]
    assert headers["Midwatch-Message"] == message.id


@pytest.mark.parametrize("wrong", [posts.json({"ok": False}), posts.json({"success": False}), posts.page(), posts.status(500)])
async def test_a_success_that_says_no_is_none(receiver, hook, office, clock, wrong) -> None:
    receiver.misbehave.append(wrong)
    await office(robot=hook).post("robot", composed(taken(), Redactor()))
    await until(clock, lambda: len(receiver.documents) == 1)
    assert len(receiver.requests) == 2


async def test_a_destination_that_hangs_never_holds_up_another(receiver, hook, office, clock, started) -> None:
    silent = await started(Receiver(clock))
    silent.misbehave.extend([posts.hang] * 20)
    opened = office(silent={**hook, "url": f"{silent.url}/take", "timeout_s": 60.0}, robot=hook)
    for number in range(5):
        for name in ("silent", "robot"):
            await opened.post(name, composed(taken(), Redactor(), said=str(number)))
    await until(clock, lambda: len(receiver.documents) == 5)
    assert len(opened.carrier("silent").store.waiting()) == 5


async def test_what_was_posted_before_the_end_leaves_with_the_next_start(receiver, hook, office, clock) -> None:
    first = office(robot=hook)
    receiver.misbehave.extend([posts.status(503)] * 3)
    await first.post("robot", composed(taken(), Redactor()))
    await until(clock, lambda: not receiver.misbehave)
    await first.close()
    office(robot=hook)
    await until(clock, lambda: len(receiver.documents) == 1)


async def test_a_destination_that_hangs_is_left_after_its_timeout_and_tried_again(receiver, hook, office, clock) -> None:
    receiver.misbehave.append(posts.hang)
    opened = office(robot={**hook, "timeout_s": 0.1})
    await opened.post("robot", composed(taken(), Redactor()))
    await until(clock, lambda: len(receiver.documents) == 1, by_s=0.01)
    assert len(receiver.requests) == 2


async def test_a_full_disk_makes_no_copies_of_what_arrived(receiver, hook, office, clock, monkeypatch) -> None:
    opened = office(robot=hook)
    ledger, fails = opened.carrier("robot").store._ledger, iter([True] * 5)
    add = ledger.add

    def full(receipt) -> None:
        if next(fails, False):
            raise OSError(28, "No space left on device")
        add(receipt)

    monkeypatch.setattr(ledger, "add", full)
    await opened.post("robot", composed(taken(), Redactor()))
    await until(clock, lambda: not opened.carrier("robot").store.waiting())
    assert len(receiver.requests) == 1 and next(fails, None) is None


async def test_two_processes_on_one_queue_deliver_each_letter_once(receiver, hook, office, clock) -> None:
    first, second = office(robot=hook), office(robot=hook)
    await until(clock, lambda: first.carrier("robot").has_hold or second.carrier("robot").has_hold)
    for number in range(4):
        await (first, second)[number % 2].post("robot", composed(taken(), Redactor(), said=str(number)))
    await until(clock, lambda: len(receiver.documents) == 4)
    assert not receiver.repeated and first.carrier("robot").has_hold is not second.carrier("robot").has_hold


async def test_posting_returns_when_it_arrived_and_draws_after_the_text_was_posted(receiver, hook, office) -> None:
    clock = SystemClock()
    receiver.clock = clock
    opened = office(robot=hook, clock=clock)
    seen: list[int] = []

    async def draw() -> bytes:
        seen.append(len(opened.carrier("robot").store.waiting()) + len(receiver.documents))
        return PNG

    posted = await post(opened, "robot", opened._destinations["robot"], taken(), draw, clock, wait_s=5)
    assert posted.has_arrived and (posted.picture, posted.dead, seen) == ("", "", [1])


async def test_a_picture_that_cannot_be_drawn_costs_no_text(receiver, hook, office, clock) -> None:
    opened = office(robot=hook)

    async def draw() -> bytes:
        raise RuntimeError("no glyphs")

    posted = await post(opened, "robot", opened._destinations["robot"], taken(), draw, clock, wait_s=0)
    assert "could not be drawn" in posted.picture
    await until(clock, lambda: len(receiver.documents) == 1)


async def test_a_document_is_made_smaller_row_by_row_and_says_so() -> None:
    digest = taken()
    many = msgspec.structs.replace(digest, panes=tuple(msgspec.structs.replace(pane, rows=pane.rows * 400) for pane in digest.panes))
    told = for_programs(many, Redactor())
    assert len(msgspec.json.encode(told)) <= DOCUMENT_BYTES
    pane = next(pane for pane in told["panes"] if pane["name"] == "workloads")
    assert pane["count"] == len(pane["rows"]) + pane["left_out"]["rows"] == 18 * 400
