"""What is wrong with a call is told to who made it, or in the thread; and nothing of it reaches a chat that does not belong there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.chat import slack
from tests.console.bell.belfry import TOKEN, alert, payload, said

GOOD = alert("PodDown", pod="p-1")
CANARIES = ["kjH7dK3nd8sHq2Lm9xZ1", "xoxb-9999-8888-canarycanary77", "canary-prometheus-password", "AKIAIOSFODNN7EXAMPLE", TOKEN, slack.TOKEN]


def without(told: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key not in keys}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"null", "not what Alertmanager"), (b"[]", "not what Alertmanager"), (b'"4"', "not what Alertmanager"), (b"{}", "not what"),
        (b"<html><body>502</body></html>", "not JSON"), (b"\xff\xfe{}", "not JSON"), (b'{"version":"4","alerts":[', "not JSON"),
        (b'{"version":"4","x":NaN,"alerts":[]}', "not JSON"), (b'{"version":"4","alerts":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deeply"),
        (payload(GOOD, version="5"), 'version is not "4"'), (payload(GOOD, version=4), "version"), (without(payload(GOOD), "version"), "version"),
        (payload(), "no alert"), (payload(GOOD, alerts={}), "alerts"), (payload(GOOD, alerts=[1, None, "x", []]), "none of its 4 alerts"),
        (payload({"status": "firing"}), "none of its 1"), (payload({**GOOD, "status": "odd"}), "none of its 1"),
        (payload({**GOOD, "labels": {"a": 1}}), "none of its 1"), (payload({**GOOD, "startsAt": "yesterday"}), "none of its 1"),
        (payload(GOOD, groupKey={}), "groupKey"), (payload(GOOD, truncatedAlerts="many"), "truncatedAlerts"),
    ],
    ids=lambda value: "" if not isinstance(value, str) else value.replace(" ", "-")[:30],
)  # fmt: skip
async def test_what_is_no_notification_is_answered_clearly_and_not_told(belfry, body, says) -> None:
    code, answer = await belfry.ring(body)
    assert code == 400 and says in answer and len(answer) < 300, answer
    await belfry.passes(1)
    assert not belfry.messages and not belfry.bell.counts.calls[500]


async def test_one_alert_that_cannot_be_read_hides_no_other(belfry) -> None:
    assert (await belfry.ring(payload(GOOD, {"status": 7}, {**GOOD, "startsAt": None})))[0] == 200
    await belfry.turn(lambda: len(belfry.messages) == 1)
    assert "2 alerts could not be read" in said(belfry.messages[0]) and "1 fired" in said(belfry.messages[0])
    assert (await belfry.ring(payload(GOOD, {"status": 7}, {**GOOD, "startsAt": None})))[1].endswith("0 of them news\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda told: {**told, "labels": {}}, lambda told: without(told, "labels", "annotations", "fingerprint"),
        lambda told: {**told, "labels": None, "annotations": None}, lambda told: {**told, "startsAt": "0001-01-01T00:00:00Z"},
        lambda told: {**told, "startsAt": "9999-12-31T23:59:59Z"}, lambda told: {**told, "startsAt": "2026-11-22T02:14:07.123456789+05:30"},
        lambda told: {**told, "startsAt": "2026-11-22T02:14:07"}, lambda told: {**told, "fingerprint": "../../etc/passwd\0" * 50},
        lambda told: {**told, "labels": {f"l{at}": "v" * 5000 for at in range(1000)}}, lambda told: {**told, "more": {"x": [1, 2, {}]}},
        lambda told: {**told, "labels": {"alertname": "", "channel": "", "pod": "\U0001f600" * 200}},
        lambda told: {**told, "labels": {"channel": "\u202euk\x1b[2J", "region": "x" * 100_000}},
    ],
    ids=["no-labels", "missing", "null", "year-1", "year-9999", "nanoseconds", "naive", "fingerprint", "large", "unknown-keys", "empty", "escapes"],
)  # fmt: skip
async def test_an_odd_alert_is_told_all_the_same(belfry, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    assert (await belfry.ring(payload(change(GOOD), groupLabels=None)))[0] == 200
    await belfry.turn(lambda: len(belfry.messages) == 1)
    told = said(belfry.messages[0])
    assert "1 fired" in told and "FIRING" in told and all(character.isprintable() or character == "\n" for character in told)
    await belfry.turn(lambda: len(belfry.slack.pictures) == 1)
    assert not belfry.slack.complaints
    assert (await belfry.ring(payload(change(GOOD), groupLabels=None)))[1].endswith("0 of them news\n")


async def test_what_foreign_text_would_do_it_does_not(belfry) -> None:
    evil = "<!channel> @here <@U123> [click](http://evil.example/x) `rm -rf` *bold* \x1b]52;c;aGk=\x07\x1b[2J \u202enimda ||spoiler|| :fire:"
    told = alert(evil[:60], summary=evil, channel="<!here>", team=evil)
    await belfry.ring(payload(told, groupLabels={"alertname": evil, "team": evil}))
    await belfry.turn(lambda: len(belfry.messages) == 1)
    text = said(belfry.messages[0])
    assert not [bad for bad in ("<!", "<@", "@here", "](", "://", "`", "*bold", "\x1b", "\u202e", "||") if bad in text]


async def test_no_canary_leaves_by_any_way(belfry, caplog, tmp_path) -> None:
    caplog.set_level(logging.DEBUG)
    belfry.redactor.learn("canary-prometheus-password")
    known = CANARIES
    told = alert("DiskFull", summary=f"login {known[2]} at http://u:{known[0]}@h/x?sig={known[0]}", instance=f"http://h/?token={known[0]}")
    told["annotations"] |= {"runbook_url": f"https://wiki/x?key={known[3]}", "description": f"token={known[1]}", "password": known[2]}
    told["generatorURL"] = f"http://prom/graph?token={known[0]}"
    told["labels"] |= {"token": known[1], "channel": known[2], "namespace": known[4], "pod": known[0]}
    body = payload(told, group=f"secret={known[1]}", groupLabels={"alertname": known[2], "x": known[5]}, externalURL=f"http://{known[0]}@am/")
    assert (await belfry.ring(body))[0] == 200
    await belfry.turn(lambda: len(belfry.slack.pictures) == 1)
    code, answer = await belfry.ring({**body, "version": known[0]}, token=TOKEN)
    await belfry.ring(body, token=known[1])
    await belfry.ring(msgspec.json.encode(body) + known[0].encode())
    assert code == 400 and not any(canary in answer for canary in known)
    found = [(path, canary) for path in (tmp_path / "state").rglob("*") if path.is_file() for canary in known if canary.encode() in path.read_bytes()]
    assert not found, "not even in what is kept"
    for path, headers, sent in belfry.slack.requests:
        seen = sent + str(without(headers, "Authorization")).encode()
        assert not [canary for canary in known if canary.encode() in seen], path
    still = msgspec.json.encode([belfry.wishes[0].still.scope, belfry.wishes[0].still.panes, belfry.wishes[0].still.lines])
    assert not [canary for canary in known if canary.encode() in still]
    ours = [record.getMessage() + str(record.exc_info) for record in caplog.records if record.name.startswith("console")]
    assert not [canary for canary in known if canary in "\n".join(ours)]
