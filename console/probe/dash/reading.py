"""An MPD's bytes to a `Manifest`: defaults, inheritance (Period, AdaptationSet, Representation) and names.

Live and static profiles. What is not followed: xlink (a remote Period is passed over), SegmentBase's index, Subsets. Unknown
elements and properties, EssentialProperty among them, are passed over: what cannot be played may still be judged.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from console.probe.dash import document, timeline
from console.probe.dash.addresses import resolved
from console.probe.dash.document import Element
from console.probe.dash.errors import MpdError
from console.probe.dash.manifest import Addressing, Manifest, Period, Timing, Track
from console.probe.dash.naming import kind_of
from console.probe.dash.numbers import LARGEST_TIMESCALE, duration_s, moment, offset_s, whole
from console.probe.dash.timeline import Run
from console.probe.naming import named_apart, plain

PERIOD_LIMIT = 2_000  # a day of ad breaks
TRACK_LIMIT = 64  # Representations of one Period
TIMING_LIMIT = 8
_UTC = "urn:mpeg:dash:utc:"
_CONTINUITY = "urn:mpeg:dash:period-continuity:2015"  # period-connectivity promises no continuous times
_LISTS = ("SegmentTemplate", "SegmentList", "SegmentBase")


class _Base(NamedTuple):
    """A BaseURL chain so far."""

    url: str
    early_s: float


def read(body: bytes, base_url: str) -> Manifest:
    """What the MPD says. Raises MpdError, and nothing else, for whatever is none."""
    root = document.parse(body)
    try:
        return _manifest(root, base_url)
    except (ValueError, OverflowError, RecursionError) as error:
        raise MpdError(str(error) or type(error).__name__) from error


def _manifest(root: Element, base_url: str) -> Manifest:
    attributes = root.attributes
    kind = attributes.get("type", "static")
    if kind not in ("static", "dynamic"):
        raise MpdError(f"MPD@type is {kind[:40]!r}")
    is_dynamic = kind == "dynamic"
    starts_at = moment("MPD@availabilityStartTime", attributes.get("availabilityStartTime"))
    if is_dynamic and starts_at is None:
        raise MpdError("a dynamic MPD without availabilityStartTime")
    total_s = duration_s("MPD@mediaPresentationDuration", attributes.get("mediaPresentationDuration"))
    base = _deeper(_Base(base_url, 0.0), root)
    periods = _periods(root, base, total_s)
    if not periods:
        raise MpdError("an MPD without a Period that can be read")
    return Manifest(
        is_dynamic=is_dynamic,
        starts_at=starts_at,
        published_at=moment("MPD@publishTime", attributes.get("publishTime")),
        update_period_s=duration_s("MPD@minimumUpdatePeriod", attributes.get("minimumUpdatePeriod")) if is_dynamic else None,
        depth_s=duration_s("MPD@timeShiftBufferDepth", attributes.get("timeShiftBufferDepth")),
        delay_s=duration_s("MPD@suggestedPresentationDelay", attributes.get("suggestedPresentationDelay")),
        latency_s=_latency_s(root),
        duration_s=total_s,
        timings=_timings(root, base_url),
        periods=periods,
    )


def _latency_s(root: Element) -> float | None:
    description = root.first("ServiceDescription")
    latency = description.first("Latency") if description is not None else None
    if latency is None or latency.attributes.get("target") is None:
        return None
    return whole("Latency@target", latency.attributes["target"], 0) / 1000


def _timings(root: Element, base_url: str) -> tuple[Timing, ...]:
    timings: list[Timing] = []
    for one in root.all("UTCTiming"):
        scheme, value = one.attributes.get("schemeIdUri", ""), one.attributes.get("value", "")
        if not scheme.startswith(_UTC) or len(timings) >= TIMING_LIMIT:
            continue
        word = plain(scheme.removeprefix(_UTC).partition(":")[0])[:24]
        if word.startswith("http-"):
            value = resolved(base_url, value.split()[0]) if value.split() else ""
        timings.append(Timing(word, value[:256] if not word.startswith("http-") else value))
    return tuple(timings)


def _deeper(base: _Base, element: Element) -> _Base:
    """The base with the element's first BaseURL: the others are copies of the same media at other places."""
    one = element.first("BaseURL")
    if one is None:
        return base
    early = offset_s("BaseURL@availabilityTimeOffset", one.attributes.get("availabilityTimeOffset"))
    return _Base(resolved(base.url, one.text), base.early_s if early is None else early)


def _periods(root: Element, base: _Base, total_s: float | None) -> tuple[Period, ...]:
    elements = [one for one in root.all("Period") if "href" not in one.attributes]
    if len(elements) > PERIOD_LIMIT:
        raise MpdError(f"{len(elements)} Periods, the limit is {PERIOD_LIMIT}")
    starts: list[float] = []
    durations: list[float | None] = []
    for i, one in enumerate(elements):
        start = duration_s("Period@start", one.attributes.get("start"))
        if start is None:  # an early available Period has neither start nor a predecessor that ends: it is not on air
            before = durations[-1] if durations else None
            if i and before is None:
                break
            start = starts[-1] + before if starts and before is not None else 0.0
        if starts and start < starts[-1]:
            raise MpdError(f"Period {i + 1} begins before the one before it")
        starts.append(start)
        durations.append(duration_s("Period@duration", one.attributes.get("duration")))
    periods: list[Period] = []
    for i, start in enumerate(starts):
        written = durations[i]
        following = starts[i + 1] if i + 1 < len(starts) else total_s
        ends = [end for end in (start + written if written is not None else None, following) if end is not None]
        end = min(ends, default=None)
        element = elements[i]
        periods.append(
            Period(
                id=plain(element.attributes.get("id", ""))[:64],
                start_s=start,
                end_s=end,
                duration_s=written,
                tracks=_tracks(element, _deeper(base, element), None if end is None else end - start),
            )
        )
    return tuple(periods)


