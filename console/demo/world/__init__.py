"""The story the embedded platform tells: who is on the air, how many watch, and what breaks when.

Everything here is a pure function of (seed, scenario, start, t). No clock is read and no socket opened, so
that the servers built on it agree to the digit, two processes with the same arguments tell the same story,
and any moment of the last eight days can be asked for at the cost of a few sines. A counter is the
closed-form integral of its rate (curve.py) for the same reason. Do not add state that grows with time,
randomness that is not derived from the seed, or anything that reads a file; truth.py, the one writer, is
called from platform.py only.
"""
