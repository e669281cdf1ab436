"""[serve]: what may stand there, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.config.errors import ConfigError
from console.config.init import EXAMPLE
from console.config.load import load
from console.config.schema import schema
from console.config.serve import Executes, Limits, Serve

SITE = '[sites.here.prometheus]\nurl = "http://127.0.0.1:9090"\n'


def read(place: Path, text: str, **environ: str) -> Serve:
    (place / "config.toml").write_text(SITE + text)
    return load(place / "config.toml", environ).serve


def test_without_the_table_everything_has_its_default(tmp_path: Path) -> None:
    assert read(tmp_path, "") == Serve()


def test_files_are_taken_from_the_directory_of_the_configuration(tmp_path: Path) -> None:
    found = read(tmp_path, '[serve]\nauthorized_keys = "keys"\nca_keys = "/etc/ca"\nlimits = { sessions = 9, per_user = 2 }\nexec = []')
    assert (found.authorized_keys, found.ca_keys) == (str(tmp_path / "keys"), "/etc/ca")
    assert (found.limits, found.exec) == (Limits(sessions=9, per_user=2), ())


def test_a_variable_wins(tmp_path: Path) -> None:
    found = read(tmp_path, '[serve]\nca_keys = "ca"', MIDWATCH_SERVE__LISTEN="[::]:22", MIDWATCH_SERVE__LIMITS__SESSIONS="9")
    assert (found.listen, found.limits.sessions) == ("[::]:22", 9)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "nobody could log in"),
        ('ca_keys = "ca"\nlisten = "22"', "config.toml:5: serve.listen: `22` is no address"),
        ('ca_keys = "ca"\nmetrics = "a:b"', "is no address"),
        ('ca_keys = "ca"\nlogin_s = 0', "must be more than 0"),
        ('ca_keys = "ca"\nexec = ["bash"]', "must be one of snapshot"),
        ('ca_keys = "ca"\nlimits = { per_address = 99 }', "per_address (99) is above unauthenticated (32)"),
        ('ca_keys = "ca"\nlimits = { sessions = 0 }', "must be at least 1"),
        ('ca_keys = "ca"\nlimits = { arrivals_per_s = 0 }', "must be more than 0"),
        ('ca_key = "ca"', "did you mean `ca_keys`"),
        ('ca_keys = "ca"\nhost_key = ""', "must not be empty"),
    ],
)
def test_what_is_wrong_is_told_with_its_key(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        read(tmp_path, f"[serve]\n{text}")
    assert says in str(wrong.value)


def test_the_schema_and_the_example_know_every_key(tmp_path: Path) -> None:
    properties = schema()["$defs"]["Serve"]["properties"]
    table = EXAMPLE[EXAMPLE.index("# [serve]") : EXAMPLE.index("# [scope.region]")]
    for key in Serve.__struct_fields__:
        assert key in properties
        assert key == "host_key" or f"# {key} =" in table
    lines = "\n".join(each.removeprefix("# ") for each in table.splitlines())
    assert read(tmp_path, lines).exec == (Executes.SNAPSHOT,)
