"""The configuration: what stands in config.toml and the environment, as frozen structs with every mistake
already told.

The structs (`root.py`, `site.py`, `backend.py`, `scope.py`) are the one description of the file: `check.py`
walks them to find everything that is wrong at once, `schema.py` prints them as JSON schema. `lines.py` knows
on which line a key stands, because tomllib does not. `load.load(path, environ)` joins it all; `reload.py`
keeps the last good one.

A credential is only *named* here (a file, a variable, a command). `secrets.py` fetches it when a request
needs it. Never put a secret into a struct, an error text or a repr, and never read one while loading: a
console that is only asked for its version must not unlock a vault.
"""

from console.config.errors import ConfigError
from console.config.root import Config

__all__ = ["Config", "ConfigError"]
