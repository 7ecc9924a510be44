"""Parquet files in pyarrow and pandas: schema, metadata, row groups, compression, vectors. Kept columns have their own file."""

from __future__ import annotations

import unittest

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from desk import BERT, NORMALIZED, TEXTS, Desk, json_of, matrix
from safetensors.numpy import load_file

# Of `--output-type`: the numbers, and their count for 32 dimensions.
NUMBERS = {
    "f32": (pa.float32(), 32),
    "f16": (pa.float16(), 32),
    "i8": (pa.int8(), 32),
    "u8": (pa.uint8(), 32),
    "binary": (pa.int8(), 4),
    "ubinary": (pa.uint8(), 4),
}
ROW_GROUP_MIB = 32


class Vectors(Desk):
    def test_are_lists_of_a_fixed_size_with_the_bits_of_npy(self) -> None:
        source = self.write_texts()
        for output_type, (number, width) in NUMBERS.items():
            with self.subTest(output_type):
                output = self.embed(source, f"{output_type}.parquet", "--output-type", output_type)
                column = pq.read_table(output).column("embedding")
                self.assertEqual(column.type, pa.list_(pa.field("item", number, nullable=False), width))
                self.assertEqual(column.null_count, 0)
                expected = self.vectors(source, "--output-type", output_type)
                self.assert_same_bits(matrix(column), expected)
                self.assert_same_bits(np.stack(pd.read_parquet(output)["embedding"]), expected)

    def test_stand_uncompressed_and_the_rest_compressed(self) -> None:
        source = self.write_rows("in.jsonl", ({"text": text, "title": "long " * 99} for text in TEXTS))
        group = pq.ParquetFile(self.embed(source, "out.parquet", "--keep", "title")).metadata.row_group(0)
        columns = {group.column(index).path_in_schema: group.column(index) for index in range(group.num_columns)}
        self.assertEqual(columns["embedding.list.item"].compression, "UNCOMPRESSED")
        self.assertFalse(columns["embedding.list.item"].has_dictionary_page)
        self.assertEqual((columns["title"].compression, columns["id"].compression), ("ZSTD", "ZSTD"))

    def test_come_in_row_groups_of_bounded_size(self) -> None:
        count = 300_000
        source = self.path("many.txt")
        source.write_text("".join(f"cat {row % 7}\n" for row in range(count)))
        file = pq.ParquetFile(self.embed(source, "out.parquet"))
        groups = [file.metadata.row_group(index) for index in range(file.num_row_groups)]
        self.assertGreater(len(groups), 1)
        self.assertEqual(sum(group.num_rows for group in groups), count)
        # A group may have one window of rows more than fits.
        self.assertTrue(all(group.total_byte_size < (ROW_GROUP_MIB + 4) << 20 for group in groups))
        last = file.read_row_group(len(groups) - 1)
        self.assertEqual(last.column("id").to_pylist()[-1], count - 1)
        expected = self.vectors(source)
        self.assert_same_bits(matrix(last.column("embedding")), expected[-len(last) :])


class Ids(Desk):
    def ids(self, *ids: object) -> pa.ChunkedArray:
        source = self.write_rows("in.jsonl", ({"text": "a cat", "id": identifier} for identifier in ids))
        return pq.read_table(self.embed(source, "out.parquet", "--overwrite")).column("id")

    def test_are_row_numbers_where_the_input_has_none(self) -> None:
        column = pq.read_table(self.embed(self.write_texts(), "out.parquet")).column("id")
        self.assertEqual((column.type, column.to_pylist()), (pa.int64(), list(range(len(TEXTS)))))

    def test_have_the_type_of_the_input(self) -> None:
        cases = [([5, -7], pa.int64()), ([2**64 - 1, 3], pa.uint64()), (["a", "é"], pa.string())]
        for ids, expected in cases:
            with self.subTest(ids):
                column = self.ids(*ids)
                self.assertEqual((column.type, column.to_pylist()), (expected, ids))

    def test_of_both_kinds_are_json_text(self) -> None:
        column = self.ids(1, "1")
        self.assertEqual((column.type, column.to_pylist()), (pa.string(), ["1", '"1"']))
        field = pq.read_schema(self.path("out.parquet")).field("id")
        self.assertEqual(field.metadata[b"nearsay.json"], b"1")

    def test_are_an_ordinary_column_in_pandas(self) -> None:
        self.ids(5, -7)
        self.assertEqual(pd.read_parquet(self.path("out.parquet"))["id"].dtype, np.int64)


