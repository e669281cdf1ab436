"""A configuration with a canary wherever one can stand, and where that is by the types of the configuration.

`places()` walks the structs: a path marked as a secret's, a variable, a command, a header, an address, a channel's signature.
`planted()` writes a file that has a canary in each of them and says which; that the two agree is a test's business.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from console.config.kinds import Kind, kind_of
from console.config.root import Config
from tests.canaries.bird import token, word

Place = tuple[str, str]
"""(name of the struct, name of its field)."""
_MARKS = (Kind.SECRET_FILE, Kind.COMMAND, Kind.URL, Kind.PROXY)
_WORDS = ("token", "password", "secret", "api_key", "credential", "_env", "_command", "headers", "kubeconfig", "host_key")


def places(struct: type = Config) -> set[Place]:
    """Every field of the configuration in which a secret, or the way to one, may stand."""
    found: set[Place] = set()
    seen: set[type] = set()

    def of_struct(node: inspect.StructType) -> None:
        if node.cls in seen:
            return
        seen.add(node.cls)
        for field in node.fields:
            if _is_secret(field.name, field.type):
                found.add((_home(node.cls, field.name), field.name))
            of_type(field.type)

    def of_type(node: inspect.Type) -> None:
        _, bare = kind_of(node)
        if isinstance(bare, inspect.StructType):
            of_struct(bare)
        for inner in _inside(bare):
            of_type(inner)

    of_type(inspect.type_info(struct))
    return found


def _home(struct: type, name: str) -> str:
    """The struct that brings the field: a backend's address is a backend's, of whatever kind it is."""
    family = [base for base in struct.__mro__ if issubclass(base, msgspec.Struct) and base is not msgspec.Struct]
    return next(base.__name__ for base in reversed(family) if name in base.__struct_fields__)


def _inside(node: inspect.Type) -> tuple[inspect.Type, ...]:
    if isinstance(node, inspect.UnionType):
        return node.types
    if isinstance(node, inspect.DictType):
        return (node.key_type, node.value_type)
    if isinstance(node, inspect.VarTupleType | inspect.ListType):
        return (node.item_type,)
    return ()


def _is_secret(name: str, node: inspect.Type) -> bool:
    mark, bare = kind_of(node)
    marks = {mark, *(kind_of(inner)[0] for inner in _inside(bare))}
    is_text = any(isinstance(each, inspect.StrType | inspect.VarTupleType | inspect.DictType) for each in (bare, *map(_bare, _inside(bare))))
    return bool(marks & set(_MARKS)) or (is_text and (any(w in name for w in _WORDS) or name == "url"))


def _bare(node: inspect.Type) -> inspect.Type:
    return kind_of(node)[1]


class Planted(msgspec.Struct, frozen=True):
    """`canaries`: the place, told so that a person finds it, to the canary in it."""

    config: Path
    environ: Mapping[str, str]
    canaries: Mapping[str, str]
    places: frozenset[Place]
    commands: frozenset[str]  # those that only a program prints: nobody knows them before it was run


class _Garden:
    """Where canaries are put, one after another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ: dict[str, str] = {}
        self.canaries: dict[str, str] = {}
        self.places: set[Place] = set()
        self.commands: set[str] = set()

    def file(self, struct: str, field: str, content: str = "{}") -> str:
        """A file of its own, as `content` has it."""
        where = f"{struct}.{field}.{len(self.canaries)}"
        path = self.folder / where
        path.write_text(content.replace("{}", self._new(struct, field, where, word(where))))
        path.chmod(0o600)
        return str(path)

    def env(self, struct: str, field: str, content: str = "{}") -> str:
        where = f"{struct}.{field}.{len(self.canaries)}"
        name = f"CANARY_{len(self.canaries)}"
        self.environ[name] = content.replace("{}", self._new(struct, field, where, word(where)))
        return name

    def command(self, struct: str, field: str, content: str = "{}") -> list[str]:
        """What it prints looks random, since nobody can know it before."""
        where = f"{struct}.{field}.{len(self.canaries)}"
        printed = content.replace("{}", self._new(struct, field, where, token(where)))
        script = self.folder / f"{where}.py"
        script.write_text(f"print({printed!r})\n")
        self.commands.add(where)
        return [sys.executable, "-S", str(script)]

    def text(self, struct: str, field: str) -> str:
        """Written into the configuration itself, where it can be: an address's query, a header."""
        where = f"{struct}.{field}.{len(self.canaries)}"
        return self._new(struct, field, where, token(where))

    def _new(self, struct: str, field: str, where: str, canary: str) -> str:
        self.places.add((struct, field))
        self.canaries[where] = canary
        return canary


