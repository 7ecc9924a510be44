"""Opens, uses and closes an object again and again: `cycles_case.py KIND COUNT`.

Prints the process's memory, threads and files after the first cycles and after the last.
"""

from __future__ import annotations

import json
import os
import sys
import time

from conftest import BERT
from models import CROSS_ENCODER, TEXTS

import nearsay


def use(kind: str) -> None:
    if kind == "Embedder":
        with nearsay.Embedder(BERT) as model:
            model.encode(TEXTS)
    elif kind == "BERTScorer":
        nearsay.BERTScorer(BERT, 2).score(TEXTS[:20], TEXTS[20:40])
    else:
        nearsay.CrossEncoder(CROSS_ENCODER).predict([*zip(TEXTS[:20], TEXTS[20:40])])


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def held(most_threads: int) -> dict[str, int]:
    """Resident bytes, threads and open files of this process. A closed object's threads have some seconds to end."""
    deadline = time.monotonic() + 10
    while threads() > most_threads and time.monotonic() < deadline:
        time.sleep(0.01)
    with open("/proc/self/statm", encoding="ascii") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {"resident": resident, "threads": threads(), "files": len(os.listdir("/proc/self/fd"))}


def main() -> None:
    kind, count = map(json.loads, sys.argv[1:])
    before, early = threads(), {}
    for cycle in range(1, count + 1):
        use(kind)
        if cycle == count // 5:
            early = held(before)
    print(json.dumps({"early": early, "late": held(before), "threads_before": before}))


if __name__ == "__main__":
    main()
