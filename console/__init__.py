"""midwatch: the engine and its front doors.

The floors of this house are told in ARCHITECTURE.md and held by import-linter: cli, serve, chat, snapshot and app are
the roof; assembly, actions, feeds, probe, sources, judge and rows are the engine and never import textual; model and
config are the ground. Nothing may be imported here: `import console` must cost nothing.
"""

__version__ = "0.1.0"
