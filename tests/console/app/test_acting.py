"""From a row to a plan, a typed yes, a running operation and its end: by keys, against the real service."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual._xterm_parser import XTermParser

from console.actions.plan import Change
from console.app import dialog
from console.app.choosing import ActionMenu
from console.app.detail import DetailScreen
from console.app.plandialog import PlanDialog
from console.app.sure import SureDialog
from tests.console.actions.thing import BORIS, CARLA, POLICY
from tests.console.app.bench import NAME, TARGET, Bench, benched
from tests.stage import staged
from widgets.confirm import PASTED
from widgets.form import Spot


def told(bench: Bench) -> list[str]:
    return [notice.message for notice in bench.stage.app._notifications]


# -- read-only --------------------------------------------------------------------------------------------------------
async def test_a_session_without_a_licence_says_why_it_cannot_act() -> None:
    async with staged() as stage:
        await stage.press("a")
        assert stage.app.screen is stage.console
        assert [notice.message for notice in stage.app._notifications] == ["read-only: start with --write"]
        await stage.press("colon")
        await stage.type(f"act thing.set {TARGET} value=5")
        assert stage.app.screen is stage.console
        assert stage.console.acting.licence is None


# -- to the plan ------------------------------------------------------------------------------------------------------
async def test_a_on_a_stream_offers_what_can_be_done_to_the_workload_at_fault(tmp_path: Path) -> None:
    async with benched(tmp_path, view="streams") as bench:
        await bench.stage.press("a")
        assert isinstance(bench.stage.app.screen, ActionMenu)
        assert TARGET in bench.stage.text and "thing.set · tier medium or higher" in bench.stage.text
        await bench.stage.press("1")
        assert "value= what to" in bench.stage.text
        await bench.stage.type("5")
        await bench.stage.until(lambda: bench.is_dialog)
        assert bench.plan.target.text == TARGET and dict(bench.plan.parameters)["value"] == 5
        assert bench.plan.incident == "INC-7f3a", "it is for the open incident of that workload"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("thing.sett x", "there is no action 'thing.sett'"),
        ("thing.set prod", "names no target"),
        (f"thing.set {TARGET.replace('packager', 'pаckager')} value=5", "CYRILLIC SMALL LETTER A"),
        (f"thing.set {TARGET} 'value", "cannot be read: No closing quotation"),
        ("thing.set kube:demo-1/live/pod/x value=5", "is not done to"),
    ],
)
async def test_a_command_that_names_nothing_is_told_why(tmp_path: Path, words: str, complaint: str) -> None:
    async with benched(tmp_path) as bench:
        await bench.stage.press("colon")
        await bench.stage.type(f"act {words}")
        assert bench.stage.app.screen is bench.stage.console
        assert complaint in told(bench)[-1]


async def test_what_cannot_be_planned_is_told_on_a_page(tmp_path: Path) -> None:
    async with benched(tmp_path) as bench:
        await bench.stage.press("colon")
        await bench.stage.type("act thing.set kube:demo-1/live/deployment/gone value=5")
        await bench.stage.until(lambda: isinstance(bench.stage.app.screen, DetailScreen))
        assert "NO PLAN silence gone is not there" in bench.stage.text


# -- the dialog -------------------------------------------------------------------------------------------------------
async def test_the_plan_is_confirmed_by_hand_run_verified_and_told(tmp_path: Path) -> None:
    async with benched(tmp_path) as bench:
        await bench.ask()
        plan = bench.plan
        assert bench.dialog.form.spot is Spot.CANCEL and bench.writes == 0
        assert "Run (disabled)" in bench.stage.text
        await bench.fill()
        assert "[ Run ]" in bench.stage.text
        await bench.hand("enter")
        await bench.until(lambda: not bench.is_dialog)
        await bench.until(lambda: bench.state(plan.op) == "succeeded")
        await bench.turn(0.5)
        assert bench.things.values[NAME] == 5
        assert "STATE  succeeded" in bench.stage.text and "✓ 1. set" in bench.stage.text and "u undo" in bench.stage.text


async def test_the_undo_is_one_key_and_a_plan_of_its_own_away(tmp_path: Path) -> None:
    async with benched(tmp_path) as bench:
        await bench.ask()
        first = bench.plan.op
        await bench.fill()
        await bench.hand("enter")
        await bench.until(lambda: bench.state(first) == "succeeded")
        await bench.stage.until(lambda: "undo" in bench.stage.text)  # the page has heard of it
        await bench.hand("u")
        await bench.stage.until(lambda: bench.is_dialog)
        assert bench.plan.undoes == first and f"takes back {first}" in bench.stage.text
        await bench.turn(1.0)
        await bench.fill()
        await bench.hand("enter")
        await bench.until(lambda: bench.state(first) == "undone")
        assert bench.things.values[NAME] == 0


@pytest.mark.parametrize("way", ["escape", "enter"])
async def test_who_does_not_go_on_cancels_the_plan(tmp_path: Path, way: str) -> None:
    async with benched(tmp_path) as bench:
        await bench.ask()
        op = bench.plan.op
        await bench.hand(way)
        assert bench.stage.app.screen is bench.stage.console
        await bench.until(lambda: bench.state(op) == "cancelled")


async def test_keys_for_what_stood_there_before_do_not_count(tmp_path: Path) -> None:
    async with benched(tmp_path) as bench:
        await bench.stage.press("colon")
        await bench.stage.type(f"act thing.touch {TARGET} value=5")
        await bench.stage.until(lambda: bench.is_dialog)
        await bench.stage.press("enter", "tab", "y", "enter")
        assert bench.is_dialog and bench.dialog.form.spot is Spot.CANCEL


async def test_the_payload_of_a_paste_that_ends_its_own_bracket_leads_to_nothing(tmp_path: Path) -> None:
    async with benched(tmp_path) as bench:
        await bench.ask(f"thing.touch {TARGET} value=5")
        await bench.hand("tab", "tab", "tab")
        assert bench.dialog.form.spot is Spot.TYPED
        await bench.paste("foo ")
        await bench.stage.press("y", "enter", "y", "enter")
        assert bench.is_dialog and bench.dialog.form.typed.text == ""
        assert PASTED in bench.stage.text
        await bench.turn(2.0)
        await bench.stage.press("enter")
        await bench.turn(2.0)
        assert bench.is_dialog and bench.writes == 0


WRITTEN = (
    "\x1b[200~foo \x1b[201~ y\r",  # the bracket is ended by what was pasted
    "\x1b[200~foo \x1b[201~y\r\ry\r",
    "y\ry\r",  # a terminal without brackets
    "y\r\r\r\r\r\r",
    "\ty\r\ty\r\ty\r\ty\r",
)


async def test_nothing_that_is_written_to_the_terminal_at_once_runs_anything(tmp_path: Path) -> None:
    """Through the parser of a real terminal; what it makes of the bytes comes with no time between."""
    async with benched(tmp_path) as bench:
        for tabs, written in ((0, WRITTEN[4]), *((3, each) for each in WRITTEN)):
            await bench.ask(f"thing.touch {TARGET} value=5")
            op = bench.plan.op
            await bench.hand(*["tab"] * tabs)
            for event in XTermParser().feed(written):
                bench.stage.app.post_message(event)
            await bench.stage.settle()
            await bench.turn(2.0)
            assert bench.writes == 0 and bench.state(op) in ("planned", "cancelled"), (tabs, written)
            if bench.is_dialog:
                await bench.hand("escape")


async def test_a_name_that_comes_all_at_once_is_cleared_and_an_enter_held_down_runs_nothing(tmp_path: Path) -> None:
    async with benched(tmp_path) as bench:
        await bench.ask()
        await bench.hand("tab", *"why", "tab", "tab")
        await bench.stage.press(*NAME)
        assert bench.dialog.form.typed.text == "" and "faster than a hand" in bench.stage.text
        await bench.turn(1.0)
        await bench.hand(*NAME)
        await bench.hand(*["enter"] * 60, pace=0.033)
        assert bench.is_dialog and bench.writes == 0 and bench.state(bench.plan.op) == "planned"


async def test_what_the_service_denies_is_told_in_the_dialog_which_stays(tmp_path: Path) -> None:
    async with benched(tmp_path) as bench:
        await bench.ask()
        bench.dialog.form.needs_reason = False  # as if the policy had become stricter meanwhile
        await bench.fill(reason="")
        await bench.hand("enter")
        await bench.stage.until(lambda: bool(bench.dialog.form.answer))
        assert "reason: tier medium needs a reason" in bench.stage.text
        assert bench.is_dialog and bench.writes == 0


async def test_a_refused_plan_shows_every_refusal_first_and_cannot_be_typed_for(tmp_path: Path) -> None:
    async with benched(tmp_path, person=CARLA) as bench:
        await bench.ask()
        assert bench.plan.refusals
        lines = bench.stage.lines()
        first = next(at for at, line in enumerate(lines) if "REFUSED ✗ roles" in line)
        assert first < next(at for at, line in enumerate(lines) if "│ WHAT" in line)
        assert "guard refuses it; r plans again" in bench.stage.text and "Type" not in bench.stage.text
        await bench.hand("tab", *NAME)
        assert bench.is_dialog and bench.dialog.form.typed.text == ""


async def test_a_plan_counts_down_expires_and_is_planned_again_with_nothing_typed(tmp_path: Path) -> None:
    policy = msgspec.structs.replace(POLICY, limits=msgspec.structs.replace(POLICY.limits, plan_s=25.0))
    async with benched(tmp_path, policy=policy) as bench:
        await bench.ask()
        before = bench.plan
        assert "expires 0:2" in bench.stage.text
        await bench.fill()
        assert "expires 0:1" in bench.stage.text
        await bench.turn(20.0)
        assert "the plan has expired; r plans again" in bench.stage.text and "Type" not in bench.stage.text
        await bench.hand("r")
        await bench.stage.until(lambda: bench.plan is not before)
        assert bench.plan.hash != before.hash and bench.dialog.form.typed.text == "" and bench.dialog.form.reason == ""
        assert bench.plan.hash[:4] in bench.stage.lines()[0] + bench.stage.text and bench.dialog.form.spot is Spot.CANCEL
        assert bench.state(before.op) in ("expired", "cancelled")


async def test_a_dialog_whose_plan_is_void_elsewhere_closes_and_says_so(tmp_path: Path) -> None:
    async with benched(tmp_path) as bench:
        await bench.ask()
        await bench.fill()
        await bench.stage.console.acting.licence.cancel(bench.plan.op)
        await bench.turn(0.5)
        assert not bench.is_dialog and "the dialog was closed: it is cancelled by now" in told(bench)[-1]


async def test_nobody_there_for_minutes_a_suspended_console_and_a_lost_terminal_cancel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialog, "IDLE_S", 10.0)
    async with benched(tmp_path) as bench:
        await bench.ask()
        suspended = bench.plan.op
        await bench.stage.console.look_again()
        await bench.until(lambda: bench.state(suspended) == "cancelled")
        await bench.ask(f"thing.set {TARGET} value=6")
        idle = bench.plan.op
        await bench.turn(11.0)
        await bench.until(lambda: bench.state(idle) in ("cancelled", "expired"))
        assert not bench.is_dialog
        await bench.ask(f"thing.set {TARGET} value=7")
        left = bench.plan.op
    assert bench.state(left) == "cancelled", "closing the app took it back"


async def test_the_dialog_stays_usable_at_any_size_and_through_a_resize(tmp_path: Path) -> None:
    changes = tuple(Change(f"spec.template.spec.containers[{number}].image", "old", "new") for number in range(30))
    async with benched(tmp_path, changes=changes) as bench:
        await bench.ask()
        await bench.hand("tab", *"why", "tab", "tab", *NAME[:4])
        for width, height in ((80, 24), (60, 12), (240, 67), (80, 24)):
            await bench.stage.resize(width, height)
            assert f"Type {NAME} to confirm" in bench.stage.text and "[ Cancel ]" in bench.stage.text, (width, height)
        before = bench.stage.text
        await bench.hand("pagedown")
        assert bench.stage.text != before and f"Type {NAME} to confirm" in bench.stage.text
        await bench.hand(*NAME[4:])
        await bench.turn(1.5)
        await bench.hand("enter")
        await bench.until(lambda: not bench.is_dialog)


async def test_marks_that_turn_text_around_are_written_out_and_told_of(tmp_path: Path) -> None:
    label = "a\u202enigol\u200b"
    async with benched(tmp_path, changes=(Change("metadata.labels.app", label, "prоd"),)) as bench:
        await bench.ask()
        assert "a<U+202E>nigol<U+200B>" in bench.stage.text and "\u202e" not in bench.stage.text
        assert "not what it looks like: U+202E RIGHT-TO-LEFT OVERRIDE" in bench.stage.text
        assert "U+043E CYRILLIC SMALL LETTER O" in bench.stage.text


async def test_at_a_production_site_the_dialog_says_so(tmp_path: Path) -> None:
    async with benched(tmp_path, is_prod=True) as bench:
        await bench.ask()
        assert " PROD " in bench.stage.text and bench.dialog.has_class("prod")


# -- a second person --------------------------------------------------------------------------------------------------
async def test_what_needs_a_second_person_waits_is_approved_by_typing_and_run_by_its_requester(tmp_path: Path) -> None:
    async with benched(tmp_path) as anna:
        await anna.ask(f"thing.force {TARGET} value=9")
        plan = anna.plan
        assert "Ask for approval" in anna.stage.text and "one other person" in anna.stage.text
        await anna.fill("demo-1/live/packager-emea")
        await anna.hand("enter")
        await anna.until(lambda: anna.state(plan.op) == "awaiting approval")
        assert anna.writes == 0
        await anna.stage.press("6")
        await anna.stage.press("enter")
        assert not anna.is_dialog, "nobody is asked to approve their own"
        await anna.stage.press("escape")
        async with benched(tmp_path, person=BORIS, shop=anna.shop, view="actions") as boris:
            assert "awaiting approval" in boris.stage.text
            await boris.stage.press("enter")
            assert isinstance(boris.dialog, PlanDialog) and boris.plan.hash == plan.hash and "DIFF" in boris.stage.text
            await boris.turn(1.0)
            await boris.hand("tab", "tab", *"demo-1/live/packager-emea")
            await boris.turn(1.5)
            await boris.hand("enter")
            await boris.until(lambda: boris.state(plan.op) == "approved")
            assert boris.writes == 0, "an approval runs nothing"
        await anna.turn(0.5)
        await anna.stage.press("enter")
        assert anna.is_dialog, anna.stage.text
        await anna.turn(1.0)
        await anna.hand("tab", *"demo-1/live/packager-emea")
        await anna.turn(1.5)
        await anna.hand("enter")
        await anna.until(lambda: anna.state(plan.op) == "succeeded")
        assert anna.things.values[NAME] == 9


# -- a running operation ----------------------------------------------------------------------------------------------
async def begun(bench: Bench, faults: tuple[str, ...], words: str = f"thing.set {TARGET} value=5 steps=4") -> str:
    """One that runs, with these faults."""
    bench.things.faults = iter(faults)
    await bench.ask(words)
    op: str = bench.plan.op
    await bench.fill()
    await bench.hand("enter")
    await bench.until(lambda: not bench.is_dialog)
    return op


async def test_a_running_operation_is_told_in_a_strip_stopped_by_s_and_quitting_asks(tmp_path: Path) -> None:
    async with benched(tmp_path) as bench:
        op = await begun(bench, ("ok", "busy"))
        assert "running" in bench.stage.text and "1 of 4" in bench.stage.text
        await bench.stage.press("escape")
        said = "thing.set demo-1/live/packager-emea step 2 of 4"
        await bench.until(lambda: any("▶" in line and said in line and "s stop" in line for line in bench.stage.lines()))
        await bench.stage.press("q")
        assert isinstance(bench.stage.app.screen, SureDialog) and "quit while an operation runs" in bench.stage.text
        await bench.turn(1.0)
        await bench.hand("escape")
        await bench.stage.press("s")
        assert "it stops before its next step; what is done stays done" in told(bench)
        await bench.until(lambda: bench.state(op) == "stopped")
        await bench.turn(0.5)
        assert not any("▶" in line for line in bench.stage.lines())
        # what is left half done is first, and is resumed by a typed yes only
        await bench.stage.press("6", "enter")
        assert "r resume" in bench.stage.text and "x leave it so" in bench.stage.text
        await bench.stage.press("r")
        assert "3 of 4 steps are left" in bench.stage.text
        await bench.turn(1.0)
        await bench.hand("tab", *NAME)
        await bench.turn(1.5)
        await bench.hand("enter")
        await bench.until(lambda: bench.state(op) == "succeeded")
        assert bench.things.values[NAME] == 5


async def test_an_outcome_nobody_knows_stays_on_the_screen_until_somebody_has_looked(tmp_path: Path) -> None:
    async with benched(tmp_path) as bench:
        bench.things.looks = iter(("no",) * 1000)
        op = await begun(bench, ("dropped",), f"thing.set {TARGET} value=5")
        await bench.stage.press("escape")
        await bench.until(lambda: bench.state(op) == "unknown", 400.0, 5.0)
        await bench.turn(0.5)
        assert any("UNKNOWN" in words for words in told(bench))
        loud = next(line for line in bench.stage.lines() if "‼ UNKNOWN" in line)
        assert "thing.set" in loud
        await bench.turn(200.0)
        assert "‼ UNKNOWN" in bench.stage.text, "a toast goes, this does not"
        await bench.stage.press("6")
        assert " C▸thing.set" in bench.stage.text
        await bench.stage.press("enter")
        assert "nobody knows whether it took effect" in bench.stage.text
        await bench.stage.press("escape")
        await bench.turn(1.0)
        assert "‼ UNKNOWN" not in bench.stage.text


async def test_with_nothing_running_s_and_quit_are_as_ever(tmp_path: Path) -> None:
    async with benched(tmp_path) as bench:
        await bench.stage.press("s")
        assert told(bench) == ["nothing that was begun here is running"]
        await bench.stage.press("q")
        assert not bench.stage.app._running or bench.stage.app._exit
