"""A job's folder: its shards are together the single file, and its manifest can be checked with hashlib alone."""

from __future__ import annotations

import hashlib
import json
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from desk import TEXTS, Desk, matrix

ROWS = 23
BEGIN, MIDDLE, END = '{"entry":', ',"sha256":"', '"}'
MANIFESTS = ("_manifest.jsonl", "_manifest.copy.jsonl")


def entries(manifest: Path) -> list[dict[str, Any]]:
    """A manifest's entries; every line's own checksum must hold."""
    found = []
    for line in manifest.read_text("utf-8").splitlines():
        entry, digest = line.removeprefix(BEGIN).removesuffix(END).rsplit(MIDDLE, 1)
        assert hashlib.sha256(entry.encode()).hexdigest() == digest, line
        assert json.loads(line) == {"entry": json.loads(entry), "sha256": digest}
        found.append(json.loads(entry))
    return found


def shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


class JobFolder(Desk):
    def setUp(self) -> None:
        super().setUp()
        texts = [f"{TEXTS[row % len(TEXTS)]} {row}" for row in range(ROWS)]
        rows = ({"id": f"row {row}", "text": text, "title": row} for row, text in enumerate(texts))
        self.source = self.write_rows("in.jsonl", rows)

    def job(self, *options: object) -> Path:
        return self.embed(self.source, "out/", "--keep", "title", "--rows-per-shard", 5, *options)

    def assert_whole(self, table: pa.Table) -> None:
        """The rows of the single file, in its order."""
        expected = pq.read_table(self.embed(self.source, "whole.parquet", "--keep", "title", "--overwrite"))
        self.assertEqual(table.schema.types, expected.schema.types)
        for name in ("id", "title"):
            self.assertEqual(table.column(name).to_pylist(), expected.column(name).to_pylist())
        self.assert_same_bits(matrix(table.column("embedding")), matrix(expected.column("embedding")))

    def test_is_read_by_pyarrow(self) -> None:
        folder = self.job()
        self.assertEqual([path.name for path in shards(folder)], [f"part-0000{shard}.parquet" for shard in range(5)])
        self.assert_whole(pq.read_table(shards(folder)))
        self.assert_whole(ds.dataset(shards(folder)).to_table())

    def test_is_read_by_pyarrow_as_a_folder_without_the_manifests(self) -> None:
        folder = self.job()
        self.assert_whole(ds.dataset(folder, format="parquet").to_table())
        self.assert_whole(pq.read_table(folder))
        self.assertEqual(pd.read_parquet(folder)["title"].tolist(), list(range(ROWS)))

    def test_is_read_by_pandas(self) -> None:
        folder = self.job()
        for frame in (pd.read_parquet(shards(folder)), pd.concat(map(pd.read_parquet, shards(folder)))):
            self.assertEqual(frame["title"].tolist(), list(range(ROWS)))
            self.assert_same_bits(np.stack(frame["embedding"]), self.vectors(self.source))

    def test_can_be_filtered_by_its_columns(self) -> None:
        dataset = ds.dataset(shards(self.job()))
        found = dataset.to_table(columns=["id", "embedding"], filter=ds.field("title") >= 20)
        self.assertEqual(found.column("id").to_pylist(), ["row 20", "row 21", "row 22"])

    def test_manifest_lines_have_their_own_checksums(self) -> None:
        folder = self.job()
        begin, *middle, end = entries(folder / MANIFESTS[0])
        self.assertEqual([begin, *middle, end], entries(folder / MANIFESTS[1]))
        self.assertEqual(begin["begin"]["format_version"], 1)
        settings = begin["begin"]["settings"]
        self.assertEqual((settings["rows_per_shard"], settings["part"], settings["keep"]), ("5", "0/1", "title"))
        self.assertRegex(end["end"].pop("input_sha256"), "^[0-9a-f]{64}$")
        self.assertEqual(end, {"end": {"input_rows": ROWS, "shards": 5}})
        self.assertEqual([entry["shard"]["shard"] for entry in middle], list(range(5)))

    def test_manifest_has_what_the_shards_hold(self) -> None:
        folder = self.job()
        records = [entry["shard"] for entry in entries(folder / MANIFESTS[0]) if "shard" in entry]
        self.assertEqual([record["file"] for record in records], [path.name for path in shards(folder)])
        for record, path in zip(records, shards(folder)):
            content = path.read_bytes()
            self.assertEqual(hashlib.sha256(content).hexdigest(), record["sha256"])
            self.assertEqual((len(content), pq.read_metadata(path).num_rows), (record["bytes"], record["rows"]))
            self.assertEqual(record["first_row"], 5 * record["shard"])
        self.assertEqual(sum(record["input_rows"] for record in records), ROWS)

    def test_settings_stand_in_every_shard_too(self) -> None:
        folder = self.job()
        settings = entries(folder / MANIFESTS[0])[0]["begin"]["settings"]
        for path in shards(folder):
            metadata = pq.read_metadata(path).metadata
            found = {key: metadata[f"nearsay.{key}".encode()].decode() for key in settings}
            self.assertEqual(found, settings)

    def test_of_chunks_has_more_rows_than_its_input(self) -> None:
        self.source = self.write_texts(texts=["the long river and " * 40] * 12)
        folder = self.embed(self.source, "out/", "--on-long", "chunk", "--rows-per-shard", 5)
        records = [entry["shard"] for entry in entries(folder / MANIFESTS[0]) if "shard" in entry]
        self.assertEqual([record["input_rows"] for record in records], [5, 5, 2])
        table = pq.read_table(shards(folder))
        self.assertEqual(table.num_rows, sum(record["rows"] for record in records))
        self.assertEqual(sorted(set(table.column("id").to_pylist())), list(range(12)))

    def test_has_one_shard_where_the_input_has_no_rows(self) -> None:
        self.source = self.write_rows("in.jsonl", [])
        table = pq.read_table(shards(self.job()))
        self.assertEqual((table.num_rows, table.column_names), (0, ["id", "title", "embedding"]))


if __name__ == "__main__":
    unittest.main()
