"""The console's end of the prober: starts it, tells it what to watch, reads what it saw, and says so when it
falls silent.

The prober is another process (`python -m console.probe`), so this room only speaks over a socket; it does not
import the prober's room, and the prober could move to another machine without a change here. A dead prober is
restarted with backoff, a silent one is told as such, and closing leaves no process, no socket and no
directory behind.

What must not be done here: no fetching, no judging, and no queue that grows when the console is slow
(`coalesce.py`).
"""
