"""The embedded video platform: real protocols on loopback, over a world that can break.

It runs as a child process (`python -m console.demo`) and imports nothing of the engine, so that a misreading
of a protocol on one end cannot be hidden by the same misreading on the other. All servers draw from one pure
`World` (world/), so that a metric, a log line, a pod, an alert and a playlist tell one story. Nothing here
may import from `console` outside `console.demo`, touch the user's files other than those named in its
settings, or listen anywhere but on 127.0.0.1.
"""
