"""Kept columns: every type of jsonl, csv and Parquet comes out with its type, its nulls and its values."""

from __future__ import annotations

import datetime
import json
import subprocess
import unittest
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from desk import BERT, Desk, json_lines, json_of
from safetensors.numpy import load_file

MOMENT = datetime.datetime(2024, 5, 17, 12, 30, 1, 250000)
DAY = MOMENT.date()
UTC = MOMENT.replace(tzinfo=datetime.timezone.utc)

# Arrays of three values, of which the second is null.
ARRAYS: dict[str, pa.Array] = {
    "bool": pa.array([True, None, False]),
    "int8": pa.array([1, None, -3], pa.int8()),
    "int64": pa.array([2**63 - 1, None, -(2**63)]),
    "uint64": pa.array([2**64 - 1, None, 0], pa.uint64()),
    "float16": pa.array([1.5, None, -2], pa.float16()),
    "float32": pa.array([0.1, None, -2], pa.float32()),
    "float64": pa.array([0.1, None, 1e300]),
    "string": pa.array(["a", None, "é"]),
    "large_string": pa.array(["a", None, "é"], pa.large_string()),
    "string_view": pa.array(["a", None, "é" * 30], pa.string_view()),
    "binary": pa.array([b"\0\xff", None, b""]),
    "large_binary": pa.array([b"\0\xff", None, b""], pa.large_binary()),
    "fixed_size_binary": pa.array([b"ab", None, b"cd"], pa.binary(2)),
    "date32": pa.array([DAY, None, datetime.date(1900, 1, 1)]),
    "date64": pa.array([DAY, None, datetime.date(1900, 1, 1)], pa.date64()),
    "timestamp ms": pa.array([MOMENT, None, MOMENT], pa.timestamp("ms")),
    "timestamp us": pa.array([MOMENT, None, MOMENT], pa.timestamp("us")),
    "timestamp ns": pa.array([MOMENT, None, MOMENT], pa.timestamp("ns")),
    "timestamp us UTC": pa.array([UTC, None, UTC], pa.timestamp("us", "UTC")),
    "timestamp us +02:00": pa.array([UTC, None, UTC], pa.timestamp("us", "+02:00")),
    "timestamp ms Europe/Berlin": pa.array([UTC, None, UTC], pa.timestamp("ms", "Europe/Berlin")),
    "time32": pa.array([MOMENT.time(), None, datetime.time()], pa.time32("ms")),
    "time64": pa.array([MOMENT.time(), None, datetime.time()], pa.time64("us")),
    "duration": pa.array([datetime.timedelta(hours=1), None, datetime.timedelta()], pa.duration("us")),
    "decimal128": pa.array([Decimal("1.50"), None, Decimal("-3.25")], pa.decimal128(10, 2)),
    "decimal256": pa.array([Decimal("1.50"), None, Decimal("-3.25")], pa.decimal256(50, 2)),
    "list": pa.array([[1, None], None, []], pa.list_(pa.int64())),
    "large_list": pa.array([["a", None], None, []], pa.large_list(pa.string())),
    "fixed_size_list": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.float32(), 2)),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]),
    "list of structs": pa.array([[{"a": 1}], None, []]),
    "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int32())),
    "dictionary": pa.array(["a", None, "b"]).dictionary_encode(),
    "dictionary int8": pa.DictionaryArray.from_arrays(pa.array([0, None, 1], pa.int8()), ["x", "y"]),
    "dictionary of numbers": pa.DictionaryArray.from_arrays(pa.array([0, None, 1], pa.int8()), pa.array([5, 6])),
    "dictionary ordered": pa.DictionaryArray.from_arrays(pa.array([0, None, 1], pa.int8()), ["x", "y"], ordered=True),
    "null": pa.nulls(3),
    "uuid": pa.array([uuid.UUID(int=5).bytes, None, uuid.UUID(int=6).bytes], pa.uuid()),
}

