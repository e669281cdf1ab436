"""Keys, an authority and its certificates, all by ssh-keygen, in a folder of their own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.serve.need import need


class Keys:
    """Makes each key once, by its name."""

    def __init__(self, place: Path) -> None:
        need("ssh-keygen")
        self.place = place
        place.mkdir(parents=True, exist_ok=True, mode=0o700)

    def key(self, name: str, kind: str = "ed25519") -> Path:
        """A private key without a passphrase; its public half lies beside it."""
        path = self.place / name
        if not path.exists():
            _keygen("-q", "-t", kind, "-N", "", "-C", name, "-f", str(path))
        return path

    def public(self, name: str) -> str:
        return Path(f"{self.key(name)}.pub").read_text().strip()

    def certificate(
        self,
        name: str,
        principals: str | None,
        authority: str = "authority",
        valid: str = "-5m:+1h",
        serial: int = 1,
        options: tuple[str, ...] = (),
    ) -> Path:
        """The key of that name with a certificate beside it, which the client then offers, too. No principals: None."""
        path = self.key(name)
        _keygen(
            *("-q", "-s", str(self.key(authority)), "-I", f"id of {name}", "-z", str(serial), "-V", valid),
            *(("-n", principals) if principals is not None else ()),
            *(word for option in options for word in ("-O", option)),
            f"{path}.pub",
        )
        return path

    def alone(self, name: str) -> Path:
        """A copy of the key without its certificate, so that the client offers the bare key."""
        copy = self.place / f"{name}.alone"
        if not copy.exists():
            shutil.copy2(self.key(name), copy)
        return copy


def _keygen(*words: str) -> None:
    done = subprocess.run(["ssh-keygen", *words], capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        pytest.fail(f"ssh-keygen {' '.join(words)}: {done.stderr}")
