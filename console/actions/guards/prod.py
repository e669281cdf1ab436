"""In a site that is marked `guard = "prod"`, nothing that takes something away goes by one key."""

from __future__ import annotations

from console.actions.audit.operation import Tier
from console.actions.case import Case
from console.actions.verdict import Stand, Verdict


def check(case: Case) -> Verdict:
    """Pods, load that moves, and what cannot be taken back; pods that could not be counted as well."""
    if not case.is_prod:
        return Verdict("prod", Stand.PASS, f"{case.site} is no production site")
    survey = case.survey
    is_destructive = case.blast.pods != 0 or bool(survey.affected or survey.load_after) or not survey.is_reversible
    if is_destructive:
        return Verdict("prod", Stand.NOTE, f"{case.site} is production", at_least=Tier.MEDIUM)
    return Verdict("prod", Stand.PASS, f"{case.site} is production, and this takes nothing away")
