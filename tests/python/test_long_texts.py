"""Chunks of long texts, and their mean."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from desk import BERT, FIXTURES, NORMALIZED, ROBERTA, TEXTS, Desk

# WordPiece, byte-level BPE, Unigram, and vectors of length 1.
MODELS = [BERT, ROBERTA, FIXTURES / "families" / "camembert", NORMALIZED]
SENTENCES = "The old mill stands by the river. Cats sleep; dogs bark! Où est le café, señor? 猫は壁 河水。 "
LONG_TEXTS = [
    "the river",
    SENTENCES * 8,
    "",
    "  \n\t" + SENTENCES * 3 + "   ",
    "x" * 300,
    "moon 🙂👍🏽 cat " * 30,
    " \t ",
]


class Chunks(Desk):
    def frame(self, *options: Any, model: Path = BERT) -> pd.DataFrame:
        rows = ({"id": f"text {row}", "text": text, "title": row} for row, text in enumerate(LONG_TEXTS))
        source = self.write_rows("in.jsonl", rows)
        output = self.embed(source, "out.parquet", "--on-long", "chunk", "--keep", "title", *options, model=model)
        return pd.read_parquet(output)

    def slices(self, frame: pd.DataFrame) -> list[str]:
        """The text of every row, by its characters; by its bytes it must be the same."""
        slices = []
        for row in frame.itertuples():
            text = LONG_TEXTS[row.title]
            slices.append(text[row.character_start : row.character_end])
            self.assertEqual(text.encode()[row.byte_start : row.byte_end].decode(), slices[-1])
        return slices

    def test_of_a_text_are_numbered_from_0(self) -> None:
        frame = self.frame()
        self.assertEqual({str(frame[name].dtype) for name in ("chunk", "byte_start", "character_end")}, {"uint32"})
        self.assertEqual(frame["id"].drop_duplicates().tolist(), [f"text {row}" for row in range(len(LONG_TEXTS))])
        for identifier, rows in frame.groupby("id"):
            self.assertEqual(rows["chunk"].tolist(), list(range(len(rows))), identifier)
            self.assertEqual(rows["title"].nunique(), 1)
            self.assertTrue(rows["byte_start"].is_monotonic_increasing)
        self.assertEqual((frame["title"] == 0).sum(), 1)
        self.assertGreater((frame["title"] == 1).sum(), 5)

    def test_have_the_vectors_of_their_own_text(self) -> None:
        for model in MODELS:
            with self.subTest(model.name):
                frame = self.frame("--overwrite", model=model)
                self.assertGreater(len(frame), len(LONG_TEXTS))
                source = self.write_texts("slices.jsonl", self.slices(frame))
                alone = self.vectors(source, "--on-long", "error", model=model)
                self.assert_same_bits(np.stack(frame["embedding"]), alone)

    def test_cover_every_character_that_is_not_blank(self) -> None:
        for overlap in (0, 16):
            frame = self.frame("--chunk-overlap", overlap, "--overwrite")
            for title, rows in frame.groupby("title"):
                covered = {at for row in rows.itertuples() for at in range(row.character_start, row.character_end)}
                seen = {at for at, letter in enumerate(LONG_TEXTS[title]) if not letter.isspace()}
                self.assertEqual(seen - covered, set(), (overlap, title))

    def test_overlap_only_where_they_are_asked_to(self) -> None:
        def overlaps(overlap: int) -> int:
            frame = self.frame("--chunk-overlap", overlap, "--overwrite")
            before = frame.groupby("title")["byte_end"].shift()
            return int((frame["byte_start"] < before).sum())

        self.assertEqual(overlaps(0), 0)
        self.assertGreater(overlaps(8), 0)

    def test_do_not_depend_on_the_texts_around_them(self) -> None:
        frame = self.frame()
        alone = self.write_rows("alone.jsonl", [{"text": LONG_TEXTS[1], "title": 1}])
        found = pd.read_parquet(self.embed(alone, "alone.parquet", "--on-long", "chunk", "--keep", "title"))
        expected = frame[frame["title"] == 1]
        self.assertEqual(found["byte_start"].tolist(), expected["byte_start"].tolist())
        self.assert_same_bits(np.stack(found["embedding"]), np.stack(expected["embedding"]))


class Merged(Desk):
    def means(self, source: Path, model: Path) -> np.ndarray:
        """The mean of each text's chunks, weighted by their tokens."""
        options = ("--on-long", "chunk", "--overwrite")
        chunks = pd.read_parquet(self.embed(source, "chunks.parquet", *options, model=model))
        tokens = pd.read_parquet(self.embed(source, "tokens.parquet", *options, "--level", "token", model=model))
        chunks["weight"] = tokens["token_ids"].map(len)
        return np.stack(
            [np.average(np.stack(rows["embedding"]), axis=0, weights=rows["weight"]) for _, rows in chunks.groupby("id")]
        )

    def test_is_the_mean_by_tokens(self) -> None:
        source = self.write_texts(texts=LONG_TEXTS)
        merged = self.vectors(source, "--on-long", "chunk", "--merge", "mean")
        np.testing.assert_allclose(merged, self.means(source, BERT), atol=1e-6)

    def test_is_brought_back_to_length_one(self) -> None:
        source = self.write_texts(texts=LONG_TEXTS)
        merged = self.vectors(source, "--on-long", "chunk", "--merge", "mean", model=NORMALIZED)
        means = self.means(source, NORMALIZED)
        np.testing.assert_allclose(merged, means / np.linalg.norm(means, axis=1, keepdims=True), atol=1e-6)

    def test_changes_nothing_of_short_texts(self) -> None:
        source = self.write_texts(texts=[text for text in TEXTS if len(text) < 100])
        merged = self.vectors(source, "--on-long", "chunk", "--merge", "mean")
        self.assert_same_bits(merged, self.vectors(source))


if __name__ == "__main__":
    unittest.main()
