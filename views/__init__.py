"""The views: one room each, made of panes. A pane is the same class on the overview and full screen.

A view knows rows, feeds and widgets; it never sees a source or its client, and decides nothing about severity. What
a pane shows comes whole from `console.rows`; what it looks like comes whole from `widgets` and `themes`.
"""
