"""A child: CPU from settled readings to the PNG of a screen of 120x36, the first and a second one of the process; and what
importing a face costs beside it.
"""

from __future__ import annotations

import asyncio
import time

from console.model.scope import Scope
from tests.bench.harness import tell
from tests.scene import Scene

SIZE = (120, 36)


async def main() -> None:
    scene = Scene()
    seats = [scene.desk.sit(view) for view in ("streams", "logs", "workloads", "capacity", "incidents")]
    await asyncio.sleep(0)
    begun = time.process_time()
    from console.app.picture import drawn

    imported_s = time.process_time() - begun
    taken: list[float] = []
    for _ in range(2):
        begun = time.process_time()
        picture = await drawn(
            scene.desk, "demo", is_prod=False, who="mei", view="overview", scope=Scope(), theme=None, size=SIZE, format="png"
        )
        taken.append(time.process_time() - begun)
        assert picture.startswith(b"\x89PNG") and len(picture) > 50_000, len(picture)
    for seat in seats:
        seat.close()
    await scene.hub.close()
    tell({"cpu_s": taken[0], "again_s": taken[1], "imported_s": imported_s})


if __name__ == "__main__":
    asyncio.run(main())
