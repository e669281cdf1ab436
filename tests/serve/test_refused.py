"""What OpenSSH can ask for beside a console, each refused and in the audit, by the person who is logged in."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.waiting import until
from tests.serve.client import Client, Ended, ended
from tests.serve.keys import Keys
from tests.serve.need import found, need
from tests.serve.ports import free_port
from tests.serve.server import Serving

pytestmark = pytest.mark.lab


def _is_in_the_audit(server: Serving, why: str, what: str) -> None:
    def told() -> bool:
        lines = server.audit("show", "--json").out.splitlines()
        return any("session.request_refused" in line and f'"{why}"' in line and what in line for line in lines)

    until(told, f"{why}: {what} in the audit", 20, seen=lambda: server.audit("show").out)


@contextlib.contextmanager
def _staying(client: Client, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
    """A client that stays without a session, as one does that forwards."""
    child = subprocess.Popen(
        client.words(flags=("-N", *flags)), env=client.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield child
    finally:
        child.kill()  # asked politely it waits for whoever still holds its port
        child.communicate(timeout=10)


def _is_cut(port: int) -> bool:
    """Something listens there, and whoever connects is cut off without a byte."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            sock.settimeout(5)
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return sock.recv(100) == b""
    except ConnectionResetError:
        return True
    except OSError:
        return False


def test_a_local_forwarding_reaches_nothing(server: Serving):
    port, target = free_port(), server.metrics_port
    with _staying(server.client("mei"), "-L", f"{port}:127.0.0.1:{target}"):
        until(lambda: _is_cut(port), "the forwarding to be refused", 20)
    _is_in_the_audit(server, "forwarding", f"direct-tcpip 127.0.0.1:{target}")


def test_a_local_forwarding_to_a_unix_socket_reaches_nothing(server: Serving):
    port = free_port()
    with _staying(server.client("mei"), "-L", f"{port}:/run/docker.sock"):
        until(lambda: _is_cut(port), "the forwarding to be refused", 20)
    _is_in_the_audit(server, "forwarding", "direct-streamlocal /run/docker.sock")


def test_a_remote_forwarding_opens_no_port(server: Serving):
    port = free_port()
    done = server.client("mei").run(flags=("-N", "-R", f"{port}:127.0.0.1:22"), options=("ExitOnForwardFailure=yes",))
    assert done.code == 255
    assert "remote port forwarding failed" in done.err
    with socket.socket() as sock:
        assert sock.connect_ex(("127.0.0.1", port)) != 0
    _is_in_the_audit(server, "forwarding", "tcpip-forward")


def test_a_remote_forwarding_of_a_unix_socket_makes_no_file(server: Serving, place: Path):
    path = place / "made-by-a-client"
    done = server.client("mei").run(flags=("-N", "-R", f"{path}:127.0.0.1:22"), options=("ExitOnForwardFailure=yes",))
    assert done.code == 255
    assert not path.exists()
    _is_in_the_audit(server, "forwarding", f"streamlocal-forward {path}")


def test_a_proxy_reaches_nothing(server: Serving):
    port = free_port()

    def asked() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            sock.settimeout(5)
            sock.sendall(b"\x05\x01\x00")
            if sock.recv(2) == b"\x05\x00":
                sock.sendall(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + server.metrics_port.to_bytes(2))
                answer = sock.recv(100)
                return answer == b"" or answer[1] != 0 or sock.recv(100) == b""
        return False

    with _staying(server.client("mei"), "-D", str(port)):
        until(asked, "the proxy to be refused", 20)
    _is_in_the_audit(server, "forwarding", f"direct-tcpip 127.0.0.1:{server.metrics_port}")


def test_an_agent_is_not_taken(server: Serving, keys: Keys, place: Path):
    path = place / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(path.exists, "the agent", 10)
        client = server.client("mei")
        words = [word.replace("IdentityAgent=none", f"IdentityAgent={path}") for word in client.words("snapshot", "sources", flags=("-A",))]
        done = ended(words, {**client.environment, "SSH_AUTH_SOCK": str(path)})
        assert done.code == 0, done.err  # the session itself is not what is refused
        _is_in_the_audit(server, "agent", "agent forwarding")
    finally:
        agent.terminate()
        agent.wait(10)


def test_a_display_is_not_taken(server: Serving):
    done = server.client("mei").run("snapshot", "sources", flags=("-Y",), DISPLAY="127.0.0.1:99")
    assert done.code == 0
    assert "X11 forwarding request failed" in done.err
    _is_in_the_audit(server, "x11", "X11 forwarding")


def test_a_tunnel_is_not_made(server: Serving):
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        pytest.skip("needs root and /dev/net/tun: OpenSSH opens its own end first")
    done = server.client("mei").run("snapshot", "sources", flags=("-w", "any:any"))
    assert "Tunnel forwarding failed" in done.err or "unneling" in done.err, done
    _is_in_the_audit(server, "tunnel", "tun")


def _copied(client: Client, program: str, *words: str) -> Ended:
    need(program)
    return ended(
        [found(program) or program, *client.options(), "-P", str(client.port), *words], client.environment, 30
    )


def test_sftp_finds_no_server(server: Serving):
    done = _copied(server.client("mei"), "sftp", "mei@127.0.0.1")
    assert done.code == 255
    _is_in_the_audit(server, "session", "subsystem sftp")


@pytest.mark.parametrize("protocol", ["-O", "-s"])
def test_scp_copies_nothing_either_way(server: Serving, place: Path, protocol: str):
    secret, taken = server.config, place / f"taken{protocol}"
    there = _copied(server.client("mei"), "scp", protocol, str(secret), f"mei@127.0.0.1:{place}/brought{protocol}")
    back = _copied(server.client("mei"), "scp", protocol, f"mei@127.0.0.1:{secret}", str(taken))
    assert there.code != 0
    assert back.code != 0
    assert not taken.exists()
    assert not (place / f"brought{protocol}").exists()
    _is_in_the_audit(server, "session", "exec scp" if protocol == "-O" else "subsystem sftp")


def test_a_command_that_is_not_on_the_list_is_in_the_audit(server: Serving):
    done = server.client("mei").run("id; cat /etc/passwd")
    assert done.code == 2
    assert "root:" not in done.out + done.err
    _is_in_the_audit(server, "session", "exec id; cat /etc/passwd")


def test_a_command_s_words_reach_no_shell_and_no_terminal(server: Serving):
    done = server.client("mei").run("snapshot $(touch /tmp/x) \x1b]52;c;aGk=\x07 `id`")
    assert done.code == 2
    assert "\x1b" not in done.out + done.err
    assert "uid=" not in done.out + done.err


def test_settings_of_the_client_do_not_reach_the_server(server: Serving):
    environ = {"TEXTUAL_DRIVER": "os:system", "MIDWATCH_CONFIG": "/etc/shadow", "LD_PRELOAD": "/tmp/x.so"}
    done = server.client("mei").run("snapshot", "sources", options=("SendEnv=TEXTUAL_* MIDWATCH_* LD_*",), **environ)
    assert done.code == 0, done.err
    for name in environ:
        _is_in_the_audit(server, "environment", f"environment {name}")


def test_the_audit_is_whole_and_names_who_was_refused(server: Serving):
    assert server.audit("verify").code in (0, 5)  # 5: the tail of a log that is being written is not proven yet
    lines = [json.loads(line) for line in server.audit("show", "--json").out.splitlines()]
    assert lines
