"""OSC 52, as what stands between us and the terminal lets it through.

tmux takes the plain sequence with `set-clipboard on` and the wrapped one with `allow-passthrough on`; which of the two is set
cannot be seen from inside, and the same text twice does no harm, so it is sent both ways. GNU screen takes no control string
longer than 768 bytes: there it goes in pieces, each in a wrapping of its own.
"""

from __future__ import annotations

from base64 import b64encode

from console.app.abilities import Wrapping

MOST = 74_994  # characters of base64: what xterm, and tmux, take at the most
PIECE = 480  # characters in one wrapping of screen
_ESC, _END = "\x1b", "\x1b\\"


class TooLong(ValueError):
    """More than terminals take: they would cut it without a word, or take nothing. The text says how much it is."""


def copied(text: str, wrapping: Wrapping) -> str:
    """What to write for `text` to be in the clipboard. Raises TooLong."""
    data = text.encode()
    encoded = b64encode(data).decode()
    if len(encoded) > MOST:
        raise TooLong(f"{len(data)} bytes; a terminal's clipboard (OSC 52) takes {MOST * 3 // 4}")
    sequence = f"\x1b]52;c;{encoded}\x07"
    match wrapping:
        case Wrapping.TMUX:
            return f"{sequence}\x1bPtmux;{sequence.replace(_ESC, _ESC * 2)}{_END}"
        case Wrapping.SCREEN:
            pieces = (sequence[at : at + PIECE] for at in range(0, len(sequence), PIECE))
            return "".join(f"\x1bP{piece}{_END}" for piece in pieces)
        case _:
            return sequence
