"""Two people in one process: what one does, the other sees, may say, and cannot be hurt by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from console.actions.audit.operation import Actor
from console.actions.plan import Plan
from console.actions.target import Target
from console.app import dialog, screen
from console.app.plandialog import PlanDialog
from console.app.sure import SureDialog
from console.serve.presence import Presence
from tests.console.actions.thing import ANNA, BORIS, CARLA
from tests.console.app.bench import NAME, TARGET, Bench, BenchClock, benched, stocked
from tests.scene import Scene

FULL = "demo-1/live/packager-emea"
ANNA_AGAIN = Actor(name="anna", id="SHA256:another key")


def told(bench: Bench) -> list[str]:
    return [notice.message for notice in bench.stage.app._notifications]


class House:
    """A server: its service, and who is in it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.shop = stocked(place, Scene(BenchClock()))
        self.presence = Presence(self.shop.clock)

    def session(self, person: Actor, view: str = "actions") -> AbstractAsyncContextManager[Bench]:
        return benched(self.place, person=person, view=view, shop=self.shop, presence=self.presence)


@asynccontextmanager
async def housed(place: Path) -> AsyncIterator[House]:
    house = House(place)
    try:
        yield house
    finally:
        await house.shop.service.close()


async def planned(bench: Bench, action: str, **given: str) -> Plan:
    """As the dialog would, without typing each letter of it."""
    licence = bench.stage.console.acting.licence
    assert licence is not None
    plan = await licence.plan(action, Target.parse(TARGET), given)
    await licence.confirm(plan, plan.to_type, "wedged")
    return plan


async def asked(anna: Bench) -> str:
    """Anna wants something that needs a second person."""
    plan = await planned(anna, "thing.force", value="9")
    assert anna.state(plan.op) == "awaiting approval"
    await anna.turn(0.3)
    return plan.op


async def begun(anna: Bench) -> str:
    """Anna runs something of four steps, of which the second is not let through for a while."""
    anna.things.faults = iter(("ok", *["busy"] * 30))
    plan = await planned(anna, "thing.set", value="5", steps="4")
    acting = anna.stage.console.acting
    acting.licence.start(plan)
    with anna.stage.app._context():
        acting.watch(plan.op)
    await anna.until(lambda: (found := anna.shop.service.book.progress(plan.op)) is not None and found.step == 2)
    return plan.op


async def over(bench: Bench, op: str) -> None:
    """Time passes for what goes on, whoever still looks."""
    bench.things.faults = iter(())
    end = bench.clock.mono + 120.0
    while bench.state(op) in ("running", "verifying") and bench.clock.mono < end:
        await bench.clock.advance(1.0)
    assert bench.state(op) == "succeeded"


# -- a second person ----------------------------------------------------------------------------------------------------
async def test_who_may_approve_is_told_at_once_sees_all_of_the_plan_and_the_requester_sees_the_yes(tmp_path: Path) -> None:
    async with housed(tmp_path) as house, house.session(CARLA) as carla, house.session(ANNA) as anna, house.session(BORIS) as boris:
        op = await asked(anna)
        await boris.turn(0.3)
        said = "anna asks for a second person: thing.force demo-1/live/packager-emea, tier high, because “wedged”"
        assert any(said in words and "6 and enter: approve or deny" in words for words in told(boris))
        assert any("anna asks thing.force" in line and "yes or no" in line for line in boris.stage.lines())
        await carla.turn(0.3)
        assert not told(carla), "who has no say is not asked"
        await boris.stage.press("enter")
        assert isinstance(boris.dialog, PlanDialog) and boris.plan.op == op
        for part in ("DIFF", "BLAST", "PASSED", "[ Deny ]"):
            assert part in boris.stage.text
        await boris.turn(1.0)
        await boris.hand("tab", "tab", *FULL)
        await boris.turn(1.5)
        await boris.hand("enter")
        await boris.until(lambda: boris.state(op) == "approved")
        await anna.turn(0.5)
        assert any("approved by boris: thing.force" in words and "6 and enter runs it" in words for words in told(anna))
        assert any("✓ approved by boris" in line for line in anna.stage.lines())
        assert anna.writes == 0
        await anna.stage.press("enter")
        await anna.turn(1.0)
        await anna.hand("tab", *FULL)
        await anna.turn(1.5)
        await anna.hand("enter")
        await anna.until(lambda: anna.state(op) == "succeeded")
        await boris.turn(0.5)
        assert any("anna: thing.force demo-1/live/packager-emea: succeeded" in words for words in told(boris))


async def test_a_no_needs_its_reason_and_the_requester_reads_it_at_once(tmp_path: Path) -> None:
    async with housed(tmp_path) as house, house.session(ANNA) as anna, house.session(BORIS) as boris:
        op = await asked(anna)
        await boris.turn(0.3)
        await boris.stage.press("enter")
        await boris.turn(1.0)
        await boris.hand("shift+tab", "enter")
        await boris.stage.until(lambda: bool(boris.dialog.form.answer))
        assert "who is told no must be told why" in boris.stage.text and boris.state(op) == "awaiting approval"
        await boris.hand("tab", "tab", *"the final is on", "shift+tab", "shift+tab", "enter")
        await boris.until(lambda: boris.state(op) == "refused")
        await anna.turn(0.5)
        assert any("denied by boris: the final is on" in words for words in told(anna))
        assert anna.writes == 0


