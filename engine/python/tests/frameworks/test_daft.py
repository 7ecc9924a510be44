"""Expressions of Daft: the bits of Embedder and BERTScorer."""

from __future__ import annotations

import daft
import numpy as np
import pytest
from conftest import BERT, some_texts
from examples import run_example

import nearsay
import nearsay.daft

TEXTS = [*some_texts(60), None]


@pytest.fixture(scope="module")
def model() -> nearsay.Embedder:
    return nearsay.Embedder(BERT)


def test_a_column_of_vectors(model: nearsay.Embedder) -> None:
    frame = daft.from_pydict({"number": list(range(61)), "text": TEXTS})
    found = frame.with_column("vector", nearsay.daft.embed(frame["text"], model, prompt="the ", dimensions=8))
    assert found.schema()["vector"].dtype == daft.DataType.embedding(daft.DataType.float32(), 8)
    rows = found.sort("number").to_pydict()["vector"]
    assert rows[-1] is None
    expected = model.encode(TEXTS[:-1], prompt="the ", dimensions=8)
    assert np.array(rows[:-1], np.float32).tobytes() == expected.tobytes()


def test_scores() -> None:
    references = [*TEXTS[1:-1], None, TEXTS[0]]
    lists = [None if text is None else [text, "a river"] for text in references]
    frame = daft.from_pydict({"candidate": TEXTS, "reference": references, "references": lists})
    scorer = nearsay.BERTScorer(BERT, 2)
    for column, given in (("reference", references[:59]), ("references", lists[:59])):
        expression = nearsay.daft.score(frame["candidate"], frame[column], BERT, num_layers=2)
        rows = frame.select(expression.alias("score")).to_pydict()["score"]
        assert rows[59:] == [None, None]
        expected = scorer.score(TEXTS[:59], given)
        for name, part in zip(("precision", "recall", "f1"), expected):
            assert np.array([row[name] for row in rows[:59]], np.float32).tobytes() == np.asarray(part).tobytes()


def test_what_is_refused(model: nearsay.Embedder) -> None:
    frame = daft.from_pydict({"text": TEXTS})
    with pytest.raises(nearsay.InputError, match="unknown setting 'promt'"):
        nearsay.daft.embed(frame["text"], model, promt="x")
    with pytest.raises(nearsay.InputError, match="idf=True needs all references"):
        nearsay.daft.score(frame["text"], frame["text"], BERT, idf=True)


def test_the_example() -> None:
    assert run_example("python.md", "import daft") == "Embedding[Float32; 384]\n"
