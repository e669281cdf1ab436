"""What the console tells the prober, and how a message is framed on their socket.

Both ends need the same words and neither may import the other's room, so they stand here. A frame is four
bytes of length (big-endian) and that many bytes of msgpack: `ProbeOrders` downward, `ProbeBatch` upward.
"""

from __future__ import annotations

import msgspec

from console.model.channel import Channel

FRAME_HEAD = 4  # bytes of length before each message
FRAME_LIMIT = 16 * 1024 * 1024  # a longer frame is a broken peer, not a message


class ProbeOrders(msgspec.Struct, frozen=True):
    """What to watch from now on; a later frame replaces the earlier one."""

    channels: tuple[Channel, ...]
    period_s: float | None = None  # None: max(1 s, T/2) for each playlist
    segments: bool = True  # look at segments at all
    segment_policy: str = "newest"  # newest: of the top rendition | all: of every rendition | head: never the bytes | none
    segment_budget_Bps: float = 4_000_000.0  # bytes/s of segment bodies over all channels; past it only their heads are asked


def framed(payload: bytes) -> bytes:
    """The payload with its length before it. Raises ValueError past FRAME_LIMIT: the caller must send
    less.
    """
    if len(payload) > FRAME_LIMIT:
        raise ValueError(f"a frame of {len(payload)} bytes; the limit is {FRAME_LIMIT}")
    return len(payload).to_bytes(FRAME_HEAD, "big") + payload


def frame_length(head: bytes) -> int:
    """The length that a frame's head announces. Raises ValueError when it is past FRAME_LIMIT."""
    length = int.from_bytes(head, "big")
    if length > FRAME_LIMIT:
        raise ValueError(f"a frame of {length} bytes is announced; the limit is {FRAME_LIMIT}")
    return length