def _credentials(garden: _Garden) -> list[dict[str, Any]]:
    """One of each way to be let in."""
    file, env, command = garden.file, garden.env, garden.command
    return [
        {"bearer_file": file("Credential", "bearer_file")},
        {"bearer_env": env("Credential", "bearer_env")},
        {"bearer_command": command("Credential", "bearer_command")},
        {"command": command("Credential", "command")},
        {"api_key_file": file("Credential", "api_key_file")},
        {"api_key_env": env("Credential", "api_key_env")},
        {"api_key_command": command("Credential", "api_key_command")},
        {"basic": {"user": "ops", "password_file": file("Basic", "password_file")}},
        {"basic": {"user": "ops", "password_env": env("Basic", "password_env")}},
        {"basic": {"user": "ops", "password_command": command("Basic", "password_command")}},
        {"header": {"name": "X-Gate", "value_file": file("HeaderSecret", "value_file")}},
        {"header": {"name": "X-Gate", "value_env": env("HeaderSecret", "value_env")}},
        {"header": {"name": "X-Gate", "value_command": command("HeaderSecret", "value_command")}},
    ]


_PEM = "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n"
_KUBECONFIG = json.dumps({
    "apiVersion": "v1", "kind": "Config", "current-context": "c",
    "clusters": [{"name": "c", "cluster": {"server": "SERVER"}}],
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    "users": [{"name": "u", "user": {"token": "{}"}}],
})  # fmt: skip


