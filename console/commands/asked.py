"""What a client of `midwatch serve` asks for in words: the command line's own `snapshot`, less what reaches past the client.

A flag that names a file, another host, another configuration or a right is refused rather than passed over: whoever writes
`-o FILE` means a file on their own machine, and would look for it there.
"""

from __future__ import annotations

from collections.abc import Sequence

from console.app.app import theme_of
from console.commands.flags import UsageError
from console.commands.grammar import Parser, snapshot, without_global_flags
from console.serve.hall.driver import MOST
from console.serve.hall.moment import Asked, NotAsked

LONGEST_WAIT_S = 60.0
_ELSEWHERE = {
    "--config": "config",
    "--site": "site",
    "--write": "write",
    "--log-file": "log_file",
    "--link": "link",
    "-o": "output",
    "--from": "from_host",
    "--post": "post",
}


def asked(words: Sequence[str]) -> Asked:
    """`words` begin with the command. Raises NotAsked with what is wrong."""
    parser = Parser("snapshot", "one moment of a view")
    snapshot(parser)
    if {"-h", "--help"} & set(words):
        raise NotAsked(parser.format_help().strip())  # argparse would print it on the server's own terminal, and exit
    try:
        flags, rest = without_global_flags(list(words[1:]), {})
        options = parser.parsed(rest)
        for flag, name in _ELSEWHERE.items():
            if getattr(options, name, None) or getattr(flags, name, None):
                raise NotAsked(f"snapshot: {flag} is not for a server; redirect what it answers: ssh HOST snapshot VIEW > FILE")
        theme_of(flags.theme)
    except (UsageError, ValueError) as wrong:
        raise NotAsked(str(wrong)) from wrong
    return Asked(
        view=options.view,
        format=options.format,
        size=(min(options.size[0], MOST[0]), min(options.size[1], MOST[1])),
        wait_s=min(options.wait, LONGEST_WAIT_S),
        tells_health=options.exit_status,
        scope=flags.scope,
        theme=flags.theme,
        redacted=not options.as_seen,
    )