@pytest.mark.slow
async def test_nobody_approves_their_own_by_another_key_and_who_may_not_is_told_why(tmp_path: Path) -> None:
    async with housed(tmp_path) as house, house.session(CARLA) as carla, house.session(ANNA) as anna, house.session(ANNA_AGAIN) as again:
        op = await asked(anna)
        await again.turn(0.5)
        await again.stage.press("enter")
        assert not again.is_dialog and "nobody approves their own, by name or by key" in again.stage.text
        assert "BLAST" in again.stage.text, "what waits is shown whole"
        await again.stage.press("a")
        assert not again.is_dialog
        await carla.turn(0.5)
        await carla.stage.press("enter", "a")
        assert not carla.is_dialog and "no role of carla (none) may approve thing.force" in carla.stage.text
        await again.stage.press("w")
        await again.until(lambda: again.state(op) == "cancelled")


@pytest.mark.slow
async def test_two_who_answer_at_once_are_one_answer_and_the_others_dialog_closes(tmp_path: Path) -> None:
    async with housed(tmp_path) as house, house.session(ANNA) as anna, house.session(BORIS) as boris:
        op = await asked(anna)
        async with house.session(BORIS) as elsewhere:
            for each in (boris, elsewhere):
                await each.turn(0.5)
                await each.stage.press("enter")
                assert each.is_dialog
            await boris.shop.service.deny(BORIS, op, boris.plan.hash, "not now")
            await elsewhere.turn(0.5)
            await boris.turn(0.5)
            for each in (boris, elsewhere):
                assert not each.is_dialog and any("it is refused by now" in words for words in told(each))


async def test_what_was_asked_for_waits_on_when_its_person_leaves_and_is_found_on_return(tmp_path: Path) -> None:
    async with housed(tmp_path) as house, house.session(BORIS) as boris:
        async with house.session(ANNA) as anna:
            op = await asked(anna)
            await boris.turn(0.5)
        await boris.turn(1.0)
        assert boris.state(op) == "awaiting approval"
        assert any("anna has left; thing.force demo-1/live/packager-emea still waits" in words for words in told(boris))
        await boris.shop.service.approve(BORIS, op, boris.shop.service.plan_of(op).hash)
        await boris.turn(2.0)
        async with house.session(ANNA) as anna:
            await anna.turn(0.5)
            assert any("yours was approved by boris" in words and "left" in words for words in told(anna))
            assert any("✓ approved by boris" in line for line in anna.stage.lines())


@pytest.mark.slow
async def test_an_approval_nobody_gave_expires_and_both_see_it(tmp_path: Path) -> None:
    async with housed(tmp_path) as house, house.session(ANNA) as anna, house.session(BORIS) as boris:
        op = await asked(anna)
        await boris.turn(0.5)
        anna.clock.skip(900.0)
        await anna.until(lambda: anna.state(op) == "expired")
        await anna.turn(1.0)
        assert any("has expired: nobody said yes or no in time; nothing was done" in words for words in told(anna))
        await boris.turn(1.0)
        assert not any("anna asks" in line for line in boris.stage.lines())


# -- what somebody runs -------------------------------------------------------------------------------------------------
async def test_what_one_runs_the_other_sees_and_stops_only_with_a_reason(tmp_path: Path) -> None:
    async with housed(tmp_path) as house, house.session(CARLA) as carla, house.session(ANNA) as anna, house.session(BORIS) as boris:
        op = await begun(anna)
        await boris.turn(0.5)
        strip = "anna runs thing.set demo-1/live/packager-emea step 2 of 4"
        assert any(strip in line and "6 look" in line for line in boris.stage.lines())
        await boris.stage.press("s")
        assert "nothing of yours is running; anna runs thing.set demo-1/live/packager-emea: 6 opens it" in told(boris)
        assert not boris.shop.service.book.progress(op).is_stopping
        await carla.turn(0.5)
        assert any(strip in line for line in carla.stage.lines()), "who may do nothing sees it too"
        await carla.stage.press("enter", "s")
        assert "stop" not in carla.stage.lines()[-3] and not boris.shop.service.book.progress(op).is_stopping
        await boris.stage.press("enter")
        assert "s stop what anna runs" in boris.stage.text
        await boris.stage.press("s")
        assert isinstance(boris.dialog, SureDialog) and "stop what anna runs" in boris.stage.text
        await boris.turn(1.0)
        await boris.hand("tab", *"wrong one", "tab", *"stop")
        await boris.turn(1.5)
        await boris.hand("enter")
        await boris.until(lambda: boris.state(op) == "stopped")
        await anna.turn(0.5)
        assert boris.shop.service.book.get(op).operation.stopped_by == BORIS
        assert "STOPPED by boris: wrong one" in anna.stage.text


