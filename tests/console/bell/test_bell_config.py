"""[bell]: what it needs; and what keeps it from ringing is said before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from console import cli

SITE = '[sites.apac]\n[serve]\nauthorized_keys = "keys"\n'
CHAT = '[chat.oncall]\nkind = "slack"\ntoken_env = "SLACK"\nchannel = "C0123456789"\n'


def said(place: Path, capsys: pytest.CaptureFixture[str], text: str, *argv: str, **environ: str) -> tuple[int, str]:
    (place / "keys").mkdir(exist_ok=True)
    config = place / "config.toml"
    config.write_text(text)
    told = {"HOME": str(place), "XDG_STATE_HOME": str(place / "state"), "MIDWATCH_CONFIG": str(config), "PATH": "/usr/bin:/bin", **environ}
    code = cli.main([*argv], told)
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('[bell]\nto = ["oncall"]\n', "bell.auth: is missing"),
        ('[bell]\nauth = { bearer_env = "B" }\n', "bell.to: is missing"),
        ('[bell]\nto = []\nauth = { bearer_env = "B" }\n', "must not be empty"),
        ('[bell]\nto = ["oncal"]\nauth = { bearer_env = "B" }\n', "there is no [chat.oncal] (there are: oncall)"),
        ('[bell]\nto = ["oncall", "oncall"]\nauth = { bearer_env = "B" }\n', "is named twice"),
        ('[bell]\nto = ["oncall"]\nauth = { client_cert = { cert_file = "a", key_file = "b" } }\n', "cannot be shown over plain HTTP"),
        ('[bell]\nto = ["oncall"]\nauth = {}\n', "the credential is missing"),
        ('[bell]\nto = ["oncall"]\nauth = { bearer_env = "B" }\nlisten = "here"\n', "is no address"),
        ('[bell]\nto = ["oncall"]\nauth = { bearer_env = "B" }\ntoken = "x"\n', "unknown key"),
    ],
    ids=["no-auth", "no-to", "nobody", "unknown", "twice", "certificate", "empty-auth", "address", "key"],
)
def test_what_is_wrong_with_it_is_said_with_its_line(tmp_path: Path, capsys, table: str, says: str) -> None:
    code, err = said(tmp_path, capsys, SITE + CHAT + table, "config", "check")
    assert code == 2 and says in err.replace("`", ""), err


def test_a_flag_without_a_table_says_what_is_needed(tmp_path: Path, capsys) -> None:
    code, err = said(tmp_path, capsys, SITE, "serve", "--alert-webhook", "127.0.0.1:0")
    assert code == 2 and "needs [bell]" in err and "bearer_file" in err


def test_an_address_that_is_none_of_ours_is_said(tmp_path: Path, capsys) -> None:
    table = '[bell]\nto = ["oncall"]\nauth = { bearer_env = "B" }\nlisten = "192.0.2.77:9467"\n'
    code, err = said(tmp_path, capsys, SITE + CHAT + table, "serve", "--listen", "127.0.0.1:0", B="x", SLACK="x")
    assert code == 2 and "serve --alert-webhook" in err and "no such address" in err
