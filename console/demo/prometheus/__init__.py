"""Prometheus as the embedded platform speaks it: the HTTP API and a real subset of PromQL over the world's
numbers.

The room is a language with a storage underneath. `lexer` and `parser` make a typed tree (`nodes`),
`evaluator` walks that tree once per query over *all* its steps (a row is a label set and one value per step),
and `series` is the storage: every sample is a pure function of (world, time), read off a 15 s scrape grid, so
eight days back cost no memory. What the subset lacks is refused by name with Prometheus' own status codes; it
is never answered with an empty result. Nothing here may import the engine: the console's reading of PromQL
and this one must be able to disagree.
"""
