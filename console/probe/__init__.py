"""The prober: a process of its own that asks every playlist when it is due and tells what came back.

It has its own process because the two loops would spoil each other: a screen that paints makes polls late,
and three hundred polls every two seconds make keys slow. So the prober owns a loop, stamps times at the
socket, and says once a second how late it was itself; the judge takes that lateness into account instead of
blaming a stream for it.

`prober.py` holds the targets and their timers; each concern beside it is a file: what a vantage's URL names (`kind.py`), what a
document says whatever its kind (`manifest.py`, behind it `hls/` and `dash/`), the ladder, the origin as a witness, segments
within a budget (`segments.py`, `budget.py`, their bytes read in `media/`), keys, headers (`delivery.py`), blocking reloads
(`lowlatency.py`, `rehearsals.py`: imported with the first playlist that offers them). Everything is asked through `asking.py`:
playlists by one fetcher, bulk by another, reloads by a third, so that what is slow never delays what is in a hurry.

It states facts and never a verdict. The one thing it decides is *when* to ask (`schedule.py`, pure). It must
not import anything of the project but `console.model` and itself, must never hand a playlist's URL to
anything that opens files, and must end when its socket ends.
"""
