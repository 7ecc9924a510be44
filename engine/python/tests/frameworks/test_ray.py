"""Ray on a cluster of two nodes, one of which is killed at work and replaced: every row once, with the bits of one machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import counting
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ray
from conftest import BERT, many_texts
from examples import MINILM, run_example, write_corpus
from ray.cluster_utils import Cluster
from ray_steps import SlowEmbed

import nearsay
import nearsay.ray

HERE = Path(__file__).parent
PACKAGE = Path(nearsay.__file__).parents[1]
TEXTS = many_texts(1000)
#: Of an actor, and of a node that has room for one.
CPUS = 2


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ray") / "opened"


@pytest.fixture(scope="module")
def cluster(opened: Path) -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        # What the nodes' workers get.
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (PACKAGE, HERE, HERE.parent))))
        patch.setenv(counting.FILE, str(opened))
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": CPUS, "object_store_memory": 200 << 20})
        ray.init(address=cluster.address, log_to_driver=False)
        yield cluster
        ray.shutdown()
        cluster.shutdown()


def embedded(texts: Any, step: Any, **settings: Any) -> ray.data.Dataset:
    return texts.map_batches(
        step,
        fn_constructor_kwargs={"model": BERT, **settings},
        batch_format="pyarrow",
        batch_size=25,
        num_cpus=CPUS,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=2),
    )


def test_a_node_is_killed_at_work_and_replaced(cluster: Cluster, opened: Path, tmp_path: Path) -> None:
    lost = cluster.add_node(num_cpus=CPUS, object_store_memory=200 << 20)
    cluster.wait_for_nodes()
    table = pa.table({"id": range(len(TEXTS)), "text": TEXTS})
    texts = ray.data.from_arrow(table).repartition(40)
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(embedded(texts, SlowEmbed, notes=str(tmp_path)).take_all)
        deadline = time.monotonic() + 120
        while not work.done() and len([*tmp_path.glob(f"{lost.node_id}-*")]) < 2:
            assert time.monotonic() < deadline, "the node has work"
            time.sleep(0.05)
        assert not work.done(), "the node is killed at work"
        cluster.remove_node(lost, allow_graceful=False)
        cluster.add_node(num_cpus=CPUS, object_store_memory=200 << 20)
        rows = sorted(work.result(timeout=200), key=lambda row: row["id"])
    assert [row["id"] for row in rows] == list(range(len(TEXTS))), "every row once"
    vectors = np.array([row["embedding"] for row in rows], dtype=np.float32)
    assert vectors.tobytes() == nearsay.Embedder(BERT).encode(TEXTS).tobytes()
    opens = counting.opened(opened)
    assert len({process for process, _ in opens}) == len(opens) >= 2, "one model per actor"
    assert {threads for _, threads in opens} == {CPUS}, "the CPUs of an actor"


def test_output_types_settings_and_nulls(cluster: Cluster) -> None:
    table = pa.table({"id": range(4), "text": ["a river", None, "a mill", ""]})
    settings = {"output_type": "f16", "dimensions": 8, "prompt": "the "}
    parts = ray.get(embedded(ray.data.from_arrow(table), nearsay.ray.Embed, **settings).to_arrow_refs())
    found = pa.concat_tables(parts).sort_by("id")["embedding"].combine_chunks()
    assert found.type == pa.list_(pa.float16(), 8) and found.is_null().to_pylist() == [False, True, False, False]
    expected = nearsay.Embedder(BERT).encode(["a river", "a mill", ""], output_type="f16", dimensions=8, prompt="the ")
    assert found.flatten().to_numpy().tobytes() == expected.tobytes()


def test_scores(cluster: Cluster) -> None:
    few = TEXTS[:100]
    table = pa.table({"id": range(101), "system": [*few, None], "gold": [*([text, "a river"] for text in few[::-1]), ["x"]]})
    scored = ray.data.from_arrow(table).map_batches(
        nearsay.ray.Score,
        fn_constructor_kwargs={"model": BERT, "num_layers": 2, "candidate": "system", "reference": "gold"},
        batch_format="pyarrow",
        batch_size=17,
        num_cpus=CPUS,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=2),
    )
    rows = sorted(scored.take_all(), key=lambda row: row["id"])
    assert [rows[100][name] for name in ("precision", "recall", "f1")] == [None] * 3
    expected = nearsay.BERTScorer(BERT, 2).score(few, [[text, "a river"] for text in few[::-1]])
    for name, part in zip(("precision", "recall", "f1"), expected):
        assert np.array([row[name] for row in rows[:100]], np.float32).tobytes() == np.asarray(part).tobytes()


def test_what_is_refused() -> None:
    for make, message in [
        (lambda: nearsay.ray.Embed(BERT, promt="x"), "unknown setting 'promt'"),
        (lambda: nearsay.ray.Embed(BERT, output_type="i8"), "scales by the ranges of all vectors"),
        (lambda: nearsay.ray.Embed(BERT)(pa.table({"body": ["a"]})), "text names a column that is not there: 'text'"),
        (lambda: nearsay.ray.Embed(BERT, output="text")(pa.table({"text": ["a"]})), "already a column 'text'"),
        (lambda: nearsay.ray.Score(BERT, num_layers=2, idf=True), "idf=True needs all references at once"),
    ]:
        with pytest.raises(nearsay.InputError, match=message):
            make()


@pytest.mark.parametrize("page", ["python.md", "many-machines.md"])
def test_the_examples(cluster: Cluster, tmp_path: Path, page: str) -> None:
    texts = TEXTS[:30]
    write_corpus(tmp_path / "corpus", texts)
    replacing = {
        "python.md": {'"corpus"': f'"{tmp_path}/corpus"', '"vectors"': f'"{tmp_path}/vectors"', "num_cpus=2": "num_cpus=1"},
        "many-machines.md": {
            "s3://": f"{tmp_path}/",
            "/models/minilm": BERT,
            # That of a GPU.
            '"precision": "f16", ': "",
            "    num_gpus=1,\n": "",
            "num_cpus=16": "num_cpus=1",
        },
    }
    run_example(page, "import ray", replacing[page])
    found = pq.read_table(tmp_path / "vectors").sort_by("id")
    assert found.column_names == ["id", "text", "embedding"] and found["text"].to_pylist() == texts
    model = nearsay.Embedder(MINILM if page == "python.md" else BERT)
    vectors = found["embedding"].combine_chunks().flatten().to_numpy()
    assert vectors.tobytes() == model.encode(texts, output_type="f16").tobytes()
