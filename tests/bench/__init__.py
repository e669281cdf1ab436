"""The benches: what midwatch costs, beside what the stock way costs, on the same machine in the same minute.

`python -m tests.bench NAME [--json]` (or `all`) prints one JSON line per figure and exits 1 when one misses its goal.
A figure without its baseline means little on somebody else's laptop, so each measurement is taken in turns with
the baseline's, every one in a fresh child process, and a ratio is the median of the pairs. CPU is the child's own
(`process_time`, all threads), so that neighbours on the machine disturb it little.

What must not be done here: choose the better of several runs, give the baseline more to do than ours, or move a goal
because it was missed. A missed goal is `ok: false`.
"""
