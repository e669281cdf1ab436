"""How much of a playlist is taken in, and the one error that leaves this room."""

from __future__ import annotations

BODY_LIMIT = 4 * 1024 * 1024  # bytes
SEGMENT_LIMIT = 200_000  # a day of DVR at half a second
PART_LIMIT = 20_000  # partial segments of one playlist
VARIANT_LIMIT = 64
MASTER_LINES = 20_000
URI_LIMIT = 4096  # characters, of a URI and of what a variable stands for
ATTRIBUTES_LIMIT = 8192  # characters of one tag's attribute list that are looked at
KEYS_LIMIT = 32  # EXT-X-KEYs in force at once: one a KEYFORMAT
VARIABLES_LIMIT = 256
REPORTS_LIMIT = 64
LONGEST_TARGET_S = 86_400.0
LARGEST_SEQUENCE = 2**62


class PlaylistError(Exception):
    """The body is no playlist, or one whose numbers cannot be read. `is_playlist` tells which."""

    def __init__(self, reason: str, is_playlist: bool) -> None:
        super().__init__(reason)
        self.is_playlist = is_playlist
