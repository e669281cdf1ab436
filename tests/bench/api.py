"""The API server of the Kubernetes benches, running."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.harness import ROOT, BenchFailed, end


@contextmanager
def api(pods: int, changes: int) -> Iterator[str]:
    """Its URL, once it listens."""
    words = [sys.executable, "-m", "tests.bench.api_server", str(pods), str(changes)]
    child = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        port = child.stdout.readline().strip()
        if not port:
            raise BenchFailed(f"the API server did not start: exit {child.wait()}")
        yield f"http://127.0.0.1:{int(port)}"
    finally:
        end(child)
        child.stdout.close()
