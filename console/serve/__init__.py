"""`midwatch serve`: the console for many, over SSH, in one process over one engine.

Two halves. The **door** (door, connection, trust and what it reads: keyring, keyline, certificates, krl, revoked, modes)
decides who somebody is, and keeps out whoever is nobody: by keys and certificates alone, bound to the name, bounded in number
(halfopen), recorded within bounds (recorder, ledger). The **hall** (hall, session, driver and what they stand on) gives to each
session that a person asks for a console of its own over the engine that all share. They meet in two calls: may this person have
one more session, and here is one.

Why one process: fifty engineers ask the backends what one asks, an approval given in one session is seen in the other at once,
and a session costs a few megabytes.

What must not be done here: run anything for a client but the console and the words of the allow-list; take a name, a role or an
environment from a client that no key has proven; let one session wait for another.
"""
