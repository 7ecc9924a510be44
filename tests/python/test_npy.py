"""numpy's array files."""

from __future__ import annotations

import unittest

import numpy as np

from desk import TEXTS, Desk

DTYPES = {
    "f32": (np.float32, 32),
    "f16": (np.float16, 32),
    "i8": (np.int8, 32),
    "u8": (np.uint8, 32),
    "binary": (np.int8, 4),
    "ubinary": (np.uint8, 4),
}


class ArrayFiles(Desk):
    def test_have_their_type_and_shape(self) -> None:
        source = self.write_texts()
        for output_type, (dtype, width) in DTYPES.items():
            with self.subTest(output_type):
                vectors = np.load(self.embed(source, f"{output_type}.npy", "--output-type", output_type))
                self.assertEqual((vectors.dtype, vectors.shape), (np.dtype(dtype), (len(TEXTS), width)))
                self.assertTrue(vectors.flags["C_CONTIGUOUS"])

    def test_can_be_mapped_into_memory(self) -> None:
        output = self.embed(self.write_texts(), "out.npy")
        mapped = np.load(output, mmap_mode="r")
        self.assertIsInstance(mapped, np.memmap)
        self.assertEqual(mapped.offset % 64, 0)
        self.assert_same_bits(np.asarray(mapped), np.load(output))

    def test_are_as_long_as_the_numbers_need(self) -> None:
        output = self.embed(self.write_texts(), "out.npy")
        self.assertEqual(output.stat().st_size, 128 + len(TEXTS) * 32 * 4)

    def test_have_a_shape_without_rows(self) -> None:
        vectors = np.load(self.embed(self.write_texts(texts=[]), "out.npy"))
        self.assertEqual((vectors.dtype, vectors.shape), (np.float32, (0, 32)))

    def test_rows_are_in_the_order_of_the_input(self) -> None:
        vectors = self.vectors(self.write_texts())
        backwards = self.vectors(self.write_texts("backwards.jsonl", TEXTS[::-1]))
        self.assert_same_bits(backwards, np.ascontiguousarray(vectors[::-1]))
        self.assert_same_bits(vectors[0], vectors[TEXTS.index("the river", 1)])

    def test_keep_the_first_dimensions(self) -> None:
        source = self.write_texts()
        self.assert_same_bits(
            self.vectors(source, "--dimensions", 12), np.ascontiguousarray(self.vectors(source)[:, :12])
        )


if __name__ == "__main__":
    unittest.main()
