"""The vectors in text-embeddings-inference's snapshots of its own HTTP tests.

The snapshots are of another engine in f32, and differ by 2.5e-4 from sentence-transformers, by which this server's vectors
are right. The bound is a little above that; TEI itself allows 4e-3.
"""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

from running_server import Running

BOUND = 3e-4
#: Their requests, in router/tests/test_http_embed.rs of TEI.
REQUESTS: dict[str, Any] = {
    "http_mrl_embeddings_single.snap": {"inputs": "test", "dimensions": 128},
    "http_mrl_embeddings_batch.snap": {"inputs": ["test", "test", "test"], "dimensions": 128},
}


def rows_of(text: str) -> list[list[float]]:
    """The vectors of a snapshot: YAML, `- - ` before the first value of each."""
    rows: list[list[float]] = []
    for mark, value in re.findall(r"^(- - |  - )(\S+)$", text.split("---", 2)[2], re.M):
        if mark == "- - ":
            rows.append([])
        rows[-1].append(float(value))
    return rows


def check(running: Running, folder: Path) -> tuple[str, bool]:
    largest = 0.0
    for name, body in REQUESTS.items():
        expected = rows_of((folder / name).read_text("utf-8"))
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{running.url}/embed", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.load(answer)
        shapes = [[len(row) for row in rows] for rows in (found, expected)]
        if shapes[0] != shapes[1] or not expected:
            return f"{name}: rows of {shapes[0]} values, not of {shapes[1]}", False
        pairs = [pair for rows in zip(found, expected) for pair in zip(*rows)]
        largest = max([largest, *(abs(one - other) for one, other in pairs)])
    return f"{len(REQUESTS)} snapshots, largest difference {largest:.1e}, bound {BOUND:.0e}", largest <= BOUND
