"""Inputs as other tools write them give the vectors of plain texts."""

from __future__ import annotations

import gzip
import unittest

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from desk import TEXTS, Desk


class Compressed(Desk):
    def test_gzip_gives_the_same_vectors(self) -> None:
        plain = self.write_texts()
        self.path("zipped.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
        self.assert_same_bits(self.vectors("zipped.jsonl.gz"), self.vectors(plain))

    def test_gzip_in_several_members_gives_the_same_vectors(self) -> None:
        plain = self.write_texts()
        lines = plain.read_bytes().splitlines(keepends=True)
        self.path("members.jsonl.gz").write_bytes(b"".join(map(gzip.compress, lines)))
        self.assert_same_bits(self.vectors("members.jsonl.gz"), self.vectors(plain))

    def test_zstandard_gives_the_same_vectors(self) -> None:
        plain = self.write_texts()
        with pa.CompressedOutputStream(str(self.path("packed.jsonl.zst")), "zstd") as stream:
            stream.write(plain.read_bytes())
        self.assert_same_bits(self.vectors("packed.jsonl.zst"), self.vectors(plain))


class Parquet(Desk):
    def setUp(self) -> None:
        super().setUp()
        self.expected = self.vectors(self.write_texts())

    def assert_same_vectors(self, table: pa.Table, **options: object) -> None:
        pq.write_table(table, self.path("in.parquet"), **options)
        self.assert_same_bits(self.vectors("in.parquet"), self.expected)

    def test_of_every_compression(self) -> None:
        for compression in ("none", "snappy", "zstd", "gzip", "lz4"):
            with self.subTest(compression):
                self.assert_same_vectors(pa.table({"text": TEXTS}), compression=compression)

    def test_of_every_type_of_string(self) -> None:
        dictionary = pa.dictionary(pa.int32(), pa.string())
        for string in (pa.string(), pa.large_string(), pa.string_view(), dictionary):
            with self.subTest(str(string)):
                self.assert_same_vectors(pa.table({"text": pa.array(TEXTS).cast(string)}))

    def test_of_every_layout(self) -> None:
        layouts = [{"row_group_size": 2}, {"data_page_version": "2.0"}, {"version": "1.0"}, {"use_dictionary": False}]
        for layout in [*layouts, {"column_encoding": "DELTA_BYTE_ARRAY", "use_dictionary": False}]:
            with self.subTest(layout):
                self.assert_same_vectors(pa.table({"text": TEXTS}), **layout)

    def test_of_pandas(self) -> None:
        frame = pd.DataFrame({"text": TEXTS}, index=[f"row {row}" for row in range(len(TEXTS))])
        frame.to_parquet(self.path("in.parquet"))
        self.assert_same_bits(self.vectors("in.parquet"), self.expected)

    def test_that_nearsay_wrote(self) -> None:
        first = self.embed(self.path("in.jsonl"), "first.parquet", "--keep", "text")
        self.assert_same_bits(self.vectors(first), self.expected)

    def test_ids_of_every_type_of_number(self) -> None:
        for number in (pa.int8(), pa.uint16(), pa.int32(), pa.uint64()):
            with self.subTest(str(number)):
                ids = pa.array(range(len(TEXTS), 0, -1), number)
                pq.write_table(pa.table({"id": ids, "text": TEXTS}), self.path("in.parquet"))
                table = pq.read_table(self.embed("in.parquet", "out.parquet", "--overwrite"))
                self.assertEqual(table.column("id").to_pylist(), ids.to_pylist())


class Joined(Desk):
    def test_fields_are_one_text(self) -> None:
        table = pa.table({"title": ["a", "b"], "text": ["river", "moon"]})
        pq.write_table(table, self.path("in.parquet"))
        joined = self.vectors("in.parquet", "--text-field", "title", "--text-field", "text", "--join", ": ")
        self.assert_same_bits(joined, self.vectors(self.write_texts("joined.jsonl", ["a: river", "b: moon"])))

    def test_files_are_one_input(self) -> None:
        for name, texts in (("0.jsonl", TEXTS[:3]), ("1.jsonl", TEXTS[3:])):
            self.write_texts(name, texts)
        whole = self.vectors(self.write_texts("whole.json", TEXTS), "--format", "jsonl")
        self.assert_same_bits(self.vectors("*.jsonl"), whole)
        self.assertEqual(whole.dtype, np.float32)


if __name__ == "__main__":
    unittest.main()
