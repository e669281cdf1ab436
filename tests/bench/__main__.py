"""`python -m tests.bench NAME [--json]`: runs benches and prints their figures."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from importlib import import_module

import msgspec

from tests.bench.figure import Figure
from tests.bench.harness import BenchFailed

BENCHES = ("first_paint", "all_live", "table", "log", "board", "key_latency", "k8s_list", "k8s_watch", "parser", "audit", "idle", "bytes_per_update", "probe_fleet", "sessions", "snapshot")


def main(argv: list[str] | None = None) -> int:
    """0 when every goal is met, 1 when one is missed, 2 when something could not be measured at all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", allow_abbrev=False)
    parser.add_argument("name", choices=(*BENCHES, "all"))
    parser.add_argument("--json", action="store_true", help="only the JSON lines, no words on stderr")
    parser.add_argument("--quick", action="store_true", help="tiny loads: shows that a bench runs, measures nothing")
    options = parser.parse_args(argv)
    if options.quick:
        os.environ["BENCH_WARM_S"] = "0.1"
    missed: list[str] = []
    failed = False
    for name in BENCHES if options.name == "all" else (options.name,):
        run: Callable[[bool], Iterable[Figure]] = import_module(f"tests.bench.{name}").run
        try:
            for figure in run(options.quick):
                print(msgspec.json.encode(figure).decode(), flush=True)
                if not figure.ok:
                    missed.append(f"{figure.name}: {figure.goal}")
        except BenchFailed as error:
            failed = True
            print(f"bench {name}: {error}", file=sys.stderr)
    if missed and not options.json:
        print(f"{len(missed)} missed: {'; '.join(missed)}", file=sys.stderr)
    return 2 if failed else 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
