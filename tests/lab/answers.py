"""What the servers of the lab say themselves, asked past the console: what the console must agree with."""

from __future__ import annotations

import json
import re
import urllib.request

from tests.lab.servers import SITE, lab_folder

BEAT = re.compile(r"beat (\d+) load \d+\.\d\d")
ASK = urllib.request.build_opener(urllib.request.ProxyHandler({})).open  # loopback is asked directly
RENDITIONS = ("high", "mid", "low")  # as ffmpeg names its streams


def published() -> list[float]:
    """When each rendition's playlist was last written; they are written within a moment of each other."""
    return sorted((lab_folder() / f"media/hls/lab_{name}.m3u8").stat().st_mtime for name in RENDITIONS)


def asked_at_edge() -> tuple[int, str]:
    """The status of a playlist at the edge, and what its cache did."""
    urls = re.findall(r'^url = "(.*/hls/)lab.m3u8"$', SITE.read_text(), re.MULTILINE)
    with ASK(f"{urls[-1]}lab_high.m3u8", timeout=5) as answer:
        return answer.status, answer.headers["X-Cache"]


def at_peer(number: int, method: str, path: str, body: object = None) -> object:
    """One request to an Alertmanager of the lab."""
    urls = re.search(r'^urls = \["([^"]+)", "([^"]+)"\]$', SITE.read_text(), re.MULTILINE)
    assert urls is not None
    request = urllib.request.Request(
        urls[number + 1] + path,
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Content-Type": "application/json"},
    )
    with ASK(request, timeout=5) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def written() -> int:
    """The newest line that the server has confirmed to its writer."""
    return int((lab_folder() / "logs/written").read_text())


def on_the_server(size: int) -> list[int]:
    """The numbers of the newest lines that the log server holds, oldest first."""
    url = re.search(r'^url = "([^"]+)"\nindex = ', SITE.read_text(), re.MULTILINE)
    assert url is not None
    body = {"size": size, "sort": [{"@timestamp": "desc"}], "_source": ["message"], "query": {"match_all": {}}}
    request = urllib.request.Request(
        f"{url[1]}/logs-lab-*/_search", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with ASK(request, timeout=10) as answer:
        hits = json.load(answer)["hits"]["hits"]
    found = [BEAT.fullmatch(hit["_source"]["message"]) for hit in hits]
    return [int(each[1]) for each in reversed(found) if each is not None]
