"""`snapshot --from HOST`: what the user's ssh is asked, what becomes of its answer, and of all that is no answer."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from console.cli import main
from console.rows.digest import Digest, to_json, to_text
from tests.console.rows.test_digest import taken

FAKE = """#!{python} -S
import json, os, sys
with open({asked!r}, "a") as asked:
    asked.write(json.dumps({{"argv": sys.argv[1:], "stdin": os.path.realpath("/proc/self/fd/0")}}) + "\\n")
{body}
"""


class Far:
    """A place with an `ssh` of ours on the PATH, and midwatch's command line run in it."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = place
        self.log = place / "asked"
        self.bin = place / "bin"
        self.bin.mkdir()
        for name in list(os.environ):
            if name.startswith("MIDWATCH_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("PATH", str(self.bin))
        monkeypatch.setenv("HOME", str(place))
        monkeypatch.setenv("XDG_STATE_HOME", str(place / "state"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(place / "config"))

    def ssh(self, body: str) -> None:
        script = self.bin / "ssh"
        script.write_text(FAKE.format(python=sys.executable, asked=str(self.log), body=body))
        script.chmod(0o755)

    def answers(self, content: bytes, code: int = 0, words: str = "") -> None:
        (self.place / "content").write_bytes(content)
        self.ssh(
            f"sys.stdout.buffer.write(open({str(self.place / 'content')!r}, 'rb').read())\n"
            f"sys.stderr.write({words!r})\nsys.exit({code})"
        )

    @property
    def asked(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def snapshot(self, *words: str, host: str = "bastion", view: str = "overview") -> int:
        return main(["snapshot", view, f"--from={host}", *words])


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Far:
    return Far(tmp_path, monkeypatch)


def test_ssh_is_asked_for_the_same_snapshot_and_its_answer_is_printed(far: Far, capfdbinary: Any) -> None:
    far.answers(b"demo \xc2\xb7 02:14 UTC \xc2\xb7 OK\n", words="midwatch: a word beside it\n")
    scope = ("--scope", "service=a b;touch /tmp/x", "--size", "90x30", "--wait", "3s", "--exit-status", "--as-seen")
    assert far.snapshot(*scope, host="mei@bastion", view="streams") == 0
    out = capfdbinary.readouterr()
    assert out.out == "demo · 02:14 UTC · OK\n".encode() and b"a word beside it" in out.err
    (asked,) = far.asked
    *options, end, host, command = asked["argv"]
    assert (end, host) == ("--", "mei@bastion") and "-T" in options and "BatchMode=yes" in options
    assert command == (
        "snapshot streams --format text --size 90x30 --wait 3s --scope 'service=a b;touch /tmp/x' --exit-status --as-seen"
    )
    assert asked["stdin"] == "/dev/null"


@pytest.mark.parametrize("code", [1, 3, 4, 5])
def test_the_servers_verdict_is_the_exit_code(far: Far, code: int) -> None:
    far.answers(b"demo\n", code)
    assert far.snapshot() == code


HOSTS = ["-oProxyCommand=touch x", "-", "", "a b", "a\nb", "ssh://-oProxyCommand=x", "mei@-oX", "bastion\x1b[31m", "ssh://"]


@pytest.mark.parametrize("host", HOSTS, ids=[f"host-{number}" for number in range(len(HOSTS))])
def test_what_could_be_an_option_of_ssh_or_is_no_host_is_refused_and_no_ssh_is_started(
    far: Far, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    far.answers(b"demo\n")
    assert far.snapshot(host=host) == 2
    said = capsys.readouterr().err
    assert "--from" in said and "\x1b" not in said and not far.asked


@pytest.mark.parametrize(
    ("content", "code", "words", "ending", "told"),
    [
        pytest.param(b"", 255, "ssh: connect to host bastion: Connection refused\n", 3, "Connection refused", id="refused"),
        pytest.param(b"", 127, "bash: line 1: snapshot: command not found\n", 3, "is `midwatch serve` what", id="a-shell"),
        pytest.param(b"", 2, "midwatch: snapshot: the view `x` is not built yet\n", 2, "not built yet", id="usage"),
        pytest.param(b"", 6, "midwatch: no role of mei may read the site demo\n", 6, "no role of mei", id="rights"),
        pytest.param(b"", 0, "", 3, "sent nothing", id="nothing"),
        pytest.param(b"", 255, "\x1b]0;pwned\x07\x1b[31mred\n", 3, "red", id="escapes"),
    ],
)
def test_what_is_no_answer_is_told_with_what_was_tried(
    far: Far, content: bytes, code: int, words: str, ending: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    far.answers(content, code, words)
    assert far.snapshot() == ending
    out = capsys.readouterr()
    assert told in out.err and "ssh bastion snapshot overview" in out.err and "\x1b" not in out.err and not out.out


@pytest.mark.parametrize("format", ["png", "json", "svg", "html"])
def test_a_page_of_somebody_else_is_not_taken_for_a_snapshot(
    far: Far, format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    far.answers(b"<html>log in first</html>")
    file = far.place / "file"
    file.write_text("before")
    assert far.snapshot("--format", format, "-o", str(file)) == 3
    assert f"is no {format}" in capsys.readouterr().err and file.read_text() == "before"


def test_words_of_another_machine_bring_no_escape_onto_this_terminal(far: Far, capfdbinary: Any) -> None:
    far.answers(b"demo\r\nC \x1b[2J\x1b]52;c;aGk=\x07 \xff\xe2\x80\xae name\n")
    assert far.snapshot() == 0
    out = capfdbinary.readouterr().out
    assert out.startswith(b"demo\nC ") and b"\x1b" not in out and b"\x07" not in out and "\u202e".encode() not in out


def test_one_that_does_not_end_is_ended_and_told(
    far: Far, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("console.commands.remote.CONNECT_S", 0.2)
    monkeypatch.setattr("console.commands.remote.DRAWING_S", 0.1)
    far.ssh("import time\nsys.stdout.write('half'); sys.stdout.flush()\ntime.sleep(600)")
    begun = time.monotonic()
    assert far.snapshot("--wait", "0") == 4
    assert time.monotonic() - begun < 5 and "no end within" in capsys.readouterr().err


def test_one_that_never_stops_talking_is_ended(
    far: Far, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("console.commands.remote.BYTES", 1_000_000)
    far.ssh("while True: sys.stdout.write('x' * 65536)")
    assert far.snapshot() == 3
    assert "which is no snapshot" in capsys.readouterr().err


def test_without_an_ssh_it_says_so(far: Far, capsys: pytest.CaptureFixture[str]) -> None:
    assert far.snapshot() == 2
    assert "no `ssh` on the PATH" in capsys.readouterr().err


def test_a_site_is_not_asked_of_a_server(far: Far, capsys: pytest.CaptureFixture[str]) -> None:
    far.answers(b"demo\n")
    assert far.snapshot("--site", "emea") == 2 and not far.asked
    assert "--site" in capsys.readouterr().err


# -- -o FILE -----------------------------------------------------------------------------------------------------------
def test_a_file_is_replaced_whole_with_its_mode_through_a_link_and_nothing_is_left_beside(far: Far) -> None:
    far.answers(b"demo\n")
    there = far.place / "there"
    there.write_text("before")
    there.chmod(0o640)
    link = far.place / "link"
    link.symlink_to(there)
    assert far.snapshot("-o", str(link)) == 0
    assert link.is_symlink() and there.read_text() == "demo\n" and stat.S_IMODE(there.stat().st_mode) == 0o640
    assert not [each for each in far.place.iterdir() if each.name.endswith(".tmp")]


def test_a_pipe_is_written_to_and_not_replaced(far: Far) -> None:
    far.answers(b"demo\n")
    pipe = far.place / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    assert far.snapshot("-o", str(pipe)) == 0
    reader.join(10)
    assert read == ["demo\n"] and stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("where", ["nowhere/file", "."])
def test_a_file_that_cannot_be_written_is_told(far: Far, where: str, capsys: pytest.CaptureFixture[str]) -> None:
    far.answers(b"demo\n")
    assert far.snapshot("-o", str(far.place / where)) == 2
    assert "cannot write" in capsys.readouterr().err


# -- --post ------------------------------------------------------------------------------------------------------------
POSTING = """
import pathlib
place = pathlib.Path({place!r})
command = sys.argv[-1]
name = "json" if "--format json" in command else "png" if "--format png" in command else "text"
sys.stdout.buffer.write((place / name).read_bytes())
"""


async def _taken() -> Digest:
    return taken(region="emea")


def test_for_a_chat_the_server_is_asked_for_the_same_without_secrets(far: Far, capsys: pytest.CaptureFixture[str]) -> None:
    digest = asyncio.run(_taken())
    (far.place / "text").write_text(to_text(digest))
    (far.place / "json").write_bytes(to_json(digest))
    (far.place / "png").write_bytes(b"\x89PNG\r\n\x1a\n and so on")
    far.ssh(POSTING.format(place=str(far.place)))
    hook = far.place / "hook"
    hook.write_text("https://127.0.0.1:1/services/T0/B0/canaryHookSecret012345")
    hook.chmod(0o600)
    config = far.place / "config" / "midwatch" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        f'[sites.a.prometheus]\nurl = "http://127.0.0.1:1"\n[chat.oncall]\nkind = "webhook"\nurl_file = "{hook}"\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("console.commands.delivering.WAIT_S", 0.3)
        assert far.snapshot("--post", "oncall", "--scope", "region=emea") == 4  # it waits: nobody listens there
    assert [("--as-seen" in each["argv"][-1], each["argv"][-1].split()[3]) for each in far.asked] == [
        (False, "text"), (False, "json"), (False, "png"),
    ]  # fmt: skip
    letters = [path.read_bytes() for path in (far.place / "state" / "midwatch" / "chat" / "oncall").iterdir() if path.is_file()]
    assert any(b"uk-sport-1" in letter and b'"rollouts"' in letter for letter in letters)
    assert any(b"\x89PNG" in letter for letter in letters)
    assert "waits for oncall" in capsys.readouterr().err


def test_an_answer_that_is_no_digest_is_not_posted(far: Far, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in (("text", "demo\n"), ("json", '{"schema": 1, "site": 7}')):
        (far.place / name).write_text(content)
    far.ssh(POSTING.format(place=str(far.place)))
    config = far.place / "config" / "midwatch" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[sites.a.prometheus]\nurl = "http://x"\n[chat.oncall]\nkind = "webhook"\nurl = "http://127.0.0.1:1"\n')
    assert far.snapshot("--post", "oncall") == 3
    assert "nothing was posted to oncall" in capsys.readouterr().err


def test_a_chat_that_is_not_there_is_told_before_anybody_is_asked(far: Far) -> None:
    config = far.place / "config" / "midwatch" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[sites.a.prometheus]\nurl = "http://127.0.0.1:1"\n')
    far.answers(b"demo\n")
    assert far.snapshot("--post", "oncall") == 2 and not far.asked


