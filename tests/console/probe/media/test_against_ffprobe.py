"""What is read of segments that ffmpeg made, against what ffprobe reads of them; and the generated ones, through a decoder.

Belongs to the lab: it needs ffmpeg and ffprobe with libx264 and libx265, and some seconds of encoding.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from console.probe.media.look import HEAD_WANTED, TAIL_WANTED, Look, look
from tests.streams.media import adts_segment, codec_of, fmp4_init, fmp4_segment, ts_segment

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(not (shutil.which("ffmpeg") and shutil.which("ffprobe")), reason="ffmpeg and ffprobe are not installed"),
]
SOURCE = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", "8"]
KEYS = ["-force_key_frames", "expr:gte(t,n_forced*2)", "-preset", "ultrafast"]
FORMS = {
    "ts-avc-bframes": ["-c:v", "libx264", "-bf", "3", "-profile:v", "main", "-c:a", "aac"],
    "ts-avc-bulky": ["-c:v", "libx264", "-b:v", "6M", "-minrate", "6M", "-maxrate", "6M", "-bufsize", "6M", "-x264-params", "nal-hrd=cbr", "-c:a", "aac"],
    "ts-avc-open-gop": ["-c:v", "libx264", "-bf", "2", "-x264-params", "open-gop=1:repeat-headers=1:keyint=50:scenecut=0", "-c:a", "mp3"],
    "ts-avc-headless": ["-c:v", "libx264", "-bf", "2", "-x264-params", "open-gop=1:keyint=50:scenecut=0", "-an"],
    "ts-avc-interlaced": ["-c:v", "libx264", "-flags", "+ilme+ildct", "-c:a", "ac3"],
    "ts-hevc": ["-c:v", "libx265", "-x265-params", "log-level=error", "-c:a", "aac"],
    "ts-sound": ["-vn", "-c:a", "aac"],
    "fmp4-avc-bframes": ["-c:v", "libx264", "-bf", "3", "-c:a", "aac", "-hls_segment_type", "fmp4"],
    "fmp4-hevc": ["-c:v", "libx265", "-x265-params", "log-level=error", "-tag:v", "hvc1", "-an", "-hls_segment_type", "fmp4"],
    "fmp4-sound": ["-vn", "-c:a", "aac", "-hls_segment_type", "fmp4"],
    "fmp4-dolby": ["-c:v", "libx264", "-c:a", "eac3", "-hls_segment_type", "fmp4"],
}  # fmt: skip


def ffprobe(path: Path) -> dict[str, dict]:
    """Of each kind of stream: its ffprobe entry, with its packets."""
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-show_streams", "-show_packets", "-of", "json", str(path)],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    read = json.loads(told.stdout)
    for stream in read["streams"]:
        stream["packets"] = [one for one in read["packets"] if one["stream_index"] == stream["index"]]
    return {stream["codec_type"]: stream for stream in read["streams"]}


def covered(stream: dict) -> tuple[float, float]:
    """First presentation time, and seconds to the end of the last picture or frame."""
    times = sorted(float(one["pts_time"]) for one in stream["packets"])
    step = min((after - before for before, after in pairwise(times)), default=1024 / 48_000)  # one frame of AAC
    return times[0], times[-1] - times[0] + step


def made(folder: Path, form: str) -> tuple[bytes | None, list[tuple[Path, float]]]:
    """The init segment and the segments of one form, with the EXTINF of each."""
    suffix = "m4s" if form.startswith("fmp4") else "ts"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-threads", "1", *SOURCE, *([] if "sound" in form else [*KEYS, "-pix_fmt", "yuv420p"]), *FORMS[form], "-f", "hls",
         "-hls_time", "2", "-hls_list_size", "0", "-hls_playlist_type", "vod", "-hls_flags", "independent_segments",
         "-hls_segment_filename", str(folder / f"%d.{suffix}"), str(folder / "media.m3u8")],
        check=True, timeout=120,
    )  # fmt: skip
    lines = (folder / "media.m3u8").read_text().splitlines()
    listed = [
        (folder / lines[index + 1], float(line.removeprefix("#EXTINF:").partition(",")[0]))
        for index, line in enumerate(lines) if line.startswith("#EXTINF:")
    ]  # fmt: skip
    init = folder / "init.mp4"
    return init.read_bytes() if init.exists() else None, listed


@pytest.mark.parametrize("form", [form for form in FORMS if form != "ts-avc-headless"])
def test_segments_of_a_real_encoder_are_read_as_ffprobe_reads_them(form: str, tmp_path: Path) -> None:
    init, listed = made(tmp_path, form)
    assert len(listed) >= 4
    for path, extinf_s in listed:
        body = path.read_bytes()
        whole = tmp_path / "whole"
        whole.write_bytes((init or b"") + body)
        truth = ffprobe(whole)
        main = truth.get("video") or truth["audio"]
        first_s, lasts_s = covered(main)
        seen = look(body, init=init, extinf_s=extinf_s, is_independent=True)
        assert seen.remarks == ()
        assert seen.continuity_errors == 0
        assert seen.duration_s == pytest.approx(lasts_s, abs=0.05), (path, extinf_s)
        if form.startswith("ts"):
            assert seen.first_time_s == pytest.approx(first_s, abs=0.001)
        else:
            assert seen.first_time_s == pytest.approx(float(main["packets"][0]["dts_time"]), abs=0.1)  # ffprobe applies the edit list
        if "video" in truth:
            assert seen.height == truth["video"]["height"] == 360
            decoded = min(truth["video"]["packets"], key=lambda one: float(one["dts_time"]))
            assert seen.starts_with_key is ("K" in decoded["flags"])
            assert seen.codecs.startswith({"h264": "avc1.", "hevc": "hvc1.1.6.L"}[truth["video"]["codec_name"]])
        if "audio" in truth:
            codec = {"aac": "mp4a.40.2", "mp3": "mp4a.40.34", "ac3": "ac-3", "eac3": "ec-3"}[truth["audio"]["codec_name"]]
            assert seen.codecs.split(",")[-1] == codec
        parts = look(body[:HEAD_WANTED], tail=body[-TAIL_WANTED:], size=len(body), init=init, extinf_s=extinf_s)
        assert parts.remarks == ()
        assert parts.duration_s == pytest.approx(lasts_s, abs=0.09)  # a picture of B order may lie outside the tail


@pytest.mark.parametrize("form", ["ts-avc-bframes", "fmp4-avc-bframes"])
def test_a_real_segment_that_is_cut_or_begins_late_is_bad(form: str, tmp_path: Path) -> None:
    init, listed = made(tmp_path, form)
    path, extinf_s = listed[1]
    body = path.read_bytes()

    def told(cut: bytes) -> Look:
        return look(cut, init=init, extinf_s=extinf_s, is_independent=True)

    assert told(body[: len(body) // 3]).remarks
    assert told(body[: len(body) // 3 // 188 * 188]).remarks
    assert told(body[:-1]).remarks
    if form.startswith("ts"):
        late = body[: 2 * 188] + body[len(body) // 2 // 188 * 188 :]
        assert told(late).starts_with_key is False
        assert told(late).remarks


def test_an_open_group_of_pictures_without_its_parameter_sets_is_no_begin(tmp_path: Path) -> None:
    _, listed = made(tmp_path, "ts-avc-headless")
    seen = [look(path.read_bytes(), extinf_s=extinf_s, is_independent=True) for path, extinf_s in listed]
    assert [one.starts_with_key for one in seen] == [True, False, False, False]
    assert "does not begin with a keyframe" in seen[1].remarks[0].says


@pytest.mark.parametrize("form", ["ts", "fmp4", "chunks", "aac"])
def test_generated_segments_decode_without_a_word_of_complaint(form: str, tmp_path: Path) -> None:
    body = {
        "ts": lambda: ts_segment(100.0, 4.0, height=540, size=500_000, has_audio=True),
        "fmp4": lambda: fmp4_init(540) + fmp4_segment(100.0, 4.0, height=540, size=500_000),
        "chunks": lambda: fmp4_init(540) + fmp4_segment(100.0, 4.0, height=540, chunks=8),
        "aac": lambda: adts_segment(100.0, 4.0),
    }[form]()
    path = tmp_path / "segment"
    path.write_bytes(body)
    ended = subprocess.run(["ffmpeg", "-v", "warning", "-i", str(path), "-f", "null", "-"], capture_output=True, timeout=60, check=False)
    # ADTS has no length of its own, and ffmpeg says that it guesses one.
    complaints = [line for line in ended.stderr.decode().splitlines() if "Estimating duration" not in line]
    assert (ended.returncode, complaints) == (0, [])
    seen, truth = look(body), ffprobe(path)
    stream = truth.get("video") or truth["audio"]
    assert seen.duration_s == pytest.approx(covered(stream)[1], abs=0.05)
    if "video" in truth:
        assert (seen.height, seen.codecs.split(",")[0]) == (truth["video"]["height"], codec_of(540))
        assert "K" in stream["packets"][0]["flags"]
        assert len(stream["packets"]) == 100
