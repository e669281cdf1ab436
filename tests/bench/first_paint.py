"""CPU from the start of the process to the first frame: the console's command line on a site whose ports are closed,
beside a Textual app of one word.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figure import Figure, Goal, figure
from tests.bench.harness import cpu_until, interleaved

CLOSED = """\
[sites.closed.prometheus]
url = "http://127.0.0.1:1"
[[sites.closed.gauges]]
name = "egress"
used = "used"
total = "total"
[sites.closed.alertmanager]
urls = ["http://127.0.0.1:1"]
[sites.closed.elasticsearch]
url = "http://127.0.0.1:1"
index = "logs-*"
[sites.closed.kubernetes.one]
url = "http://127.0.0.1:1"
[[sites.closed.channels.inline]]
name = "one"
[[sites.closed.channels.inline.vantages]]
name = "origin"
layer = "origin"
url = "http://127.0.0.1:1/master.m3u8"
"""


def run(is_quick: bool) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "midwatch.toml"
        config.write_text(CLOSED)

        def ours() -> float:
            return cpu_until("Workloads", "console", "--config", config, "--log-file", "/dev/null") * 1000

        def bare() -> float:
            return cpu_until("bare", "tests.bench.bare") * 1000

        if not is_quick:  # once for the byte code
            ours(), bare()
        values, baselines = interleaved(ours, bare, 1 if is_quick else 9)
    yield figure("first_paint", "ms", values, baselines, goal=Goal(1.3, is_ratio=True))
