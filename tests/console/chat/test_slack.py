"""Slack as documented, on loopback: what arrives, once, and what becomes of every kind of no."""

from __future__ import annotations

import pytest

from console.chat.composing import composed
from console.redaction.redactor import Redactor
from tests.chat import posts
from tests.chat.slack import CHANNEL, HOOK, PNG, TOKEN, Slack, texts
from tests.console.chat.turning import until
from tests.console.rows.test_digest import taken


@pytest.fixture
async def slack(started, clock):
    return await started(Slack(clock))


@pytest.fixture
def to_slack(slack, kept):
    return {"kind": "slack", "url": f"{slack.url}/api", "token_file": kept("slack", TOKEN), "channel": CHANNEL}


async def test_a_snapshot_arrives_once_with_its_words_its_severity_and_its_id(slack, to_slack, office, clock) -> None:
    message = composed(taken(), Redactor())
    assert await (opened := office(oncall=to_slack)).post("oncall", message)
    await until(clock, lambda: len(slack.messages) == 1)
    (arrived,) = slack.messages
    assert arrived["text"].startswith("apac · 02:14 UTC · CRIT (8 critical, 3 warning)")
    told = "\n".join(texts(arrived["blocks"]))
    assert "CRIT uk-sport-1" in told and "Workloads" in told and message.id in told and "midwatch --site apac" in told
    inert = {"parse": "none", "link_names": False, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
    assert {key: arrived[key] for key in inert} == inert
    assert arrived["metadata"]["event_payload"] == {"id": message.id} and "late" not in told
    assert await opened.post("oncall", message) is False, "the same again is no second message"
    await clock.advance(5)
    assert len(slack.messages) == 1 and not slack.complaints


async def test_answers_go_into_the_thread_of_the_first_in_the_order_of_posting(slack, to_slack, office, clock) -> None:
    opened = office(oncall=to_slack)
    for number in range(3):
        assert await opened.post("oncall", composed(taken(), Redactor(), said=str(number)), thread="storm")
    await until(clock, lambda: len(slack.messages) == 3)
    first, *answers = slack.messages
    assert "thread_ts" not in first and [each["thread_ts"] for each in answers] == [first["ts"]] * 2
    assert await opened.post("oncall", composed(taken(), Redactor(), said="later"), thread="storm")
    await until(clock, lambda: len(slack.messages) == 4)
    assert slack.messages[-1]["thread_ts"] == first["ts"]


async def test_the_picture_goes_into_the_thread_of_its_text(slack, to_slack, office, clock) -> None:
    opened, message, picture = office(oncall=to_slack), composed(taken(), Redactor()), PNG + bytes(range(256)) * 400
    await opened.post("oncall", message)
    await opened.post_picture("oncall", message, picture)
    await until(clock, lambda: len(slack.pictures) == 1)
    content, told = slack.pictures[0]
    assert content == picture and told["thread_ts"] == slack.messages[0]["ts"] and message.id in told["initial_comment"]
    assert not slack.complaints


async def test_a_picture_that_hangs_holds_up_no_text(slack, to_slack, office, clock) -> None:
    opened, message = office(oncall=to_slack), composed(taken(), Redactor())
    await opened.post("oncall", message)
    await until(clock, lambda: len(slack.messages) == 1)
    slack.misbehave.append(posts.hang)
    await opened.post_picture("oncall", message, PNG)
    await until(clock, lambda: not slack.misbehave)
    await opened.post("oncall", composed(taken(), Redactor(), said="next"))
    await until(clock, lambda: len(slack.messages) == 2)
    assert not slack.pictures


@pytest.mark.parametrize(
    ("wrong", "least_s"),
    [
        (posts.status(429, "", Retry_After="30"), 30),
        (posts.json({"ok": False, "error": "ratelimited"}, 200, Retry_After="20"), 20),
        (posts.json({"ok": False, "error": "internal_error"}), 0),
        (posts.status(503), 0),
        (posts.page(), 0),
        (posts.page(403), 0),
        (posts.drop, 0),
        (posts.status(200, "OK"), 0),
    ],
)
async def test_what_may_pass_is_tried_again_not_sooner_than_slack_wishes(
    slack, to_slack, office, clock, wrong, least_s: float
) -> None:
    slack.misbehave.append(wrong)
    opened = office(oncall=to_slack)
    await opened.post("oncall", composed(taken(), Redactor()))
    took_s = await until(clock, lambda: len(slack.messages) == 1)
    assert took_s >= least_s and len(slack.requests) == 2
    (standing,) = await opened.standings()
    await until(clock, lambda: not opened.carrier("oncall").store.waiting())
    assert (standing.dead, slack.complaints) == (0, [])


async def test_an_answer_that_was_lost_makes_a_copy_of_the_same_id(slack, to_slack, office, clock) -> None:
    slack.took_then.append(posts.drop)
    message = composed(taken(), Redactor())
    await office(oncall=to_slack).post("oncall", message)
    await until(clock, lambda: len(slack.messages) == 2)
    assert [each["metadata"]["event_payload"]["id"] for each in slack.messages] == [message.id] * 2


@pytest.mark.parametrize("error", ["invalid_auth", "channel_not_found", "missing_scope", "is_archived"])
async def test_what_will_never_pass_is_given_up_at_once_and_told(slack, to_slack, office, clock, error: str) -> None:
    slack.misbehave.append(posts.json({"ok": False, "error": error, "needed": "chat:write"}))
    opened = office(oncall=to_slack)
    await opened.post("oncall", composed(taken(), Redactor()))
    store = opened.carrier("oncall").store
    await until(clock, lambda: bool(store.dead()))
    (standing,) = await opened.standings()
    assert standing.is_broken and error in standing.trouble and error in store.dead()[0][1] and len(slack.requests) == 1


async def test_a_service_that_never_recovers_is_given_up_after_a_bounded_number_of_attempts(slack, to_slack, office, clock) -> None:
    slack.misbehave.extend([posts.status(500)] * 50)
    opened = office(oncall=to_slack)
    await opened.post("oncall", composed(taken(), Redactor()))
    await until(clock, lambda: bool(opened.carrier("oncall").store.dead()), by_s=5, within_s=4000)
    assert len(slack.requests) == 12


async def test_after_a_time_of_being_down_all_that_waited_leaves_at_the_pace_of_the_service(slack, to_slack, office, clock) -> None:
    slack.misbehave.extend([posts.status(503)] * 8)
    opened = office(oncall=to_slack)
    for number in range(5):
        await opened.post("oncall", composed(taken(), Redactor(), said=str(number)))
    await until(clock, lambda: len(slack.messages) == 1, by_s=1)
    assert await until(clock, lambda: len(slack.messages) == 5) < 15
    assert len({each["metadata"]["event_payload"]["id"] for each in slack.messages}) == 5


async def test_what_waited_says_how_late_it_is(slack, to_slack, office, clock) -> None:
    await office(oncall=to_slack, is_open=False).post("oncall", composed(taken(), Redactor()))
    await clock.advance(250)
    office(oncall=to_slack)
    await until(clock, lambda: len(slack.messages) == 1)
    assert "sent 4 min late" in "\n".join(texts(slack.messages[0]["blocks"]))


async def test_a_second_passes_between_two_messages(slack, to_slack, office, clock) -> None:
    opened = office(oncall=to_slack)
    for number in range(4):
        await opened.post("oncall", composed(taken(), Redactor(), said=str(number)))
    assert await until(clock, lambda: len(slack.messages) == 4) >= 3


async def test_an_upload_address_outside_slack_is_sent_nothing(slack, to_slack, office, clock) -> None:
    opened, message = office(oncall=to_slack), composed(taken(), Redactor())
    await opened.post("oncall", message)
    await until(clock, lambda: len(slack.messages) == 1)
    slack.misbehave.append(posts.json({"ok": True, "upload_url": "https://files.slack.com.evil.example/x", "file_id": "F1"}))
    await opened.post_picture("oncall", message, PNG)
    store = opened.carrier("oncall").store
    await until(clock, lambda: bool(store.dead()))
    assert "not Slack's" in store.dead()[0][1] and not slack.pictures


async def test_an_incoming_webhook_takes_text_and_says_that_it_takes_no_picture(slack, office, clock, kept) -> None:
    opened = office(hook={"kind": "slack-webhook", "url_file": kept("hook", slack.url + HOOK)})
    message = composed(taken(), Redactor())
    slack.misbehave.append(posts.page())
    await opened.post("hook", message)
    assert await opened.post_picture("hook", message, PNG) is False
    await until(clock, lambda: len(slack.messages) == 1)
    assert "bot" in opened.carrier("hook").service.no_picture and not slack.complaints
