"""Tests, intervals and ranks against sacrebleu 2.6.0, SciPy 1.17.1 and statsmodels 0.15.0, on public sets.

Known values are in DATA/significance and DATA/ted-slk-en, and SciPy's intervals of ROUGE are computed here. p-values of
resampling must be equal to the last digit, since the random draws are NumPy's.
"""
from __future__ import annotations

import csv
import json
import math
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from .bleu import parallel
from .common import check, output

SEED = 12345
# sacrebleu adds statistics in float32, and chrF is computed in it: the differences of its resamples are this share of the score.
OF_FLOAT32 = 1e-6
Numbers = list[list[float]]


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


class Program:
    """`nearsay` with two texts or more, and the same seed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def json(self, command: str, candidates: list[Path], reference: Path, *options: str) -> Any:
        line = [self.path, command, "-q", "--json", "--seed", str(SEED), *options, "-r", reference, "-c", *candidates]
        return json.loads(subprocess.run(line, stdout=subprocess.PIPE, check=True).stdout)

    def compared(self, *arguments: Any) -> list[dict[str, Any]]:
        return self.json("compare", *arguments)["metrics"]


def compared(example: Path, systems: list[Numbers], **settings: Any) -> dict[str, Any]:
    """The output of engine/metrics/examples/comparison.rs."""
    settings = {"metric": "mean", "test": "wilcoxon", "correction": "none", "interval": "bca", "resamples": 1, **settings}
    program = example.with_name("comparison")
    result = subprocess.run([program], input=json.dumps({**settings, "systems": systems}).encode(), stdout=subprocess.PIPE, check=True)
    return json.loads(result.stdout)


def close(name: str, expected: float, found: float, difference: float) -> None:
    check(f"{name}: {expected} and {found}", True, abs(expected - found) <= difference)


def half_width(interval: list[float]) -> float:
    return (interval[1] - interval[0]) / 2


def compare_bootstrap(found: dict[str, Any], names: list[str], expected: list[dict[str, Any]]) -> None:
    """Scores, p-values and half widths; the first system is the baseline."""
    pairs = {pair["a"]: pair for pair in found["pairs"]}
    systems = {system["system"]: system for system in found["ranks"]}
    for name, known in zip(names, expected, strict=True):
        check(f"{name} score", known["score"], systems[name]["score"], None, 1e-11)
        if known["ci"] is not None:
            close(f"{name} half width", known["ci"], half_width(systems[name]["interval"]), OF_FLOAT32 * known["score"])
        if known["p_value"] is not None:
            check(f"{name} p-value", known["p_value"], pairs[name]["p"])


def compare_wmt17(program: Program, example: Path, texts: Path, folder: Path) -> None:
    """The first system with the 15 others, by both of sacrebleu's tests and by the bootstrap of both tails."""
    known = read(folder / "sacrebleu-2.6.0-wmt17-en-de-bleu-none.json")
    reference, names = texts / "reference.txt", list(known["bs"])
    options = ["--metric", "bleu(tok=none)", "--baseline", names[0], "--interval", "percentile"]
    files = [texts / f"{name}.txt" for name in names]
    (found,) = program.compared(files, reference, *options, "--test", "bs", "--names", ",".join(names))
    compare_bootstrap(found, names, list(known["bs"].values()))
    few = list(known["ar"])
    (found,) = program.compared(files[: len(few)], reference, *options, "--test", "ar", "--names", ",".join(few))
    compare_bootstrap(found, few, list(known["ar"].values()))
    (found,) = program.compared(files, reference, *options, "--test", "bs2", "--names", ",".join(names))
    both = read(folder / "two-sided-bootstrap-wmt17.json")
    for pair in found["pairs"]:
        value = both[pair["a"].split(".")[1]]
        check(f"{pair['a']} p-value of both tails", value["two_sided_shifted"], pair["p"])
        check(f"{pair['a']} difference", value["difference"], pair["difference"], None, 1e-9)
    compare_means(example, files, reference, list(known["bs"].values()), both)


