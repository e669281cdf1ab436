"""A plan as lines of text: for `midwatch act plan`, and for whoever reads a log of it."""

from __future__ import annotations

from collections.abc import Iterator

from console.actions.plan import Change, Plan
from console.actions.verdict import Stand
from console.sources.sanitise import clean

MOST_CHANGES = 30


def plan_lines(plan: Plan) -> Iterator[str]:
    """What a person must know before saying yes, the refusals first among the guards."""
    yield f"{plan.title} · {plan.target.text} · tier {plan.tier} · site {plan.site}"
    yield f"plan   {plan.hash}"
    yield f"until  {plan.expires_at:%H:%M:%S} UTC"
    yield f"WHAT   {clean(plan.what, 300)}"
    for index, change in enumerate(plan.changes[:MOST_CHANGES]):
        yield ("DIFF   " if index == 0 else "       ") + change_line(change)
    if len(plan.changes) > MOST_CHANGES:
        yield f"       … and {len(plan.changes) - MOST_CHANGES} more"
    if plan.dry_run:
        yield f"       ({clean(plan.dry_run, 300)})"
    yield f"BLAST  {clean(plan.blast.text, 300)}"
    ordered = sorted(plan.verdicts, key=lambda verdict: verdict.stand is not Stand.REFUSE)
    for index, verdict in enumerate(ordered):
        yield f"{'GUARDS' if index == 0 else '      '} {verdict.mark} {verdict.guard}: {clean(verdict.reason, 300)}"
    yield f"STEPS  {len(plan.steps)}: " + ", ".join(step.told.what for step in plan.steps[:8])
    yield f"PROOF  {clean(plan.proof.text, 300)} (within {plan.proof.window_s:.0f} s)"
    yield f"UNDO   {clean(plan.undo_text, 300)}"
    if plan.approvals_needed:
        yield f"NEEDS  {plan.approvals_needed} other person's approval"


def change_line(change: Change) -> str:
    """`spec.replicas: 3 → 5`."""
    old = "nothing" if change.old is None else clean(str(change.old), 120)
    new = "nothing" if change.new is None else clean(str(change.new), 120)
    return f"{clean(change.field, 120)}: {old} → {new}"
