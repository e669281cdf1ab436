"""Rows: what a pane says, as values.

One file per kind: readings in, `Pane` out, with the same rows for the screen, the text digest and the JSON digest. Pure:
time is a parameter, no I/O, no Textual; a row says what a cell means (`Tone`), a widget says how that looks. "Where is a
pod's restart column made?" rows/pods.py.
"""
