"""f16, i8, u8, binary and ubinary beside numpy, and beside sentence-transformers' quantize_embeddings."""

from __future__ import annotations

import json
import unittest

import numpy as np
import pyarrow.ipc
import pyarrow.parquet as pq
from safetensors import safe_open

from desk import NORMALIZED, TEXTS, Desk, matrix

WORDS = ["river", "cat", "moon", "garden", "water", "station", "night", "dog"]


def quantize(vectors: np.ndarray, output_type: str, ranges: np.ndarray | None = None) -> np.ndarray:
    """quantize_embeddings of sentence-transformers, with two differences that nearsay documents: what lies outside of the ranges
    becomes the type's nearest end, and zero by zero is 0."""
    if output_type == "ubinary":
        return np.packbits(vectors > 0).reshape(vectors.shape[0], -1)
    if output_type == "binary":
        return (np.packbits(vectors > 0).reshape(vectors.shape[0], -1) - np.uint8(128)).astype(np.int8)
    starts = ranges[0, :]
    steps = (ranges[1, :] - ranges[0, :]) / np.float32(255)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = (vectors - starts) / steps
    if output_type == "u8":
        return np.clip(np.nan_to_num(scaled, posinf=255, neginf=0), 0, 255).astype(np.uint8)
    return np.clip(np.nan_to_num(scaled - np.float32(128), posinf=127, neginf=-128), -128, 127).astype(np.int8)


def ranges_of(written: str) -> np.ndarray:
    ranges = json.loads(written)
    return np.array([ranges["min"], ranges["max"]], np.float32)


class OutputTypes(Desk):
    def setUp(self) -> None:
        super().setUp()
        self.source = self.write_texts(texts=TEXTS + [f"{left} and {right}" for left in WORDS for right in WORDS])
        self.floats = self.vectors(self.source)

    def parquet(self, output_type: str, *options: object) -> tuple[np.ndarray, np.ndarray]:
        """The vectors and the ranges."""
        output = self.embed(self.source, "out.parquet", "--output-type", output_type, "--overwrite", *options)
        ranges = ranges_of(pq.read_metadata(output).metadata[b"nearsay.ranges"].decode())
        return matrix(pq.read_table(output).column("embedding")), ranges

    def test_f16_rounds_as_numpy_does(self) -> None:
        self.assert_same_bits(self.vectors(self.source, "--output-type", "f16"), self.floats.astype(np.float16))

    def test_bits_are_those_of_sentence_transformers(self) -> None:
        for output_type in ("binary", "ubinary"):
            with self.subTest(output_type):
                found = self.vectors(self.source, "--output-type", output_type)
                self.assert_same_bits(found, quantize(self.floats, output_type))

    def test_bytes_are_those_of_sentence_transformers(self) -> None:
        for output_type in ("i8", "u8"):
            with self.subTest(output_type):
                found, ranges = self.parquet(output_type)
                self.assert_same_bits(ranges, np.stack([self.floats.min(axis=0), self.floats.max(axis=0)]))
                self.assert_same_bits(found, quantize(self.floats, output_type, ranges))

    def test_bytes_of_values_outside_of_the_ranges_are_the_nearest_end(self) -> None:
        calibration = self.write_texts("few.jsonl", TEXTS[:4])
        for output_type in ("i8", "u8"):
            with self.subTest(output_type):
                found, ranges = self.parquet(output_type, "--calibration", calibration)
                outside = (self.floats < ranges[0]) | (self.floats > ranges[1])
                self.assertTrue(outside.any() and not outside.all())
                self.assert_same_bits(ranges, np.stack([self.floats[:4].min(axis=0), self.floats[:4].max(axis=0)]))
                self.assert_same_bits(found, quantize(self.floats, output_type, ranges))

    def test_bytes_of_a_range_of_zero(self) -> None:
        calibration = self.write_texts("one.jsonl", TEXTS[:1])
        for output_type in ("i8", "u8"):
            with self.subTest(output_type):
                found, ranges = self.parquet(output_type, "--calibration", calibration)
                self.assert_same_bits(found, quantize(self.floats, output_type, ranges))
                self.assertTrue((found[0] == 0).all())

    def test_bytes_of_vectors_of_length_one(self) -> None:
        floats = self.vectors(self.source, model=NORMALIZED)
        output = self.embed(self.source, "out.parquet", "--output-type", "i8", model=NORMALIZED)
        ranges = ranges_of(pq.read_metadata(output).metadata[b"nearsay.ranges"].decode())
        found = matrix(pq.read_table(output).column("embedding"))
        self.assert_same_bits(found, quantize(floats, "i8", ranges))

    def test_bytes_bring_the_floats_back_within_a_step(self) -> None:
        found, ranges = self.parquet("u8")
        steps = (ranges[1] - ranges[0]) / 255
        restored = ranges[0] + (found.astype(np.float32) + 0.5) * steps
        self.assertTrue((np.abs(restored - self.floats) <= 0.501 * steps + 1e-6).all())

    def test_ranges_stand_in_every_format_with_metadata(self) -> None:
        expected = self.parquet("i8")[1]
        arrow = self.embed(self.source, "out.arrow", "--output-type", "i8")
        self.assert_same_bits(ranges_of(pyarrow.ipc.open_file(arrow).schema.metadata[b"nearsay.ranges"]), expected)
        with safe_open(self.embed(self.source, "out.safetensors", "--output-type", "i8"), "numpy") as file:
            self.assert_same_bits(ranges_of(file.metadata()["ranges"]), expected)

    def test_bytes_are_calibrated_on_the_first_thousand_texts(self) -> None:
        texts = [f"the river {row}" for row in range(1000)] + ["猫は壁 河水 🙂", "... !? — (so)"]
        self.source = self.write_texts("many.jsonl", texts)
        floats = self.vectors(self.source)
        found, ranges = self.parquet("u8")
        self.assert_same_bits(ranges, np.stack([floats[:1000].min(axis=0), floats[:1000].max(axis=0)]))
        self.assert_same_bits(found, quantize(floats, "u8", ranges))


if __name__ == "__main__":
    unittest.main()
