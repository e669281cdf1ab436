"""One outside system: where it is, and by what it lets us in."""

from __future__ import annotations

import msgspec

from console.config.kinds import Command, Name, Proxy, ReadableFile, Seconds, SecretFile, Url


class Basic(msgspec.Struct, frozen=True):
    """A user, and where the password is: exactly one of file, variable or command."""

    user: Name
    password_file: SecretFile | None = None
    password_env: Name | None = None
    password_command: Command | None = None


class HeaderSecret(msgspec.Struct, frozen=True):
    """A header of a gateway's own (`X-Scope-Token`), and where its value is."""

    name: Name
    value_file: SecretFile | None = None
    value_env: Name | None = None
    value_command: Command | None = None


class ClientCert(msgspec.Struct, frozen=True):
    """A certificate shown to the server during the handshake; it makes no header."""

    cert_file: ReadableFile
    key_file: SecretFile


class Credential(msgspec.Struct, frozen=True):
    """Where a secret is; exactly one field is set. Holds no secret itself, so its repr may be shown."""

    bearer_file: SecretFile | None = None
    bearer_env: Name | None = None
    bearer_command: Command | None = None
    command: Command | None = None  # the short way to write bearer_command
    basic: Basic | None = None
    header: HeaderSecret | None = None
    api_key_file: SecretFile | None = None
    api_key_env: Name | None = None
    api_key_command: Command | None = None
    client_cert: ClientCert | None = None


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """What every backend takes. Exactly one of `url` and `urls` is set (a Kubernetes cluster may have
    neither).
    """

    url: Url | None = None
    urls: tuple[Url, ...] = ()
    read: Credential | None = None
    write: Credential | None = None  # only actions ever build a client from it
    ca_file: ReadableFile | None = None  # instead of the system's authorities
    headers: dict[str, str] = {}  # sent with every request; secrets belong into `read`
    proxy: Proxy | None = None
    timeout_s: Seconds = 10.0

    @property
    def all_urls(self) -> tuple[str, ...]:
        """The addresses however they were written; empty only for a cluster that lives in a kubeconfig."""
        return (self.url,) if self.url is not None else self.urls
