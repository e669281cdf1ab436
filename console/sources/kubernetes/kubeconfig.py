"""A kubeconfig into host, TLS and credentials, by the kubernetes package's own loader.

Importing this module imports `kubernetes.aio`, which costs about 0.8 s of CPU: `connection` loads it in a
thread, on first use, and only for targets that are not plain URLs.

The package merges the files of $KUBECONFIG, picks the context, resolves relative paths and unpacks inline
certificates. What we do not take from it (37.0.2, read in source): credentials. Its loader reads a token file
once and never again, keeps the file's newline (no HTTP client sends such a header), refreshes OIDC tokens
without verifying TLS unless the kubeconfig names a CA and then loses the rotated refresh token
(`persist_config` calls the persister instead of passing it), ignores impersonation (`as`), fails with a
TypeError for an https cluster without a user, and runs plugins on our terminal. An `auth-provider` token is
therefore used while it is valid; renewing it is kubectl's work, and the file is read again after a 401.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import yaml  # type: ignore[import-untyped]
from kubernetes.aio.client import Configuration
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.kube_config import ConfigNode, KubeConfigLoader, KubeConfigMerger

from console.model.failure import Failure, FailureKind, SourceError
from console.model.instant import Clock
from console.sources.kubernetes.credentials import Credentials, Fixed, TokenFile, basic, bearer
from console.sources.kubernetes.exec_plugin import ExecPlugin, ExecSpec
from console.sources.sanitise import clean

MISFORMED = (ConfigException, yaml.YAMLError, OSError, KeyError, TypeError, AttributeError, ValueError)


class Loaded(msgspec.Struct, frozen=True):
    """What one context of a kubeconfig says."""

    # Kubernetes.aio.client.Configuration: host, CA, client certificate, proxy, server name.
    configuration: Any
    credentials: Credentials
    headers: dict[str, str]  # impersonation


class _Loader(KubeConfigLoader):
    """The package's loader without its ideas about credentials."""

    async def _load_authentication(self) -> None:
        if self._user is None:
            cluster: Any = self._cluster
            self._user = ConfigNode("user", {}, cluster.path)  # type: ignore[no-untyped-call]


async def load(paths: str | None, context: str | None, on: str, clock: Clock) -> Loaded:
    """Read `paths` (as in $KUBECONFIG; None: that, or ~/.kube/config). Raises SourceError naming file and
    fault.
    """
    where = paths or default_paths()
    try:
        loader = _open(where, context)
        configuration = Configuration()
        await loader.load_and_set(configuration)
        if "server" not in loader._cluster.value:
            raise ConfigException("the cluster of this context has no server")
        user = dict(loader._user.value)
        folder = _folder(loader._user.path or where)
        credentials = _credentials(user, folder, where, context, on, clock, loader)
        return Loaded(configuration, credentials, _impersonation(user))
    except MISFORMED as error:
        raise _misformed(where, context, on, error) from None


def default_paths() -> str:
    """Where kubectl looks; asked now and not at import, as the package does."""
    return os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")


def _folder(file: str) -> Path:
    """What relative paths in a kubeconfig are relative to."""
    return Path(os.path.abspath(os.path.dirname(file)))


def _open(where: str, context: str | None) -> Any:
    """A `_Loader`; untyped, as the package is. Its fields `_user` and `_cluster` have no public names."""
    merger = KubeConfigMerger(where)  # type: ignore[no-untyped-call]
    if merger.config is None:
        raise ConfigException("no such file")
    return _Loader(  # type: ignore[no-untyped-call]
        config_dict=merger.config, active_context=context, config_base_path=None
    )


def _credentials(
    user: dict[str, Any],
    folder: Path,
    where: str,
    context: str | None,
    on: str,
    clock: Clock,
    loader: Any,
) -> Credentials:
    """In kubectl's order: an exec plugin only when there is no token."""
    if user.get("tokenFile") and not user.get("token"):
        return TokenFile(folder / str(user["tokenFile"]), on)
    value = _plain(user, on)
    if value is None and isinstance(user.get("exec"), dict):
        return ExecPlugin(_exec_spec(user["exec"], folder, loader), on, clock)

    def reread() -> str | None:
        try:
            fresh = _open(where, context)
            return _plain(dict(fresh._user.value) if fresh._user is not None else {}, on)
        except MISFORMED as error:
            raise _misformed(where, context, on, error) from None

    return Fixed(value, reread)


def _plain(user: dict[str, Any], on: str) -> str | None:
    if user.get("token"):
        return bearer(str(user["token"]), on)
    provider = user.get("auth-provider")
    if isinstance(provider, dict):
        config = provider.get("config") or {}
        token = config.get("id-token") or config.get("access-token")
        if token:
            return bearer(str(token), on)
        raise ConfigException(f"auth-provider {provider.get('name')} has no token: run kubectl once, it fetches one")
    if user.get("username") is not None and user.get("password") is not None:
        return basic(str(user["username"]), str(user["password"]))
    return None


def _exec_spec(section: dict[str, Any], folder: Path, loader: Any) -> ExecSpec:
    command = str(section["command"])
    if os.sep in command and not os.path.isabs(command):
        command = str(folder / command)
    cluster = None
    if section.get("provideClusterInfo"):
        value = loader._cluster.value
        fields = (
            "server",
            "tls-server-name",
            "insecure-skip-tls-verify",
            "certificate-authority-data",
            "proxy-url",
        )
        cluster = {name: value[name] for name in fields if name in value}
    return ExecSpec(
        command=command,
        api_version=str(section["apiVersion"]),
        args=tuple(str(word) for word in section.get("args") or ()),
        env={str(pair["name"]): str(pair["value"]) for pair in section.get("env") or ()},
        interactive_mode=str(section.get("interactiveMode") or "IfAvailable"),
        install_hint=clean(str(section.get("installHint") or ""), 200),
        cluster=cluster,
    )


def _impersonation(user: dict[str, Any]) -> dict[str, str]:
    """The user's `as`. Several groups need a repeated header, which one mapping cannot hold: refused, not
    dropped.
    """
    headers: dict[str, str] = {}
    if user.get("as"):
        headers["Impersonate-User"] = str(user["as"])
        groups = [str(group) for group in user.get("as-groups") or ()]
        if len(groups) > 1 or user.get("as-user-extra"):
            raise ConfigException("more than one as-groups, or as-user-extra: not supported")
        if groups:
            headers["Impersonate-Group"] = groups[0]
        if user.get("as-uid"):
            headers["Impersonate-Uid"] = str(user["as-uid"])
    return headers


def _misformed(where: str, context: str | None, on: str, error: Exception) -> SourceError:
    # Parsers quote what they stumble over, and here that may be a key: only the package's own words and errno
    # are told.
    if isinstance(error, ConfigException):
        got = clean(str(error), 300)
    elif isinstance(error, OSError):
        got = f"{error.strerror or type(error).__name__}: {clean(str(error.filename or ''), 200)}"
    else:
        got = f"it cannot be understood ({type(error).__name__})"
    name = f" context {context}" if context else ""
    return SourceError(
        Failure(
            kind=FailureKind.REJECTED,
            tried=f"read kubeconfig {where}{name}",
            on=on,
            got=got,
            hint="kubectl config view",
        )
    )
