"""docs/streams.md lists every code as the judge knows it: what it means, from which number on, and who wrote the rule."""

from __future__ import annotations

from pathlib import Path

from console.judge.codes import ABOUT, CHECKED, Code, Proof
from console.judge.rules import ALWAYS, RULES
from console.judge.signal_rules import SIGNAL_RULES

PAGE = Path(__file__).parents[3] / "docs" / "streams.md"
_PROOFS = {Proof.AGE: "by the clock", Proof.SAMPLED: "samples", Proof.AT_SIGHT: "at sight"}


def row(code: Code) -> str:
    """The line of a code."""
    about, rule = ABOUT[code], RULES.get(code)
    told = ""
    if rule is not None:
        below = "< " if rule.low_is_bad else ">= "
        levels = [
            "any" if level == ALWAYS else f"{below}{level:g}" if level is not None else "–" for level in (rule.warn, rule.crit)
        ]
        told = f"{rule.unit}: {levels[0]} / {levels[1]}"
    of_signal = SIGNAL_RULES.get(code)
    if of_signal is not None:
        sign = "< " if of_signal.low_is_bad else ">= " if of_signal.is_at else "> "
        lasting = f", for {of_signal.for_s:g} s" if of_signal.for_s else ""
        told = f"{of_signal.unit}: {sign}{of_signal.warn:g} / {sign}{of_signal.crit:g}{lasting}"
    return f"| `{code.value}` | {about.meaning} | {told} | {_PROOFS[about.proof]} | {about.spec_ref} |"


def test_the_page_lists_every_code_that_is_checked_as_it_is_judged():
    text = PAGE.read_text()
    missing = [line for code in Code if code in CHECKED and (line := row(code)) not in text]
    assert not missing, "in docs/streams.md these lines are missing or old:\n" + "\n".join(missing)
