"""A child that stops at its first painted frame and tells the CPU since the process began.

Both kinds are told by the same sign: a word of their own reaches the driver. Nothing is imported here that the two do
not need, because imports are what is measured. The console is started by its own command line.
"""

import os
import sys
import time


def main() -> None:
    kind, word = sys.argv[1], sys.argv[2]
    from textual.drivers.linux_driver import LinuxDriver

    write = LinuxDriver.write

    def watched(self: LinuxDriver, data: str) -> None:
        write(self, data)
        if word in data:
            spent = time.process_time()
            with open(os.environ["BENCH_RESULT"], "w") as file:
                file.write(f'{{"cpu_s": {spent!r}}}')
            os._exit(0)  # the frame is out; ending is not measured

    LinuxDriver.write = watched  # type: ignore[method-assign]
    if kind == "console":
        from console.cli import main as console

        sys.exit(console(["--config", sys.argv[3], "--log-file", os.devnull]))
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Bare(App[None]):
        def compose(self) -> ComposeResult:
            yield Static(word)

    Bare().run()


main()
