"""Arrow IPC files in pyarrow, read and mapped: the same columns as in Parquet."""

from __future__ import annotations

import unittest

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from desk import TEXTS, Desk, matrix


class ArrowFiles(Desk):
    OPTIONS = ("--keep", "title", "--mark-truncated", "--on-long", "chunk")

    def source(self) -> object:
        rows = ({"id": f"row {row}", "text": text, "title": [row]} for row, text in enumerate(TEXTS))
        return self.write_rows("in.jsonl", rows)

    def assert_same_table(self, found: pa.Table, expected: pa.Table) -> None:
        self.assertTrue(found.schema.equals(expected.schema), f"{found.schema}\n{expected.schema}")
        self.assertEqual(found.drop_columns(["embedding"]).to_pylist(), expected.drop_columns(["embedding"]).to_pylist())
        self.assert_same_bits(matrix(found.column("embedding")), matrix(expected.column("embedding")))

    def test_equal_parquet(self) -> None:
        source = self.source()
        for output_type in ("f32", "f16", "i8", "ubinary"):
            with self.subTest(output_type):
                options = (*self.OPTIONS, "--output-type", output_type, "--overwrite")
                expected = pq.read_table(self.embed(source, "out.parquet", *options))
                found = pa.ipc.open_file(self.embed(source, "out.arrow", *options)).read_all()
                self.assert_same_table(found, expected)

    def test_can_be_mapped_into_memory(self) -> None:
        output = self.embed(self.source(), "out.arrow", *self.OPTIONS)
        with pa.memory_map(str(output)) as mapped:
            before = pa.total_allocated_bytes()
            table = pa.ipc.open_file(mapped).read_all()
            vectors = matrix(table.column("embedding"))
            self.assertEqual(pa.total_allocated_bytes(), before, "nothing is copied")
            self.assert_same_table(table, pa.ipc.open_file(output).read_all())
            # Whatever looks into the map goes before it.
            del table, vectors

    def test_say_how_they_were_made(self) -> None:
        schema = pa.ipc.open_file(self.embed(self.source(), "out.arrow")).schema
        expected = pq.read_metadata(self.embed(self.source(), "out.parquet")).metadata
        for name, value in schema.metadata.items():
            self.assertEqual(expected[name], value)
        self.assertEqual(schema.metadata[b"nearsay.pooling"], b"mean")

    def test_have_tokens(self) -> None:
        source = self.source()
        found = pa.ipc.open_file(self.embed(source, "out.arrow", "--level", "token")).read_all()
        expected = pq.read_table(self.embed(source, "out.parquet", "--level", "token"))
        self.assertTrue(found.schema.equals(expected.schema))
        self.assertEqual(found.to_pylist(), expected.to_pylist())

    def test_have_columns_without_rows(self) -> None:
        table = pa.ipc.open_file(self.embed(self.write_texts(texts=[]), "out.arrow")).read_all()
        self.assertEqual((table.num_rows, table.column_names), (0, ["id", "embedding"]))


if __name__ == "__main__":
    unittest.main()
