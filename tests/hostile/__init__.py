"""Foreign text that attacks the terminal, and the proof that none of it arrives there.

`corpus.py` holds the attacks, `terminal.py` reads what is written to the terminal and accepts nothing but our own
sequences. The tests drive the one through everything that can show text and hold the other against what comes out.
`test_baseline.py` shows that the proof can fail: the same attacks in Textual's own widgets are found by the same reader.
"""
