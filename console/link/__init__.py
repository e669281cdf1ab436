"""The link: what goes over the wire to a terminal, so that its screen becomes the wanted one with the fewest bytes.

Textual sends a whole region again when one cell of it has changed, which over a phone's link is a screen that is minutes old.
So the frame that is wanted and the frame that was sent are both kept here, a line as two strings of one character a cell
(what stands there, and how it looks): equal lines compare in nanoseconds, a Link of 200x60 takes some 100 kB, and a
server with fifty of them pays for what changes and not for what is shown. What differs leaves as the cheapest moves, runs,
SGR differences and erasures that every terminal, tmux and screen included, understands alike.

Pure: text in, text out. What must not be done here: I/O, clocks, asking the terminal anything, knowing Textual or Rich, or
letting a control character through that a caller put into a cell.
"""

from console.link.flight import Flight
from console.link.link import Link
from console.link.look import PLAIN, Look

__all__ = ["PLAIN", "Flight", "Link", "Look"]
