"""Does the target stand where the action expects it? What is wanted being there already, only the action itself can tell."""

from __future__ import annotations

from console.actions.case import Case
from console.actions.guards.removal import verb
from console.actions.verdict import Stand, Verdict

_NEED_A_ROLLOUT = frozenset(("restart", "undo"))


def check(case: Case) -> Verdict:
    survey, name = case.survey, case.target.text
    if not survey.exists:
        return Verdict("standing", Stand.REFUSE, f"{name} is not there (any more)")
    if survey.is_terminating:
        return Verdict("standing", Stand.REFUSE, f"{name} is being deleted already")
    if survey.is_paused and verb(case) in _NEED_A_ROLLOUT:
        return Verdict(
            "standing", Stand.REFUSE, f"{case.target.name} is paused: nothing would roll out; resume it first"
        )
    return Verdict("standing", Stand.PASS, "paused, which does not matter here" if survey.is_paused else "it is there")
