"""Verdicts for Prometheus to scrape: what `midwatch probe --metrics` is, beside the engine it shares with the console.

The engine's loop judges and leaves its last word (`Word`) here; the port answers from a thread of its own and never asks the
engine for anything, so a scraper that hangs delays no poll. A word that has grown old is not repeated: no data is never
green, and a series that is missing is told by every alerting rule that was written with care. Must not judge, must not probe.
"""
