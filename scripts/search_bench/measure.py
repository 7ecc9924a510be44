"""Measures one peer in a process by itself, and prints a JSON object: python -m search_bench.measure NAME OPTIONS."""
from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from .peers import PEERS, Peer


def timed(peer: Peer, queries: np.ndarray, top: int, seconds: float) -> dict[str, Any]:
    """Times of passes, after one that is not counted."""
    peer.search(queries, top)
    passes, begin = [], time.perf_counter()
    while not passes or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        peer.search(queries, top)
        passes.append(time.perf_counter() - start)
    return {
        "queries": len(queries),
        "rounds": len(passes),
        "milliseconds": 1e3 * statistics.median(passes),
        "milliseconds_best": 1e3 * min(passes),
    }


def expected_seconds(last: dict[str, Any], count: int) -> float:
    """The time of two passes over `count` queries, if they take as long each as those of the last figure."""
    return 2 * count / last["queries"] * last["milliseconds"] / 1e3


def recall(found: np.ndarray, truth: np.ndarray) -> float:
    """The share of the true neighbors that were found."""
    pairs = zip(found.tolist(), truth.tolist())
    return float(np.mean([len(set(row) & set(wanted)) / len(wanted) for row, wanted in pairs]))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    rows, queries, truth = (np.load(path) for path in (options.rows, options.queries, options.truth))
    kind = PEERS[options.name]
    start = time.perf_counter()
    peer = kind(rows, options.threads)
    built = time.perf_counter() - start
    figures, left_out = [], []
    try:
        for count in options.counts:
            if figures and expected_seconds(figures[-1], count) > options.limit:
                left_out.append(count)
            else:
                figures.append(timed(peer, queries[:count], options.top, options.seconds))
        tried = queries[: figures[-1]["queries"]]
        found = peer.search(tried, options.top)
    finally:
        peer.close()
    return {
        "name": options.name,
        "package": kind.package,
        "version": kind.version(),
        "settings": peer.settings,
        "is_exact": kind.is_exact,
        "build_seconds": built,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "recall": recall(found, truth[: len(tried)]),
        "recall_queries": len(tried),
        "figures": figures,
        "left_out": left_out,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=PEERS)
    for name in ("rows", "queries", "truth"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--counts", type=lambda text: [int(part) for part in text.split(",")], required=True)
    for name in ("top", "threads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("seconds", "limit"):
        parser.add_argument(f"--{name}", type=float, required=True)
    print(json.dumps(measure(parser.parse_args())))


if __name__ == "__main__":
    main()
