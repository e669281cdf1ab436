"""Streams that break on purpose, over real sockets, and the real prober and judge watching them.

A `Show` (`show.py`) is a function of time: what a packager, and the caches before it, would answer at `t`. A `Fault` (`faults.py`)
bends that function at a place for a while and knows by itself, from the specification, what has to be said of it and by when:
the truth never comes from the code under test. A `Station` (`station.py`) puts shows on loopback; a `Night` (`night.py`) runs
the prober against them and steps the judge; `truth.py` compares what was said with what was done. `catalogue.py` is what there
is to compose, `composing.py` composes it by seed; `python -m tests.streams.composing SEED` tells what a night came to.

A night does not wait. Its event loop (`hasty.py`) moves the clock on to the next timer as soon as nothing is under way on any
socket, so that a minute of a hundred channels takes as long as its bytes take, and a busy machine makes a night long but
never makes the prober late. What is real: every HTTP exchange, the prober, the judge. What is not: the waiting.

Nothing here may read a rule's threshold from `console/judge`, and an expectation is never made weaker so that a night passes.
"""
