"""One encoder, three packagings, one origin, two edges: ffmpeg and nginx as a platform runs them, on free ports of loopback.

ffmpeg encodes three renditions once and its `tee` muxer gives them to three packagers: HLS in MPEG-TS (sound in every variant),
HLS in fMP4 and DASH (sound apart, shared). nginx serves what they write, and a second nginx caches it twice, as two edges.

Faults are switched by files: what lies under `held/` at the origin, or under the name of an edge, is served instead of what is
live, and what is named under `gone/` is not there. No server is told anything, as none would be.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

from console.model.channel import Channel, Vantage
from console.model.severity import Layer

PROGRAMS = ("ffmpeg", "nginx", "setpriv")
SEGMENT_S = 2
FRAMES_S = 10
WINDOW = 12  # segments: after a stop ffmpeg hurries through what it missed, and that must still be listed
KEPT = 14  # segments on disk after they left the window: their own time and the playlist's (RFC 8216 6.2.2), and one more
LADDER = {"360p": (640, 360, 600), "240p": (426, 240, 350), "144p": (256, 144, 180)}  # width, height, kbit/s; best first
SHOWS = {"ts": "master.m3u8", "fmp4": "master.m3u8", "dash": "manifest.mpd"}  # what players are given of each
RECENT = 8  # segments that tell of a wait
_SEGMENT = re.compile(r"(.+?)[_-](\d+)[.](?:ts|m4s)")
EDGES = ("edge-a", "edge-b")
UP_WITHIN_S = 30.0
GONE_WITHIN_S = 5.0
_UNPROXIED = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def missing() -> list[str]:
    """The programs that this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


