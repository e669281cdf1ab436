"""A healthy stream is never accused, whatever shape it has and however many segments come between two polls."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from console.probe.hls.media import Media
from console.probe.hls.playlist import read
from console.probe.hls.reader import Reader
from tests.console.probe.hls.stream import URL, Shape, Stream

SHAPES = st.builds(
    Shape,
    target_s=st.sampled_from([1, 2, 4, 6, 10]),
    window=st.integers(4, 20),
    start=st.sampled_from([0, 1, 812, 2**40]),
    digits=st.sampled_from([0, 1, 3, 6]),
    dates=st.sampled_from(["none", "all", "first", "some"]),
    discontinuities=st.frozensets(st.integers(1, 60), max_size=6),
    drops_leading=st.booleans(),
    key_every=st.sampled_from([0, 0, 1, 3, 10]),
    keyformats=st.integers(1, 3),
    has_iv=st.booleans(),
    has_map=st.booleans(),
    ranges=st.sampled_from(["", "", "explicit", "implicit"]),
    signs=st.sampled_from(["", "", "query", "path"]),
    defines=st.sampled_from(["", "", "value", "import", "query"]),
    kind=st.sampled_from([None, None, None, "EVENT"]),
    has_bitrate=st.booleans(),
    eol=st.sampled_from(["\n", "\n", "\r\n"]),
    seed=st.integers(0, 1000),
)
POLLS = st.lists(st.integers(0, 22), min_size=2, max_size=8)


def told(stream: Stream, polls: list[tuple[int, int]], cached_s: float = 0.0) -> list[str]:
    """What is remarked while segments arrive by so many (and parts of the next) between two polls."""
    reader = Reader()
    found: list[str] = []
    last, since = 2, None
    for step, part in polls:
        last = min(last + step, stream.length - 1)
        part = min(part, stream.shape.parts)
        now = stream.ends_at(last) + timedelta(seconds=0.5 + cached_s * (since is not None))
        taken = reader.take(stream.copy(last, part, since), URL, now, imported={"at": "cdn/live"})
        found += [f"{remark.code}: {remark.says}" for remark in taken.remarks]
        assert taken.facts is not None and taken.facts.newest_sequence == stream.shape.start + last
        since = last
        if not stream.shape.signs:
            continue
        again = reader.take(stream.copy(last, part), URL, now, imported={"at": "cdn/live"})
        found += [f"again {remark.code}: {remark.says}" for remark in again.remarks]
    return found


@settings(max_examples=60, deadline=None)
@given(SHAPES, POLLS, st.floats(-1.0, 1.0))
def test_a_healthy_stream_of_any_shape_is_never_accused(shape: Shape, steps: list[int], cached: float) -> None:
    assert told(Stream(shape), [(step, 0) for step in steps], cached * shape.target_s) == []


@settings(max_examples=60, deadline=None)
@given(
    SHAPES,
    st.integers(1, 6),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=2, max_size=12),
)
def test_a_healthy_low_latency_stream_is_never_accused(
    shape: Shape, parts: int, has_delta: bool, polls: list[tuple[int, int]]
) -> None:
    shape = replace(shape, parts=parts, has_delta=has_delta, window=shape.window + 8, kind=None, signs="", ranges="")
    ordered: list[tuple[int, int]] = []
    seen = 0
    for step, part in polls:  # within one segment, parts only grow
        seen = part if step else max(seen, part)
        ordered.append((step, seen))
    assert told(Stream(shape), ordered) == []


@settings(max_examples=40, deadline=None)
@given(SHAPES, POLLS)
def test_a_copy_read_on_top_of_the_one_before_is_the_copy_read_by_itself(shape: Shape, steps: list[int]) -> None:
    stream, before, last = Stream(shape), None, 2
    for step in steps:
        last = min(last + step % 5, stream.length - 1)
        body = stream.copy(last)
        alone, now = read(body, URL, {"at": "x"}), read(body, URL, {"at": "x"}, before)
        assert isinstance(alone, Media) and isinstance(now, Media)
        for name in ("facts", "sequence", "uris", "durations", "dates", "discontinuities", "gaps", "keys", "maps", "jumps", "control"):
            assert getattr(now, name) == getattr(alone, name), name
        assert dict(now.ranges) == alone.ranges
        before = now