def compare_means(example: Path, files: list[Path], reference: Path, known: list[Any], both: dict[str, Any]) -> None:
    """Numbers that the program does not print: the means of the resamples, and the standard errors of differences."""
    rows = [output(example, "bleu(tok=none)", parallel(file, reference)).rows for file in files]
    systems = [[statistics for statistics, _ in system] for system in rows]
    found = compared(example, systems, metric="bleu(tok=none)", test="bs", interval="percentile", resamples=1000)
    for file, value, system in zip(files, known, found["systems"], strict=True):
        check(f"{file.stem} mean of the resamples", value["mean"], system["mean"], None, OF_FLOAT32)
    for pair in found["pairs"][: len(files) - 1]:
        name = files[pair["b"]].stem.split(".")[1]
        check(f"{name} standard error", both[name]["sd_of_difference"], pair["standard_error"], None, 1e-9)


def compare_ted(program: Program, folder: Path) -> None:
    """BLEU and chrF, which contradict each other here."""
    files, reference = [folder / f"ted.sys{number}.detok.eng" for number in (1, 2)], folder / "ted.ref.detok.eng"
    known, metrics = read(folder / "expected.json"), ["--metric", "bleu,chrf", "--names", "sys1,sys2", "--interval", "percentile"]
    for test in ("bs", "ar"):
        found = program.json("compare", files, reference, *metrics, "--format", "txt", "--test", test, "--baseline", "sys1")
        expected = known[f"paired_{test}"]
        for metric, name in zip(found["metrics"], ("BLEU", "chrF2"), strict=True):
            # sacrebleu's pairs have the baseline second.
            compare_bootstrap(metric, ["sys1", "sys2"], expected[name])
            signature, full = expected["signature"][name].split("|version")[0].split("|"), metric["signature"].split("|")
            check(f"{name} signature", signature, [part for part in full if part in signature])
        contradictions = [{"a": "sys1", "b": "sys2", "for_a": ["chrf"], "for_b": ["bleu"]}]
        check("contradictions", contradictions, found["contradictions"])


def bca(values: np.ndarray) -> list[float]:
    resampled = stats.bootstrap((values,), np.mean, method="BCa", rng=np.random.default_rng(SEED))
    return list(resampled.confidence_interval)


def compare_intervals(name: str, expected: list[float], found: list[float]) -> None:
    # The end of an interval may be near 0.
    for value, other in zip(expected, found, strict=True):
        close(name, value, other, 1e-9 * max(1, abs(value)))


def compare_scipy(program: Program, folder: Path) -> None:
    """Scores that are means: intervals, t and Wilcoxon's test of the program and SciPy's from the same segments."""
    files, reference = [folder / f"sum.sys{number}.eng" for number in (1, 2)], folder / "sum.ref.eng"
    options = ["--metric", "rougeL,rouge2", "--names", "sys1,sys2", "--resamples", "9999", "--format", "txt"]
    systems = program.json("score", files, reference, *options, "--segments")["systems"]
    tests = {test: program.compared(files, reference, *options, "--test", test) for test in ("t", "wilcoxon")}
    for at, key in enumerate(("rougeL", "rouge2")):
        left, right = (np.array([row["f1"] for row in system["metrics"][key]["segments"]]) for system in systems)
        for system, values in zip(systems, (left, right), strict=True):
            compare_intervals(f"{key} BCa", bca(values), system["metrics"][key]["interval"])
        pairs = {test: metrics[at]["pairs"][0] for test, metrics in tests.items()}
        compare_intervals(f"{key} BCa of the difference", bca(left - right), pairs["t"]["interval"])
        check(f"{key} t", float(stats.ttest_rel(left, right).pvalue), pairs["t"]["p"], None, 1e-9)
        check(f"{key} Wilcoxon", float(stats.wilcoxon(left - right).pvalue), pairs["wilcoxon"]["p"], None, 1e-9)


