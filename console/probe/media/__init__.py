"""What the bytes of one media segment say: its container, its times, whether it begins with a keyframe, and what is wrong.

One entry, `look.look`, and below it one file per container. Everything is pure: bytes in, a `Look` out, no clock, no network,
no exception for any bytes. The prober reads hundreds of segments a minute in one loop, so no reader walks packets one by one in
Python where a slice with a stride does it: the sync bytes of 3 MB of transport stream are `data[::188]`, one comparison.

It tells facts and, for what is no playable media at all, a SEG_BAD remark. A segment that is merely unusual is no remark, and
what cannot be told is None. Bytes come from strangers: every length in them is checked against what is really there, every walk
has an end, and no text of theirs leaves unless it is printable and short. No decoder lives here, and none should.
"""
