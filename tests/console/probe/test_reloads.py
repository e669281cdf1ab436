"""What following low-latency playlists costs those who have none: nothing, not even the reading of its code."""

from __future__ import annotations

import subprocess
import sys

from console.model.observation import Asked
from tests.console.probe.probing import probing
from tests.console.sources.hls.station import Station

LOWLATENCY = ("console.probe.lowlatency", "console.probe.rehearsals", "console.probe.hls.reload")


def test_the_prober_does_not_load_what_only_low_latency_needs():
    code = f"import sys, console.probe.__main__; print([name for name in {LOWLATENCY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


async def test_a_playlist_without_blocking_reloads_is_never_asked_with_directives():
    async with Station() as station, probing(station.channel(edges=()), period_s=0.2, segments=False) as watch:
        await watch.until(lambda: len(watch.of(Asked.MEDIA, "720p")) >= 4, "four polls")
        assert not watch.of(Asked.BLOCKED, "720p")
