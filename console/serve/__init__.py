"""`midwatch serve`: the console for many, over SSH, in one process over one engine.

Two rooms. The **door** decides who somebody is; the **hall** gives to each session that a person asks for a console of its own.
They meet in two calls: may this person have one more session, and here is one. What both speak of lies here: the person, who is
here (presence), the counts (tally) and how they are told to Prometheus (exposing).

Why one process: fifty engineers ask the backends what one asks, an approval given in one session is seen in the other at once,
and a session costs a few megabytes.

What must not be done here: run anything for a client but the console and the words of the allow-list; take a name, a role or an
environment from a client that no key has proven; let one session wait for another.
"""