class WholeFiles(Desk):
    def test_say_how_they_were_made(self) -> None:
        output = self.embed(self.write_texts(), "out.parquet", "--layer", 2, "--normalize", "--max-length", 20)
        metadata = pq.read_metadata(output).metadata
        expected = {
            "model": str(BERT),
            "layer": "2",
            "pooling": "mean",
            "normalized": "true",
            "max_length": "20",
            "dimensions": "32",
            "precision": "f32",
            "output_type": "f32",
            "level": "sentence",
            "on_long": "truncate",
            "device": "cpu",
            "prompt": "",
        }
        found = {name: metadata[f"nearsay.{name}".encode()].decode() for name in expected}
        self.assertEqual(found, expected)
        self.assertTrue(metadata[b"nearsay.instruction_set"] and metadata[b"nearsay.version"])

    def test_have_columns_where_the_input_has_no_rows(self) -> None:
        source = self.write_rows("in.jsonl", [])
        output = self.embed(source, "out.parquet", "--keep", "title", "--on-long", "chunk", "--mark-truncated")
        table = pq.read_table(output)
        self.assertEqual(table.num_rows, 0)
        chunk = ["chunk_id", "chunk", "byte_start", "byte_end", "character_start", "character_end", "chunk_text"]
        self.assertEqual(table.column_names, ["id", "title", *chunk, "truncated", "embedding"])
        self.assertEqual(table.schema.field("embedding").type.list_size, 32)
        self.assertEqual(list(pd.read_parquet(output).columns), table.column_names)

    def test_mark_cut_texts(self) -> None:
        table = pq.read_table(self.embed(self.write_texts(), "out.parquet", "--mark-truncated"))
        self.assertEqual(table.schema.field("truncated").type, pa.bool_())
        self.assertEqual(table.column("truncated").to_pylist(), [len(text) > 200 for text in TEXTS])

    def test_of_vectors_of_length_one(self) -> None:
        output = self.embed(self.write_texts(), "out.parquet", model=NORMALIZED)
        vectors = np.stack(pd.read_parquet(output)["embedding"])
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)


class Tokens(Desk):
    def test_have_the_values_of_safetensors_in_lists(self) -> None:
        source = self.write_texts()
        table = pq.read_table(self.embed(source, "out.parquet", "--level", "token"))
        tensors = load_file(self.embed(source, "out.safetensors", "--level", "token"))
        lengths = [len(tokens) for tokens in table.column("tokens").to_pylist()]
        self.assertEqual(lengths, np.diff(tensors["cu_seqlens"]).tolist())
        self.assertEqual(table.column("tokens").combine_chunks().flatten().to_pylist(), json_of(tensors["tokens_json"]))
        token_ids = table.column("token_ids").combine_chunks().flatten()
        self.assert_same_bits(token_ids.to_numpy(), tensors["token_ids"])
        for name in ("byte_offsets", "character_offsets", "embeddings"):
            self.assert_same_bits(matrix(table.column(name).combine_chunks().flatten()), tensors[name])

    def test_can_be_taken_by_pandas(self) -> None:
        frame = pd.read_parquet(self.embed(self.write_texts(), "out.parquet", "--level", "token"))
        vectors = np.stack(frame["embeddings"][0])
        self.assertEqual((vectors.dtype, vectors.shape), (np.float32, (len(frame["tokens"][0]), 32)))


if __name__ == "__main__":
    unittest.main()
