"""The sockets, bound before anything else is opened: a port that is taken must be told before an engine runs."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress

_WHY = {
    errno.EADDRINUSE: "somebody listens there already; stop them, or name another port: --listen HOST:PORT",
    errno.EADDRNOTAVAIL: "this host has no such address; name one it has (ip -br address), or 0.0.0.0 for all",
    errno.EACCES: "ports below 1024 are root's; name another, or give the capability CAP_NET_BIND_SERVICE",
}


class CannotListen(Exception):
    """What was tried, what came back, and what to do."""


def bound(host: str, port: int) -> list[socket.socket]:
    """Sockets on every address the host has by that name; with port 0 the same free one on all. Raises CannotListen.

    `::` is every address of both kinds, on a socket each: on one, clients of IPv4 would come from addresses that no rule names.
    """
    try:
        hosts = ("::", "0.0.0.0") if host == "::" else (host,)
        asked = [socket.getaddrinfo(each, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE) for each in hosts]
        found = [each for answers in asked for each in answers]
    except (OSError, UnicodeError) as wrong:
        raise CannotListen(f"cannot listen on {host}:{port}: no address and no name that is known ({wrong})") from wrong
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            taken = sockets[0].getsockname()[1] if sockets and not port else address[1]
            each = socket.socket(family, kind, protocol)
            sockets.append(each)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.setblocking(False)
            each.bind((address[0], taken, *address[2:]))
            each.listen()
    except OSError as wrong:
        for each in sockets:
            with suppress(OSError):
                each.close()
        why = _WHY.get(wrong.errno or 0, wrong.strerror or str(wrong))
        raise CannotListen(f"cannot listen on {host}:{port}: {why}") from wrong
    return sockets
