"""One write to one switch, on a wire where everything goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from console.actions.audit.kinds import Found
from console.actions.audit.operation import Outcome
from console.actions.targets.switch.hand import SwitchHand, Unseen
from console.actions.targets.switch.template import BadValue, chosen, filled, is_of
from console.actions.writes import Expect, HttpWrite, is_repeatable
from console.assembly import access
from console.config.switch import Switch, SwitchParameter, SwitchTarget
from tests.console.actions.traffic.ground import MEI, Ground, ground

OLD = {"own": 30, "cdn-a": 30, "cdn-b": 25, "cdn-c": 15}
NEW = {"own": 10, "cdn-a": 50, "cdn-b": 25, "cdn-c": 15}


class Bench:
    def __init__(self, here: Ground) -> None:
        self.here = here
        self.switch = msgspec.structs.replace(here.config().sites["demo"].switches["cdn"], timeout_s=0.3)
        bare = msgspec.structs.replace(self.switch, headers={})
        writing = access(msgspec.structs.replace(bare, read=self.switch.write))
        self.hand = SwitchHand({"cdn": (self.switch, access(bare), writing)})

    def write(self, old: dict[str, int] = OLD, new: dict[str, int] = NEW) -> HttpWrite:
        request = filled(self.switch, {"property": "live"}, new)
        expect = [tuple(Expect(each.pointer, state[name]) for name, each in self.switch.targets.items()) for state in (old, new)]
        return HttpWrite(
            switch="cdn", method="PUT", url=request.url, body=request.body, takes_etag=True, expected_status=(200,),
            verify_url=request.verify_url, before=expect[0], after=expect[1],
        )  # fmt: skip

    @property
    def weights(self) -> dict[str, float]:
        return self.here.traffic.weights()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with ground(tmp_path) as here:
        made = Bench(here)
        yield made
        await made.hand.close()


async def test_weights_are_read_written_with_the_etag_and_read_back(bench: Bench):
    assert await bench.hand.weights("cdn", bench.write().verify_url) == OLD
    answer = await bench.hand.do(bench.write(), "op-1", MEI)
    assert (answer.outcome, bench.weights) == (Outcome.SUCCESS, NEW)
    assert (await bench.hand.read_back(bench.write())).found is Found.APPLIED
    assert not (await bench.hand.bearing(bench.write())).drift
    sent = bench.here.writes()
    assert [(line["method"], line["identity"], line["agent"]) for line in sent] == [("PUT", "cdn-writer", "midwatch (op-1)")]


async def test_who_wrote_before_our_look_is_drift_without_a_write(bench: Bench):
    bench.here.traffic.set({**OLD, "own": 31, "cdn-a": 29}, bench.here.clock.utc())
    answer = await bench.hand.do(bench.write(), "op-1", MEI)
    assert answer.is_drift and "/weights/own is 31" in answer.text and bench.here.writes() == []
    assert (await bench.hand.bearing(bench.write())).drift


async def test_who_writes_between_our_look_and_our_write_is_a_412_and_drift(bench: Bench):
    bench.here.spoiler.between = lambda: bench.here.traffic.set({**OLD, "own": 31, "cdn-a": 29}, bench.here.clock.utc())
    answer = await bench.hand.do(bench.write(), "op-1", MEI)
    assert (answer.status, answer.is_drift, bench.weights["own"]) == (412, True, 31)


@pytest.mark.parametrize(
    ("fault", "outcome", "is_applied"),
    [
        ("applied-then-dropped", Outcome.UNKNOWN, True),
        ("applied-then-500", Outcome.UNKNOWN, True),
        ("500", Outcome.UNKNOWN, False),
        ("hang", Outcome.UNKNOWN, False),
        ("429", Outcome.FAILURE, False),
    ],
)
async def test_what_was_not_heard_is_unknown_until_it_is_looked_at(bench: Bench, fault: str, outcome: Outcome, is_applied: bool):
    bench.here.spoiler.writes = [fault]
    answer = await bench.hand.do(bench.write(), "op-1", MEI)
    assert answer.outcome is outcome and (bench.weights == NEW) is is_applied
    assert answer.is_busy is (fault == "429")
    assert (await bench.hand.read_back(bench.write())).found is (Found.APPLIED if is_applied else Found.ABSENT)


@pytest.mark.parametrize("fault", ["500", "hang", "truncated"])
async def test_what_cannot_be_read_before_is_not_written(bench: Bench, fault: str):
    bench.here.spoiler.looks = [fault]
    answer = await bench.hand.do(bench.write(), "op-1", MEI)
    assert answer.outcome is Outcome.FAILURE and "nothing was sent" in answer.text and bench.here.writes() == []
    bench.here.spoiler.looks = [fault]
    assert (await bench.hand.read_back(bench.write())).found is Found.UNCLEAR
    bench.here.spoiler.looks = [fault]
    with pytest.raises(Unseen):
        await bench.hand.weights("cdn", bench.write().verify_url)


async def test_a_plan_that_was_tampered_with_goes_to_no_other_host(bench: Bench):
    write = msgspec.structs.replace(bench.write(), url="http://127.0.0.1:1/v1/properties/live/weights")
    assert (await bench.hand.do(write, "op-1", MEI)).outcome is Outcome.FAILURE
    write = msgspec.structs.replace(bench.write(), verify_url="http://127.0.0.1:1/")
    assert "not at the host" in (await bench.hand.do(write, "op-1", MEI)).text
    assert bench.here.writes() == []


def test_only_a_write_with_a_precondition_may_be_sent_twice():
    write = HttpWrite(switch="x", method="PUT", url="http://a/", verify_url="http://a/")
    assert not is_repeatable(write) and is_repeatable(msgspec.structs.replace(write, takes_etag=True))


PAIR = {"a": SwitchTarget(pointer="/a"), "b": SwitchTarget(pointer="/b")}
FREE = Switch(
    url="http://h/{place}/w?n={n}", body='{"to": "{place}", "a": {a}, "b": {b}, "empty": {}}', targets=PAIR, headers={"X-Place": "{place}"},
    parameters={"place": SwitchParameter(words=('a/../"b', "live")), "n": SwitchParameter(least=-1, most=9, default="3")},
)  # fmt: skip


def test_a_value_is_escaped_for_where_it_stands():
    made = filled(FREE, chosen(FREE, 'place:a/../"b'), {"a": 1, "b": 2})
    assert made.url == "http://h/a%2F..%2F%22b/w?n=3" == made.verify_url
    assert msgspec.json.decode(made.body) == {"to": 'a/../"b', "a": 1, "b": 2, "empty": {}}
    assert is_of(FREE, made.url) and not is_of(FREE, "http://h:81/x") and not is_of(FREE, "https://h/x")


@pytest.mark.parametrize("text", ["place:other", "n:1", "place:live,n:10", "place:live,n:x", "place:live,m:1", "place", "place:live,place:live"])
def test_a_value_that_is_not_allowed_is_refused(text: str):
    with pytest.raises(BadValue):
        chosen(FREE, text)
