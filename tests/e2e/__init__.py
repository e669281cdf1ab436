"""End to end: the console as a user gets it, on the embedded platform as a child process, judged by its truth file.

Nothing here reaches into a room of the engine but `watch.py`, which opens one exactly as `midwatch snapshot` does and
writes down what it says. What must be told within seconds is compared with what the world says of itself, by times
that both sides wrote; how long a test is willing to wait is another matter and is generous, since the machine may be
busy. The long nights are recorded in the background (`nights.py`) while the other tests run: two at a time, which two
cores can carry. Do not start a platform of one's own where one of conftest.py will do.
"""