# The first of the three as JSON. What has no type in JSON is a string; those of moments are looked at below.
AS_JSON: dict[str, Any] = {
    "bool": True,
    "int8": 1,
    "int64": 2**63 - 1,
    "uint64": 2**64 - 1,
    "float16": 1.5,
    "float32": 0.1,
    "float64": 0.1,
    "string": "a",
    "large_string": "a",
    "string_view": "a",
    "binary": "00ff",
    "date32": "2024-05-17",
    "timestamp ms": "2024-05-17T12:30:01.250",
    "timestamp us": "2024-05-17T12:30:01.250",
    "time64": "12:30:01.250",
    "decimal128": "1.50",
    "decimal256": "1.50",
    "list": [1, None],
    "large_list": ["a", None],
    "fixed_size_list": [1, 2],
    "struct": {"a": 1, "b": "x"},
    "list of structs": [{"a": 1}],
    "dictionary": "a",
    "dictionary int8": "x",
    "dictionary ordered": "x",
    "dictionary of numbers": 5,
    "null": None,
}
WITH_ZONE = [name for name in ARRAYS if name.startswith("timestamp") and len(name.split()) == 3]


class FromParquet(Desk):
    def write(self, name: str) -> pa.ChunkedArray:
        """An input that keeps one of the arrays; the column as pyarrow reads it there."""
        table = pa.table({"text": ["the river", "a cat", "moon"], "kept": ARRAYS[name]})
        pq.write_table(table, self.path("in.parquet"))
        return pq.read_table(self.path("in.parquet")).column("kept")

    def assert_same_column(self, found: pa.ChunkedArray, expected: pa.ChunkedArray) -> None:
        if pa.types.is_date(expected.type):
            self.assertTrue(pa.types.is_date(found.type), found.type)
        elif pa.types.is_dictionary(expected.type) and pa.types.is_dictionary(found.type):
            # Keys of rows from many dictionaries need more bits; see embed/parquet_types.rs.
            self.assertEqual(found.type.value_type, expected.type.value_type)
            self.assertEqual(found.type.ordered, expected.type.ordered)
        else:
            self.assertEqual(found.type, expected.type)
        self.assertEqual(found.to_pylist(), expected.to_pylist())

    def test_every_type_stays_in_parquet(self) -> None:
        for name in ARRAYS:
            with self.subTest(name):
                expected = self.write(name)
                output = self.embed("in.parquet", "out.parquet", "--keep", "kept", "--overwrite")
                self.assert_same_column(pq.read_table(output).column("kept"), expected)

    def test_every_type_stays_in_arrow(self) -> None:
        for name in ARRAYS:
            with self.subTest(name):
                expected = self.write(name)
                output = self.embed("in.parquet", "out.arrow", "--keep", "kept", "--overwrite")
                found = pa.ipc.open_file(output).read_all().column("kept")
                if pa.types.is_dictionary(expected.type):
                    # An Arrow file has one dictionary a column, and rows come of many: the values stand there.
                    expected = expected.cast(expected.type.value_type)
                self.assert_same_column(found, expected)

    def test_every_type_has_its_json(self) -> None:
        for name in ARRAYS:
            with self.subTest(name):
                self.write(name)
                rows = json_lines(self.embed("in.parquet", "out.jsonl", "--keep", "kept", "--overwrite"))
                values = [row["kept"] for row in rows]
                self.assertEqual(len(values), 3)
                self.assertIsNone(values[1])
                if name in AS_JSON:
                    self.assertEqual(values[0], AS_JSON[name])
                tensors = load_file(self.embed("in.parquet", "out.safetensors", "--keep", "kept", "--overwrite"))
                self.assertEqual(json_of(tensors["kept_json"]), values)

    def test_moments_with_a_time_zone_are_that_moment_in_json(self) -> None:
        for name in WITH_ZONE:
            with self.subTest(name):
                self.write(name)
                rows = json_lines(self.embed("in.parquet", "out.jsonl", "--keep", "kept", "--overwrite"))
                self.assertEqual(datetime.datetime.fromisoformat(rows[0]["kept"]), UTC)

    def test_every_type_goes_through_a_job(self) -> None:
        for name in ARRAYS:
            with self.subTest(name):
                expected = self.write(name)
                output = self.embed("in.parquet", "out/", "--keep", "kept", "--overwrite")
                self.assert_same_column(pq.read_table(output / "part-00000.parquet").column("kept"), expected)

    def test_pandas_reads_them_as_in_the_input(self) -> None:
        # pandas cannot compare lists and structs; pyarrow has, above.
        plain = ["bool", "int8", "float64", "string", "date32", "timestamp us UTC", "decimal128", "dictionary", "null"]
        table = pa.table({"text": ["the river", "a cat", "moon"], **{name: ARRAYS[name] for name in plain}})
        pq.write_table(table, self.path("in.parquet"))
        keep = [argument for name in plain for argument in ("--keep", name)]
        output = self.embed("in.parquet", "out.parquet", *keep)
        pd.testing.assert_frame_equal(
            pd.read_parquet(output)[plain], pd.read_parquet(self.path("in.parquet"))[plain], check_names=True
        )


