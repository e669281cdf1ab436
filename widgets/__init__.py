"""Widgets that draw their own lines: table, log, board, timeline, sparkline; and the width arithmetic beneath
them.

They know the words of `console.model` and the tones of `themes`, and nothing of sources, feeds, rows or
scopes: a pane hands them values. Each paints by `render_line` from plain text and ready styles, because a
stock widget per row costs a core where this costs a few percent, and because foreign text must never meet a
markup parser. What must not be done here: ask a source, read a wall clock, build Rich `Text`, or let the cost
of a paint grow with the number of rows.
"""
