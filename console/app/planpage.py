"""What a dialog says of a plan, and what its head says. Pure: plan in, lines out.

The texts of a plan were cleaned where they came in; what may still deceive the eye (a letter of another script, a mark that
cannot be seen) is written out and warned of here, because this is where somebody says yes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from console.actions.audit.operation import Tier
from console.actions.plan import Change, Plan
from console.actions.verdict import Stand, Verdict
from console.app.detail import Line
from console.model.cell import Tone
from console.model.severity import Severity
from console.rows.units import duration
from widgets.cells import width as width_of
from widgets.confusable import visible, warnings
from widgets.form import Mark

SHOWN_STEPS = 40


def head_marks(plan: Plan, now: datetime, *, is_prod: bool, width: int = 200) -> tuple[list[Mark], list[Mark]]:
    """What the title line says at its left and at its right end. Of a narrow one the right end keeps its time."""
    badge = [Mark(" PROD ", severity=Severity.CRIT)] if is_prod else []
    left = [
        *badge,
        Mark(f" {visible(plan.title)} ", Tone.STRONG),
        Mark(f"{plan.target.full_name} ", Tone.CRIT if is_prod else Tone.ACCENT),
    ]
    tone = Tone.WARN if plan.tier is not Tier.LOW else Tone.NORMAL
    rights = [
        [Mark(f" {tier} ", tone), Mark(f" {name} · ", Tone.DIM), left_over(plan, now), Mark(" ")]
        for tier, name in ((f"tier {plan.tier}", f"plan {plan.hash[:4]}"), (plan.tier.value, plan.hash[:4]))
    ]
    used = sum(width_of(mark.text) for mark in left)
    fitting = [right for right in rights if used + sum(width_of(mark.text) for mark in right) <= width]
    return left, (fitting or rights[-1:])[0]


def left_over(plan: Plan, now: datetime) -> Mark:
    """ "expires 4:41", or that it has."""
    seconds = (plan.expires_at - now).total_seconds()
    if seconds <= 0:
        return Mark("expired", Tone.CRIT)
    return Mark(f"expires {int(seconds) // 60}:{int(seconds) % 60:02}", Tone.WARN if seconds < 60 else Tone.NORMAL)


def plan_page(plan: Plan) -> list[Line]:
    """All that must be read before saying yes, what speaks against it first."""
    lines: list[Line] = []
    refusals = plan.refusals
    lines += [("REFUSED" if number == 0 else "", _verdict(each), Tone.CRIT) for number, each in enumerate(refusals)]
    for number, told in enumerate(warnings(_texts(plan))):
        lines.append(("BEWARE" if number == 0 else "", f"not what it looks like: {told}", Tone.CRIT))
    lines.append(("WHAT", visible(plan.what), Tone.STRONG))
    if plan.undoes:
        lines.append(("", f"takes back {plan.undoes}", Tone.NORMAL))
    lines += _difference(plan)
    if len(plan.steps) > 1:
        lines.append(("STEPS", f"{len(plan.steps)}, one after the other; s stops before the next", Tone.NORMAL))
        lines += [
            ("", f"{number}. {visible(step.told.what)} {visible(step.told.target)}", Tone.DIM)
            for number, step in enumerate(plan.steps[:SHOWN_STEPS], 1)
        ]
        if len(plan.steps) > SHOWN_STEPS:
            lines.append(("", f"and {len(plan.steps) - SHOWN_STEPS} more", Tone.DIM))
    lines.append(("BLAST", visible(plan.blast.text) or "not known", Tone.NORMAL if plan.blast.text else Tone.UNKNOWN))
    lines += _guards(plan, Stand.NOTE, "GUARDS", Tone.WARN)
    lines.append(("PROOF", f"{visible(plan.proof.text)}, within {duration(plan.proof.window_s)}", Tone.NORMAL))
    lines.append(("UNDO", visible(plan.undo_text), Tone.NORMAL))
    if plan.approvals_needed:
        who = "one other person" if plan.approvals_needed == 1 else f"{plan.approvals_needed} other people"
        lines.append(("NEEDS", f"{who} to approve it before it runs", Tone.WARN))
    lines += _guards(plan, Stand.PASS, "PASSED", Tone.NORMAL)
    lines.append(("BY", f"{visible(plan.requester.name)} · {plan.target.text} · {plan.op}", Tone.DIM))
    return lines


def _difference(plan: Plan) -> Iterator[Line]:
    label = "DIFF"
    for change in plan.changes:
        yield label, visible(change.field), Tone.DIM
        label = ""
        yield from _old_and_new(change)
    if not plan.changes:
        yield label, "nothing of the object itself changes", Tone.DIM
    if plan.dry_run:
        tone = {True: Tone.DIM, False: Tone.CRIT, None: Tone.WARN}[plan.dry_run_ok]
        yield "", f"({visible(plan.dry_run)})", tone


def _old_and_new(change: Change) -> Iterator[Line]:
    if change.old is not None:
        yield "", f"- {visible(str(change.old))}", Tone.WARN
    if change.new is not None:
        yield "", f"+ {visible(str(change.new))}", Tone.OK


def _guards(plan: Plan, stand: Stand, label: str, tone: Tone) -> Iterator[Line]:
    """Each with its mark and reason. Those that refuse stand above everything else already."""
    for each in plan.verdicts:
        if each.stand is stand:
            yield label, _verdict(each), tone
            label = ""


def _verdict(verdict: Verdict) -> str:
    return f"{verdict.mark} {visible(verdict.guard)}: {visible(verdict.reason)}"


def _texts(plan: Plan) -> Iterator[str]:
    yield plan.what
    yield plan.blast.text
    for change in plan.changes:
        yield from (change.field, str(change.old), str(change.new))
    for step in plan.steps:
        yield step.told.target
    for verdict in plan.verdicts:
        yield verdict.reason