def _tracks(period: Element, base: _Base, length_s: float | None) -> tuple[Track, ...]:
    tracks: list[Track] = []
    timelines: dict[int, tuple[Run, ...]] = {}  # one that several Representations inherit is read once
    for group in period.all("AdaptationSet"):
        if "href" in group.attributes:
            continue
        group_base = _deeper(base, group)
        for element in group.all("Representation"):
            if len(tracks) >= TRACK_LIMIT:
                raise MpdError(f"more than {TRACK_LIMIT} Representations in a Period")
            tracks.append(_track(period, group, element, _deeper(group_base, element), length_s, timelines))
    names = named_apart([(track.rendition, track.bandwidth_bps) for track in tracks])
    return tuple(
        track if name == track.rendition else msgspec.structs.replace(track, rendition=name)
        for name, track in zip(names, tracks, strict=True)
    )


def _track(
    period: Element,
    group: Element,
    element: Element,
    base: _Base,
    length_s: float | None,
    timelines: dict[int, tuple[Run, ...]],
) -> Track:
    inherited = {**group.attributes, **element.attributes}
    height = whole("Representation@height", inherited.get("height"), 0, most=2**16) or None
    kind = kind_of(group, inherited)
    name = plain(element.attributes.get("id", "") or inherited.get("mimeType", ""))[:40] or "media"
    track = Track(
        rendition=f"{height}p" if height and kind == "video" else f"audio-{name}" if kind == "audio" else name,
        kind=kind,
        id=element.attributes.get("id", "")[:256],
        bandwidth_bps=whole("Representation@bandwidth", inherited.get("bandwidth"), 0, most=10**15),
        height=height if kind == "video" else None,
        codecs=_printable(inherited.get("codecs", ""))[:120],
        addressing=Addressing.SINGLE,
        base_url=base.url,
        available_early_s=base.early_s,
        continues=_continues(group),
    )
    for name in _LISTS:
        levels = [one for one in (level.first(name) for level in (period, group, element)) if one is not None]
        if levels:
            return _addressed(track, name, levels, base, length_s, timelines)
    return track


def _addressed(
    track: Track,
    name: str,
    levels: list[Element],
    base: _Base,
    length_s: float | None,
    timelines: dict[int, tuple[Run, ...]],
) -> Track:
    """The track with what SegmentTemplate, SegmentList or SegmentBase say; a lower level's word goes before a higher one's."""
    attributes: dict[str, str] = {}
    for level in levels:
        attributes.update(level.attributes)
    timescale = whole(f"{name}@timescale", attributes.get("timescale"), 1, least=1, most=LARGEST_TIMESCALE)
    duration = whole(f"{name}@duration", attributes.get("duration"), 0)
    early = offset_s(f"{name}@availabilityTimeOffset", attributes.get("availabilityTimeOffset"))
    offset = whole(f"{name}@presentationTimeOffset", attributes.get("presentationTimeOffset"), 0)
    end_number = attributes.get("endNumber")
    track = msgspec.structs.replace(
        track,
        timescale=timescale,
        presentation_offset=offset,
        start_number=whole(f"{name}@startNumber", attributes.get("startNumber"), 1),
        end_number=None if end_number is None else whole(f"{name}@endNumber", end_number, 0),
        available_early_s=base.early_s + (early or 0.0),
    )
    if name == "SegmentBase":
        return track
    listed = next((one for level in reversed(levels) if (one := level.first("SegmentTimeline")) is not None), None)
    runs: tuple[Run, ...] = ()
    if listed is not None:
        found = timelines.get(id(listed))
        runs = timelines[id(listed)] = timeline.read(listed) if found is None else found
        if length_s is not None:
            runs = timeline.closed(runs, offset + round(length_s * timescale))
    if name == "SegmentList":
        return _of_list(track, levels, runs, duration)
    media, initialization = attributes.get("media", ""), attributes.get("initialization", "")
    if listed is None and not duration:
        if "$Number" in media or "$Time" in media:
            raise MpdError("a SegmentTemplate with neither a SegmentTimeline nor a duration")
        return msgspec.structs.replace(track, base_url=resolved(base.url, media) if media else base.url)
    return msgspec.structs.replace(
        track,
        addressing=Addressing.TIMELINE if listed is not None else Addressing.CLOCK,
        media=media,
        initialization=initialization,
        duration=0 if listed is not None else duration,
        runs=runs,
    )


def _of_list(track: Track, levels: list[Element], runs: tuple[Run, ...], duration: int) -> Track:
    urls = next((found for level in reversed(levels) if (found := list(level.all("SegmentURL")))), [])
    if not runs and urls:
        if not duration:
            raise MpdError("a SegmentList with neither a SegmentTimeline nor a duration")
        begin = track.presentation_offset + (track.start_number - 1) * duration  # number 1 begins with its Period
        runs = (Run(max(0, begin), duration, len(urls)),)
    init = next((one for level in reversed(levels) if (one := level.first("Initialization")) is not None), None)
    return msgspec.structs.replace(
        track,
        addressing=Addressing.LIST,
        initialization=init.attributes.get("sourceURL", "") if init is not None else "",
        runs=runs,
        urls=tuple(one.attributes.get("media", "") for one in urls),
    )


def _continues(group: Element) -> str | None:
    for one in group.children:
        if one.name in ("SupplementalProperty", "EssentialProperty") and one.attributes.get("schemeIdUri") == _CONTINUITY:
            return plain(one.attributes.get("value", ""))[:64]
    return None


def _printable(text: str) -> str:
    return "".join(c for c in text if " " <= c <= "~")
