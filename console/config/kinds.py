"""What a text in the configuration means: marks on the type of a field that `check.py` acts upon.

The mark stands beside the field it speaks of, so a new field brings its own check with it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta


class Kind(StrEnum):
    """Marks that need more than a type: PATH, FILE and SECRET_FILE are files, relative to the configuration's
    directory.
    """

    PATH = "path"  # may appear later; whoever reads it tells
    FILE = "file"  # must be readable
    SECRET_FILE = "secret_file"  # must be readable, and not by everyone
    URL = "url"
    PROXY = "proxy"
    COMMAND = "command"  # argv, run without a shell
    NAME = "name"  # must not be blank
    RATE = "rate"  # bytes per second, with their unit
    ENDPOINT = "endpoint"  # where to listen


def kind(of: Kind, description: str, **schema: Any) -> Meta:
    """The Meta that carries a kind; its description shows in the JSON schema."""
    return Meta(description=description, extra={"kind": of}, extra_json_schema=schema or None)


FilePath = Annotated[str, kind(Kind.PATH, "a file; relative to the configuration file's directory")]
ReadableFile = Annotated[
    str, kind(Kind.FILE, "a readable file; relative to the configuration file's directory")
]
SecretFile = Annotated[
    str, kind(Kind.SECRET_FILE, "a file that holds the secret alone; not readable by everyone")
]
Url = Annotated[str, kind(Kind.URL, "http:// or https://, without user and password", format="uri")]
Proxy = Annotated[str, kind(Kind.PROXY, "http:// or https://, without user and password", format="uri")]
Command = Annotated[
    tuple[str, ...],
    kind(Kind.COMMAND, "argv of a program that prints the secret; run without a shell", minItems=1),
]
Name = Annotated[str, kind(Kind.NAME, "not blank", minLength=1)]
Rate = Annotated[str, kind(Kind.RATE, "bytes per second, like 4MB/s, 500kB/s or 32Mbit/s", minLength=1)]
Endpoint = Annotated[str, kind(Kind.ENDPOINT, "HOST:PORT to listen on; an IPv6 address in brackets", minLength=1)]
Seconds = Annotated[float, Meta(gt=0, le=600, description="seconds")]


def kind_of(node: msgspec.inspect.Type) -> tuple[Kind | None, msgspec.inspect.Type]:
    """The mark on a type, and the type without it."""
    if isinstance(node, msgspec.inspect.Metadata):
        marked = (node.extra or {}).get("kind")
        return (marked if isinstance(marked, Kind) else None), node.type
    return None, node
