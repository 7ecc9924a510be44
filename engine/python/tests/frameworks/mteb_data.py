"""The data and the published scores of mteb's STSBenchmark and SciFact with all-MiniLM-L6-v2.

NEARSAY_TEST_DATA names the folder of the data: stsb/test.tsv, and scifact-beir/ in the form of BEIR.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path
from typing import Any

import mteb
from datasets import Dataset, DatasetDict

DATA = Path(os.environ["NEARSAY_TEST_DATA"])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return [*csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]


def documents_of(path: Path) -> Dataset:
    """Rows of BEIR: the id, the text, and the title if there is one."""
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
    with opened as lines:
        rows = [json.loads(line) for line in lines]
    named = [{"id": row["_id"], **{name: row[name] for name in ("title", "text") if name in row}} for row in rows]
    return Dataset.from_list(named)


def load_stsb(task: Any, **_: Any) -> None:
    rows = rows_of(DATA / "stsb" / "test.tsv")
    columns = ("sentence1", "sentence2", "score")
    of_test = Dataset.from_dict({name: [row[name] for row in rows] for name in columns})
    of_test = of_test.map(lambda row: {"score": float(row["score"])}, load_from_cache_file=False)
    task.dataset, task.data_loaded = DatasetDict({"test": of_test}), True


def load_scifact(task: Any, **_: Any) -> None:
    folder = DATA / "scifact-beir"
    relevant: dict[str, dict[str, int]] = {}
    for row in rows_of(folder / "qrels" / "test.tsv"):
        relevant.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    of_test = {
        "corpus": documents_of(folder / "corpus.jsonl.gz"),
        "queries": documents_of(folder / "queries.jsonl"),
        "relevant_docs": relevant,
        "top_ranked": None,
    }
    task.dataset, task.data_loaded = {"default": {"test": of_test}}, True


#: embeddings-benchmark/results at f4cc6c8b, model revision 8b3219a9.
PUBLISHED = {
    "STSBenchmark": {"cosine_spearman": 0.8203247283, "cosine_pearson": 0.8274064239693},
    "SciFact": {"ndcg_at_10": 0.64508, "map_at_100": 0.60307, "recall_at_100": 0.925},
}
LOADERS = {"STSBenchmark": load_stsb, "SciFact": load_scifact}
TOLERANCE = 5e-5


def scores_of(model: Any, name: str, **settings: Any) -> dict[str, float]:
    """The scores of a model in a task with the folder's data, of those that are published."""
    (task,) = mteb.get_tasks(tasks=[name])
    task.load_data = LOADERS[name].__get__(task)
    result = mteb.evaluate(model, task, cache=None, show_progress_bar=False, **settings)
    (scores,) = result.task_results[0].scores["test"]
    return {key: scores[key] for key in PUBLISHED[name]}
