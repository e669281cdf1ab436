"""Feishu's bot and app as documented, on loopback."""

from __future__ import annotations

import pytest

from console.chat.composing import composed
from console.redaction.redactor import Redactor
from tests.chat import posts
from tests.chat.feishu import APP_ID, APP_SECRET, HOOK, SECRET, Feishu, texts
from tests.chat.slack import PNG
from tests.console.chat.turning import until
from tests.console.rows.test_digest import taken


@pytest.fixture
async def feishu(started, clock):
    return await started(Feishu(clock))


@pytest.fixture
def bot(feishu, kept):
    return {"kind": "feishu", "url_file": kept("hook", feishu.url + HOOK), "secret_file": kept("sign", SECRET)}


@pytest.fixture
def with_app(feishu, bot, kept):
    return {**bot, "url": feishu.url, "app_id": APP_ID, "app_secret_file": kept("app", APP_SECRET)}


async def test_a_signed_card_arrives_in_the_colour_of_its_severity(feishu, bot, office, clock) -> None:
    message = composed(taken(), Redactor())
    await office(group=bot).post("group", message)
    await until(clock, lambda: len(feishu.cards) == 1)
    told = "\n".join(texts(feishu.cards[0]))
    assert feishu.cards[0]["header"]["template"] == "red" and told.startswith("apac · 02:14 UTC · CRIT")
    assert "CRIT uk-sport-1" in told and message.id in told and not feishu.complaints


async def test_a_picture_needs_the_app_and_then_follows_its_text(feishu, bot, with_app, office, clock) -> None:
    message, picture = composed(taken(), Redactor()), PNG + bytes(5000)
    opened = office(group=with_app, bare=bot)
    for name in ("group", "bare"):
        await opened.post(name, message)
    assert await opened.post_picture("bare", message, picture) is False
    assert "app_id" in opened.carrier("bare").service.no_picture
    await opened.post_picture("group", message, picture)
    await until(clock, lambda: len(feishu.cards) == 3)
    (shown,) = [element for card in feishu.cards for element in card["elements"] if element["tag"] == "img"]
    assert feishu.pictures[shown["img_key"]] == picture and not feishu.complaints
    assert any(message.id in text for text in texts(feishu.cards[-1]))


async def test_a_token_that_ran_out_is_fetched_anew(feishu, with_app, office, clock) -> None:
    opened = office(group=with_app)
    for said in ("a", "b"):
        message = composed(taken(), Redactor(), said=said)
        await opened.post("group", message)
        await opened.post_picture("group", message, PNG)
    await until(clock, lambda: len(feishu.pictures) == 2)
    assert feishu.tokens == 1
    feishu.tokens = 5  # what was given is not believed any more
    message = composed(taken(), Redactor(), said="c")
    await opened.post("group", message)
    await opened.post_picture("group", message, PNG)
    await until(clock, lambda: len(feishu.pictures) == 3)
    assert feishu.tokens == 6


@pytest.mark.parametrize(
    ("wrong", "is_tried_again"),
    [
        (posts.json({"code": 11232, "msg": "frequency limited"}), True),
        (posts.json({"code": 99991400, "msg": "request trigger frequency limit"}, 429, Retry_After="3"), True),
        (posts.page(), True),
        (posts.status(502), True),
        (posts.json({"code": 19021, "msg": "sign match fail"}), False),
        (posts.json({"code": 19024, "msg": "Key Words Not Found"}), False),
        (posts.json({"code": 9499, "msg": "Bad Request"}), False),
    ],
)
async def test_a_code_inside_200_decides(feishu, bot, office, clock, wrong, is_tried_again: bool) -> None:
    feishu.misbehave.append(wrong)
    opened = office(group=bot)
    await opened.post("group", composed(taken(), Redactor()))
    store = opened.carrier("group").store
    await until(clock, lambda: bool(feishu.cards or store.dead()))
    assert bool(feishu.cards) is is_tried_again and len(feishu.requests) == 1 + is_tried_again
    if not is_tried_again:
        assert "code" in store.dead()[0][1]


async def test_a_wrong_secret_says_what_may_be_wrong(feishu, bot, office, clock, kept) -> None:
    opened = office(group={**bot, "secret_file": kept("sign", "another-secret")})
    await opened.post("group", composed(taken(), Redactor()))
    store = opened.carrier("group").store
    await until(clock, lambda: bool(store.dead()))
    assert "signature does not match, or our clock" in store.dead()[0][1]