class Platform:
    """What runs in one folder; `platform(folder)` starts and ends it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]  # all at once: no two are the same
        self.ports = dict(zip(("origin", *EDGES), (each.getsockname()[1] for each in held), strict=True))
        for each in held:
            each.close()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("live", "held", "gone", *EDGES):
            for show in SHOWS:
                (folder / name / show).mkdir(parents=True)

    def channels(self) -> tuple[Channel, ...]:
        """One for each packaging, watched at the origin and at both edges."""
        return tuple(
            Channel(
                name=show,
                vantages=tuple(
                    Vantage(
                        name,
                        Layer.ORIGIN if name == "origin" else Layer.EDGE,
                        f"http://127.0.0.1:{port}/{show}/{document}",
                        pop=None if name == "origin" else name.removeprefix("edge-"),
                    )
                    for name, port in self.ports.items()
                ),
            )
            for show, document in SHOWS.items()
        )

    def live(self, show: str, name: str) -> Path:
        """A file as the packager writes it."""
        return self.folder / "live" / show / name

    def longest_wait_s(self, show: str) -> float:
        """Between two of the newest segments of a rendition, or since the newest: by the times of the files, the packager's own
        word. ffmpeg names them with their numbers; what a playlist does not list is being written. DASH writes under another name.
        """
        listed = "".join(file.read_text() for file in self.live(show, "").glob("*.m3u8"))
        found: dict[str, list[tuple[int, float]]] = {}
        for file in self.live(show, "").iterdir():
            match = _SEGMENT.fullmatch(file.name)
            with suppress(FileNotFoundError):  # it is old, and was just removed
                if match is not None and (show == "dash" or file.name in listed):
                    found.setdefault(match[1], []).append((int(match[2]), file.stat().st_mtime))
        waits = [0.0]
        for numbered in found.values():
            times = [at for _, at in sorted(numbered)]
            waits += [later - earlier for earlier, later in pairwise(times)][-RECENT:]
            waits.append(time.time() - times[-1])
        return max(waits)

    def put(self, place: str, show: str, name: str, body: bytes) -> None:
        """From now on this is served at a place (`held`: the origin, or an edge), not half of it."""
        file = self.folder / place / show / name
        new = file.with_name(f".{name}.new")
        new.write_bytes(body)
        new.rename(file)

    def heal(self) -> None:
        """Every switch back: what is live is served everywhere."""
        for place in ("held", "gone", *EDGES):
            for show in SHOWS:
                for file in (self.folder / place / show).iterdir():
                    file.unlink()

    @contextmanager
    def encoder_held(self) -> Iterator[None]:
        """The encoder stands still inside."""
        self.processes["ffmpeg"].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.processes["ffmpeg"].send_signal(signal.SIGCONT)

    def cpu_s(self) -> Mapping[str, float]:
        """CPU time of each program so far, its children's included as far as they run."""
        tick = os.sysconf("SC_CLK_TCK")
        spent = {}
        for name, process in self.processes.items():
            pids = [process.pid, *_children(process.pid)]
            spent[name] = sum(_ticks(pid) for pid in pids) / tick
        return spent

    def start(self) -> None:
        """All of it; returns when each show is served at each place with three segments of every rendition."""
        for name, text in (("origin", origin_conf(self)), ("edges", edges_conf(self))):
            (self.folder / f"{name}.conf").write_text(text)
            self._run(name, "nginx", "-e", str(self.folder / f"{name}.log"), "-c", str(self.folder / f"{name}.conf"))
        self._run("ffmpeg", *encoder(self.ports["origin"]))
        end = time.monotonic() + UP_WITHIN_S
        while not self._is_on_air():
            for name, process in self.processes.items():
                assert process.poll() is None, f"{name} has ended: {self.words(name)}"
            assert time.monotonic() < end, f"not on air within {UP_WITHIN_S:g} s: {self.words('ffmpeg')}"
            time.sleep(0.1)

    def stop(self) -> None:
        """By its own pid each; who writes before who serves."""
        for name in ("ffmpeg", "edges", "origin"):
            process = self.processes.pop(name, None)
            if process is None:
                continue
            process.terminate()
            process.send_signal(signal.SIGCONT)
            try:
                process.wait(GONE_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def words(self, name: str) -> str:
        """The end of what a program had to say."""
        log = self.folder / f"{name}.log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else "nothing"

    def _run(self, name: str, *words: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            # a test that is killed leaves nothing behind: TERM, by which nginx ends its workers; ffmpeg may be held, and hears KILL
            last = ["setpriv", "--pdeathsig", "KILL" if name == "ffmpeg" else "TERM"]
            self.processes[name] = subprocess.Popen(
                [*last, *words], cwd=self.folder / "live", stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _is_on_air(self) -> bool:
        for show, document in SHOWS.items():
            if show != "dash" and not all(_listed(self.live(show, f"{name}.m3u8")) >= 3 for name in LADDER):
                return False
            try:
                for port in self.ports.values():
                    with _UNPROXIED.open(f"http://127.0.0.1:{port}/{show}/{document}", timeout=2):
                        pass
            except (urllib.error.URLError, OSError):
                return False
        return True


@contextmanager
def platform(folder: Path) -> Iterator[Platform]:
    """On air inside; nothing of it runs afterwards."""
    made = Platform(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def _listed(playlist: Path) -> int:
    return playlist.read_text().count("#EXTINF") if playlist.exists() else 0


def _ticks(pid: int) -> int:
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    fields = told.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _children(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(one) for one in told.read_text().split()] if told.exists() else []


def encoder(utc_port: int) -> list[str]:
    """ffmpeg's words: one encode, three packagers.

    A keyframe at the head of every segment and nowhere else, in closed GOPs: or the three would not cut alike. VBV of a second
    keeps every segment within what BANDWIDTH will say. Sound is encoded three times because the HLS muxer takes a stream into
    one variant only.
    """
    frames = str(SEGMENT_S * FRAMES_S)
    width, height, _ = LADDER["360p"]
    others = [f"[v{n}]scale={w}:{h}[o{n}]" for n, (w, h, _) in enumerate(LADDER.values()) if n]
    splits = "".join(f"[v{n}]" for n in range(len(LADDER)))
    words = ["ffmpeg", "-hide_banner", "-loglevel", "warning", "-nostdin"]
    words += ["-re", "-f", "lavfi", "-i", f"testsrc2=size={width}x{height}:rate={FRAMES_S}"]
    words += ["-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:beep_factor=4"]
    words += ["-filter_complex", ";".join([f"[0:v]split={len(LADDER)}{splits}", "[v0]null[o0]", *others])]
    for n in range(len(LADDER)):
        words += ["-map", f"[o{n}]"]
    words += ["-map", "1:a"] * len(LADDER)
    words += ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-threads", "1"]
    words += ["-g", frames, "-keyint_min", frames, "-sc_threshold", "0", "-flags", "+cgop+global_header"]
    words += ["-force_key_frames", f"expr:gte(t,n_forced*{SEGMENT_S})"]
    for n, (_, _, kbit) in enumerate(LADDER.values()):
        words += [f"-b:v:{n}", f"{kbit}k", f"-maxrate:v:{n}", f"{kbit}k", f"-bufsize:v:{n}", f"{kbit}k"]
    words += ["-c:a", "aac", "-b:a", "48k", "-ac", "1", "-f", "tee"]
    apart = "v:0,v:1,v:2,a:0"
    with_sound = " ".join(f"v:{n},a:{n},name:{name}" for n, name in enumerate(LADDER))
    shared = " ".join(f"v:{n},agroup:sound,name:{name}" for n, name in enumerate(LADDER))
    return [
        *words,
        "|".join(
            (
                _slave("ts/%v.m3u8", **_hls("ts", "ts"), var_stream_map=with_sound),
                _slave(
                    "fmp4/%v.m3u8",
                    select=apart,
                    **_hls("fmp4", "m4s"),
                    hls_segment_type="fmp4",
                    hls_fmp4_init_filename="init_%v.mp4",
                    var_stream_map=f"a:0,agroup:sound,name:sound,default:yes {shared}",
                ),
                _slave(
                    "dash/manifest.mpd",
                    select=apart,
                    f="dash",
                    seg_duration=SEGMENT_S,
                    window_size=WINDOW,
                    extra_window_size=KEPT,
                    use_template=1,
                    use_timeline=1,
                    streaming=0,
                    ldash=0,
                    adaptation_sets="id=0,streams=v id=1,streams=a",
                    utc_timing_url=f"http://127.0.0.1:{utc_port}/now",
                ),
            )
        ),
    ]


def _hls(show: str, suffix: str) -> dict[str, object]:
    return {
        "f": "hls",
        "hls_time": SEGMENT_S,
        "hls_list_size": WINDOW,
        "hls_delete_threshold": KEPT,
        "hls_flags": "independent_segments+delete_segments+program_date_time",
        "master_pl_name": "master.m3u8",
        "hls_segment_filename": f"{show}/%v_%d.{suffix}",
    }


def _slave(to: str, **options: object) -> str:
    """One of tee's packagers. Two readers take a level of quoting each: the one that parts options, after the one that parts
    packagers.
    """
    told = ":".join(f"{name}={_quoted(str(value), ':]')}" for name, value in options.items())
    return _quoted(f"[{told}]{to}", "|")


def _quoted(text: str, special: str) -> str:
    return "".join(f"\\{c}" if c in f"\\' {special}" else c for c in text)


def origin_conf(of: Platform) -> str:
    """X-Accel-Expires with @ is the very second in which a playlist is told: nginx counts the validity of a copy in whole
    seconds, so one of `1s` would live for up to two, which is T, and a cache may hold a live playlist for T/2.

    A playlist has no ETag and no Last-Modified: nginx makes both of whole seconds and the length, and a packager that catches up
    writes two playlists of one length within a second.
    """
    return f"""{_common(of, "origin")}
http {{
{_http(of, "origin")}
  map $msec $now_s {{ "~^(?<whole_s>[0-9]+)" $whole_s; }}
  map $msec $now_ms {{ "~[.](?<part_ms>[0-9]+)$" $part_ms; }}
  map $time_iso8601 $now_head {{ "~^(?<head>[^+]+)[+]" $head; }}
  map $time_iso8601 $now_zone {{ "~(?<zone>[+].*)$" $zone; }}
  server {{
    listen 127.0.0.1:{of.ports["origin"]};
    root "{of.folder}";
    add_header Access-Control-Allow-Origin "*";
    location = /now {{
      default_type text/plain;
      return 200 $now_head.$now_ms$now_zone;
    }}
    location ~ [.](m3u8|mpd)$ {{
      if (-f "{of.folder}/gone$uri") {{ return 404; }}
      etag off;
      if_modified_since off;
      add_header Last-Modified "";
      add_header Cache-Control "max-age=1";
      add_header Access-Control-Allow-Origin "*";
      add_header X-Accel-Expires "@$now_s";
      try_files /held$uri /live$uri =404;
    }}
    location / {{
      add_header Cache-Control "max-age=3600";
      add_header Access-Control-Allow-Origin "*";
      try_files /held$uri /live$uri =404;
    }}
  }}
}}
"""


def edges_conf(of: Platform) -> str:
    """Two edges in one nginx, each with a cache of its own; a 404 is not kept, or one segment asked for too early would be
    missing for everybody after.
    """
    servers = "\n".join(
        f"""  proxy_cache_path "{of.folder}/cache-{name}" keys_zone={name}:1m max_size=64m inactive=2m use_temp_path=off;
  server {{
    listen 127.0.0.1:{of.ports[name]};
    root "{of.folder}/{name}";
    location / {{
      add_header Access-Control-Allow-Origin "*";
      add_header Cache-Control "max-age=1";
      try_files $uri @origin;
    }}
    location @origin {{
      proxy_pass http://127.0.0.1:{of.ports["origin"]};
      proxy_cache {name};
      proxy_cache_key $uri;
      proxy_cache_valid 200 1m;
      proxy_cache_lock on;
      add_header X-Cache $upstream_cache_status;
    }}
  }}"""
        for name in EDGES
    )
    return f"{_common(of, 'edges')}\nhttp {{\n{_http(of, 'edges')}\n{servers}\n}}\n"


def _common(of: Platform, name: str) -> str:
    """What both servers need so as to run as whoever called, and to write nowhere but in their folder."""
    user = "user root;" if os.geteuid() == 0 else ""
    return f"""daemon off;
worker_processes 1;
pid "{of.folder}/{name}.pid";
error_log "{of.folder}/{name}.log" warn;
{user}
events {{ worker_connections 256; }}"""


def _http(of: Platform, name: str) -> str:
    folders = " ".join(f'{kind}_temp_path "{of.folder}/{name}-{kind}";' for kind in _TEMPORARY)
    return f"""  types {{
    application/vnd.apple.mpegurl m3u8; application/dash+xml mpd; video/mp2t ts; video/mp4 mp4 m4s; video/iso.segment cmfv;
  }}
  access_log off;
  gzip on; gzip_proxied any; gzip_min_length 500; gzip_types application/vnd.apple.mpegurl application/dash+xml;
  {folders}"""


_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
