"""Seeded rows as files of vectors, and the hits of `nearsay search`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DIMENSIONS, QUERIES, HITS = 384, 100, 10
# Hard to write in every format.
TEXT = 'quotes "a" \'b\' \\ \n\t🙂 é, row '
# What a file of bits says of itself (docs/formats.md); without it bytes are not read as bits.
BITS = {
    "version": "0.1.0", "model": "seeded", "revision": "", "precision": "f32", "precision_arithmetic": "f32",
    "device": "cpu", "instruction_set": "avx2", "level": "sentence", "layer": "1", "pooling": "mean",
    "normalized": "true", "dimensions": str(DIMENSIONS), "prompt": "", "max_length": "128", "on_long": "truncate",
    "output_type": "ubinary",
}  # fmt: skip


class CheckError(Exception):
    """A failed check."""


def ensure(holds: bool, message: str) -> None:
    if not holds:
        raise CheckError(message)


def unit_vectors(rows: int, seed: int) -> np.ndarray:
    """Random vectors of length 1 in every direction: no data is harder for a graph."""
    values = np.random.default_rng(seed).standard_normal((rows, DIMENSIONS), dtype="float32")
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def bits(vectors: np.ndarray) -> np.ndarray:
    """The signs of vectors, eight per byte."""
    return np.packbits(vectors > 0, axis=1)


def text(row: int) -> str:
    return f"{TEXT}{row}"


def name(row: int) -> str:
    """A row's id: a string, which the filter of a page's block can be applied to."""
    return f"{row}.md"


def key(row: int) -> str:
    return f"{name(row)}#0"


def row_of(name: str) -> int:
    """The row that an id or a key names."""
    return int(name.partition(".")[0])


def write(path: Path, vectors: np.ndarray, columns: dict[str, Any], metadata: dict[str, str] | None = None) -> Path:
    """Writes vectors with ids, texts and more columns."""
    rows = len(vectors)
    embedding = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    head = {"id": [name(row) for row in range(rows)], "chunk_id": [key(row) for row in range(rows)]}
    texts = {"chunk_text": [text(row) for row in range(rows)]}
    table = pa.table({**head, **texts, **columns, "embedding": embedding})
    described = {f"nearsay.{property}": value for property, value in (metadata or {}).items()}
    pq.write_table(table.replace_schema_metadata(described), path)
    return path


class Program:
    """The program `nearsay`, run in a folder."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self.folder = path, folder

    def run(self, *arguments: object) -> str:
        command = [str(self.path), *map(str, arguments), "-q"]
        run = subprocess.run(command, cwd=self.folder, capture_output=True, encoding="utf-8")
        ensure(run.returncode == 0, f"{' '.join(command)} ended with {run.returncode}:\n{run.stderr}")
        return run.stdout

    def search(self, corpus: Path, queries: np.ndarray) -> list[list[int]]:
        """The rows nearest to each query, best first."""
        path = self.folder / "queries.npy"
        np.save(path, queries)
        lines = self.run("search", corpus, "--query-vectors", path, "-k", HITS, "--json").splitlines()
        found = [[row_of(hit["id"]) for hit in json.loads(line)["hits"]] for line in lines]
        ensure([len(rows) for rows in found] == [HITS] * len(queries), "nearsay search found too few rows")
        return found


def share(found: list[list[int]], expected: list[list[int]]) -> float:
    """The mean share of the expected rows that were found."""
    return float(np.mean([len(set(rows) & set(best)) / len(best) for rows, best in zip(found, expected, strict=True)]))