class Dictionaries(Desk):
    """Categories, as pandas writes them; a file has dictionaries for each of its row groups."""

    COUNT = 5000

    def write(self, name: str, values: list[str], **options: Any) -> None:
        categories = sorted(set(values))
        places = pa.array([categories.index(value) for value in values], pa.int8())
        kept = pa.DictionaryArray.from_arrays(places, categories)
        texts = [f"the river {row % 50}" for row in range(len(values))]
        pq.write_table(pa.table({"text": texts, "kept": kept}), self.path(name), **options)

    def test_of_several_row_groups_are_one_column_of_parquet(self) -> None:
        values = [f"category {row // 42}" for row in range(self.COUNT)]
        self.write("in.parquet", values, row_group_size=500)
        table = pq.read_table(self.embed("in.parquet", "out.parquet", "--keep", "kept"))
        self.assertEqual(table.column("kept").to_pylist(), values)

    def test_of_several_row_groups_are_one_column_of_arrow(self) -> None:
        values = [f"category {row // 42}" for row in range(self.COUNT)]
        self.write("in.parquet", values, row_group_size=500)
        table = pa.ipc.open_file(self.embed("in.parquet", "out.arrow", "--keep", "kept")).read_all()
        self.assertEqual(table.column("kept").to_pylist(), values)

    def test_of_several_files_are_one_column(self) -> None:
        first, second = ([f"{name} {row % 100}" for row in range(500)] for name in "ab")
        self.path("parts").mkdir()
        self.write("parts/0.parquet", first)
        self.write("parts/1.parquet", second)
        output = self.embed("parts/*.parquet", "out.parquet", "--keep", "kept")
        self.assertEqual(pq.read_table(output).column("kept").to_pylist(), first + second)


