"""Doctor: what it says of backends that are well, that are not there, that refuse, and that are something else."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from console import cli
from console.commands.doctor import exit_code
from console.config.load import load
from console.doctor import Diagnosis, examined
from console.doctor.text import WIDTH, table
from console.exit_codes import ExitCode
from console.feeds.clock import SystemClock
from tests.console.embedded import embedded

SECRET = "s3cr3t-token-nobody-may-see"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with embedded(tmp_path_factory.mktemp("platform")) as config:
        yield config


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    server = TestServer(app)
    await server.start_server()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        await server.close()


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def everything_at(url: str, tmp_path: Path, read: str = "") -> Path:
    """A site whose every backend is one url; `read` stands in each."""
    path = tmp_path / "config.toml"
    path.write_text(
        f"""
[sites.s.prometheus]
url = "{url}"
{read}
[[sites.s.gauges]]
name = "egress"
used = "u"
[sites.s.alertmanager]
urls = ["{url}"]
{read}
[sites.s.elasticsearch]
url = "{url}"
{read}
[sites.s.kubernetes.c]
url = "{url}"
{read}
[sites.s.channels]
urls = ["{url}/channels.json"]
[[sites.s.channels.inline]]
name = "uk-news-1"
[[sites.s.channels.inline.vantages]]
name = "origin"
layer = "origin"
url = "{url}/master.m3u8"
"""
    )
    return path


async def of(path: Path, ceiling_s: float = 15.0) -> dict[str, Diagnosis]:
    config = load(path, {})
    name, site = config.choose()
    found = await examined(site, config, SystemClock(), ceiling_s)
    text = table(name, site, found)
    assert all(len(line) <= WIDTH for line in text.splitlines()), text
    return {each.name: each for each in found}


async def test_the_embedded_platform_is_well_and_says_who_it_is(platform: Path) -> None:
    found = await of(platform)
    assert [each for each in found.values() if not each.is_well] == []
    assert exit_code(tuple(found.values())) is ExitCode.OK
    assert found["prometheus"].version == "3.5.0"
    assert found["elasticsearch"].version == "8.15.3"
    assert found["kubernetes demo-1"].version == "v1.31.4"
    assert "may list and watch in live, vod, platform" in found["kubernetes demo-1"].told
    assert sum(name.startswith("alertmanager ") for name in found) == 2
    assert {"vantage origin", "vantage edge-lhr"} <= found.keys()  # by connect_to: no resolver knows these hosts
    assert "5 renditions" in found["vantage edge-lhr"].told
    assert found["prometheus"].latency_ms is not None
    assert found["prometheus"].skew_s is not None and not found["prometheus"].is_skewed


async def test_what_the_configuration_asks_for_and_nobody_has_is_named(platform: Path, tmp_path: Path) -> None:
    text = platform.read_text().replace('files = ["', f'files = ["{platform.parent}/')
    text = text.replace('index = "logs-video-*"', 'index = "logs-nothing-*"')
    text += (
        '\n[[sites.demo.gauges]]\nname = "a gap"\nused = "no_such_metric"\ntotal = "up"\n'
        '[sites.demo.measures]\nviewers = "up"\nrebuffer_ratio = "no_such_metric"\n'
    )
    path = tmp_path / "config.toml"
    path.write_text(text)
    found = await of(path)
    assert found["prometheus"].missing[0] == "gauge `a gap` used: no data"
    assert found["prometheus"].missing[1].startswith("gauge `a gap` total: ")
    assert found["prometheus"].missing[1].endswith("series, expected 1")
    assert found["prometheus"].missing[2:] == (
        "measure viewers: no series has the label channel",
        "measure rebuffer_ratio: no data",
    )
    assert found["elasticsearch"].missing == ("no index matches logs-nothing-*",)
    assert exit_code(tuple(found.values())) is ExitCode.PARTIAL


async def test_where_nobody_listens_nothing_is_reached_and_every_row_says_so(tmp_path: Path) -> None:
    found = await of(everything_at(f"http://127.0.0.1:{closed_port()}", tmp_path))
    inline = found.pop("channels inline")
    assert inline.is_well and not inline.is_remote
    assert len(found) == 6
    for each in found.values():
        assert not each.reachable
        assert each.missing and "refused" in " ".join(each.missing).lower(), each
        assert each.advice and "doctor" not in " ".join(each.advice), each
        assert each.latency_ms is None
    assert exit_code((inline, *found.values())) is ExitCode.UNREACHABLE


async def test_a_login_page_is_reached_and_told_as_what_it_is(tmp_path: Path) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!DOCTYPE html><title>Sign in</title>", content_type="text/html")

    async with serving(page) as url:
        found = await of(everything_at(url, tmp_path))
    del found["channels inline"]
    for each in found.values():
        assert each.reachable and not each.is_well, each
        said = " ".join((*each.missing, *each.advice)).lower()
        assert "html" in said or "login page" in said, each
    assert exit_code(tuple(found.values())) is ExitCode.PARTIAL


async def test_a_refused_credential_is_told_without_its_value(tmp_path: Path) -> None:
    seen: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization", ""))
        told = f"bad token {request.headers.get('Authorization', '')[:6]}"
        return web.json_response({"message": told}, status=401, headers={"X-Elastic-Product": "Elasticsearch"})

    secret = tmp_path / "token"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    async with serving(refuse) as url:
        path = everything_at(url, tmp_path, f'read = {{ bearer_file = "{secret}" }}')
        found = await of(path)
    assert f"Bearer {SECRET}" in seen
    for name in ("prometheus", "elasticsearch", "kubernetes c"):
        assert found[name].reachable
        assert any("401" in text for text in found[name].missing), found[name]
        assert found[name].advice
    assert SECRET not in repr(found)


async def test_a_credential_that_cannot_be_read_is_no_proof_of_being_there(tmp_path: Path) -> None:
    async def good(_: web.Request) -> web.Response:
        raise AssertionError("nobody may be asked without the credential")

    async with serving(good) as url:
        path = everything_at(url, tmp_path, 'read = { bearer_env = "NOT_SET_ANYWHERE" }')
        found = await of(path)
    for name in ("prometheus", "elasticsearch", "kubernetes c"):
        assert not found[name].reachable
        assert any("is not set" in text for text in found[name].missing), found[name]


async def test_a_backend_that_hangs_costs_the_ceiling_and_hides_no_other(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/api/v2/status":
            return web.json_response({"versionInfo": {"version": "0.27.0"}, "cluster": {"status": "ready"}})
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(answer) as url:
        began = asyncio.get_running_loop().time()
        found = await of(everything_at(url, tmp_path, "timeout_s = 2"), ceiling_s=1.0)
        took_s = asyncio.get_running_loop().time() - began
    assert took_s < 6  # lists first, then vantages: two ceilings, and the imports
    peer = next(each for name, each in found.items() if name.startswith("alertmanager"))
    assert peer.is_well and peer.version == "0.27.0"
    for name in ("prometheus", "elasticsearch", "kubernetes c", "vantage origin"):
        assert not found[name].reachable
        assert found[name].missing == ("not all was answered within 1 s",)


async def test_a_clock_that_is_wrong_is_flagged(tmp_path: Path) -> None:
    async def late(_: web.Request) -> web.Response:
        then = format_datetime(datetime.now(UTC) - timedelta(seconds=90), usegmt=True)
        told = {"versionInfo": {"version": "0.27.0"}, "cluster": {"status": "settling"}}
        return web.json_response(told, headers={"Date": then})

    async with serving(late) as url:
        path = tmp_path / "config.toml"
        path.write_text(f'[sites.s.alertmanager]\nurls = ["{url}"]\n')
        config = load(path, {})
        found = await examined(config.sites["s"], config, SystemClock())
        text = table("s", config.sites["s"], found)
    (peer,) = found
    assert peer.is_skewed and peer.skew_s is not None and -92 < peer.skew_s < -88
    assert peer.missing == ("its cluster is settling, not ready",)
    assert "s off ours" in text and "NTP" in text
    assert "not configured: prometheus, elasticsearch, kubernetes, channels" in text


FIELDS = {"@timestamp": "date", "message": "text", "log.level": "keyword", "service.name": "keyword"}


async def test_documents_without_an_ingest_time_are_told_to_lose_the_late_ones(tmp_path: Path) -> None:
    async def elastic(request: web.Request) -> web.Response:
        caps = {name: {kind: {"type": kind, "searchable": True}} for name, kind in FIELDS.items()}
        told: dict[str, object] = {"cluster_name": "c", "version": {"number": "8.15.0"}}
        if request.path.startswith("/_cluster"):
            told = {"cluster_name": "c", "status": "yellow", "number_of_nodes": 1, "unassigned_shards": 3}
        elif request.path.endswith("/_field_caps"):
            told = {"indices": ["logs-1"], "fields": caps}
        return web.json_response(told, headers={"X-Elastic-Product": "Elasticsearch"})

    async with serving(elastic) as url:
        path = tmp_path / "config.toml"
        path.write_text(f'[sites.s.elasticsearch]\nurl = "{url}"\n')
        (found,) = (await of(path)).values()
    assert found.is_well
    assert "event.ingested is not a date in every index: documents later than 30 s are not shown" in found.notes
    assert any("no document has" in note and "labels.channel" in note and "service.name" not in note for note in found.notes)
    assert "3 shards unassigned" in found.notes


async def test_what_a_cluster_does_not_permit_is_named_by_verb_kind_and_place(tmp_path: Path) -> None:
    async def api(request: web.Request) -> web.Response:
        if request.path == "/version":
            return web.json_response({"gitVersion": "v1.31.2"})
        wanted = (await request.json())["spec"]["resourceAttributes"]
        allowed = wanted["resource"] == "pods" or (wanted["resource"] == "events" and wanted["verb"] == "list")
        allowed = allowed and wanted.get("namespace") == "live"
        return web.json_response({"status": {"allowed": allowed}}, status=201)

    async with serving(api) as url:
        path = tmp_path / "config.toml"
        path.write_text(f'[sites.s.kubernetes.c]\nurl = "{url}"\nnamespaces = ["live", "vod"]\n')
        (found,) = (await of(path)).values()
    assert found.version == "v1.31.2"
    assert set(found.missing) == {
        "may not list or watch deployments in namespace live",
        "may not watch events in namespace live",
        "may not list or watch pods in namespace vod",
        "may not list or watch deployments in namespace vod",
        "may not list or watch events in namespace vod",
        "may not list or watch nodes in the whole cluster",
    }
    assert any("ClusterRole" in advice for advice in found.advice)


async def test_a_channel_list_that_cannot_be_read_and_one_that_is_empty_are_both_told(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("[]")
    path = tmp_path / "config.toml"
    path.write_text('[sites.s.channels]\nfiles = ["gone.json", "empty.json"]\n')
    found = await of(path)
    assert "No such file" in found["channels gone.json"].missing[0]
    assert found["channels empty.json"].missing == ("the list is empty: no channel is watched",)


def test_the_command_prints_a_table_or_one_document_and_ends_with_the_code(
    platform: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["doctor", "--config", str(platform)], {}) == 0
    out = capsys.readouterr().out
    assert "site demo: 11 of 11 well" in out
    path = everything_at(f"http://127.0.0.1:{closed_port()}", tmp_path)
    assert cli.main(["doctor", "--json", "--config", str(path)], {}) == ExitCode.UNREACHABLE
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == 3
    rows = {row["name"]: row for row in document["backends"]}
    assert rows["prometheus"]["reachable"] is False
    assert rows["prometheus"]["state"] == "silent"
    assert rows["channels inline"]["state"] == "ok"
    assert {"version", "latency_ms", "skew_s", "missing", "advice", "notes", "on"} <= rows["prometheus"].keys()
    assert cli.main(["doctor", "--config", str(tmp_path / "none.toml")], {}) == ExitCode.USAGE


async def test_exporters_that_are_recognised_are_named_and_an_ingest_server_is_visited(tmp_path: Path) -> None:
    page = (
        '<?xml version="1.0" encoding="utf-8" ?><rtmp><nginx_rtmp_version>1.1.4</nginx_rtmp_version><server><application>'
        "<name>live</name><live><stream><name>a</name><client><id>1</id><publishing/></client></stream><stream><name>b</name>"
        "</stream></live></application></server></rtmp>"
    )

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/stat":
            return web.Response(text=page, content_type="text/xml")
        if "__name__" not in request.query.get("query", ""):
            return web.json_response({"status": "success", "data": {"resultType": "vector", "result": []}})
        names = ("srs_streams", "paths_inbound_bytes")
        found = [{"metric": {"__name__": name}, "value": [1_800_000_000, "1"]} for name in names]
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": found}})

    async with serving(answer) as url:
        path = tmp_path / "config.toml"
        path.write_text(
            f'[sites.x.prometheus]\nurl = "{url}"\n[sites.x.ingest.rtmp-1]\nurl = "{url}/stat"\n'
            f'[sites.x.ingest.rtmp-2]\nurl = "{url}/elsewhere"\n'
        )
        found = await of(path)
    assert "recognised: mediamtx, srs" in found["prometheus"].told
    assert any("whole process" in note for note in found["prometheus"].notes)
    assert found["ingest rtmp-1"].is_well and found["ingest rtmp-1"].version == "1.1.4"
    assert found["ingest rtmp-1"].told == "1 of 2 streams published"
    assert not found["ingest rtmp-2"].is_well and "no XML" in found["ingest rtmp-2"].missing[0]
