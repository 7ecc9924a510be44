"""jsonl in Python's own reader: an object a line, and the same floats as in .npy."""

from __future__ import annotations

import json
import unittest

import numpy as np
from safetensors.numpy import load_file

from desk import BERT, TEXTS, Desk, json_lines, json_of

NUMBERS = {"f32": np.float32, "f16": np.float16, "i8": np.int8, "u8": np.uint8, "binary": np.int8, "ubinary": np.uint8}


class Lines(Desk):
    def test_have_the_bits_of_npy(self) -> None:
        source = self.write_texts()
        for output_type, dtype in NUMBERS.items():
            with self.subTest(output_type):
                rows = json_lines(self.embed(source, f"{output_type}.jsonl", "--output-type", output_type))
                vectors = np.array([row["embedding"] for row in rows], dtype)
                self.assert_same_bits(vectors, self.vectors(source, "--output-type", output_type))

    def test_have_ids_as_in_the_input(self) -> None:
        ids = [7, "7", 2**64 - 1, -1, "é\n\u2028"]
        source = self.write_rows("in.jsonl", ({"id": identifier, "text": "a cat"} for identifier in ids))
        # Only a line feed ends a line.
        lines = self.embed(source, "out.jsonl").read_text("utf-8").split("\n")
        self.assertEqual(lines.pop(), "")
        self.assertEqual([json.loads(line)["id"] for line in lines], ids)

    def test_go_to_standard_output_too(self) -> None:
        source = self.write_texts()
        output = self.embed(source, "out.jsonl")
        self.assertEqual(self.nearsay("embed", source, "-m", BERT, "-q").stdout, output.read_text("utf-8"))

    def test_have_the_tokens_of_safetensors(self) -> None:
        source = self.write_texts()
        rows = json_lines(self.embed(source, "out.jsonl", "--level", "token"))
        tensors = load_file(self.embed(source, "out.safetensors", "--level", "token"))
        self.assertEqual(len(rows), len(TEXTS))
        values = lambda name: [value for row in rows for value in row[name]]
        self.assertEqual(values("tokens"), json_of(tensors["tokens_json"]))
        for name in ("token_ids", "byte_offsets", "character_offsets"):
            self.assert_same_bits(np.array(values(name), np.uint32), tensors[name])
        self.assert_same_bits(np.array(values("embeddings"), np.float32), tensors["embeddings"])


if __name__ == "__main__":
    unittest.main()