class FromJsonl(Desk):
    ROWS = [
        {"bool": True, "int": -1, "uint": 2**64 - 1, "float": 1, "string": "a", "list": [1], "mixed": 1, "null": None},
        {"bool": None, "int": None, "uint": None, "float": None, "string": None, "list": None, "mixed": None, "null": None},
        {"bool": False, "int": 2**53 + 1, "uint": 0, "float": 0.1, "string": "é", "list": {"a": []}, "mixed": "1", "null": None},
    ]
    NAMES = list(ROWS[0])
    TYPES = {
        "bool": pa.bool_(),
        "int": pa.int64(),
        "uint": pa.uint64(),
        "float": pa.float64(),
        "string": pa.string(),
        "list": pa.string(),
        "mixed": pa.string(),
        "null": pa.string(),
    }

    def output(self, name: str) -> Path:
        source = self.write_rows("in.jsonl", ({"text": f"cat {row}", **values} for row, values in enumerate(self.ROWS)))
        return self.embed(source, name, *(argument for field in self.NAMES for argument in ("--keep", field)))

    def expected(self, name: str) -> list[Any]:
        return [row[name] for row in self.ROWS]

    def assert_typed(self, table: pa.Table) -> None:
        for name, expected in self.TYPES.items():
            with self.subTest(name):
                field = table.schema.field(name)
                self.assertEqual(field.type, expected)
                values = table.column(name).to_pylist()
                if (field.metadata or {}).get(b"nearsay.json"):
                    values = [None if value is None else json.loads(value) for value in values]
                self.assertEqual(values, self.expected(name))
                self.assertEqual(b"nearsay.json" in (field.metadata or {}), name in ("list", "mixed"))

    def test_values_have_types_in_parquet(self) -> None:
        self.assert_typed(pq.read_table(self.output("out.parquet")))

    def test_values_have_types_in_arrow(self) -> None:
        self.assert_typed(pa.ipc.open_file(self.output("out.arrow")).read_all())

    def test_values_stay_as_they_are_in_jsonl(self) -> None:
        rows = json_lines(self.output("out.jsonl"))
        for name in self.NAMES:
            self.assertEqual([row[name] for row in rows], self.expected(name))

    def test_values_are_json_in_safetensors(self) -> None:
        tensors = load_file(self.output("out.safetensors"))
        for name in self.NAMES:
            self.assertEqual(json_of(tensors[f"{name}_json"]), self.expected(name))


class FromCsv(Desk):
    def test_values_are_strings(self) -> None:
        self.path("in.csv").write_text('text,id,count,note\nthe river,a,1,"x, ""y"""\na cat,b,,\n', "utf-8")
        output = self.embed("in.csv", "out.parquet", "--keep", "count", "--keep", "note")
        table = pq.read_table(output).drop_columns(["embedding"])
        self.assertEqual(table.schema.types, [pa.string()] * 3)
        self.assertEqual(
            table.to_pylist(),
            [{"id": "a", "count": "1", "note": 'x, "y"'}, {"id": "b", "count": "", "note": ""}],
        )


class Names(Desk):
    """A kept column may have any name that the output does not have itself."""

    NAMES = ["ids", "embeddings", "tokens", "token_ids", "byte_offsets", "character_offsets", "chunk", "truncated", "padding"]
    VALUES = ["x", "y", "z"]

    def run_embed(self, name: str, extension: str) -> subprocess.CompletedProcess[str]:
        rows = ({"text": f"cat {value}", "key": f"key {value}", name: value} for value in self.VALUES)
        source = self.write_rows("rows.jsonl", rows)
        options = ["--id-field", "key", "--keep", name, "--overwrite", "-q"]
        return self.nearsay("embed", source, "-m", BERT, "-o", f"out.{extension}", *options, code=None)

    def output(self, name: str, extension: str) -> Path:
        run = self.run_embed(name, extension)
        self.assertEqual(run.returncode, 0, run.stderr)
        return self.path(f"out.{extension}")

    def test_in_parquet(self) -> None:
        for name in self.NAMES:
            with self.subTest(name):
                self.assertEqual(pq.read_table(self.output(name, "parquet")).column(name).to_pylist(), self.VALUES)

    def test_in_jsonl(self) -> None:
        for name in self.NAMES:
            with self.subTest(name):
                self.assertEqual([row[name] for row in json_lines(self.output(name, "jsonl"))], self.VALUES)

    def test_in_safetensors(self) -> None:
        """Or the program says in words that it cannot be, before it writes anything."""
        for name in self.NAMES:
            with self.subTest(name):
                run = self.run_embed(name, "safetensors")
                if run.returncode == 2:
                    self.assertIn(f"`{name}`", run.stderr)
                    continue
                self.assertEqual(run.returncode, 0, run.stderr)
                tensors = load_file(self.path("out.safetensors"))
                self.assertEqual(json_of(tensors[f"{name}_json"]), self.VALUES)
                self.assertEqual(json_of(tensors["ids_json"]), [f"key {value}" for value in self.VALUES])


if __name__ == "__main__":
    unittest.main()
