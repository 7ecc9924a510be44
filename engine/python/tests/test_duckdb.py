"""DuckDB's SQL function: the bits of Embedder, in SQL."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from conftest import BERT, some_texts

import nearsay
import nearsay.duckdb

TEXTS = [*some_texts(5000), None]


@pytest.fixture(scope="module")
def model() -> nearsay.Embedder:
    return nearsay.Embedder(BERT)


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        connection.register("texts", pa.table({"number": range(len(TEXTS)), "text": TEXTS}))
        yield connection


def test_a_column_of_vectors(connection, model: nearsay.Embedder) -> None:
    nearsay.duckdb.register(connection, model)
    found = connection.sql("SELECT number, embed(text) AS embedding FROM texts ORDER BY number").to_arrow_table()
    assert found["embedding"].type == pa.list_(pa.float32(), 32), "FLOAT[32]"
    vectors = found["embedding"].combine_chunks()
    assert vectors.flatten().to_numpy().tobytes() == model.encode(TEXTS[:-1]).tobytes()
    assert (vectors.null_count, vectors[-1].as_py()) == (1, None)


def test_wrong_arguments_are_named(connection, model: nearsay.Embedder) -> None:
    for given in (None, 5, "connection"):
        with pytest.raises(nearsay.InputTypeError, match=f"connection must be a connection of DuckDB, got {given!r}"):
            nearsay.duckdb.register(given, model)
    for name in (None, 5, b"embed"):
        with pytest.raises(nearsay.InputTypeError, match=f"name must be a str, got {name!r}"):
            nearsay.duckdb.register(connection, model, name)
    with pytest.raises(nearsay.InputError, match="name must be that of a function of SQL, got ''"):
        nearsay.duckdb.register(connection, model, "")
    with pytest.raises(nearsay.InputTypeError, match="model must be a str or a path, got 5"):
        nearsay.duckdb.register(connection, 5)


def test_functions_with_settings(connection, model: nearsay.Embedder) -> None:
    nearsay.duckdb.register(connection, model, "embed_text", normalize=True)
    nearsay.duckdb.register(connection, BERT, "embed_query", prompt="the ", normalize=True)
    found = connection.sql("""
        SELECT array_cosine_similarity(embed_text(text), embed_query('river night')) AS similarity FROM texts
        WHERE text IS NOT NULL ORDER BY number LIMIT 50
    """).fetchnumpy()["similarity"]
    expected = model.encode(TEXTS[:50], normalize=True) @ model.encode(["the river night"], normalize=True)[0]
    assert found == pytest.approx(expected, abs=1e-6)


def test_empty_results_and_nulls(connection, model: nearsay.Embedder) -> None:
    nearsay.duckdb.register(connection, model)
    assert connection.sql("SELECT embed(text) FROM texts WHERE false").fetchall() == []
    assert connection.sql("SELECT embed(NULL)").fetchall() == [(None,)]


def test_errors_name_the_setting_and_the_text(connection, model: nearsay.Embedder) -> None:
    with pytest.raises(nearsay.InputError, match="unknown setting 'promt'"):
        nearsay.duckdb.register(connection, model, promt="x")
    nearsay.duckdb.register(connection, model, on_long="error")
    with pytest.raises(duckdb.Error, match="tokens"):
        connection.sql("SELECT embed(text) FROM texts").fetchall()
