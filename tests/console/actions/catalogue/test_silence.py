"""A silence is made of an alert's labels as its Alertmanager tells them: what is shown of them is something else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from console.actions.action import Order
from console.actions.audit.operation import Actor
from console.actions.catalogue.alerts.silence import Silence
from console.actions.scene import Scene
from console.actions.target import Target
from console.actions.targets.alertmanager.hand import AlertmanagerHand
from console.actions.writes import SilenceWrite
from console.model.alert import Alert, Alerts
from console.model.instant import Instant
from console.model.reading import Reading
from console.model.severity import State
from console.sources.access import Access
from console.sources.sanitise import clean

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
NOW = Instant(AT, 100.0)
RAW = {"alertname": "Stale", "what": 'two\nlines\tof "it"', "host": "a\\b", "path": "x" * 1500}


@asynccontextmanager
async def peer(told: list[dict[str, Any]] | None) -> AsyncIterator[str]:
    """An Alertmanager that tells these alerts; None: it answers 503 to everything."""

    async def answer(request: web.Request) -> web.Response:
        if told is None:
            return web.Response(status=503, text="starting")
        return web.json_response(told if request.path.endswith("/alerts") else {"cluster": {}})

    app = web.Application()
    app.router.add_get("/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def shown(fingerprint: str, labels: dict[str, str]) -> Alert:
    """As the feed has it."""
    safe = {name: clean(value, 1000) for name, value in labels.items()}
    return Alert(fingerprint, safe["alertname"], "warning", "active", AT, "", labels=safe)


async def drafted(urls: tuple[str, ...], seen: dict[str, Alert], **parameters: Any) -> Any:
    hand = AlertmanagerHand(Access(urls=urls))
    order = Order(
        op="op-1",
        target=Target.parse("alert:f1"),
        parameters={"for": 900, **parameters},
        person=Actor(name="anna"),
        at=AT,
        scene=Scene(now=NOW, alerts=Reading(Alerts(seen, 1, 1), State.LIVE, NOW, AT)),
    )
    try:
        return await Silence(hand).draft(order)
    finally:
        await hand.close()


async def test_its_matchers_are_the_labels_to_the_byte_and_not_what_a_terminal_may_show_of_them() -> None:
    look_alike = {**RAW, "what": RAW["what"].replace("\t", " ")}
    told: list[dict[str, Any]] = [{"fingerprint": "f1", "labels": RAW}, {"fingerprint": "f2", "labels": look_alike}]
    seen = {each["fingerprint"]: shown(each["fingerprint"], each["labels"]) for each in told}
    assert seen["f1"].labels == seen["f2"].labels, "the feed cannot tell them apart"
    async with peer(told) as url:
        draft = await drafted((url,), seen)
    (step,) = draft.steps
    matchers = json.loads(step.write.body)["matchers"]
    assert {each["name"]: each["value"] for each in matchers} == RAW
    assert dict(draft.proof.wants)["fingerprints"] == "f1"
    assert draft.changes[0].new.isprintable()


async def test_an_alert_that_the_asked_peer_has_not_heard_of_is_asked_for_at_the_other() -> None:
    """Peers tell each other of silences and never of alerts."""
    async with peer([]) as new, peer([{"fingerprint": "f1", "labels": RAW}]) as old:
        draft = await drafted((new, old), {"f1": shown("f1", RAW)}, by="alertname,what")
    write = draft.steps[0].write
    assert isinstance(write, SilenceWrite)
    assert write.url == new
    assert {each["value"] for each in json.loads(write.body)["matchers"]} == {RAW["alertname"], RAW["what"]}


async def test_the_first_peer_that_answers_is_asked_and_what_only_another_tells_is_counted_as_it_is_seen() -> None:
    others = {"f1": shown("f1", RAW), "f9": shown("f9", {"alertname": "Stale", "host": "elsewhere"})}
    async with peer(None) as ill, peer([{"fingerprint": "f1", "labels": RAW}]) as well:
        draft = await drafted((ill, well), others, by="alertname")
    assert draft.steps[0].write.url == well
    assert dict(draft.proof.wants)["fingerprints"] == "f1,f9"
    assert [each.reason for each in draft.verdicts] == ["1 other alert would be quiet too"]
