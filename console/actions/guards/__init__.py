"""The guards: one small function a file, `check(case) -> Verdict`, pure, with a reason a person can act on.

None of them knows of another, none asks anything of the network, and none passes for want of knowledge: what is not known
refuses, or asks for the highest tier. `judged.py` runs them all, because a tired engineer should read every reason at once
and not one per attempt. `reach.py` says what an action may touch (the BLAST line); `removal.py` and `trust.py` are what
several guards reckon with. A new guard is a file with a `check` and its place in `judged.GUARDS`.
"""
