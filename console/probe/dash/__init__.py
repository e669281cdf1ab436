"""DASH: from the bytes of an MPD to the words that the judge knows, and how an MPD is watched.

The room is pure but for nothing: bytes, a URL and a moment come in, facts and remarks go out, and whoever asks over the network
stands outside (`watching.py` keeps what was seen before and says what to ask next; it asks nothing itself). It is a room of its
own because an MPD is one document about every rendition, where HLS has a playlist for each, and because half of what it says
follows from the clock: which segments there are *now* is reckoned, not listed.

The reader is ours, on expat, for two reasons: libraries for MPDs open the paths and URLs they find in them, and none of them
keeps to a bound. An MPD is hostile input: no DOCTYPE, no entity, nothing is fetched, nothing is expanded that a short `S@r`
could make long, and only `MpdError` leaves this room. What must not be done here: no severity, no layer, no hysteresis (the
judge's), no list with an entry per segment of a timeline, and no clock of its own.
"""
