"""A digest and its desk without secrets: the same moment, the same rows, and no word of what is hidden."""

from __future__ import annotations

from msgspec.structs import replace

from console.feeds.desk import VIEWS
from console.model.logline import LogLine
from console.model.scope import Scope
from console.redaction.redactor import Redactor
from console.redaction.veil import VeiledDesk, ahead, newest_of, veiled
from console.rows.digest import to_json, to_text
from console.snapshot import session
from tests.scene import Scene

CANARY = "canary-Zk3xPq81-hidden"


def with_canaries() -> Scene:
    scene = Scene()
    reading = scene.feeds["capacity"].topic.reading
    first, *rest = reading.value.gauges
    named = replace(first, spec=replace(first.spec, name=f"egress {CANARY}"))
    scene.feeds["capacity"].set(replace(reading, value=replace(reading.value, gauges=(named, *rest), verdicts={})))
    scene.ring.append(LogLine(at=scene.clock.now().utc, level="error", message=f"login with {CANARY} failed", service="x"))
    return scene


async def test_no_format_of_words_has_a_secret_and_all_the_rest_is_as_it_was() -> None:
    redactor = Redactor([CANARY])
    for view in VIEWS:
        scene = with_canaries()
        with session(scene.desk, "demo", view, Scope()) as taking:
            digest = taking.digest()
            desk, told = await veiled(scene.desk, redactor, digest)
            plain, hidden = to_text(digest, 400), to_text(told, 400)
            assert CANARY not in hidden and CANARY.encode() not in to_json(told), view
            assert hidden == plain.replace(CANARY, "[redacted]"), view
            assert len(told.panes) == len(digest.panes) and told.severity is digest.severity
            for name in ("capacity", "logs"):
                assert CANARY not in str(desk.sit(name).pane(Scope(), desk.clock.now()))
        await scene.hub.close()


async def test_what_was_redacted_ahead_is_all_that_a_picture_needs() -> None:
    """So that no text is redacted on the loop: a redactor that may not be asked any more is not asked."""
    scene = with_canaries()

    class Spent(Redactor):
        def __call__(self, text: str, limit: int = 2000) -> str:
            raise AssertionError(f"asked for {text!r}")

    try:
        with session(scene.desk, "demo", "overview", Scope()) as taking:
            digest = taking.digest()
        lines = newest_of(scene.desk)
        seen = ahead(Redactor([CANARY]), digest.panes, digest.incidents, digest.sources, digest.rollouts, lines)
        desk = VeiledDesk(scene.desk, Spent(), seen)
        now = scene.clock.now()
        for view in ("streams", "logs", "workloads", "capacity", "incidents"):
            assert desk.sit(view).pane(Scope(), now).rows
    finally:
        await scene.hub.close()
