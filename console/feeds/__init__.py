"""Feeds: one outside answer, shared by everyone who looks at it.

A feed owns memory and time; a source owns the wire; a derivation owns nothing but its judgement. A feed never queues
without bound: a state feed keeps the newest reading only, a log feed keeps one ring, and a subscriber that must see every
reading (the judge) has a bounded inbox that counts what it lost. The hub starts a feed at its first subscriber and stops it
some time after its last. Nothing here may know how a thing is fetched or drawn, nor import textual.
"""
