"""The wall: one screen for a room full of people, which nobody touches and everybody believes.

It stands for months, so it must never show yesterday as today: whatever is not heard any more is a banner over everything, an
unknown channel is a `?`, and the seconds of the clock are the proof that it lives. What is shown is decided in
`console/rows/wall*.py`; here is where it stands (`arrangement.py`), when a page is turned (`rotation.py`), how far it is
shifted against burn-in (`shift.py`), the screen and the app that hold it together, and the process that starts it again
(`keeping.py`, with `life.py`, `pulse.py`, `tty.py`), which imports nothing of all that.

It is read-only by construction: no licence and no action service is ever given to it, the configuration it is opened with has
no write credentials, and its only keys leave. What must not be done here: import `console.actions` or `console.acting`, take a
key, wait for a backend in the loop.
"""
