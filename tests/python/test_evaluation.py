"""`nearsay eval` against trec_eval (pytrec_eval), SciPy and NumPy."""

from __future__ import annotations

import json
import random
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import pytrec_eval
from scipy import stats

from desk import BERT, NORMALIZED, TEXTS, Desk

CUTOFFS = (1, 3, 5, 10, 20, 100, 1000)
# trec_eval's names.
NAMES = {"ndcg": "ndcg_cut", "map": "map_cut", "recall": "recall", "precision": "P", "hit_rate": "success"}
QUERIES = 2000
FILES = 10

Judgements = dict[str, dict[str, int]]
Scores = dict[str, dict[str, float]]


def task(seed: int, queries: int) -> tuple[Judgements, Scores]:
    """Random runs with ties, and graded, negative and missing judgements; one document at least is not judged below 0,
    since trec_eval reads memory that it did not write otherwise."""
    draw = random.Random(seed)
    judgements, scores = {}, {}
    for query in range(queries):
        pool = [f"{draw.choice(['d', 'D', 'é', ''])}{number}" for number in range(draw.choice([3, 30, 1500]))]
        judged = draw.sample(pool, min(len(pool), draw.randint(1, 60)))
        levels = draw.choice([(0, 1), (-2, -1, 0, 1, 2, 3), (0,), (1,), (-1, 0, 5)])
        of_query = {document: draw.choice(levels) for document in judged}
        if max(of_query.values()) < 0:
            of_query[judged[0]] = 0
        found = draw.sample(pool, draw.randint(1, min(len(pool), 1200)))
        ties = draw.choice([2, 10, 10**6])
        judgements[f"q{query}"] = of_query
        scores[f"q{query}"] = {document: draw.randrange(ties) / 7 - 3 for document in found}
    return judgements, scores


def write(folder: Path, judgements: Judgements, runs: dict[str, Scores]) -> None:
    rows = [f"{query}\t{document}\t{it}" for query, of in judgements.items() for document, it in of.items()]
    folder.joinpath("qrels.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n", "utf-8")
    for name, run in runs.items():
        rows = [f"{query} Q0 {document} 0 {score!r} x" for query, of in run.items() for document, score in of.items()]
        # Neither rows nor queries are in order.
        random.Random(1).shuffle(rows)
        folder.joinpath(name).write_text("\n".join(rows) + "\n", "utf-8")


def reciprocal_rank(judgements: dict[str, int], run: dict[str, float], cutoff: int) -> float:
    order = sorted(run, key=lambda document: (run[document], document.encode()), reverse=True)
    ranks = (rank for rank, document in enumerate(order[:cutoff], 1) if judgements.get(document, 0) > 0)
    return next((1 / rank for rank in ranks), 0.0)


def expected(judgements: Judgements, run: Scores) -> dict[str, dict[str, float]]:
    """trec_eval's values by our keys."""
    ranks = ",".join(map(str, CUTOFFS))
    measures = {f"{name}.{ranks}" for name in NAMES.values()}
    found = pytrec_eval.RelevanceEvaluator(judgements, measures).evaluate(run)
    values = {}
    for query, of_query in found.items():
        values[query] = {f"{ours}@{k}": of_query[f"{theirs}_{k}"] for ours, theirs in NAMES.items() for k in CUTOFFS}
        for k in CUTOFFS:
            values[query][f"mrr@{k}"] = reciprocal_rank(judgements[query], run[query], k)
    return values


