"""Expressions of polars: the bits of Embedder and BERTScorer, eager, lazy and in parts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from conftest import BERT, some_texts

import nearsay
import nearsay.polars

TEXTS = some_texts(60)
FRAME = pl.DataFrame({"number": range(61), "text": [*TEXTS, None]})


@pytest.fixture(scope="module")
def model() -> nearsay.Embedder:
    return nearsay.Embedder(BERT)


def test_a_column_of_vectors(model: nearsay.Embedder) -> None:
    expected = model.encode(TEXTS)
    expression = pl.col("text").nearsay.embed(model).alias("embedding")
    lazy = FRAME.lazy().with_columns(expression)
    assert lazy.collect_schema()["embedding"] == pl.Array(pl.Float32, 32), "known before anything is computed"
    for found in (FRAME.with_columns(expression), lazy.collect(), lazy.collect(engine="streaming")):
        found = found.sort("number")
        assert found["embedding"].dtype == pl.Array(pl.Float32, 32)
        assert found["embedding"][:-1].to_numpy().tobytes() == expected.tobytes()
        assert found["embedding"][-1] is None


def test_wrong_arguments_are_named(model: nearsay.Embedder) -> None:
    with pytest.raises(nearsay.InputTypeError, match="model must be a str or a path, got 5"):
        pl.col("text").nearsay.embed(5)
    with pytest.raises(nearsay.InputTypeError, match="model must be a str or a path, got 5"):
        pl.col("text").nearsay.score("text", 5)
    with pytest.raises(nearsay.InputTypeError, match="references must be a column's name or an expression, got 5"):
        pl.col("text").nearsay.score(5)
    with pytest.raises(nearsay.InputTypeError, match="an Arrow array of texts must have strings, its type is Int64"):
        FRAME.select(pl.col("number").nearsay.embed(model))


def test_the_name_and_the_settings(model: nearsay.Embedder) -> None:
    found = FRAME.select(pl.col("text").nearsay.embed(BERT, dimensions=8, prompt="the ", normalize=True))
    assert found.columns == ["text"] and found["text"].dtype == pl.Array(pl.Float32, 8)
    expected = model.encode(TEXTS, dimensions=8, prompt="the ", normalize=True)
    assert found["text"][:-1].to_numpy().tobytes() == expected.tobytes()


@pytest.mark.parametrize("values", [[], [None, None]])
def test_columns_without_a_text(model: nearsay.Embedder, values: list[None]) -> None:
    found = pl.DataFrame({"text": values}).select(pl.col("text").nearsay.embed(model))
    assert found["text"].dtype == pl.Array(pl.Float32, 32)
    assert found["text"].to_list() == values


def test_groups_and_filters(model: nearsay.Embedder) -> None:
    expected = model.encode(TEXTS)
    found = FRAME.lazy().with_columns(pl.col("text").nearsay.embed(model)).filter(pl.col("number") % 7 == 3).collect()
    assert found["text"].to_numpy().tobytes() == expected[3::7].tobytes()
    groups = FRAME.head(60).group_by(pl.col("number") % 2).agg(pl.col("text").nearsay.embed(model)).sort("number")
    for parity, rows in enumerate(groups["text"]):
        assert rows.to_numpy().tobytes() == expected[parity::2].tobytes()


def test_scores() -> None:
    scorer = nearsay.BERTScorer(BERT, 2)
    references = [*TEXTS[1:], None, TEXTS[0]]
    frame = FRAME.with_columns(pl.Series("reference", references))
    found = frame.select(pl.col("text").nearsay.score("reference", BERT, num_layers=2))["text"]
    assert found.dtype == pl.Struct({"precision": pl.Float32, "recall": pl.Float32, "f1": pl.Float32})
    assert found.is_null().to_list() == [False] * 59 + [True, True]
    expected = scorer.score(TEXTS[:59], TEXTS[1:])
    for name, part in zip(("precision", "recall", "f1"), expected):
        assert found.struct.field(name)[:59].to_numpy().tobytes() == np.asarray(part).tobytes()


def test_the_best_of_several_references() -> None:
    scorer = nearsay.BERTScorer(BERT, 2)
    references = [[text, "a river"] for text in TEXTS[::-1]]
    frame = pl.DataFrame({"candidate": TEXTS, "references": references})
    found = frame.select(pl.col("candidate").nearsay.score(pl.col("references"), scorer))["candidate"]
    expected = scorer.score(TEXTS, references)
    assert found.struct.field("f1").to_numpy().tobytes() == np.asarray(expected[2]).tobytes()


def test_what_is_refused_before_any_row(model: nearsay.Embedder) -> None:
    column = pl.col("text").nearsay
    for call, message in [
        (lambda: column.embed(model, precision="int8"), "precision has no effect on an opened model"),
        (lambda: column.embed(model, promt="x"), "unknown setting 'promt'"),
        (lambda: column.embed(model, on_long="cut"), "on_long must be one of truncate, error"),
        (lambda: column.embed(model, dimensions=33), "33"),
        (lambda: column.score("text", BERT, idf=True), "idf=True needs all references at once"),
        (lambda: column.score("text", BERT, all_layers=True), "unknown setting 'all_layers'"),
        (lambda: column.score("text", nearsay.BERTScorer(BERT, 2), num_layers=1), "num_layers has no effect"),
        (lambda: column.score("text", nearsay.BERTScorer(BERT, 2, all_layers=True)), "a score for each layer"),
    ]:
        with pytest.raises(nearsay.InputError, match=message):
            call()


def test_a_column_of_numbers_is_refused(model: nearsay.Embedder) -> None:
    with pytest.raises(Exception, match="must have strings"):
        FRAME.select(pl.col("number").nearsay.embed(model))


@pytest.mark.parametrize("values", [[], [None, None]])
def test_scores_without_a_pair(values: list[None]) -> None:
    found = pl.DataFrame({"a": values, "b": values}).select(pl.col("a").nearsay.score("b", BERT, num_layers=2))["a"]
    assert found.dtype == pl.Struct({"precision": pl.Float32, "recall": pl.Float32, "f1": pl.Float32})
    assert found.to_list() == values


def test_a_reference_for_all_rows() -> None:
    frame = pl.DataFrame({"t": ["a river", "the night", None]})
    scorer = nearsay.BERTScorer(BERT, 2)
    expected = np.asarray(scorer.score(["a river", "the night"], ["the mill"] * 2)[2])
    for found in (
        frame.select(score=pl.col("t").nearsay.score(pl.lit("the mill"), scorer)),
        frame.with_columns(score=pl.col("t").nearsay.score(pl.lit("the mill"), scorer)),
        frame.lazy().select(score=pl.col("t").nearsay.score(pl.lit("the mill"), scorer)).collect(),
    ):
        assert len(found) == 3 and found["score"][2] is None
        assert found["score"].struct.field("f1")[:2].to_numpy().tobytes() == expected.tobytes()
