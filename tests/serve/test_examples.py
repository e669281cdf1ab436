"""The examples of docs/serve.md are what they say: a configuration that midwatch takes, objects that Kubernetes knows, a unit."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.midwatch import MIDWATCH
from tests.e2e.platform import ROOT
from tests.serve.client import ended
from tests.serve.need import need
from tests.serve.server import environment

pytestmark = pytest.mark.lab
HERE = ROOT / "docs" / "examples" / "serve"


def _objects() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((HERE / "kubernetes.yaml").read_text()))


def _of(kind: str, name: str) -> dict[str, Any]:
    return next(each for each in _objects() if (each["kind"], each["metadata"]["name"]) == (kind, name))


def _model(thing: dict[str, Any]) -> str:
    return {"rbac.authorization.k8s.io/v1": "V1"}.get(thing["apiVersion"], "V1") + thing["kind"]


@pytest.mark.parametrize("number", range(14))
def test_every_object_has_only_fields_that_kubernetes_knows(number: int):
    """Its own client's models drop what they do not know; nothing may be dropped."""
    from kubernetes.client import ApiClient

    thing = _objects()[number]

    class Answer:
        data = json.dumps(thing)

    client = ApiClient()
    try:
        known = client.deserialize(Answer(), _model(thing))
    except TypeError:  # newer clients take the text and its type
        known = client.deserialize(json.dumps(thing), _model(thing), "application/json")
    assert client.sanitize_for_serialization(known) == thing


def test_the_number_of_objects_is_what_is_looked_at():
    assert len(_objects()) == 14


def test_the_configuration_and_the_policy_in_it_are_taken(tmp_path: Path):
    for name, text in _of("ConfigMap", "midwatch")["data"].items():
        for path in set(re.findall(r'"(/(?:var/run|run|etc)/[^"]+)"', text)):  # what a pod would have mounted
            stand_in = tmp_path / path.strip("/").replace("/", "-")
            stand_in.mkdir() if path.endswith("keys") else stand_in.write_text("x\n")
            stand_in.chmod(0o700)  # as fsGroup makes them
            text = text.replace(f'"{path}"', f'"{stand_in}"')
        (tmp_path / name).write_text(text)
    done = ended([*MIDWATCH, "--config", str(tmp_path / "config.toml"), "config", "check"], environment(tmp_path), 40)
    assert done.code == 0, done.err


def test_whoever_stops_it_waits_longer_than_it_drains():
    spec = _of("Deployment", "midwatch")["spec"]
    pod = spec["template"]["spec"]
    config = _of("ConfigMap", "midwatch")["data"]["config.toml"]
    drain_s = int(re.search(r"drain_s = (\d+)", config)[1])  # type: ignore[index]
    container = pod["containers"][0]
    sleeps_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > drain_s + sleeps_s
    liveness = container["livenessProbe"]
    assert liveness["periodSeconds"] * liveness["failureThreshold"] > drain_s + sleeps_s
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_the_account_that_acts_may_change_nothing_itself():
    for rule in _of("ClusterRole", "midwatch-acts")["rules"]:
        if rule["verbs"] == ["impersonate"]:
            assert rule["resourceNames"], "it may act for anybody"
            assert not any(name.startswith("system:") for name in rule["resourceNames"])
        elif rule["resources"] == ["subjectaccessreviews", "selfsubjectaccessreviews"]:
            assert rule["verbs"] == ["create"]
        else:
            assert set(rule["verbs"]) <= {"get", "list", "watch"}


def test_systemd_takes_the_unit(tmp_path: Path):
    need("systemd-analyze")
    text = (HERE / "midwatch-serve.service").read_text()
    unit = tmp_path / "midwatch-serve.service"
    unit.write_text(re.sub(r"^(User|Group)=.*$", r"\1=root", text, flags=re.M).replace("/opt/midwatch/bin/midwatch", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (0, ""), done.stderr
    stop_s = int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.M)[1])  # type: ignore[index]
    assert stop_s > 30 + 10  # drain_s, and what parting takes