class Retrieval(Desk):
    def evaluate(self, *arguments: str) -> Any:
        line = ("eval", "retrieval", "--run", "a.run", "--qrels", "qrels.tsv", "--per-query", "--json", *arguments)
        return json.loads(self.nearsay(*line).stdout)

    def test_measures_are_those_of_trec_eval(self) -> None:
        seen = 0
        for seed in range(FILES):
            judgements, run = task(seed, QUERIES // FILES)
            write(self.folder, judgements, {"a.run": run})
            report, wanted = self.evaluate(), expected(judgements, run)
            self.assertEqual([row["query"] for row in report["per_query"]], list(judgements))
            for row in report["per_query"]:
                query = row.pop("query")
                self.assertEqual(row.keys(), wanted[query].keys())
                for key, value in row.items():
                    self.assertLessEqual(abs(value - wanted[query][key]), 1e-12, (seed, query, key))
                seen += 1
            for key in wanted["q0"]:
                mean = np.mean([of_query[key] for of_query in wanted.values()])
                self.assertLessEqual(abs(report[key] - mean), 1e-12, key)
                self.assertEqual(report[key], report[key.replace("@", "_at_")])
        self.assertEqual(seen, QUERIES)

    def test_intervals_and_p_values_are_those_of_scipy_and_numpy(self) -> None:
        judgements, run = task(99, 120)
        _, other = task(98, 120)
        for query in run:
            # A system that is a little worse: some of its documents are another's.
            other[query] = {**dict(list(run[query].items())[::2]), **dict(list(other[query].items())[:40])}
        write(self.folder, judgements, {"a.run": run, "b.run": other})
        report = self.evaluate("--baseline-run", "b.run", "--seed", "7")
        ours, theirs = expected(judgements, run), expected(judgements, other)
        # Means of these are hardly ever equal: SciPy compares them with the sample's by their last bit.
        for key in ("ndcg@10", "map@100", "recall@100"):
            values = np.array([of_query[key] for of_query in ours.values()])
            differences = values - np.array([of_query[key] for of_query in theirs.values()])
            for found, sample in ((report["intervals"], values), (report["baseline"]["intervals"], differences)):
                wanted = stats.bootstrap(
                    (sample,), np.mean, n_resamples=9999, method="BCa", rng=np.random.default_rng(7)
                ).confidence_interval
                np.testing.assert_allclose(found[key], wanted, rtol=0, atol=1e-9, err_msg=key)
            signs = np.random.default_rng(7).integers(2, size=(10000, len(differences)), dtype=bool)
            sums = np.where(signs, differences, -differences).sum(axis=1)
            extreme = np.abs(sums) >= abs(differences.sum()) * (1 - 1e-12)
            self.assertEqual(report["baseline"]["p_values"][key], (1 + extreme.sum()) / 10001, key)
            self.assertAlmostEqual(report["baseline"]["differences"][key], differences.mean(), delta=1e-14)


class Task(Desk):
    """A folder of BEIR."""

    def setUp(self) -> None:
        super().setUp()
        titles = ["", "Mill", "Café"]
        self.documents = [
            {"_id": f"d{row}", "title": titles[row % 3], "text": text} for row, text in enumerate(TEXTS * 3)
        ]
        queries = [{"_id": f"q{row}", "text": text} for row, text in enumerate(TEXTS[:4])]
        self.path("qrels").mkdir()
        self.write_rows("corpus.jsonl", self.documents)
        self.write_rows("queries.jsonl", queries)
        rows = [f"q{row}\td{(row * 5) % 24}\t1\nq{row}\td{(row * 7 + 1) % 24}\t2" for row in range(3)]
        self.path("qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(rows) + "\n", "utf-8")

    def test_run_has_the_cosines_of_embed_and_the_order_of_trec_eval(self) -> None:
        # Passages and queries have prompts in this model.
        self.nearsay("eval", "retrieval", ".", "-m", NORMALIZED, "--trec", "mine.run", "-q")
        texts = [f"{document['title']} {document['text']}".strip() for document in self.documents]
        corpus = self.vectors(self.write_texts("corpus-texts.jsonl", texts), "--prompt-name", "document", model=NORMALIZED)
        queries = self.write_texts("query-texts.jsonl", TEXTS[:3])
        queries = self.vectors(queries, "--prompt-name", "query", model=NORMALIZED)
        lines = [line.split() for line in self.path("mine.run").read_text("utf-8").splitlines()]
        self.assertEqual(len(lines), 3 * len(texts))
        for query in range(3):
            found = [line for line in lines if line[0] == f"q{query}"]
            scores = {line[2]: float(line[4]) for line in found}
            order = sorted(scores, key=lambda document: (scores[document], document), reverse=True)
            self.assertEqual([line[2] for line in found], order)
            self.assertEqual([int(line[3]) for line in found], list(range(1, len(texts) + 1)))
            cosines = corpus.astype(np.float64) @ queries[query]
            for row, cosine in enumerate(cosines):
                self.assertLessEqual(abs(scores[f"d{row}"] - cosine), 1e-6)

    def test_a_run_has_the_measures_of_its_model(self) -> None:
        of_model = json.loads(self.nearsay("eval", "retrieval", ".", "-m", BERT, "--trec", "mine.run", "--json").stdout)
        of_run = json.loads(self.nearsay("eval", "retrieval", ".", "--run", "mine.run", "--json").stdout)
        for key, value in of_run.items():
            if "@" in key:
                self.assertEqual(value, of_model[key], key)


class Similarity(Desk):
    def test_correlations_are_those_of_scipy(self) -> None:
        scores = [5, 0.5, 3, 3, 1, 4.25, 2]
        rows = list(zip(scores, TEXTS, TEXTS[1:], strict=False))
        lines = [f"{score}\t{left}\t{right}" for score, left, right in rows]
        lines = [line.replace("“Quotes” and\ttabs", "“Quotes\" and tabs") for line in lines]
        self.path("sts.tsv").write_text("score\tsentence1\tsentence2\n" + "\n".join(lines) + "\n", "utf-8")
        report = json.loads(self.nearsay("eval", "sts", "sts.tsv", "-m", NORMALIZED, "--json").stdout)
        pairs = [line.split("\t") for line in lines]
        sides = [
            self.vectors(self.write_texts(f"{at}.jsonl", [pair[at] for pair in pairs]), model=NORMALIZED).astype(float)
            for at in (1, 2)
        ]
        cosines = (sides[0] * sides[1]).sum(axis=1)
        self.assertAlmostEqual(report["spearman"], stats.spearmanr(cosines, scores).statistic, delta=1e-12)
        self.assertAlmostEqual(report["pearson"], stats.pearsonr(cosines, scores).statistic, delta=1e-6)
        self.assertEqual(report["pairs"], len(rows))


if __name__ == "__main__":
    unittest.main()
