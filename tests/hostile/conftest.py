from __future__ import annotations

from tests.hostile.staging import written

__all__ = ["written"]
