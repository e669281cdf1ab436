"""The only rooms that can change an outside system, each built from `write` credentials and from nothing else.

A hand sends exactly the bytes of the plan, once, and says which of three things happened. It does not retry, decide, wait
or judge: the executor does, with the journal beside it.
"""
