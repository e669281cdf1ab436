"""Where things are kept, the example that is written, the schema, and reloading."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from console.config import paths
from console.config.init import EXAMPLE, write_example
from console.config.load import load
from console.config.reload import Reloader
from console.config.schema import schema


def test_places_follow_xdg_and_ignore_what_is_relative() -> None:
    environ = {"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "relative"}
    assert paths.config_file(environ) == Path("/c/midwatch/config.toml")
    assert paths.state_dir(environ) == Path("/h/.local/state/midwatch")
    assert paths.audit_dir({"XDG_STATE_HOME": "/s"}) == Path("/s/midwatch/audit")
    assert paths.log_dir({"XDG_STATE_HOME": "/s"}) == Path("/s/midwatch/log")
    assert paths.config_file({"MIDWATCH_CONFIG": "x.toml"}) == Path("x.toml")


def test_a_place_is_private_from_its_first_moment_and_made_private_again(tmp_path: Path) -> None:
    place = tmp_path / "state" / "midwatch" / "audit"
    before = os.umask(0o022)
    try:
        paths.made(place)
    finally:
        os.umask(before)
    assert [stat.S_IMODE(made.stat().st_mode) for made in (place, place.parent)] == [0o700, 0o700]
    place.chmod(0o755)
    assert stat.S_IMODE(paths.made(place).stat().st_mode) == 0o700


def test_asking_for_a_place_does_not_make_it(tmp_path: Path) -> None:
    paths.audit_dir({"XDG_STATE_HOME": str(tmp_path)})
    assert list(tmp_path.iterdir()) == []


def test_the_example_loads_as_it_stands_and_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    write_example(path)
    assert load(path, {}).choose()[0] == "example"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write_example(path)
    assert path.read_text() == "mine"


def test_every_key_in_the_comments_of_the_example_is_one_that_exists(tmp_path: Path) -> None:
    text = re.sub(r"(?m)^# (\[|[a-z_]+ = )", r"\1", EXAMPLE)
    assert text.count("\n[") > EXAMPLE.count("\n[")
    (tmp_path / "prometheus.token").write_text("t")
    (tmp_path / "prometheus.token").chmod(0o600)
    path = tmp_path / "config.toml"
    path.write_text(text)
    site = load(path, {}).choose()[1]
    assert site.elasticsearch.read.api_key_env == "ES_API_KEY"
    assert site.channels.inline[0].vantages[0].name == "origin"


def test_the_schema_knows_the_keys_and_refuses_others() -> None:
    definitions = schema()["$defs"]
    assert definitions["Config"]["additionalProperties"] is False
    assert "policy_file" in definitions["Config"]["properties"]
    assert definitions["Guard"]["enum"] == ["none", "prod"]
    # A mapping by name stays open.
    assert "$ref" in definitions["Site"]["properties"]["kubernetes"]["additionalProperties"]


GOOD = '[sites.a.prometheus]\nurl = "http://{host}"\n'


def test_a_broken_file_is_refused_the_last_good_one_kept_and_marked_until_mended(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(GOOD.format(host="one"))
    reloader = Reloader(path, {}, load(path, {}))
    assert not reloader.check().is_new

    path.write_text(GOOD.format(host="two") + "x = ")
    broken = reloader.check()
    assert broken.config.sites["a"].prometheus.url == "http://one"
    assert not broken.is_new
    assert broken.mark.startswith(f"configuration refused, the last good one kept: {path}:3: no TOML")
    assert reloader.check().mark == broken.mark

    path.write_text(GOOD.format(host="three"))
    mended = reloader.check()
    assert (mended.is_new, mended.mark) == (True, "")
    assert mended.config.sites["a"].prometheus.url == "http://three"
    assert not reloader.check().is_new


def test_a_file_that_disappears_is_a_broken_one_and_a_replaced_one_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(GOOD.format(host="one"))
    reloader = Reloader(path, {}, load(path, {}))
    stamp = path.stat()
    path.unlink()
    assert "No such file" in reloader.check().mark

    other = tmp_path / "other"
    other.write_text(GOOD.format(host="two"))
    os.utime(other, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    other.rename(path)
    assert reloader.check().config.sites["a"].prometheus.url == "http://two"
