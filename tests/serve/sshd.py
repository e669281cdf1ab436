"""A plain sshd of our own: its configuration, host key and authorized_keys in a folder of the test's, on a free loopback port."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.waiting import until
from tests.serve.client import Client
from tests.serve.keys import Keys
from tests.serve.need import found, need, need_root
from tests.serve.ports import answers, free_port


@contextmanager
def sshd(place: Path, keys: Keys) -> Iterator[Client]:
    """Running; what is given logs in as whoever runs the test."""
    need("sshd", "ssh")
    need_root()  # as anybody else it could not open a session's terminal for its user
    place.mkdir(parents=True, exist_ok=True)
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # privilege separation; sshd does not start without
    port = free_port()
    (place / "authorized_keys").write_text(keys.public("bastion") + "\n")
    config = place / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {keys.key('bastion-host')}\nPidFile none\n"
        f"AuthorizedKeysFile {place}/authorized_keys\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nPrintMotd no\nPrintLastLog no\nAcceptEnv COLORTERM\n"
    )
    log = place / "sshd.log"
    with log.open("wb") as told:
        child = subprocess.Popen(
            [found("sshd") or "sshd", "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stdout=told, stderr=told
        )
    try:
        until(lambda: answers(port) or child.poll() is not None, "sshd", 20, seen=log.read_text)
        assert child.poll() is None, log.read_text()
        known = place / "known_hosts"
        known.write_text(f"[127.0.0.1]:{port} {keys.public('bastion-host')}\n")
        yield Client(port, known, pwd.getpwuid(os.geteuid()).pw_name, keys.key("bastion"))
    finally:
        child.terminate()
        child.wait(10)
