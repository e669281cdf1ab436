"""The elasticsearch client's namespaces, which are imported at their first use, and are all there then."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
CHILD = """
import asyncio, json, sys
from console.sources.loading import load_here
load_here("elasticsearch")
from elasticsearch import AsyncElasticsearch, Elasticsearch

def namespaces(client):
    return {name: each for name, each in vars(client).items() if type(each).__name__.endswith("Client")}

async def main():
    told = {}
    clients = AsyncElasticsearch("http://127.0.0.1:1"), Elasticsearch("http://127.0.0.1:1")
    told["ready"] = sorted(name for name, each in namespaces(clients[0]).items() if type(each).__module__.startswith("elasticsearch."))
    told["ml before"] = type(clients[0].ml).__module__
    told["ml"] = clients[0].ml.get_jobs.__qualname__
    told["ml after"] = type(clients[0].ml).__module__
    told["again"] = clients[0].options().ml.get_jobs.__qualname__
    told["sync"] = clients[1].ml.get_jobs.__module__
    told["all"] = [
        (name, each.transport is client.transport, type(each).__module__)
        for client in clients for name, each in namespaces(client).items()
    ]
    try:
        clients[0].watcher.no_such_thing
    except AttributeError as error:
        told["missing"] = str(error)
    await clients[0].close()
    print(json.dumps(told))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    child = subprocess.run(
        [sys.executable, "-c", CHILD], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert child.returncode == 0, child.stderr
    answer: dict[str, Any] = json.loads(child.stdout)
    return answer


def test_only_the_namespace_that_every_start_asks_is_imported_with_the_client(told: dict[str, Any]) -> None:
    assert told["ready"] == ["indices"]
    assert not told["ml before"].startswith("elasticsearch.")


def test_a_namespace_becomes_the_real_one_when_it_is_asked(told: dict[str, Any]) -> None:
    assert told["ml"] == told["again"] == "MlClient.get_jobs"
    assert told["ml after"] == "elasticsearch._async.client.ml" and told["sync"] == "elasticsearch._sync.client.ml"


def test_every_namespace_of_both_clients_is_there_with_its_clients_transport(told: dict[str, Any]) -> None:
    assert len(told["all"]) > 70
    assert all(is_same and module.startswith("elasticsearch.") for _, is_same, module in told["all"])


def test_what_the_real_one_has_not_is_no_attribute(told: dict[str, Any]) -> None:
    assert "WatcherClient" in told["missing"] and "no_such_thing" in told["missing"]
