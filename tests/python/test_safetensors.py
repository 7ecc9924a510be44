"""safetensors files: tensors of both levels, and offsets that cut the texts where the tokens stand."""

from __future__ import annotations

import unicodedata
import unittest
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file

from desk import BERT, ROBERTA, TEXTS, Desk, json_of

DTYPES = {"f32": np.float32, "f16": np.float16, "i8": np.int8, "u8": np.uint8, "binary": np.int8, "ubinary": np.uint8}
SPECIAL = ("[CLS]", "[SEP]")


def plain(text: str) -> str:
    """As the fixture's WordPiece sees it: lower case, without accents."""
    letters = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")


class TextTensors(Desk):
    def test_have_the_bits_of_npy(self) -> None:
        source = self.write_texts()
        for output_type, dtype in DTYPES.items():
            with self.subTest(output_type):
                output = self.embed(source, f"{output_type}.safetensors", "--output-type", output_type)
                vectors = load_file(output)["embeddings"]
                self.assertEqual(vectors.dtype, np.dtype(dtype))
                self.assert_same_bits(vectors, self.vectors(source, "--output-type", output_type))

    def test_behind_an_odd_number_of_bytes_are_whole(self) -> None:
        ids = ["a", "b", "c"]
        source = self.write_rows("in.jsonl", ({"id": identifier, "text": "a cat"} for identifier in ids))
        output = self.embed(source, "out.safetensors", "--output-type", "binary", "--mark-truncated", "--on-long", "chunk")
        tensors = load_file(output)
        self.assertEqual((tensors["embeddings"].nbytes, tensors["padding"].nbytes), (12, 4))
        self.assertEqual((json_of(tensors["ids_json"]), tensors["chunk"].tolist()), (ids, [0, 0, 0]))

    def test_say_how_they_were_made(self) -> None:
        output = self.embed(self.write_texts(), "out.safetensors", "--layer", 1)
        with safe_open(output, "numpy") as file:
            metadata = file.metadata()
        self.assertEqual((metadata["model"], metadata["layer"], metadata["level"]), (str(BERT), "1", "sentence"))

    def test_have_ids_only_where_the_input_has(self) -> None:
        self.assertNotIn("ids_json", load_file(self.embed(self.write_texts(), "none.safetensors")))
        ids = [7, "7", 2**64 - 1, "é"]
        source = self.write_rows("ids.jsonl", ({"id": identifier, "text": "a cat"} for identifier in ids))
        self.assertEqual(json_of(load_file(self.embed(source, "ids.safetensors"))["ids_json"]), ids)

    def test_have_chunks_and_marks(self) -> None:
        source = self.write_texts()
        tensors = load_file(self.embed(source, "chunks.safetensors", "--on-long", "chunk"))
        rows = len(tensors["embeddings"])
        self.assertGreater(rows, len(TEXTS))
        for name in ("chunk", "byte_start", "byte_end", "character_start", "character_end"):
            self.assertEqual((tensors[name].dtype, tensors[name].shape), (np.dtype(np.uint32), (rows,)))
        self.assertEqual(len(json_of(tensors["ids_json"])), rows)
        marks = load_file(self.embed(source, "marks.safetensors", "--mark-truncated"))["truncated"]
        self.assertEqual((marks.dtype, marks.tolist()), (np.dtype(bool), [len(text) > 200 for text in TEXTS]))

    def test_are_empty_where_the_input_is(self) -> None:
        tensors = load_file(self.embed(self.write_texts(texts=[]), "out.safetensors", "--keep", "title"))
        self.assertEqual(tensors["embeddings"].shape, (0, 32))
        self.assertEqual(json_of(tensors["title_json"]), [])


class TokenTensors(Desk):
    def tensors(self, *options: Any, model: Any = BERT) -> dict[str, np.ndarray]:
        return load_file(self.embed(self.write_texts(), "out.safetensors", "--level", "token", *options, model=model))

    def test_have_types_and_shapes(self) -> None:
        tensors = self.tensors()
        total = len(tensors["token_ids"])
        expected = {
            "embeddings": (np.float32, (total, 32)),
            "cu_seqlens": (np.int64, (len(TEXTS) + 1,)),
            "token_ids": (np.uint32, (total,)),
            "byte_offsets": (np.uint32, (total, 2)),
            "character_offsets": (np.uint32, (total, 2)),
        }
        for name, (dtype, shape) in expected.items():
            self.assertEqual((tensors[name].dtype, tensors[name].shape), (np.dtype(dtype), shape), name)
        self.assertEqual((tensors["cu_seqlens"][0], tensors["cu_seqlens"][-1]), (0, total))
        self.assertEqual(len(json_of(tensors["tokens_json"])), total)

    def test_offsets_cut_the_text_where_the_tokens_stand(self) -> None:
        tensors = self.tensors()
        tokens = json_of(tensors["tokens_json"])
        for row, text in enumerate(TEXTS):
            for place in range(*tensors["cu_seqlens"][row : row + 2]):
                token = tokens[place]
                start, end = tensors["character_offsets"][place]
                first, last = tensors["byte_offsets"][place]
                part = text[start:end]
                self.assertEqual(text.encode()[first:last].decode(), part)
                if token in SPECIAL:
                    self.assertEqual((start, end, first, last), (0, 0, 0, 0))
                elif token != "[UNK]":
                    self.assertEqual(plain(part), token.removeprefix("##"))
                else:
                    self.assertTrue(part)

    def test_offsets_of_byte_tokens_are_whole_characters(self) -> None:
        tensors = self.tensors(model=ROBERTA)
        for row, text in enumerate(TEXTS):
            places = range(*tensors["cu_seqlens"][row : row + 2])
            for place in places:
                first, last = tensors["byte_offsets"][place]
                start, end = tensors["character_offsets"][place]
                self.assertEqual(text.encode()[first:last].decode(), text[start:end])
            if len(text) < 100:
                covered = {at for place in places for at in range(*tensors["character_offsets"][place])}
                self.assertEqual({at for at, letter in enumerate(text) if not letter.isspace()} - covered, set())

    def test_of_chunks_stand_in_the_whole_text(self) -> None:
        tensors = self.tensors("--on-long", "chunk")
        tokens, ids = json_of(tensors["tokens_json"]), json_of(tensors["ids_json"])
        for row, identifier in enumerate(ids):
            for place in range(*tensors["cu_seqlens"][row : row + 2]):
                start, end = tensors["character_offsets"][place]
                if tokens[place] not in (*SPECIAL, "[UNK]"):
                    self.assertEqual(plain(TEXTS[identifier][start:end]), tokens[place].removeprefix("##"))
                    self.assertGreaterEqual(start, tensors["character_start"][row])
                    self.assertLessEqual(end, tensors["character_end"][row])

    def test_give_the_vectors_of_texts_by_their_mean(self) -> None:
        tensors = self.tensors()
        bounds = zip(tensors["cu_seqlens"], tensors["cu_seqlens"][1:])
        means = [tensors["embeddings"][start:end].mean(axis=0) for start, end in bounds]
        np.testing.assert_allclose(means, self.vectors(self.path("in.jsonl")), atol=1e-6)

    def test_can_be_bits(self) -> None:
        floats, bits = self.tensors(), self.tensors("--output-type", "ubinary", "--overwrite")
        self.assert_same_bits(bits["embeddings"], np.packbits(floats["embeddings"] > 0, axis=1))


if __name__ == "__main__":
    unittest.main()
