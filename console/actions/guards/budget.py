"""The disruption budgets, reckoned together.

A server-side rehearsal of an eviction asks the budget and takes nothing from it, so twelve pods under a budget of one all
rehearse well. Here every pod counts. A rollout does not ask budgets at all; that it exceeds one is worth a note.
"""

from __future__ import annotations

from console.actions.audit.operation import Tier
from console.actions.case import Case
from console.actions.guards.removal import at_once, evicts, waits
from console.actions.guards.trust import BUDGETS, unread
from console.actions.guards.words import listed, several
from console.actions.survey import Budget, PodFact
from console.actions.verdict import TIERS, Stand, Verdict


def check(case: Case) -> Verdict:
    counted = {pod.key for pod in case.survey.affected if _asks(pod)}
    if not counted and not case.survey.affected:
        return Verdict("budget", Stand.PASS, "takes no pod away")
    if why := unread(case.survey, BUDGETS):
        return Verdict("budget", Stand.NOTE, f"could not be read: {why}; not known what may be disrupted", Tier.HIGH)
    over = {budget: len(counted & budget.pods) for budget in case.survey.budgets if counted & budget.pods}
    if not over:
        return Verdict("budget", Stand.PASS, "no disruption budget covers these pods")
    if evicts(case) and (twice := _covered_twice(case, counted)):
        return Verdict("budget", Stand.REFUSE, twice)
    found = [_one(case, budget, count) for budget, count in over.items()]
    found.sort(key=lambda each: (each.stand is Stand.REFUSE, TIERS.index(each.at_least), each.stand is Stand.NOTE))
    worst = found[-1]
    alike = [each.reason for each in found if (each.stand, each.at_least) == (worst.stand, worst.at_least)]
    return Verdict("budget", worst.stand, listed(alike), at_least=worst.at_least)


def _asks(pod: PodFact) -> bool:
    """Pods that do not run, or are on their way out, are evicted without asking the budget."""
    return pod.phase == "Running" and not pod.is_terminating


def _covered_twice(case: Case, counted: set[str]) -> str:
    for key in sorted(counted):
        names = sorted(budget.name for budget in case.survey.budgets if key in budget.pods)
        if len(names) > 1:
            return f"pod {key} is under {len(names)} budgets ({listed(names)}): the server refuses to evict it"
    return ""


def _one(case: Case, budget: Budget, count: int) -> Verdict:
    """`count` of the affected pods are under this budget."""
    name = f"budget {budget.namespace}/{budget.name}"
    most = min(count, at_once(case))
    if budget.allowed is None:
        return Verdict("budget", Stand.NOTE, f"what {name} allows now is not known", at_least=Tier.HIGH)
    allowed = max(0, budget.allowed)
    if not evicts(case):
        if most <= allowed:
            return Verdict("budget", Stand.PASS, f"{name} allows {allowed}, {most} at once")
        tier = Tier.HIGH if allowed == 0 else Tier.MEDIUM
        return Verdict(
            "budget", Stand.NOTE, f"{name} allows {allowed}, and this takes {most} without asking it", tier
        )
    if waits(case):
        if allowed == 0:
            return Verdict("budget", Stand.NOTE, f"{name} allows none now: it waits until the budget does", Tier.MEDIUM)
        if count > allowed:
            rounds = -(-count // min(allowed, most))
            pods = several(count, "pod")
            told = f"{pods} under {name}, which allows {allowed}: {rounds} rounds, each until the last is replaced"
            return Verdict("budget", Stand.NOTE, told)
        return Verdict("budget", Stand.PASS, f"{name} allows {allowed} of {several(count, 'pod')}")
    if allowed == 0:
        return Verdict("budget", Stand.REFUSE, f"{name} allows no disruption now")
    if most > allowed:
        return Verdict("budget", Stand.REFUSE, f"{several(most, 'pod')} at once under {name}, which allows {allowed}")
    return Verdict("budget", Stand.PASS, f"{name} allows {allowed}")
