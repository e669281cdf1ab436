"""Getting in: kubeconfigs, tokens that change, plugins that must not see the terminal, TLS."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from console.model.failure import FailureKind, SourceError
from console.sources.kubernetes import Connection, KubeTarget, Questions
from console.sources.kubernetes.connection import Writing

ROOT = Path(__file__).parents[4]
V1 = "client.authentication.k8s.io/v1"
REFUSED = {"kind": "Status", "message": "Unauthorized", "reason": "Unauthorized", "code": 401}


def kubeconfig(path: Path, server: str, user: dict, **cluster) -> Path:
    """JSON is YAML."""
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
                "users": [{"name": "u", "user": user}],
            }
        )
    )
    return path


def plugin(path: Path, body: str) -> dict:
    """The `exec` section for a plugin written in Python."""
    path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n")
    path.chmod(0o755)
    return {"exec": {"apiVersion": V1, "command": f"./{path.name}", "interactiveMode": "IfAvailable"}}


def says(expression: str) -> str:
    """The body of a plugin that counts its runs and prints a status."""
    return (
        "runs = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'runs')\n"
        "open(runs, 'a').write('x')\n"
        "n = os.path.getsize(runs)\n"
        f"print(json.dumps({{'apiVersion': '{V1}', 'kind': 'ExecCredential', 'status': {expression}}}))"
    )


async def ok(wire, asked):
    await wire.reply(200, {"gitVersion": "v1.31.0"})


async def refused(wire, asked):
    await wire.reply(401, REFUSED)


def questions(clock, **target) -> tuple[Questions, Connection]:
    connection = Connection(KubeTarget(cluster="c1", timeout_s=5.0, **target), clock)
    return Questions(connection), connection


async def test_a_kubeconfig_token_is_sent(api, clock, tmp_path):
    file = kubeconfig(tmp_path / "kc", api.url, {"token": "t0k3n", "as": "alice"})
    api.others.append(ok)
    ask, _ = questions(clock, kubeconfig=str(file))
    assert await ask.version() == "v1.31.0"
    assert api.asked[0].headers["Authorization"] == "Bearer t0k3n"
    assert api.asked[0].headers["Impersonate-User"] == "alice"
    assert api.asked[0].headers["User-Agent"].startswith("midwatch/")


async def test_who_a_write_acts_as_replaces_all_of_whom_the_kubeconfig_acts_as(api, clock, tmp_path):
    """A user of ours in a group of theirs would be somebody with rights that nobody gave."""
    user = {"token": "t0k3n", "as": "root", "as-groups": ["system:masters"], "as-uid": "1"}
    file = kubeconfig(tmp_path / "kc", api.url, user)
    api.others.append(ok)
    _, connection = questions(clock, kubeconfig=str(file), may_write=True, headers={"impersonate-extra-scopes": "all"})
    who = (("Impersonate-User", "ada"), ("Impersonate-Group", "midwatch:operator"))
    async with connection:
        await connection.read("/version", "try it", write=Writing("PATCH", b"{}", acts_as=who))
    sent = [(name, value) for name, value in api.asked[0].headers.items() if name.lower().startswith("impersonate")]
    assert sent == list(who)


async def test_files_of_kubeconfig_are_merged_and_the_context_is_chosen(api, clock, tmp_path, monkeypatch):
    kubeconfig(tmp_path / "one", "http://127.0.0.1:1", {"token": "one"})
    second = json.loads(kubeconfig(tmp_path / "two", api.url, {"token": "two"}).read_text())
    for section in ("clusters", "users"):
        second[section][0]["name"] += "2"
    second["contexts"] = [{"name": "there", "context": {"cluster": "c2", "user": "u2"}}]
    (tmp_path / "two").write_text(json.dumps(second))
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'one'}:{tmp_path / 'two'}")
    api.others.append(ok)
    ask, _ = questions(clock, context="there")
    await ask.version()
    assert api.asked[0].headers["Authorization"] == "Bearer two"


async def test_a_token_file_is_read_again_when_it_rotates(api, clock, tmp_path):
    (tmp_path / "token").write_text("first\n")
    file = kubeconfig(tmp_path / "kc", api.url, {"tokenFile": "token"})
    api.others.extend([ok, ok])
    ask, connection = questions(clock, kubeconfig=str(file))
    async with connection:
        await ask.version()
        (tmp_path / "token").write_text("second\n")
        await ask.version()
    assert [asked.headers["Authorization"] for asked in api.asked] == ["Bearer first", "Bearer second"]


async def test_after_a_401_the_kubeconfig_is_read_again(api, clock, tmp_path):
    file = kubeconfig(tmp_path / "kc", api.url, {"token": "old"})

    async def refused_then_login(wire, asked):
        kubeconfig(tmp_path / "kc", api.url, {"token": "new"})
        await refused(wire, asked)

    api.others.extend([refused_then_login, ok])
    ask, _ = questions(clock, kubeconfig=str(file))
    await ask.version()
    assert [asked.headers["Authorization"] for asked in api.asked] == ["Bearer old", "Bearer new"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        ("", "cannot be understood"),
        ("{ this is: [not yaml", "cannot be understood"),
        (json.dumps({"contexts": [], "clusters": [], "users": []}), "current-context"),
    ],
)
async def test_a_kubeconfig_that_cannot_be_used_is_told_by_name(clock, tmp_path, content, words):
    file = tmp_path / "kc"
    if content is not None:
        file.write_text(content)
    ask, connection = questions(clock, kubeconfig=str(file))
    with pytest.raises(SourceError) as caught:
        await ask.version()
    assert caught.value.failure.kind is FailureKind.REJECTED
    assert words in caught.value.failure.got
    assert str(file) in caught.value.failure.tried
    assert not connection.is_open


@pytest.fixture
def typed() -> Iterator[None]:
    """Standard input of this process holds what the user typed."""
    kept = os.dup(0)
    reading, writing = os.pipe()
    os.write(writing, b"keys of the user")
    os.close(writing)
    os.dup2(reading, 0)
    os.close(reading)
    yield
    os.dup2(kept, 0)
    os.close(kept)


async def test_a_plugin_runs_without_our_terminal(api, clock, tmp_path, typed):
    body = (
        "tty = True\n"
        "try:\n    open('/dev/tty')\nexcept OSError:\n    tty = False\n"
        "info = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
        "json.dump({'stdin': sys.stdin.read(), 'tty': tty, 'info': info, 'zone': os.environ['ZONE']},\n"
        f"          open({str(tmp_path / 'seen')!r}, 'w'))\n"
        "print('noise for the screen', file=sys.stderr)\n" + says("{'token': 'minted'}")
    )
    user = plugin(tmp_path / "plug", body)
    user["exec"] |= {"env": [{"name": "ZONE", "value": "z1"}], "provideClusterInfo": True}
    file = kubeconfig(tmp_path / "kc", api.url, user)
    api.others.append(ok)
    ask, _ = questions(clock, kubeconfig=str(file))
    await ask.version()
    assert api.asked[0].headers["Authorization"] == "Bearer minted"
    seen = json.loads((tmp_path / "seen").read_text())
    assert (seen["stdin"], seen["tty"], seen["zone"]) == ("", False, "z1")
    assert seen["info"]["spec"] == {"interactive": False, "cluster": {"server": api.url}}


async def test_a_plugins_output_never_reaches_our_stdout_or_stderr(api, clock, tmp_path, capfd):
    user = plugin(tmp_path / "plug", "print('drawn over the screen', file=sys.stderr)\n" + says("{'token': 't'}"))
    api.others.append(ok)
    ask, _ = questions(clock, kubeconfig=str(kubeconfig(tmp_path / "kc", api.url, user)))
    await ask.version()
    assert "drawn" not in "".join(capfd.readouterr())


async def test_a_minted_token_is_kept_until_it_expires(api, fast_clock, tmp_path):
    clock = fast_clock(speed=1.0)
    soon = (clock.now().utc + timedelta(seconds=0.6)).isoformat()
    user = plugin(tmp_path / "plug", says(f"{{'token': f't{{n}}', 'expirationTimestamp': '{soon}'}}"))
    api.others.extend([ok] * 50)
    ask, connection = questions(clock, kubeconfig=str(kubeconfig(tmp_path / "kc", api.url, user)))
    async with connection, asyncio.timeout(8):
        await ask.version()
        await ask.version()
        sent = [asked.headers["Authorization"] for asked in api.asked]
        while len(set(sent)) == 1:
            await ask.version()
            sent = [asked.headers["Authorization"] for asked in api.asked]
            await asyncio.sleep(0.02)
    assert sent[0] == "Bearer t1"
    assert sent[-1] == "Bearer t2"


async def test_a_401_makes_the_plugin_run_once_more_for_all_who_share_the_connection(api, clock, tmp_path):
    user = plugin(tmp_path / "plug", says("{'token': f't{n}'}"))
    api.others.append(ok)
    ask, connection = questions(clock, kubeconfig=str(kubeconfig(tmp_path / "kc", api.url, user)))
    async with connection:
        await ask.version()
        answers = {"Bearer t1": refused, "Bearer t2": ok}

        async def by_token(wire, asked):
            await answers[asked.headers["Authorization"]](wire, asked)

        api.others.extend([by_token] * 6)
        await asyncio.gather(*(ask.version() for _ in range(3)))
    assert (tmp_path / "runs").read_text() == "xx"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("print('please log in', file=sys.stderr); sys.exit(3)", "exit 3: please log in"),
        ("print('secret-token-but-no-json')", "no ExecCredential"),
        (
            "print(json.dumps({'apiVersion': 'x/v9', 'kind': 'ExecCredential', 'status': {'token': 't'}}))",
            "speaks x/v9",
        ),
        (says("{}"), "neither a token nor a certificate"),
        (says("{'token': 'two\\nlines'}"), "no token has"),
        ("print('x' * 3_000_000)", "bytes of output"),
    ],
)
async def test_a_plugin_that_fails_is_unauthorized_in_its_own_words(api, clock, tmp_path, body, words):
    user = plugin(tmp_path / "plug", body)
    ask, _ = questions(clock, kubeconfig=str(kubeconfig(tmp_path / "kc", api.url, user)))
    with pytest.raises(SourceError) as caught:
        await ask.version()
    assert caught.value.failure.kind is FailureKind.UNAUTHORIZED
    assert words in caught.value.failure.got
    assert "secret" not in str(caught.value)
    assert not api.asked, "never ask anonymously instead"


async def test_a_plugin_that_hangs_is_ended_with_its_children(clock, tmp_path):
    from console.sources.kubernetes.exec_plugin import ExecPlugin, ExecSpec

    body = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\nif os.fork() == 0: time.sleep(600)\ntime.sleep(600)"
    plugin(tmp_path / "plug", body)
    hanging = ExecPlugin(ExecSpec(str(tmp_path / "plug"), V1), "kubernetes c1", clock, timeout_s=0.5)
    with pytest.raises(SourceError) as caught:
        await hanging.authorization()
    assert "no answer within" in caught.value.failure.got
    pid = int((tmp_path / "pid").read_text())
    async with asyncio.timeout(5):
        while _group_lives(pid):  # noqa: ASYNC110, the kernel sets no event
            await asyncio.sleep(0.01)


def _group_lives(group: int) -> bool:
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            return True
    return False


async def test_a_plugin_that_needs_a_terminal_is_refused_before_it_runs(api, clock, tmp_path):
    user = plugin(tmp_path / "plug", says("{'token': 't'}"))
    user["exec"]["interactiveMode"] = "Always"
    ask, _ = questions(clock, kubeconfig=str(kubeconfig(tmp_path / "kc", api.url, user)))
    with pytest.raises(SourceError, match="terminal"):
        await ask.version()
    assert not (tmp_path / "runs").exists()


async def test_a_redirect_is_not_followed(api, clock):
    async def elsewhere(wire, asked):
        await wire.reply(302, b"", Location="http://evil.example/")

    async def authorization():
        return "Bearer t"

    api.others.append(elsewhere)
    ask, _ = questions(clock, url=api.url, authorization=authorization)
    with pytest.raises(SourceError, match=r"redirected to http://evil\.example"):
        await ask.version()


async def test_a_credential_that_cannot_be_read_names_no_content(api, clock):
    async def authorization():
        raise RuntimeError("the file holds hunter2")

    ask, _ = questions(clock, url=api.url, authorization=authorization)
    with pytest.raises(SourceError) as caught:
        await ask.version()
    assert caught.value.failure.kind is FailureKind.UNAUTHORIZED
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(KubeTarget(cluster="c", url="https://u:hunter2@h", headers={"X": "hunter2"}))


async def test_a_server_that_accepts_and_says_nothing_is_a_timeout(clock):
    async def silent(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        connection = Connection(KubeTarget(cluster="c1", url=f"http://127.0.0.1:{port}", timeout_s=0.2), clock)
        with pytest.raises(SourceError) as caught:
            await Questions(connection).version()
    assert caught.value.failure.kind is FailureKind.TIMEOUT


def test_importing_the_room_imports_neither_kubernetes_nor_aiohttp():
    code = (
        "import sys, console.sources.kubernetes\n"
        "heavy = {'kubernetes', 'aiohttp', 'yaml', 'textual', 'httpx'} & {name.split('.')[0] for name in sys.modules}\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_plain_url_does_not_load_the_kubernetes_package():
    code = (
        "import asyncio, sys\n"
        "from console.sources.kubernetes import *\n"
        "async def ask():\n"
        "    connection = Connection(KubeTarget(cluster='c', url='http://127.0.0.1:9', timeout_s=1.0), None)\n"
        "    try:\n        await Questions(connection).version()\n"
        "    except Exception as error:\n        print(error.failure.kind)\n"
        "asyncio.run(ask())\n"
        "assert 'kubernetes' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "unreachable"


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with openssl")


EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


def make_certificates(folder: Path) -> None:
    def run(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    ext = folder / "ext"
    ext.write_text("subjectAltName=IP:127.0.0.1\n")
    run("req", "-x509", *EC, "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2")
    for name in ("server", "client"):
        run("req", *EC, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        run(
            "x509",
            "-req",
            "-in",
            f"{name}.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-out",
            f"{name}.pem",
            "-days",
            "2",
            "-extfile",
            "ext",
        )


@pytest.fixture
async def tls_api(api, tmp_path):
    make_certificates(tmp_path)
    await api.stop()
    api.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    api.tls.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    api.tls.load_verify_locations(tmp_path / "ca.pem")
    api.tls.verify_mode = ssl.CERT_OPTIONAL
    await api.start()
    return api


@needs_openssl
async def test_tls_by_url_by_kubeconfig_and_by_a_plugins_certificate(tls_api, clock, tmp_path):
    api, ca = tls_api, str(tmp_path / "ca.pem")
    ask, _ = questions(clock, url=api.url)
    with pytest.raises(SourceError) as caught:
        await ask.version()
    assert "certificate not trusted" in caught.value.failure.got
    assert caught.value.failure.hint == "set ca_file"

    def subjects() -> list[str]:
        return ["".join(value for rdn in peer["subject"] for _, value in rdn) for peer in api.peers if peer]

    api.others.append(ok)
    ask, _ = questions(
        clock,
        url=api.url,
        ca_file=ca,
        client_cert=str(tmp_path / "client.pem"),
        client_key=str(tmp_path / "client.key"),
    )
    await ask.version()
    assert subjects() == ["client"]

    api.others.append(ok)
    file = kubeconfig(
        tmp_path / "kc",
        api.url,
        {"client-certificate": "client.pem", "client-key": "client.key"},
        **{"certificate-authority": "ca.pem"},
    )
    ask, _ = questions(clock, kubeconfig=str(file))
    await ask.version()
    assert subjects() == ["client"] * 2

    api.others.append(ok)
    body = says(
        f"{{'clientCertificateData': open('{tmp_path}/client.pem').read(),"
        f" 'clientKeyData': open('{tmp_path}/client.key').read()}}"
    )
    file = kubeconfig(tmp_path / "kc2", api.url, plugin(tmp_path / "plug", body), **{"certificate-authority": "ca.pem"})
    ask, _ = questions(clock, kubeconfig=str(file))
    await ask.version()
    assert subjects() == ["client"] * 3
    assert "Authorization" not in api.asked[-1].headers

    api.others.append(ok)
    document = json.loads(file.read_text())
    document["contexts"][0]["context"].pop("user")
    file.write_text(json.dumps(document))
    ask, _ = questions(clock, kubeconfig=str(file))
    await ask.version()
    assert subjects() == ["client"] * 3, "an https cluster without a user is asked anonymously"


@needs_openssl
async def test_files_for_tls_that_are_missing_are_told(clock, tmp_path):
    ask, _ = questions(clock, url="https://127.0.0.1:1", ca_file=str(tmp_path / "nope"))
    with pytest.raises(SourceError, match="TLS files: No such file"):
        await ask.version()
