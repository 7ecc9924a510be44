"""Steps of Ray jobs that count the models that they open, and take their time. On the workers' PYTHONPATH."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import counting
import pyarrow as pa

import nearsay.ray


class SlowEmbed(nearsay.ray.Embed):
    """Embeds, counts its model, and notes in a folder that a batch was embedded, on which node."""

    def __init__(self, notes: str, **settings: Any) -> None:
        counting.install()
        super().__init__(**settings)
        self._notes = Path(notes)

    def __call__(self, batch: pa.Table) -> pa.Table:
        import ray

        found = super().__call__(batch)
        time.sleep(0.2)
        node = ray.get_runtime_context().get_node_id()
        (self._notes / f"{node}-{batch['id'][0].as_py()}-{time.monotonic_ns()}").touch()
        return found