def planted(folder: Path, urls: Mapping[str, str]) -> Planted:
    """Writes midwatch.toml into `folder`. `urls`: of the servers prometheus, alertmanager, elasticsearch, kubernetes, hls, refusing
    (quotes whatever it was shown), robot and slack (chat).
    """
    garden = _Garden(folder)
    ways = _credentials(garden)
    people = folder / "people"
    people.mkdir()
    certificate = folder / "a.crt"
    certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

    def backend(server: str, read: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {
            "url": urls[server], "read": read, "write": {"bearer_file": garden.file("Credential", "bearer_file")},
            "headers": {"X-Routing-Token": garden.text("Backend", "headers")}, **more,
        }  # fmt: skip

    refusing = {f"i{at}": {"url": f"{urls['refusing']}/stat?key={garden.text('Backend', 'url')}", "read": way} for at, way in enumerate(ways)}
    refusing["cert"] = {
        "url": f"{urls['refusing'].replace('http:', 'https:')}/stat",
        "read": {"client_cert": {"cert_file": str(certificate), "key_file": garden.file("ClientCert", "key_file", _PEM)}},
    }
    refusing["proxied"] = {"url": urls["refusing"], "proxy": f"{urls['refusing']}/?pass={garden.text('Backend', 'proxy')}"}
    kubeconfig = garden.file("Cluster", "kubeconfig", _KUBECONFIG.replace("SERVER", urls["refusing"]))
    site = {
        "prometheus": backend("prometheus", ways[0]),
        "alertmanager": {"urls": [f"{urls['alertmanager']}", f"{urls['refusing']}/?tenant={garden.text('Backend', 'urls')}"], "read": ways[9]},
        "elasticsearch": backend("elasticsearch", ways[4], index="logs-video-*"),
        "kubernetes": {
            "demo-1": {**backend("kubernetes", ways[2]), "namespaces": ["live"]}, "conf": {"kubeconfig": kubeconfig, "context": "c"},
        },
        "channels": {
            "urls": [f"{urls['refusing']}/channels.json?sig={garden.text('Channels', 'urls')}"],
            "inline": [_channel(garden, urls, name, kind) for name, kind in
                       (("uk-sport-1", "hls"), ("uk-news-1", "refusing"), ("us-news-1", "path"))],
        },
        "gauges": [{"name": "egress lhr", "used": 'sum(rate(edge_bytes_total{pop="lhr"}[1m]))*8', "total": 'edge_capacity_bps{pop="lhr"}',
                    "unit": "bit/s"},
                   {"name": "broken", "used": "poisoned_metric"}],
        "ingest": refusing,
        "switches": {"cdn": {
            "url": f"{urls['refusing']}/v1", "verify_url": f"{urls['refusing']}/w?key={garden.text('Switch', 'verify_url')}",
            "body": '{"a": {a}, "b": {b}}', "write": {"bearer_env": garden.env("Credential", "bearer_env")},
            "targets": {"a": {"pointer": "/a"}, "b": {"pointer": "/b"}},
        }},
    }  # fmt: skip
    config = {
        "default_site": "apac", "sites": {"apac": site}, "chat": _chat(garden, urls),
        "bell": {"to": ["robot"], "auth": {"bearer_file": garden.file("Credential", "bearer_file")}},
        "serve": {"host_key": garden.file("Serve", "host_key", _PEM), "authorized_keys": str(people)},
    }  # fmt: skip
    path = folder / "midwatch.toml"
    path.write_text("".join(f"{key} = {_toml(value)}\n" for key, value in config.items()))
    return Planted(path, garden.environ, garden.canaries, frozenset(garden.places), frozenset(garden.commands))


def _channel(garden: _Garden, urls: Mapping[str, str], name: str, kind: str) -> dict[str, Any]:
    """A signature in the query, or in the path; a header, and a program that signs."""
    path = f"/live/{name}/master.m3u8"
    if kind == "path":
        path = f"/live/hdnts=exp=1999999999~acl=/*~hmac={garden.text('Vantage', 'url')}{path}"
    server = "hls" if kind == "hls" else "refusing"
    return {"name": name, "region": "emea", "tier": 1, "vantages": [{
        "name": "origin", "layer": "origin", "url": f"{urls[server]}{path}?sig={garden.text('Vantage', 'url')}",
        "headers": {"X-Access-Token": garden.text("Vantage", "headers")},
        "token_command": garden.command("Vantage", "token_command", "auth={}"),
    }]}  # fmt: skip


def _chat(garden: _Garden, urls: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    struct, found = "ChatDestination", {}
    for at, put in enumerate((garden.file, garden.env, garden.command)):
        way = ("file", "env", "command")[at]
        found[f"group-{way}"] = {
            "kind": "feishu", "url": f"{urls['robot']}?k={garden.text(struct, 'url')}",
            f"url_{way}": put(struct, f"url_{way}", urls["robot"] + "/open-apis/bot/v2/hook/{}"),
            f"secret_{way}": put(struct, f"secret_{way}"), "app_id": "cli_x", f"app_secret_{way}": put(struct, f"app_secret_{way}"),
        }  # fmt: skip
        found[f"bot-{way}"] = {"kind": "slack", "url": urls["slack"], f"token_{way}": put(struct, f"token_{way}", "xoxb-{}"), "channel": "C0123456789"}
    found["robot"] = {
        "kind": "webhook", "url": f"{urls['robot']}/take", "secret_file": garden.file(struct, "secret_file"),
        "token_env": garden.env(struct, "token_env"), "rate": 50,
    }  # fmt: skip
    found["proxied"] = {
        "kind": "webhook", "url": f"{urls['robot']}/take", "secret_file": garden.file(struct, "secret_file"),
        "proxy": f"{urls['refusing']}/?pass={garden.text(struct, 'proxy')}",
    }  # fmt: skip
    return found


def _toml(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
