"""Canaries in every secret, in log lines, URLs, names and in what services answer: none is found in what leaves, in the queue,
in a log, an error or a picture.
"""

from __future__ import annotations

import logging
import struct
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.app.drawing import png
from console.app.picture import drawn
from console.chat.composing import composed, for_programs
from console.config.chat import ChatDestination
from console.feeds.desk import Desk
from console.model.failure import Failure, FailureKind
from console.model.scope import Scope
from console.redaction.known import known_secrets
from console.redaction.redactor import Redactor
from console.redaction.veil import VeiledDesk
from console.snapshot import session
from tests.chat import feishu, posts, slack, webhook
from tests.chat.slack import PNG
from tests.console.chat.turning import until
from tests.scene import Scene

LOG_CANARY = "canary-prometheus-password"  # looks like a word: found because the configuration names it
URL_CANARY = "kjH7dK3nd8sHq2Lm9xZ1"
CANARIES = [
    slack.TOKEN, slack.HOOK.rpartition("/")[2], "canaryUploadSignature99", feishu.SECRET, feishu.APP_SECRET, feishu.TENANT_TOKEN,
    feishu.HOOK.rpartition("/")[2], webhook.SECRET, LOG_CANARY, URL_CANARY, "canaryBearerOfWebhook",
]  # fmt: skip


def poisoned() -> Scene:
    """Canaries wherever foreign text comes in."""
    scene = Scene()
    now = scene.clock.now()
    line = scene.ring.line(scene.ring.last_seq)
    for text in (f"login failed: {LOG_CANARY}", f"GET http://o/x.m3u8?sig={URL_CANARY}", f"token={slack.TOKEN}", f"{webhook.SECRET}"):
        scene.ring.append(msgspec.structs.replace(line, at=now.utc, level="error", message=text, service=f"s-{LOG_CANARY}"))
    streams = scene.feeds["streams"].topic.reading
    verdicts = {
        name: msgspec.structs.replace(
            verdict,
            findings=tuple(
                msgspec.structs.replace(found, reason=f"{LOG_CANARY} at http://u:{URL_CANARY}@h/x", evidence={LOG_CANARY: URL_CANARY})
                for found in verdict.findings
            ),
        )
        for name, verdict in streams.value.verdicts.items()
    }
    scene.feeds["streams"].set(msgspec.structs.replace(streams, value=msgspec.structs.replace(streams.value, verdicts=verdicts)))
    scene.fail("capacity", Failure(kind=FailureKind.UNAUTHORIZED, tried="ask", on="prometheus http://p", got=f"HTTP 401: {LOG_CANARY}"))
    return scene


def digest_of(scene: Scene, view: str = "overview") -> Any:
    with session(scene.desk, "apac", view, Scope()) as taking:
        return taking.digest()


def found_in(text: str | bytes) -> list[str]:
    content = text.encode() if isinstance(text, str) else text
    return [canary for canary in CANARIES if canary.encode() in content]


@pytest.fixture
async def services(started, clock, kept):
    """All of them, and the destinations that post there."""
    slacks, group, robot = await started(slack.Slack(clock)), await started(feishu.Feishu(clock)), await started(webhook.Receiver(clock))
    destinations = {
        "bot": {"kind": "slack", "url": f"{slacks.url}/api", "token_file": kept("a", slack.TOKEN), "channel": slack.CHANNEL},
        "hook": {"kind": "slack-webhook", "url_file": kept("b", slacks.url + slack.HOOK)},
        "group": {
            "kind": "feishu", "url": group.url, "url_file": kept("c", group.url + feishu.HOOK), "secret_file": kept("d", feishu.SECRET),
            "app_id": feishu.APP_ID, "app_secret_file": kept("e", feishu.APP_SECRET),
        },
        "robot": {"kind": "webhook", "url": f"{robot.url}/take", "secret_file": kept("f", webhook.SECRET),
                  "token_file": kept("g", "canaryBearerOfWebhook")},
    }  # fmt: skip
    return (slacks, group, robot), destinations


