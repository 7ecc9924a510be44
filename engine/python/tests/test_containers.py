"""Texts of any container, and what is not one."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import same_bits

import nearsay


def containers(texts: list[str]):
    yield "tuple", tuple(texts)
    yield "generator", (text for text in texts)
    yield "numpy U", np.array(texts)
    yield "numpy object", np.array(texts, dtype=object)
    pandas = pytest.importorskip("pandas")
    yield "pandas with another index", pandas.Series(texts, index=range(7, 7 + len(texts)))
    arrow = pytest.importorskip("pyarrow")
    yield "arrow", arrow.array(texts)
    yield "arrow large", arrow.array(texts, arrow.large_string())
    yield "arrow view", arrow.array(texts, arrow.string_view())
    yield "arrow dictionary", arrow.array(texts).dictionary_encode()
    yield "arrow chunked", arrow.chunked_array([texts[:7], [], texts[7:]])
    yield "arrow sliced", arrow.array(["x", *texts, "y"])[1:-1]
    polars = pytest.importorskip("polars")
    yield "polars", polars.Series("t", texts)


def test_every_container_gives_the_same_bits(model, texts, expected) -> None:
    # numpy's fixed-width strings lose trailing blanks, which these texts would have.
    for name, container in containers(texts):
        trimmed = model.encode([str(text) for text in container]) if name == "numpy U" else expected
        assert same_bits(model.encode(container), trimmed), name


def test_arrow_results(model, texts, expected) -> None:
    arrow = pytest.importorskip("pyarrow")
    fixed, plain = (arrow.array(model.encode_arrow(texts, list=is_list)) for is_list in (False, True))
    assert (str(fixed.type), str(plain.type)) == ("fixed_size_list<item: float>[32]", "list<item: float>")
    for array in (fixed, plain):
        assert same_bits(array.flatten().to_numpy().reshape(len(texts), -1), expected)
    kept = arrow.array(model.encode_arrow(arrow.array(["a", None, "b"]), nulls="keep"))
    assert (kept.null_count, kept[1].as_py()) == (1, None)


def test_missing_texts_are_named_or_null_rows(model) -> None:
    arrow = pytest.importorskip("pyarrow")
    for container in (["a", None], ["a", float("nan")], arrow.array(["a", None]), arrow.array([None, None])):
        with pytest.raises(nearsay.InputError, match=r"text [01] is missing"):
            model.encode(container)
        vectors = model.encode(container, nulls="keep")
        assert np.isnan(vectors[1]).all()
    assert not np.isnan(model.encode(["a", None], nulls="keep")[0]).any()
    with pytest.raises(nearsay.InputError, match="no binary values"):
        model.encode(["a", None], nulls="keep", output_type="binary")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("one text", "got one str"),
        (b"bytes", "got bytes"),
        (None, "got None"),
        ({"a": 1}, "got a dict"),
        ({"a", "b"}, "a set, which has no order"),
        (7, "got int"),
        (["a", 1], "text 1 must be a str, got int"),
        (["a", b"b"], "text 1 must be a str, got bytes"),
        (["a", ["b"]], "text 1 must be a str, got list"),
    ],
)
def test_what_is_no_text_is_a_type_error(model, texts, message) -> None:
    with pytest.raises(TypeError, match=message) as caught:
        model.encode(texts)
    assert isinstance(caught.value, nearsay.Error)


def test_a_lone_surrogate_is_named(model) -> None:
    with pytest.raises(ValueError, match="text 1 has a lone surrogate"):
        model.encode(["a", "b\ud800"])


def test_an_iterator_that_raises_is_not_hidden(model) -> None:
    def broken():
        yield "a"
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        model.encode(broken())
    assert len(model.encode(["a"])) == 1


def test_a_producer_that_breaks_the_protocol_is_refused(model) -> None:
    arrow = pytest.importorskip("pyarrow")

    class Twice:
        def __init__(self) -> None:
            self.capsules = arrow.array(["a", "b"]).__arrow_c_array__()

        def __arrow_c_array__(self, requested_schema=None):
            return self.capsules

    twice = Twice()
    assert model.encode(twice).shape == (2, 32)
    with pytest.raises(ValueError, match="Arrow data cannot be read"):
        model.encode(twice)


def test_a_producer_that_cannot_is_iterated(model) -> None:
    class Refusing(list):
        def __arrow_c_stream__(self, requested_schema=None):
            raise ImportError("no pyarrow")

    assert model.encode(Refusing(["a"])).shape == (1, 32)
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match="text 1 must be a str, got int"):
        model.encode(pandas.Series(["a", 1], dtype=object))
    with pytest.raises(ValueError, match="text 1 is missing"):
        model.encode(["a", pandas.NA])


def test_arrow_arrays_without_texts_are_refused(model) -> None:
    arrow = pytest.importorskip("pyarrow")
    with pytest.raises(TypeError, match="must have strings"):
        model.encode(arrow.array([1, 2]))
    with pytest.raises(TypeError, match="choose one column"):
        model.encode(arrow.table({"text": ["a"]}))
