"""Sparse vectors and vectors of late interaction in files, opened by their readers."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq

from desk import FIXTURES, TEXTS, Desk, json_lines

SPLADE = FIXTURES / "sparse-encoders" / "bert"
COLBERT = FIXTURES / "late-interaction" / "pylate"


class Sparse(Desk):
    def setUp(self) -> None:
        super().setUp()
        self.write_rows("in.jsonl", [{"id": f"t{row}", "text": text} for row, text in enumerate(TEXTS)])

    def test_parquet_has_two_lists_per_row(self) -> None:
        self.nearsay("embed", self.path("in.jsonl"), "-m", SPLADE, "-o", self.path("out.parquet"))
        table = pq.read_table(self.path("out.parquet"))
        self.assertEqual(table.column_names, ["id", "indices", "values"])
        self.assertEqual(table.schema.field("indices").type.value_type, pa.uint32())
        self.assertEqual(table.schema.field("values").type.value_type, pa.float32())
        metadata = pq.read_metadata(self.path("out.parquet")).metadata
        self.assertEqual((metadata[b"nearsay.level"], metadata[b"nearsay.pooling"]), (b"sparse", b"splade max"))
        rows = table.to_pylist()
        self.assertEqual([row["id"] for row in rows], [f"t{row}" for row in range(len(TEXTS))])
        for row in rows:
            self.assertEqual(row["indices"], sorted(set(row["indices"])))
            self.assertEqual(len(row["indices"]), len(row["values"]))
            self.assertTrue(all(value > 0 for value in row["values"]))
        # Texts 0 and 6 are the same.
        self.assertEqual(rows[0]["values"], rows[6]["values"])

    def test_every_format_has_the_same_numbers(self) -> None:
        for name in ("out.parquet", "out.jsonl", "out.arrow", "out/"):
            self.nearsay("embed", self.path("in.jsonl"), "-m", SPLADE, "-o", f"{self.folder}/{name}")
        rows = pq.read_table(self.path("out.parquet")).to_pylist()
        lines = json_lines(self.path("out.jsonl"))
        self.assertEqual([list(line) for line in lines], [["id", "indices", "values"]] * len(TEXTS))
        for row, line in zip(rows, lines):
            self.assertEqual(row["indices"], line["indices"])
            shortest = [pa.scalar(value, pa.float32()).as_py() for value in line["values"]]
            self.assertEqual(row["values"], shortest)
        with pa.memory_map(str(self.path("out.arrow"))) as source:
            self.assertEqual(pa.ipc.open_file(source).read_all().to_pylist(), rows)
        self.assertEqual(pq.read_table(self.path("out/part-00000.parquet")).to_pylist(), rows)
        self.nearsay("verify", self.path("out"))

    def test_matrices_are_refused(self) -> None:
        for name in ("out.npy", "out.safetensors"):
            arguments = ("embed", self.path("in.jsonl"), "-m", SPLADE, "-o", self.path(name))
            refused = self.nearsay(*arguments, code=2)
            self.assertIn("sparse vectors", refused.stderr)
            self.assertFalse(self.path(name).exists())

    def test_late_interaction_is_written_as_tokens(self) -> None:
        for name, side in (("queries", "query"), ("documents", "document")):
            output = self.path(f"{name}.parquet")
            self.nearsay("embed", self.path("in.jsonl"), "-m", COLBERT, "--prompt-name", side, "-o", output)
        queries, documents = (pq.read_table(self.path(f"{name}.parquet")) for name in ("queries", "documents"))
        for row in queries.to_pylist():
            self.assertEqual(len(row["embeddings"]), 16)
            self.assertEqual(row["tokens"][1], "[Q] ")
        for row in documents.to_pylist():
            self.assertEqual(len(row["token_ids"]), len(row["embeddings"]))
            self.assertNotIn(".", row["tokens"])
        summary = self.nearsay(
            "embed", self.path("in.jsonl"), "-m", COLBERT, "-o", self.path("again.parquet"), "--json"
        )
        self.assertEqual(json.loads(summary.stdout)["pooling"], "colbert, dense 32 to 11 of a document")
