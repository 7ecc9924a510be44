"""Rows and queries to search: real texts and mixtures of neighbors, or random ones; and the true neighbors."""
from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import numpy as np

SEED, DIMENSIONS, QUERIES, TOP = 1, 384, 1000, 10
MODEL = "sentence-transformers/all-MiniLM-L6-v2"
SCRIPTS = Path(__file__).resolve().parent.parent
# Rows whose neighbors are mixed with them, and how many neighbors each has.
ANCHORS, NEIGHBORS = 20_000, 16
# Rows that are in memory besides those that are mixed.
ROWS_AT_ONCE = 100_000


@dataclass(frozen=True)
class Vectors:
    """Files of rows, of queries, and of the numbers of each query's true neighbors."""

    name: str
    rows: Path
    queries: Path
    truth: Path


def say(message: str) -> None:
    print(f"search-bench: {message}", file=sys.stderr, flush=True)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)).astype(np.float32)


def written(path: Path, shape: tuple[int, int], parts: Iterator[np.ndarray]) -> None:
    """Writes an array part by part; the file has its name when it is complete."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    file = np.lib.format.open_memmap(unfinished, "w+", np.float32, shape)
    start = 0
    for part in parts:
        file[start : start + len(part)] = part
        start += len(part)
    file.flush()
    unfinished.rename(path)


def embedded(nearsay: Path, cache: Path) -> np.ndarray:
    """The texts of scripts/search-corpus as vectors, in a seeded order."""
    path = cache / "texts.npy"
    if not path.exists():
        corpus = subprocess.run([SCRIPTS / "search-corpus"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        say(f"embedding {corpus}; this is done once")
        unfinished = path.with_name("texts.unfinished.npy")
        subprocess.run([nearsay, "embed", corpus, "-m", MODEL, "--device", "cpu", "-o", unfinished, "--overwrite"], check=True)
        unfinished.rename(path)
    rows = np.load(path)
    return rows[np.random.default_rng(SEED).permutation(len(rows))]


def best(queries: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """The numbers of the rows with the greatest products for each query, best first; equal ones by number.

    Products are f32 at first; twice as many as are wanted are ordered by their f64 products.
    """
    wide = min(2 * count, len(rows))
    found = []
    for start in range(0, len(queries), 100):
        part = queries[start : start + 100]
        numbers, scores = np.empty((len(part), 0), np.int64), np.empty((len(part), 0), np.float32)
        for first in range(0, len(rows), ROWS_AT_ONCE):
            block = rows[first : first + ROWS_AT_ONCE]
            products = part @ block.T
            chosen = np.argpartition(-products, min(wide, len(block)) - 1, axis=1)[:, :wide]
            numbers = np.hstack([numbers, first + chosen])
            scores = np.hstack([scores, np.take_along_axis(products, chosen, 1)])
            kept = np.argpartition(-scores, min(wide, scores.shape[1]) - 1, axis=1)[:, :wide]
            numbers, scores = np.take_along_axis(numbers, kept, 1), np.take_along_axis(scores, kept, 1)
        for query, candidates in zip(part, numbers):
            exact = rows[np.sort(candidates)].astype(np.float64) @ query.astype(np.float64)
            found.append(np.sort(candidates)[np.argsort(-exact, kind="stable")][:count])
    return np.array(found)


def mixtures(base: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """Rows between a row and one of its nearest neighbors, at a random place from 0.3 to 0.7 of the way."""
    draw = np.random.default_rng(SEED + 1)
    anchors = draw.choice(len(base), min(ANCHORS, len(base)), replace=False)
    neighbors = best(base[anchors], base, min(NEIGHBORS, len(base)))
    for start in range(0, count, ROWS_AT_ONCE):
        size = min(ROWS_AT_ONCE, count - start)
        chosen = draw.integers(len(anchors), size=size)
        # The nearest row is the row itself.
        other = neighbors[chosen, draw.integers(1, neighbors.shape[1], size=size)]
        share = draw.uniform(0.3, 0.7, (size, 1)).astype(np.float32)
        yield unit(share * base[anchors[chosen]] + (1 - share) * base[other])


def real(nearsay: Path, cache: Path, count: int, name: str) -> None:
    texts = embedded(nearsay, cache)
    np.save(cache / f"{name}.queries.npy", texts[:QUERIES])
    base = texts[QUERIES:]

    def parts() -> Iterator[np.ndarray]:
        yield base[:count]
        if count > len(base):
            say(f"mixing {count - len(base):,} rows")
            yield from mixtures(base, count - len(base))

    written(cache / f"{name}.npy", (count, texts.shape[1]), parts())


def random(cache: Path, count: int, name: str) -> None:
    draw = np.random.default_rng(SEED)
    np.save(cache / f"{name}.queries.npy", unit(draw.standard_normal((QUERIES, DIMENSIONS), np.float32)))
    sizes = (min(ROWS_AT_ONCE, count - start) for start in range(0, count, ROWS_AT_ONCE))
    parts = (unit(draw.standard_normal((size, DIMENSIONS), np.float32)) for size in sizes)
    written(cache / f"{name}.npy", (count, DIMENSIONS), parts)


def make(nearsay: Path, cache: Path, count: int, is_random: bool) -> Vectors:
    """The files, which are made if they are not there."""
    name = f"{'random' if is_random else 'real'}-{count}"
    files = Vectors(name, cache / f"{name}.npy", cache / f"{name}.queries.npy", cache / f"{name}.truth.npy")
    if not files.rows.exists():
        say(f"making {files.rows}")
        random(cache, count, name) if is_random else real(nearsay, cache, count, name)
    if not files.truth.exists():
        say("searching for the true neighbors")
        np.save(files.truth, best(np.load(files.queries), np.load(files.rows, mmap_mode="r"), TOP))
    return files
