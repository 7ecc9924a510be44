"""Objects that are opened and closed 1,000 times leave nothing."""

from __future__ import annotations

import os

import pytest
from children import figure, printed

CYCLES = int(os.environ.get("NEARSAY_FAULTS_CYCLES", "1000"))
#: The growth from cycle 200, when allocators have what they need, to the last: 10 KiB per cycle. What could stay is larger:
#: the weights of these models are 120 KB, a tokenizer is more, and a thread's stack has 8 to 20 KB in use.
MOST = 8 << 20


@pytest.mark.parametrize("kind", ["Embedder", "BERTScorer", "CrossEncoder"])
def test_memory_is_flat(kind: str) -> None:
    found = printed("cycles_case.py", kind, CYCLES, timeout=600)
    early, late = found["early"], found["late"]
    growth = late["resident"] - early["resident"]
    figure(
        f"{kind}: {CYCLES:,} times opened, used and closed: {early['resident'] / 2**20:.1f} MiB after a fifth of them, "
        f"{growth / 2**20:+.1f} MiB by the end"
    )
    assert growth < MOST, found
    assert early["threads"] == late["threads"] == found["threads_before"], found
    assert early["files"] == late["files"], found
