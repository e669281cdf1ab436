"""The nouns: frozen structs and the small protocols between rooms.

Every other room speaks in these words, so this one imports nothing of the project, does no I/O and reads no clock
(time arrives as an `Instant`). Units are in the names: `latency_s`, `egress_bps`. Times are aware UTC. What a value means
at its edges (None, empty, zero) is said beside the field. Nothing here knows how a thing is fetched, judged or drawn.
"""