@pytest.mark.parametrize("mishap", [None, "echo", "hang", "page"])
async def test_no_canary_leaves_stays_in_the_queue_or_is_logged(
    services, office, clock, caplog, tmp_path: Path, mishap: str | None
) -> None:
    caplog.set_level(logging.DEBUG)
    servers, destinations = services
    redactor = Redactor([LOG_CANARY])
    opened = office(is_open=False, redactor=redactor, **destinations)
    echo = " ".join(canary for canary in CANARIES if canary not in (feishu.TENANT_TOKEN, "canaryUploadSignature99"))
    for server in servers:
        if mishap == "echo":  # what a service quotes of us in its refusal
            server.misbehave.append(posts.json({"ok": False, "error": echo, "code": 9499, "msg": echo}, 400))
        elif mishap == "page":
            server.misbehave.append(posts.status(502, f"<html>{echo}</html>"))
        elif mishap == "hang":
            server.misbehave.append(posts.drop)
    digest = digest_of(poisoned())
    # Read before a letter is written: a queue must not hold what only its own destination's secret would have hidden.
    known = [msgspec.convert(fields, ChatDestination) for fields in destinations.values()]
    for each in known:
        for secret in known_secrets(each, {}):
            redactor.learn(secret)
    message = composed(digest, redactor)
    for name in destinations:
        await opened.post(name, message, document=for_programs(digest, redactor))
        await opened.post_picture(name, message, PNG)
    stores = [opened.carrier(name).store for name in destinations]
    folder = tmp_path / "state"
    assert len(list(folder.rglob("*.text.*"))) == 4
    for path in folder.rglob("*"):
        assert path.is_dir() or not found_in(path.read_bytes()), path
    opened.open()
    await until(clock, lambda: not any(store.waiting() for store in stores))
    if mishap is None:
        assert not any(store.dead() for store in stores)
    for path in folder.rglob("*"):
        assert path.is_dir() or not found_in(path.read_bytes()), path
    for server in servers:
        for path, headers, body in server.requests:
            if not path.endswith("tenant_access_token/internal"):  # whose body is the secret, as documented
                assert not found_in(body), path
            kept_headers = {name: value for name, value in headers.items() if name != "Authorization"}
            assert not found_in(str(kept_headers))
    # httpx logs addresses at INFO; midwatch's log file takes it from WARNING on (console/logfile.py).
    ours = [record for record in caplog.records if record.name.startswith("console") or record.levelno >= logging.WARNING]
    assert not found_in("\n".join(record.getMessage() + str(record.exc_info) for record in ours))
    assert not found_in(str(await opened.standings()))


async def test_a_secret_that_cannot_be_read_is_told_by_its_place_alone(services, office, clock, kept) -> None:
    _, destinations = services
    file = kept("open", slack.TOKEN)
    Path(file).chmod(0o644)
    opened = office(bot={**destinations["bot"], "token_file": file})
    await opened.post("bot", composed(digest_of(Scene()), Redactor()))
    carrier = opened.carrier("bot")
    await until(clock, lambda: bool(carrier._trouble))
    (standing,) = await opened.standings()
    assert "can be read by everyone" in standing.trouble and file in standing.trouble and not found_in(standing.trouble)
    Path(file).chmod(0o600)
    await until(clock, lambda: not carrier.store.waiting())
    assert not carrier.store.dead(), "mended in time, it is delivered"


def test_every_secret_that_a_configuration_names_is_known(kept, tmp_path: Path) -> None:
    told = msgspec.convert(
        {"kind": "slack", "token_file": kept("t", "from-a-file"), "secret_env": "SIGNING", "ca_file": kept("ca", "no secret here")},
        ChatDestination,
    )
    assert known_secrets(told, {"SIGNING": "from-a-variable"}) == ("from-a-file", "from-a-variable")
    assert known_secrets(msgspec.structs.replace(told, token_file=str(tmp_path / "none")), {}) == ()


async def test_no_canary_is_drawn_and_the_picture_can_be_decoded() -> None:
    scene, redactor = poisoned(), Redactor([LOG_CANARY, slack.TOKEN, webhook.SECRET])

    async def picture(desk: Desk, view: str, format: str) -> bytes:
        return await drawn(
            desk, "apac", is_prod=False, who="mei", view=view, scope=Scope(), theme=None, size=(140, 40), format=format
        )

    veiled = VeiledDesk(scene.desk, redactor)
    assert b"canary" in await picture(scene.desk, "logs", "ansi"), "else this proves nothing"
    for shown in (logs := await picture(veiled, "logs", "ansi"), overview := await picture(veiled, "overview", "svg")):
        assert b"canary" not in shown and URL_CANARY.encode() not in shown and b"redacted" in shown
    assert b"packager-emea" in logs and b"uk-sport-1" in overview
    pixels = png(overview.decode())
    assert pixels.startswith(PNG) and len(decoded(pixels)) > 100_000


def decoded(picture: bytes) -> bytes:
    """The rows of a PNG; fails where a chunk is broken."""
    at, data = len(PNG), b""
    while at < len(picture):
        size, kind = struct.unpack(">I4s", picture[at : at + 8])
        content = picture[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + content) == struct.unpack(">I", picture[at + 8 + size : at + 12 + size])[0]
        data += content if kind == b"IDAT" else b""
        at += 12 + size
    return zlib.decompress(data)
