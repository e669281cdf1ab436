"""Verdicts, and nothing but verdicts: values in, values out.

Every function here is pure: what it knew (`memory`), what is new, and what time it is come in as values, and
a new memory comes out with the verdict. So each rule is tested with a table, a replay gives the same verdicts
as the night itself, and two processes that saw the same say the same. Ages are reckoned on the monotonic
clock of `Instant`; UTC is only shown.

What must not be done here: no I/O, no clock, no import of sources, feeds or rows, and no accusation without
proof: what is not known is UNKNOWN with its reason, and a fault is blamed on a layer only when the layers
above it have been seen to be well.
"""
