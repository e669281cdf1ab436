"""The secrets of one destination, read when a letter leaves and held no longer; each is learnt by the redactor as it is read,
so that not even an error of ours could tell it.
"""

from __future__ import annotations

from collections.abc import Mapping

from console.config.chat import ChatDestination
from console.config.secrets import secret
from console.redaction.redactor import Redactor


class Keys:
    """What stands in the files, variables and commands that a destination names. All raise SourceError."""

    def __init__(self, destination: ChatDestination, environ: Mapping[str, str], redactor: Redactor) -> None:
        self._destination = destination
        self._environ = environ
        self._redactor = redactor

    async def address(self) -> str:
        """Where to post."""
        told = self._destination
        if told.url_file or told.url_env or told.url_command:
            return await self._read(told.url_file, told.url_env, told.url_command)
        return told.url or ""

    async def token(self) -> str:
        """What proves who we are; "" when none is named."""
        told = self._destination
        return await self._read(told.token_file, told.token_env, told.token_command)

    async def secret(self) -> str:
        """What signs; "" when none is named."""
        told = self._destination
        return await self._read(told.secret_file, told.secret_env, told.secret_command)

    async def app_secret(self) -> str:
        """Of the app that uploads pictures; "" when none is named."""
        told = self._destination
        return await self._read(told.app_secret_file, told.app_secret_env, told.app_secret_command)

    def learnt(self, secret: str) -> str:
        """The same, hidden from now on: of secrets that a service gives us."""
        return self._redactor.learn(secret)

    async def _read(self, file: str | None, variable: str | None, command: tuple[str, ...] | None) -> str:
        if not (file or variable or command):
            return ""
        return self._redactor.learn(await secret(file, variable, command, self._environ))
