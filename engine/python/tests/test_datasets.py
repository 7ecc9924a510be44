"""The function for Dataset.map: the bits of Embedder, and a fingerprint that says whether they would be the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pytest
from conftest import BERT, some_texts
from datasets.fingerprint import Hasher

import nearsay
import nearsay.datasets

TEXTS = [*some_texts(60), None]


@pytest.fixture(autouse=True)
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)


@pytest.fixture(scope="module")
def model() -> nearsay.Embedder:
    return nearsay.Embedder(BERT)


def vectors(dataset: datasets.Dataset, name: str = "embedding") -> np.ndarray:
    assert dataset[len(dataset) - 1][name] is None, "the null"
    return np.array(dataset[name][:-1], dtype=np.float32)


@pytest.mark.parametrize("form", [None, "arrow", "pandas", "numpy", "polars"])
def test_a_column_of_vectors(model: nearsay.Embedder, form: str | None) -> None:
    dataset = datasets.Dataset.from_dict({"id": range(61), "text": TEXTS}).with_format(form)
    found = dataset.map(nearsay.datasets.Embed(model), batched=True, batch_size=7).with_format(None)
    assert found.column_names == ["id", "text", "embedding"]
    assert vectors(found).tobytes() == model.encode(TEXTS[:-1]).tobytes()


@pytest.mark.parametrize("form", [None, "arrow", "pandas", "numpy", "polars"])
def test_a_column_without_texts_is_named(model: nearsay.Embedder, form: str | None) -> None:
    dataset = datasets.Dataset.from_dict({"text": [5, 6]}).with_format(form)
    with pytest.raises(nearsay.InputTypeError, match="column 'text': .* must .*str.*, .*[iI]nt"):
        dataset.map(nearsay.datasets.Embed(model), batched=True)


def test_wrong_arguments_are_named(model: nearsay.Embedder) -> None:
    for name in ("column", "output"):
        with pytest.raises(nearsay.InputTypeError, match=f"{name} must be a str, got 5"):
            nearsay.datasets.Embed(model, **{name: 5})
    with pytest.raises(nearsay.InputTypeError, match="model must be a str or a path, got 5"):
        nearsay.datasets.Embed(5)
    with pytest.raises(nearsay.InputTypeError, match=r"Embed needs batches, got \['a'\]"):
        nearsay.datasets.Embed(model)(["a"])


def test_processes_and_settings(model: nearsay.Embedder) -> None:
    dataset = datasets.Dataset.from_dict({"sentence": TEXTS})
    embed = nearsay.datasets.Embed(BERT, column="sentence", output="v", dimensions=8, prompt="the ")
    features = datasets.Features({**dataset.features, "v": embed.feature})
    found = dataset.map(embed, batched=True, num_proc=2, features=features)
    assert found.features["v"] == datasets.List(datasets.Value("float32"), length=8)
    assert vectors(found, "v").tobytes() == model.encode(TEXTS[:-1], dimensions=8, prompt="the ").tobytes()


def test_first_rows_without_texts(model: nearsay.Embedder) -> None:
    embed = nearsay.datasets.Embed(model)
    dataset = datasets.Dataset.from_dict({"text": [None, None, "a river"]})
    features = datasets.Features({**dataset.features, "embedding": embed.feature})
    found = dataset.map(embed, batched=True, batch_size=1, features=features)
    assert found["embedding"][:2] == [None, None]
    assert np.array(found["embedding"][2], np.float32).tobytes() == model.encode(["a river"]).tobytes()


def fingerprint_elsewhere(seed: str, code: str) -> str:
    """The fingerprint that another process finds."""
    program = f"import nearsay.datasets; from datasets.fingerprint import Hasher; print(Hasher.hash({code}))"
    package = str(Path(nearsay.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": package, "PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_fingerprint_is_that_of_the_vectors(model_copy: Path) -> None:
    def fingerprint(**settings: object) -> str:
        return Hasher.hash(nearsay.datasets.Embed(str(model_copy), **settings))

    plain, other = fingerprint(), fingerprint(prompt="the ", normalize=True)
    assert plain == fingerprint()
    assert other == fingerprint(normalize=True, prompt="the "), "in any order"
    code = f"nearsay.datasets.Embed({str(model_copy)!r}, prompt='the ', normalize=True)"
    assert {fingerprint_elsewhere(seed, code) for seed in "12"} == {other}
    used = nearsay.datasets.Embed(str(model_copy))
    used({"text": ["a river"]})
    assert Hasher.hash(used) == plain, "after it was used"
    of_settings = [fingerprint(max_length=9), fingerprint(precision="int8"), fingerprint(column="t"), other, plain]
    assert len({*of_settings}) == len(of_settings)


def test_other_model_bytes_have_another_fingerprint(model_copy: Path) -> None:
    def fingerprint() -> str:
        return Hasher.hash(nearsay.datasets.Embed(nearsay.Embedder(model_copy)))

    before = fingerprint()
    file = model_copy / "config.json"
    configuration = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**configuration, "layer_norm_eps": 1e-3}), "utf-8")
    assert fingerprint() != before


def test_what_is_refused(model: nearsay.Embedder) -> None:
    embed = nearsay.datasets.Embed(model)
    for batch in ({"sentence": ["a"]}, pa.table({"sentence": ["a"]})):
        with pytest.raises(nearsay.InputError, match="column names a column that is not there: 'text'"):
            embed(batch)
    with pytest.raises(nearsay.InputError, match="already a column 'embedding'"):
        embed(pa.table({"text": ["a"], "embedding": ["b"]}))


def test_rows_and_columns_that_are_there_are_refused(model: nearsay.Embedder) -> None:
    data = datasets.Dataset.from_dict({"text": ["abc", "d"]})
    with pytest.raises(nearsay.InputError, match="needs batches, and got a row"):
        data.map(nearsay.datasets.Embed(model))
    with pytest.raises(nearsay.InputError, match="there is already a column 'text'"):
        data.map(nearsay.datasets.Embed(model, output="text"), batched=True)
