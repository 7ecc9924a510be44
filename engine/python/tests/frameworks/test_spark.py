"""Spark on a cluster of two executors, one of which is killed at work: every row once, with the bits of one machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import counting
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import BERT, many_texts
from examples import MINILM, run_example, write_corpus
from executor_death import dies_once
from pyspark.sql import DataFrame, SparkSession

import nearsay
import nearsay.spark

HERE = Path(__file__).parent
PACKAGE = Path(nearsay.__file__).parents[1]
TEXTS = many_texts(2000)
PARTITIONS = 10


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spark") / "opened"


@pytest.fixture(scope="module")
def session(opened: Path) -> Iterator[SparkSession]:
    """Two executors of one core each, whose Python workers count the models that they open."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.executorEnv.PYTHONPATH": os.pathsep.join(map(str, (PACKAGE, HERE, HERE.parent))),
        f"spark.executorEnv.{counting.FILE}": str(opened),
        "spark.python.daemon.module": "counting_daemon",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "50",
        "spark.default.parallelism": str(PARTITIONS),
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
    }
    builder = SparkSession.builder.master("local-cluster[2,1,1024]").appName("nearsay")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="module")
def frame(session: SparkSession) -> DataFrame:
    rows = [(number, text, TEXTS[-1 - number]) for number, text in enumerate(TEXTS)]
    return session.createDataFrame(rows, "id long, text string, reference string")


def test_an_executor_is_killed_at_work(frame: DataFrame, opened: Path, tmp_path: Path) -> None:
    assert frame.rdd.getNumPartitions() == PARTITIONS
    mark = tmp_path / "killed"
    embedded = nearsay.spark.embed(frame, "text", model=BERT, prompt="the ")
    assert embedded.schema["embedding"].dataType.simpleString() == "array<float>"
    found = embedded.mapInArrow(dies_once(mark), embedded.schema).collect()
    executor = int(mark.read_text("ascii"))
    assert not Path(f"/proc/{executor}").exists(), "it was killed"
    rows = sorted(found, key=lambda row: row["id"])
    assert [row["id"] for row in rows] == list(range(len(TEXTS))), "every row once"
    vectors = np.array([row["embedding"] for row in rows], dtype=np.float32)
    assert vectors.tobytes() == nearsay.Embedder(BERT).encode(TEXTS, prompt="the ").tobytes()
    opens = Counter(process for process, _ in counting.opened(opened))
    assert {*opens.values()} == {1}, "one model per worker"
    assert 2 <= len(opens) < PARTITIONS, "workers are used again"
    assert {threads for _, threads in counting.opened(opened)} == {1}, "the CPUs of a task"


def test_scores_and_nulls(session: SparkSession, frame: DataFrame) -> None:
    rows = sorted(nearsay.spark.score(frame, candidate="text", model=BERT, num_layers=2).collect(), key=lambda row: row["id"])
    expected = nearsay.BERTScorer(BERT, 2).score(TEXTS, TEXTS[::-1])
    for name, part in zip(("precision", "recall", "f1"), expected):
        assert np.array([row[name] for row in rows], dtype=np.float32).tobytes() == np.asarray(part).tobytes()
    few = session.createDataFrame(
        [(0, None, ["a"]), (1, "a river", None), (2, "a river", ["a mill", "a river"])],
        "id long, candidate string, reference array<string>",
    )
    scored = nearsay.spark.score(few, model=nearsay.BERTScorer(BERT, 2))
    found = {row["id"]: row["f1"] for row in nearsay.spark.embed(scored, "candidate", model=BERT).collect()}
    assert (found[0], found[1]) == (None, None) and found[2] == pytest.approx(1, abs=1e-6)
    vectors = {row["id"]: row["embedding"] for row in nearsay.spark.embed(few, "candidate", model=BERT).collect()}
    assert vectors[0] is None and len(vectors[1]) == 32


def test_another_model_under_the_same_name_is_refused(frame: DataFrame, tmp_path: Path) -> None:
    model = Path(shutil.copytree(BERT, tmp_path / "model"))
    embedded = nearsay.spark.embed(frame, "text", model=nearsay.Embedder(model))
    configuration = json.loads((model / "config.json").read_text("utf-8"))
    (model / "config.json").write_text(json.dumps({**configuration, "layer_norm_eps": 1e-3}), "utf-8")
    with pytest.raises(Exception, match="the model here has other files than the pickled one"):
        embedded.collect()


def test_what_is_refused_before_any_worker(frame: DataFrame) -> None:
    for call, message in [
        (lambda: nearsay.spark.embed(frame, "txt", model=BERT), "text names a column that is not there: 'txt'"),
        (lambda: nearsay.spark.embed(frame, "text", model=BERT, output="id"), "already a column 'id'"),
        (lambda: nearsay.spark.embed(frame, "text", model=BERT, promt="x"), "unknown setting 'promt'"),
        (lambda: nearsay.spark.score(frame, candidate="text", model=BERT, idf=True), "idf=True needs all references"),
    ]:
        with pytest.raises(nearsay.InputError, match=message):
            call()


@pytest.mark.parametrize("page", ["python.md", "many-machines.md"])
def test_the_examples_of_vectors(session: SparkSession, tmp_path: Path, page: str) -> None:
    texts = TEXTS[:30]
    write_corpus(tmp_path / "corpus", texts)
    replacing = {
        "python.md": {'"corpus"': f'"{tmp_path}/corpus"', '"vectors"': f'"{tmp_path}/vectors"'},
        "many-machines.md": {
            "s3a://": f"{tmp_path}/",
            "/models/minilm": BERT,
            # The session is there.
            '.config("spark.executor.cores", 16).config("spark.task.cpus", 16)': "",
        },
    }
    run_example(page, "nearsay.spark.embed", replacing[page])
    found = pq.read_table(tmp_path / "vectors").sort_by("id")
    model = nearsay.Embedder(MINILM) if page == "python.md" else nearsay.Embedder(BERT, precision="int8")
    vectors = found["embedding"].combine_chunks().flatten().to_numpy()
    assert vectors.tobytes() == model.encode(texts).tobytes()


def test_the_example_of_scores(session: SparkSession, tmp_path: Path) -> None:
    candidates, references = TEXTS[:50], TEXTS[50:100]
    (tmp_path / "pairs").mkdir()
    table = pa.table({"id": range(50), "candidate": candidates, "reference": references})
    pq.write_table(table, tmp_path / "pairs" / "0.parquet")
    (tmp_path / "references.txt").write_text("\n".join(references) + "\n", "utf-8")
    idf = tmp_path / "references.idf"
    count = [sys.executable, "-m", "nearsay", "idf", "references.txt", "-m", BERT, "-o", idf.name]
    subprocess.run(count, cwd=tmp_path, check=True, capture_output=True)
    replacing = {"s3a://": f"{tmp_path}/", "/models/minilm": BERT, "num_layers=5": "num_layers=2"}
    run_example("many-machines.md", "nearsay.spark.score", {**replacing, "/models/references.idf": str(idf)})
    found = pq.read_table(tmp_path / "scores").sort_by("id")
    expected = nearsay.BERTScorer(BERT, 2, idf=str(idf)).score(candidates, references)
    for name, part in zip(("precision", "recall", "f1"), expected):
        # The same bits but for NaN, of which Spark knows one: with these weights an empty text has no score.
        np.testing.assert_array_equal(found[name].to_numpy(), np.asarray(part))
        assert np.isfinite(part).sum() > 30