def human_scores(folder: Path) -> dict[str, Numbers]:
    """By system, row by row."""
    cells: dict[str, dict[int, float]] = defaultdict(dict)
    with open(folder / "human.tsv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            cells[row["system"]][int(row["row"])] = float(row["score"])
    return {name: [[score] for _, score in sorted(rows.items())] for name, rows in cells.items() if name != "refA"}


def compare_human(example: Path, folder: Path, known: dict[str, Any]) -> None:
    """Wilcoxon's test of people's scores, corrections and clusters."""
    scores = human_scores(folder)
    names = sorted(scores)
    systems = [scores[name] for name in names]
    for correction, key in [("none", "wilcoxon_p"), ("holm", "holm"), ("bh", "bh"), ("bonferroni", "bonferroni")]:
        found = compared(example, systems, correction=correction)
        expected = {(pair["a"], pair["b"]): pair[key] for pair in known["human_pairwise"]}
        for pair in found["pairs"]:
            a, b = names[pair["a"]], names[pair["b"]]
            check(f"{key} of {a} and {b}", expected[a, b], pair["p_adjusted"], None, 1e-9)
        significant = sum(pair["p_adjusted"] < 0.05 for pair in found["pairs"])
        count = known["significant_pairs"].get("raw" if correction == "none" else correction)
        check(f"{key}: significant pairs", count if count is not None else significant, significant)
        clusters = known.get(f"clusters_wmt_rule_{'raw_p' if correction == 'none' else correction}")
        if clusters:
            check(f"clusters by {key}", list(clusters.items()), [(names[rank["system"]], rank["cluster"]) for rank in found["ranks"]])


def compare_segments(example: Path, folder: Path, known: dict[str, Any]) -> None:
    """Means of the chrF of the rows that people have rated."""
    rated = {int(line.split("\t")[1]) for line in (folder / "human.tsv").read_text("utf-8").splitlines()[1:]}
    systems = []
    for name in ("GPT-4", "Aya23"):
        rows = output(example, "chrf", parallel(folder / f"sys.{name}.txt", folder / "ref.txt")).rows
        systems.append([[score] for row, (_, score) in enumerate(rows, 1) if row in rated])
    by_test = {test: compared(example, systems, test=test, resamples=9999) for test in ("wilcoxon", "t", "ar")}
    one, pairs = known["intervals_chrf_segment_mean_GPT-4"], known["paired_chrf_GPT-4_minus_Aya23"]
    found = by_test["t"]
    check("mean of chrF", one["mean"], found["systems"][0]["score"], None, 1e-12)
    compare_intervals("BCa of chrF", one["BCa"]["ci95"], found["systems"][0]["interval"])
    check("difference of chrF", pairs["mean"], found["pairs"][0]["difference"], None, 1e-11)
    compare_intervals("BCa of the difference", pairs["bootstrap_bca_ci95"], found["pairs"][0]["interval"])
    check("t", pairs["t_p"], found["pairs"][0]["p"], None, 1e-9)
    check("Wilcoxon", pairs["wilcoxon_p"], by_test["wilcoxon"]["pairs"][0]["p"], None, 1e-9)
    # SciPy draws other signs: five standard errors of a share of 9,999.
    p, other = pairs["sign_flip_p_two_sided_9999"], by_test["ar"]["pairs"][0]["p"]
    close("randomization", p, other, 5 * math.sqrt(2 * p * (1 - p) / 9999))


def compare_known(nearsay: Path, example: Path, data: Path, wmt17: Path) -> None:
    """Raises with the first difference."""
    known = read(data / "significance" / "expected-scipy-wmt24-en-cs.json")
    compare_human(example, data / "wmt24-en-cs", known)
    compare_segments(example, data / "wmt24-en-cs", known)
    program = Program(nearsay)
    compare_wmt17(program, example, wmt17, data / "significance")
    compare_ted(program, data / "ted-slk-en")
    compare_scipy(program, data / "ted-slk-en")