@pytest.mark.slow
async def test_who_leaves_while_it_runs_is_asked_once_it_goes_on_and_is_found_again(tmp_path: Path) -> None:
    async with housed(tmp_path) as house, house.session(BORIS) as boris:
        async with house.session(ANNA) as anna:
            op = await begun(anna)
            await anna.stage.press("escape", "q")
            assert isinstance(anna.stage.app.screen, SureDialog) and "it goes on without you" in anna.stage.text
            await boris.turn(0.5)
            await boris.stage.press("q")
            assert boris.stage.app._exit, "what another runs keeps nobody here"
        await over(boris, op)


async def test_a_session_that_ends_leaves_its_operation_to_the_service_and_the_others_are_told(tmp_path: Path) -> None:
    async with housed(tmp_path) as house, house.session(BORIS) as boris:
        async with house.session(ANNA) as anna:
            op = await begun(anna)
            await boris.turn(0.5)
        await boris.turn(1.0)
        assert boris.state(op) == "running"
        assert any("anna has left; thing.set demo-1/live/packager-emea goes on: 1 of 4 steps done" in words for words in told(boris))
        assert any("anna (has left) runs thing.set" in line for line in boris.stage.lines())
        async with house.session(ANNA) as anna:
            await anna.turn(0.5)
            assert any("yours goes on: thing.set demo-1/live/packager-emea, 1 of 4" in words for words in told(anna))
            assert any("▶ thing.set" in line and "s stop" in line for line in anna.stage.lines())
        await over(boris, op)
        async with house.session(ANNA) as anna:
            await anna.turn(0.5)
            assert any("while you were away: thing.set demo-1/live/packager-emea succeeded" in words for words in told(anna))


# -- each their own -----------------------------------------------------------------------------------------------------
@pytest.mark.slow
async def test_a_dialog_of_one_outlives_the_session_of_the_other(tmp_path: Path) -> None:
    async with housed(tmp_path) as house, house.session(BORIS) as boris:
        await boris.ask()
        await boris.hand("tab", *"wedged")
        async with house.session(ANNA) as anna:
            await anna.ask(f"thing.set {TARGET} value=7")
            op = anna.plan.op
        await boris.turn(0.5)
        assert boris.state(op) == "cancelled" and boris.is_dialog and boris.dialog.form.reason == "wedged"
        assert boris.state(boris.plan.op) == "planned"


async def test_a_stall_keeps_what_was_written_and_wants_the_name_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "SETTLE_S", 0.0)  # by the machine's clock, while ours leaps
    async with housed(tmp_path) as house, house.session(ANNA) as anna:
        await anna.ask()
        await anna.fill()
        assert "[ Run ]" in anna.stage.text
        anna.clock.skip(6.0)
        await anna.turn(1.0)
        assert anna.is_dialog and anna.dialog.form.reason == "wedged" and anna.dialog.form.typed.text == ""
        assert "midwatch stood still for" in anna.stage.text and "type the name again" in anna.stage.text
        op = anna.plan.op
        await anna.hand("enter")
        assert anna.writes == 0 and anna.state(op) == "planned"
        await anna.turn(1.0)
        await anna.hand(*NAME)
        await anna.turn(1.5)
        await anna.hand("enter")
        await anna.until(lambda: anna.state(op) == "succeeded")


@pytest.mark.slow
async def test_after_a_long_stall_another_may_sit_there(tmp_path: Path) -> None:
    async with housed(tmp_path) as house, house.session(ANNA) as anna:
        await anna.ask()
        op = anna.plan.op
        anna.clock.skip(min(60.0, dialog.IDLE_S / 2))
        await anna.turn(1.0)
        assert not anna.is_dialog
        await anna.until(lambda: anna.state(op) == "cancelled")


async def test_who_is_here_is_counted_in_the_head_line_and_listed_by_a_command(tmp_path: Path) -> None:
    async with housed(tmp_path) as house, house.session(CARLA) as carla:
        assert "here" not in carla.stage.lines()[0]
        async with house.session(ANNA, view="streams") as anna:
            await carla.turn(0.5)
            assert " 2 here " in carla.stage.lines()[0]
            op = await begun(anna)
            await carla.turn(0.5)
            await carla.stage.press("colon")
            await carla.stage.type("who")
            text = carla.stage.text
            assert "who is here: 2" in text and "10.0.0.1" in text and "this session" in text
            assert "10.0.0.2" not in text, "where another came from is not told to everybody"
            assert "streams" in next(line for line in carla.stage.lines() if "anna" in line and "since" in line)
            assert "RUNNING" in text and "thing.set demo-1/live/packager-emea · step 2 of 4 · of anna" in text
            assert anna.state(op) == "running"
        await carla.turn(1.5)
        assert "here" not in carla.stage.lines()[0]
