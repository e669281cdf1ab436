"""From Alertmanager's call to what stands in the chat."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from console.bell.drawing import drawn
from console.bell.teller import THREADS
from tests.chat import posts, webhook
from tests.chat.slack import PNG
from tests.console.bell.belfry import Belfry, alert, payload, said
from tests.console.chat.test_canaries import decoded
from tests.hand_clock import START

ALSO = START + timedelta(seconds=30)


def counted(belfry: Belfry) -> int:
    """Alerts that the texts say have fired since the text before."""
    found = (re.search(r"(?<!all )(?<![\d,])([\d,]+) fired", said(message)) for message in belfry.messages)
    return sum(int(each[1].replace(",", "")) for each in found if each is not None)


def threads(belfry: Belfry) -> set[str]:
    return {message.get("thread_ts", message["ts"]) for message in belfry.messages}


async def test_an_alert_is_told_at_once_and_its_picture_follows_into_the_thread(belfry) -> None:
    code, says = await belfry.ring(payload(alert(channel="uk-sport-1", region="emea", summary="no segment for 12 s")))
    assert (code, says) == (200, "1 alerts, 1 of them news\n")
    assert await belfry.turn(lambda: len(belfry.messages) == 1) < 3
    (first,) = belfry.messages
    told = said(first)
    assert first["text"].startswith("apac · FIRING · ChannelStale · region=emea channel=uk-sport-1 · 02:14 UTC")
    assert "CRIT ChannelStale region=emea channel=uk-sport-1: no segment for 12 s" in told
    assert "midwatch --site apac --scope region=emea --scope channel=uk-sport-1" in told
    assert "CRIT uk-sport-1" in told, "what the console knows of it"
    await belfry.turn(lambda: len(belfry.slack.pictures) == 1)
    picture, where = belfry.slack.pictures[0]
    assert picture.startswith(PNG) and where["thread_ts"] == first["ts"]
    assert (belfry.wishes[0].view, str(belfry.wishes[0].still.scope)) == ("streams", "region=emea channel=uk-sport-1")
    assert not belfry.slack.complaints


@pytest.mark.slow
async def test_the_picture_is_drawn_by_a_child_of_the_alerts_view(belfry) -> None:
    await belfry.ring(payload(alert(channel="uk-sport-1")))
    await belfry.turn(lambda: bool(belfry.wishes))
    picture = await drawn(belfry.wishes[0])
    assert picture.startswith(PNG) and len(decoded(picture)) > 100_000


async def test_a_resolve_is_told_in_the_thread_and_firing_again_within_the_hour_comes_back_to_it(belfry) -> None:
    await belfry.ring(payload(alert(channel="uk-sport-1")))
    await belfry.turn(lambda: len(belfry.messages) == 1)
    await belfry.ring(payload(alert(channel="uk-sport-1", status="resolved")))
    await belfry.turn(lambda: len(belfry.messages) == 2)
    first, second = belfry.messages
    assert second["text"].startswith("apac · RESOLVED · ChannelStale") and second["thread_ts"] == first["ts"]
    assert "1 resolved since the text before; none fires any more; in all 1 fired, 1 resolved" in said(second)
    await belfry.passes(5)
    await belfry.ring(payload(alert(channel="uk-sport-1", since=belfry.clock.now().utc)))
    await belfry.turn(lambda: len(belfry.messages) == 3)
    assert belfry.messages[2]["thread_ts"] == first["ts"]
    await belfry.turn(lambda: len(belfry.slack.pictures) == 2)
    await belfry.ring(payload(alert(channel="uk-sport-1", since=belfry.clock.now().utc, status="resolved")))
    await belfry.turn(lambda: len(belfry.messages) == 4)
    await belfry.clock.advance(3700)
    await belfry.ring(payload(alert(channel="uk-sport-1", since=belfry.clock.now().utc)))
    await belfry.turn(lambda: len(belfry.messages) == 5)
    assert "thread_ts" not in belfry.messages[4], "an hour later it is another matter"


async def test_a_replay_is_told_once_also_after_a_restart(belfry) -> None:
    body = payload(alert(channel="uk-sport-1"), alert(channel="uk-news-1"))
    over = payload(alert(channel="uk-sport-1", status="resolved"), alert(channel="uk-news-1", status="resolved"))
    for _ in range(3):
        assert (await belfry.ring(body))[0] == 200
    await belfry.turn(lambda: len(belfry.messages) == 1)
    await belfry.again()
    assert (await belfry.ring(body))[1] == "2 alerts, 0 of them news\n"
    await belfry.ring(over)
    await belfry.ring(body)
    await belfry.turn(lambda: len(belfry.messages) == 2)
    await belfry.ring(over)
    await belfry.again()
    await belfry.ring({**body, "alerts": body["alerts"][::-1]})
    await belfry.passes(20)
    assert len(belfry.messages) == 2 and counted(belfry) == 2
    assert len(threads(belfry)) == 1


async def test_what_was_taken_before_the_end_is_told_after_the_start(belfry) -> None:
    assert (await belfry.ring(payload(alert(channel="uk-sport-1"))))[0] == 200
    await belfry.again()
    await belfry.turn(lambda: len(belfry.messages) == 1)
    await belfry.ring(payload(alert(channel="uk-sport-1", status="resolved")))
    await belfry.again()
    await belfry.turn(lambda: len(belfry.messages) == 2)
    assert belfry.messages[1]["thread_ts"] == belfry.messages[0]["ts"]


async def test_groups_that_come_one_by_one_have_a_thread_each(belfry) -> None:
    for number in range(3):
        await belfry.ring(payload(alert("PodDown", pod=f"p-{number}"), group=f"g-{number}"))
        await belfry.turn(lambda number=number: len(belfry.messages) == number + 1)
    assert len(threads(belfry)) == 3


async def storm(belfry: Belfry, groups: int, of: int = 1) -> None:
    """All within some seconds, as an Alertmanager does: several calls at once."""
    for number in range(groups):
        told = [alert("PodDown", pod=f"p-{number}-{each}", namespace="live") for each in range(of)]
        assert (await belfry.ring(payload(*told, group=f"g-{number}")))[0] == 200
        if number % 20 == 19:
            await belfry.clock.advance(0.25)


async def test_a_storm_makes_one_thread_few_texts_and_counts_every_alert(belfry) -> None:
    await storm(belfry, 40, 2)
    await belfry.turn(lambda: counted(belfry) == 80)
    await belfry.passes(20)
    assert counted(belfry) == 80 and len(threads(belfry)) == 1 and len(belfry.messages) <= 5
    assert "alert storm" in belfry.messages[-1]["text"] and belfry.bell.counts.texts == len(belfry.messages)
    assert "PodDown ×" in said(belfry.messages[0]) and len(belfry.wishes) == 1
    for number in range(40):
        over = [alert("PodDown", pod=f"p-{number}-{each}", namespace="live", status="resolved") for each in range(2)]
        await belfry.ring(payload(*over, group=f"g-{number}"))
    await belfry.turn(lambda: belfry.messages[-1]["text"].startswith("apac · RESOLVED · alert storm"))
    assert "in all 80 fired, 80 resolved" in said(belfry.messages[-1]) and len(threads(belfry)) == 1


@pytest.mark.proof
async def test_five_thousand_alerts_in_a_minute_make_one_thread(belfry) -> None:
    for number in range(5000):
        await belfry.ring(payload(alert("PodDown", pod=f"p-{number}", namespace="live"), group=f"g-{number}"))
        if number % 21 == 20:
            await belfry.clock.advance(0.25)
        if number == 21 * 12:
            assert belfry.messages, "the first text within 3 s"
    await belfry.turn(lambda: counted(belfry) == 5000)
    await belfry.passes(120)
    assert counted(belfry) == 5000 and len(threads(belfry)) == 1 and len(belfry.messages) <= 7
    assert not belfry.slack.complaints and belfry.bell.counts.news == 5000


async def test_a_group_that_grows_is_told_in_one_thread_at_a_bounded_pace(belfry) -> None:
    known = []
    for number in range(16):
        known.append(alert("PodDown", pod=f"p-{number}", since=START + timedelta(seconds=number)))
        await belfry.ring(payload(*known))
        await belfry.passes(1.5)
    await belfry.turn(lambda: counted(belfry) == 16)
    assert len(belfry.messages) <= 5 and len(threads(belfry)) == 1
    assert belfry.messages[-1]["text"].startswith("apac · FIRING 16 · ChannelStale")


async def test_while_the_chat_is_down_news_are_added_up_and_none_is_lost(belfry) -> None:
    belfry.slack.misbehave.extend([posts.status(503)] * 6)
    for number in range(24):
        await belfry.ring(payload(alert("PodDown", pod=f"p-{number}"), group=f"g-{number}"))
        await belfry.passes(0.5)
    assert len(belfry.office.carrier("oncall").store.waiting()) <= THREADS + 25
    await belfry.turn(lambda: counted(belfry) == 24)
    assert not belfry.slack.complaints


async def test_alerts_that_alertmanager_left_out_are_counted_too(belfry) -> None:
    await belfry.ring(payload(alert("PodDown", pod="a"), truncatedAlerts=4711))
    await belfry.turn(lambda: len(belfry.messages) == 1)
    assert "4,711 more that were left out" in said(belfry.messages[0])
    await belfry.ring(payload(alert("PodDown", pod="a"), truncatedAlerts=4711))
    await belfry.ring(payload(alert("PodDown", pod="a"), truncatedAlerts=5000))
    await belfry.turn(lambda: len(belfry.messages) == 2)
    assert "5,000 more" in said(belfry.messages[1])


@pytest.mark.parametrize(
    ("labels", "view", "scope"),
    [
        ({"channel": "uk-sport-1"}, "streams", "channel=uk-sport-1"),
        ({"channel": "nobody-knows-it"}, "overview", ""),
        ({"alertname": "PodCrashLooping", "namespace": "video", "pod": "gone-1"}, "workloads", None),
        ({"alertname": "DiskFull", "instance": "h:9100"}, "capacity", ""),
        ({"alertname": "LogErrorsHigh", "service": "packager-emea"}, "logs", "service=packager-emea"),
        ({"alertname": "Odd", "region": "emea"}, "overview", "region=emea"),
        ({"alertname": "Odd", "midwatch_view": "capacity"}, "capacity", ""),
    ],
    ids=["channel", "unknown-channel", "pod", "capacity", "logs", "region", "wished"],
)
async def test_labels_lead_to_the_view_and_the_scope(belfry, labels, view, scope) -> None:
    await belfry.ring(payload(alert(**{"name": labels.get("alertname", "ChannelStale"), **{k: v for k, v in labels.items() if k != "alertname"}})))
    await belfry.turn(lambda: bool(belfry.wishes and belfry.messages))
    wish = belfry.wishes[0]
    assert wish.view == view
    if scope is not None:
        assert str(wish.still.scope) == scope
    if "nobody-knows-it" in labels.values():
        assert "not known here: channel nobody-knows-it" in said(belfry.messages[0])


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_who_dies_between_saying_and_noting_says_it_once(belfry, monkeypatch, dies) -> None:
    post = belfry.office.post

    async def dying(*args, **more):
        if dies == "after":
            await post(*args, **more)
        raise OSError(5, "the machine is gone")

    monkeypatch.setattr(belfry.office, "post", dying)
    assert (await belfry.ring(payload(alert(channel="uk-sport-1"))))[0] == 200
    await belfry.turn(lambda: belfry.bell.counts.held_back > 0)
    monkeypatch.undo()
    await belfry.again()
    await belfry.ring(payload(alert(channel="uk-sport-1"), alert(channel="uk-news-1")))
    await belfry.turn(lambda: counted(belfry) == 2)
    await belfry.passes(5)
    assert counted(belfry) == 2 and len(threads(belfry)) == 1 and len(belfry.messages) == 2


async def test_programs_are_told_what_it_is_about_and_each_destination_by_itself(belfry, started, clock, kept) -> None:
    robot = await started(webhook.Receiver(clock))
    belfry.also = {"robot": {"kind": "webhook", "url": f"{robot.url}/take", "secret_file": kept("signing", webhook.SECRET)}}
    await belfry.again()
    belfry.slack.misbehave.extend([posts.status(503)] * 8)
    await belfry.ring(payload(alert(channel="uk-sport-1")))
    await belfry.turn(lambda: len(robot.documents) == 1)
    (told,) = robot.documents.values()
    assert told["alerts"] == {
        "status": "firing", "title": "ChannelStale", "storm": False, "groups": 1, "firing": 1, "fired": 1, "resolved": 0, "fired_in_all": 1,
        "resolved_in_all": 0, "left_out": 0, "unreadable": 0, "names": {"ChannelStale": 1},
    }  # fmt: skip
    assert (told["view"], told["scope"]) == ("streams", {"channel": "uk-sport-1"}) and told["thread"].startswith("group-")
    await belfry.ring(payload(alert("Other"), group="x"), path="robot")
    await belfry.turn(lambda: len(robot.documents) == 2)
    belfry.slack.misbehave.clear()
    await belfry.turn(lambda: len(belfry.messages) == 1)
    assert not robot.complaints
