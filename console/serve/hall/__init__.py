"""A console of its own for each session, over the one engine that all share: the hall of `midwatch serve`.

A session (session) has an app with a driver that writes to its channel (driver, wire) and reads its keys (hearing), what its
person may see and do (rights), and its turn of the loop (phasing). A word of the allow-list instead of a terminal (spoken) gets
one moment (moment, drawn beside the loop by drawing). What a session leaves is swept when nobody waits (sweeping).

What must not be done here: let one session wait for another; keep anything of a session that has ended.
"""
