"""Dialogs as they stand on the golden screens: a plan as it would be made in the scene of the bad deploy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast

import msgspec

from console.actions.audit.operation import Actor, PlannedStep, Tier
from console.actions.licence import Licence
from console.actions.plan import Blast, Change, Inverse, Plan, PlanStep, Proof
from console.actions.target import Target
from console.actions.verdict import Stand, Verdict
from console.actions.writes import HttpWrite
from console.app.plandialog import PlanDialog
from console.model.operation import Operations, OperationStep
from tests.hand_clock import START
from tests.scene import Scene, back, live, operation
from tests.stage import Stage

TEXT = "kube:demo-1/live/deployment/packager-emea"
PLAN = Plan(
    op="op-8abe72812c72",
    action="deployment.undo",
    title="rollout undo",
    target=Target.parse(TEXT),
    parameters=(),
    site="demo",
    requester=Actor(name="mei", id="1000"),
    created_at=START,
    expires_at=START + timedelta(seconds=281),
    policy="v1",
    what="rollout undo: 4 pods from revision 4 back to 3 (packager:3.8.2 → packager:3.8.1)",
    changes=(Change("spec.template.spec.containers[packager].image", "video/packager:3.8.2", "video/packager:3.8.1"),),
    dry_run="server dry-run accepted",
    dry_run_ok=True,
    steps=(
        PlanStep(
            told=PlannedStep(what="undo", target=TEXT, field="revision", old=4, new=3, undo="deployment.undo"),
            write=HttpWrite(switch="", method="PATCH", url="", verify_url=""),
        ),
    ),
    blast=Blast(pods=4, channels=("uk-sport-1",), viewers=246_000, text="4 pods · 4 channels, 246k viewers now · PDB packager-emea allows 0"),
    verdicts=(
        Verdict("roles", Stand.PASS, "role operator"),
        Verdict("freeze", Stand.PASS, "no freeze"),
        Verdict("ownership", Stand.NOTE, "GitOps owned by argo: it will keep this change"),
        Verdict("freshness", Stand.PASS, "no data older than 60 s"),
        Verdict("busy", Stand.PASS, "nothing else is under way here"),
    ),
    tier=Tier.HIGH,
    approvals_needed=1,
    proof=Proof(kind="rollout", window_s=600.0, text="every pod on the old template, the channels it serves well again"),
    undo=Inverse(action="deployment.undo", text="roll forward again to revision 4"),
    undo_text="roll forward again to revision 4",
)  # fmt: skip
REFUSED = msgspec.structs.replace(
    PLAN,
    verdicts=(*PLAN.verdicts, Verdict("freeze", Stand.REFUSE, "freeze `cup final` until 04:00 UTC"), Verdict("busy", Stand.REFUSE, "op-11aa22bb33cc is under way on it")),
)  # fmt: skip


def shown(plan: Plan, *keys: str, is_prod: bool = False) -> Callable[[Stage], Awaitable[None]]:
    """The plan's dialog, and keys at a hand's pace in it. Nothing behind it can act."""

    async def opened(stage: Stage) -> None:
        clock: Any = stage.scene.clock
        dialog = PlanDialog(plan, cast(Licence, None), clock, is_prod=is_prod)
        await stage.app.push_screen(dialog)
        await stage.settle()
        await clock.advance(1.0)
        for key in keys:
            await clock.advance(0.2)
            await stage.send(key)
        await clock.advance(0.5)
        await stage.settle()
        # What is behind a page is drawn through timers of its own.
        stamp = f"{clock.now().utc:%H:%M:%S} UTC"
        await stage.until(lambda: stamp in stage.lines()[0] or "UTC" not in stage.lines()[0])

    return opened


async def closed(stage: Stage) -> None:
    """Take the dialog away without asking the service, which is not there."""
    screen = stage.app.screen
    if isinstance(screen, PlanDialog):
        screen.is_settled = True


async def busy_night(scene: Scene) -> None:
    """One is unknown, one was interrupted, one runs here, one waits for a yes, two are over."""
    now = scene.clock.now()
    drain = tuple(
        OperationStep(f"evict kube:demo-1/live/pod/packager-apac-5b7c9f8d6c-q8w7{number}", "done" if number < 7 else "pending")
        for number in range(12)
    )
    lines = (
        operation(now, id="op-unknown", action="deployment.scale", state="unknown", done=0, at=back(now, 300), last_at=back(now, 240),
                  steps=(OperationStep("scale", "unknown", "no answer"),), ending="no answer, and reading back told nothing", may_undo=True),
        operation(now, id="op-drain", action="node.drain", target="node:demo-1/apac-node-03", state="interrupted", is_over=False, steps=drain,
                  done=7, ending="", may_resume=True, may_undo=True, at=back(now, 900), last_at=back(now, 600), tier="high", by="ana"),
        operation(now, id="op-undo", action="deployment.undo", target=TEXT, state="running", is_over=False, is_here=True, done=0, ending="",
                  steps=(OperationStep("undo", "begun"),), progress="undo kube:demo-1/live/deployment/packager-emea", at=back(now, 20), last_at=back(now, 2),
                  reason="3.8.2 is wedged", incident="INC-7f3a"),
        operation(now, id="op-wait", action="deployment.restart", target="kube:demo-1/live/deployment/origin", state="awaiting approval", is_over=False,
                  done=0, steps=(OperationStep("restart", "pending"),), ending="", at=back(now, 120), last_at=back(now, 100), by="ana", tier="high"),
        operation(now),
        operation(now, id="op-no", action="pod.evict", target="kube:demo-1/live/pod/origin-77c5d5f9c-abcd0", state="refused", done=0,
                  steps=(OperationStep("evict", "pending"),), ending="", refusal="freeze `cup final` until 04:00 UTC", at=back(now, 8000), last_at=back(now, 8000)),
    )  # fmt: skip
    scene.feeds["actions"].set(live(Operations(lines), now))
