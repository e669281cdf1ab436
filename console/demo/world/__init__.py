"""The story the embedded platform tells: who is on the air, how many watch, and what breaks when.

Everything here is a pure function of (seed, scenario, start, t). No clock is read and no socket opened, so
that the servers built on it agree to the digit, two processes with the same arguments tell the same story,
and any moment of the last eight days can be asked for at the cost of a few sines. A counter is the
closed-form integral of its rate (curve.py) for the same reason. Three facts may be told to it from outside,
all bounded: that a fault's cause was removed early, which pod stands in a place, and when a channel of a lost node
went on elsewhere (World.heal, World.occupy, World.resume). Do not add other state, randomness that is not derived from
the seed, or anything that reads a file; truth.py, the one writer, is called from platform.py only.
"""
