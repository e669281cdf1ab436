"""A secret is fetched when it is needed, and shows in no repr, error or traceback."""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from pathlib import Path

import pytest

from console.config.backend import Basic, ClientCert, Credential, HeaderSecret
from console.config.secrets import MAX_BYTES, resolve
from console.model.failure import FailureKind, SourceError


def printing(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


async def refused(credential: Credential, environ: dict[str, str] | None = None, timeout_s: float = 10.0) -> str:
    with pytest.raises(SourceError) as caught:
        await resolve(credential, environ or {}, timeout_s)
    assert caught.value.failure.kind is FailureKind.UNAUTHORIZED
    told = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in told
    return str(caught.value)


async def test_each_place_of_a_secret_makes_its_header(secret_file: Path) -> None:
    file, environ = str(secret_file), {"S": "hunter2"}
    expected = [
        (Credential(bearer_file=file), {"Authorization": "Bearer hunter2"}),
        (Credential(bearer_env="S"), {"Authorization": "Bearer hunter2"}),
        (Credential(command=printing("print('hunter2')")), {"Authorization": "Bearer hunter2"}),
        (Credential(bearer_command=printing("print('hunter2')")), {"Authorization": "Bearer hunter2"}),
        (Credential(api_key_file=file), {"Authorization": "ApiKey hunter2"}),
        (Credential(api_key_command=printing("print('hunter2')")), {"Authorization": "ApiKey hunter2"}),
        (Credential(basic=Basic("u", password_env="S")), {"Authorization": "Basic dTpodW50ZXIy"}),
        (Credential(header=HeaderSecret("X-A", value_file=file)), {"X-A": "hunter2"}),
        (Credential(client_cert=ClientCert("c", "k")), {}),
    ]
    assert [dict(await resolve(credential, environ)) for credential, _ in expected] == [made for _, made in expected]
    assert dict(await resolve(None)) == {}


async def test_headers_do_not_show_their_values(secret_file: Path) -> None:
    headers = await resolve(Credential(bearer_file=str(secret_file)))
    assert repr(headers) == f"{headers}" == "SecretHeaders(Authorization: ***)"


async def test_a_rotated_file_is_read_anew(secret_file: Path) -> None:
    credential = Credential(bearer_file=str(secret_file))
    await resolve(credential)
    secret_file.write_text("hunter3")
    assert (await resolve(credential))["Authorization"] == "Bearer hunter3"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter2\nX-Evil: 1", "control characters"),
        (b"hunter2\x00", "control characters"),
        (b"hunter2\xff", "not UTF-8"),
        ("hunter2é".encode(), "no HTTP header can carry"),
        (b"hunter2" * MAX_BYTES, "more than 65536 bytes"),
    ],
)
async def test_a_file_that_holds_no_secret_is_refused(secret_file: Path, content: bytes, word: str) -> None:
    secret_file.write_bytes(content)
    told = await refused(Credential(bearer_file=str(secret_file)))
    assert word in told
    assert str(secret_file) in told


async def test_a_file_opened_to_everyone_after_loading_is_refused(secret_file: Path) -> None:
    secret_file.chmod(0o604)
    assert "read by everyone" in await refused(Credential(bearer_file=str(secret_file)))


async def test_a_fifo_in_place_of_the_file_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f", 0o600)
    assert "not a regular file" in await refused(Credential(bearer_file=str(tmp_path / "f")))


async def test_a_missing_file_and_an_unset_variable_are_named() -> None:
    assert "No such file" in await refused(Credential(bearer_file="/nowhere/secret"))
    assert "variable S: is not set" in await refused(Credential(bearer_env="S"))


async def test_a_failing_command_is_named_without_its_arguments_or_output() -> None:
    code = "import sys; print('hunter2'); print('hunter2', file=sys.stderr); sys.exit(3)"
    told = await refused(Credential(command=printing(code)))
    assert f"command {sys.executable}: exit code 3" in told
    assert "cannot" in await refused(Credential(command=("/nowhere/x",))) or "No such file" in await refused(
        Credential(command=("/nowhere/x",))
    )


async def test_a_command_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys; child = subprocess.Popen(['sleep', '600']);"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid)); child.wait()"
    )
    assert "did not finish within 1.5 s" in await refused(Credential(command=printing(code)), timeout_s=1.5)
    grandchild = int((tmp_path / "pid").read_text())
    state = Path(f"/proc/{grandchild}/stat")

    def is_gone() -> bool:
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] in "ZX"

    async with asyncio.timeout(5):  # it has been killed; the kernel may still be at it
        while not is_gone():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)


async def test_a_command_that_floods_is_cut_off() -> None:
    assert "more than 65536 bytes" in await refused(
        Credential(command=printing("import sys\nwhile True: sys.stdout.write('hunter2' * 1000)"))
    )


async def test_a_command_has_no_input_no_terminal_and_no_shell() -> None:
    code = (
        "import os, sys\n"
        "try: os.close(os.open('/dev/tty', os.O_RDWR)); tty = 'tty'\n"
        "except OSError: tty = 'none'\n"
        "print(repr(sys.stdin.read()), tty, sys.argv[1])"
    )
    headers = await resolve(Credential(command=(*printing(code), "$(id)")), {})
    assert headers["Authorization"] == "Bearer '' none $(id)"
