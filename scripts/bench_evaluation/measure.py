"""The measurements: metrics of all systems, comparisons of them, and many rows of one."""
from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import peers
from .processes import Failed, run, timed
from .texts import Texts

Result = dict[str, Any]

ROUGE = [f"{name}(stem=yes)" for name in peers.ROUGE]
# Metrics that are measured together.
GROUPS = {"bleu": ["bleu"], "chrf": ["chrf"], "ter": ["ter"], "rouge": ROUGE}
ALL = "all"
STREAMED = ("bleu", "chrf", "rouge")
# sacrebleu's TER needs minutes for all systems: it gets every fourth, and its time is multiplied.
EVERY = {"ter": 4}
# Times faster than one process of Python.
GOALS = {"bleu": 30, "chrf": 40, "ter": 40, "rouge": 60, ALL: 40}
GOAL_BYTES, STREAM_GOAL_BYTES = 400_000_000, 300_000_000
RESAMPLES, TRIALS = 1000, 10_000
# Seconds.
COMPARISONS = {"bs2": (["--resamples", str(RESAMPLES)], 1.0), "ar": (["--trials", str(TRIALS)], 3.0)}
# Relative: they are the same numbers.
TOLERANCE = 1e-9


def say(message: str) -> None:
    print(f"bench-evaluation: {message}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Program:
    """`nearsay`, and how it is run."""

    path: Path
    threads: int
    rounds: int

    def line(self, command: str, *arguments: Any) -> list[Any]:
        return [self.path, command, "-q", "--json", "--threads", self.threads, *arguments]

    def score(self, metrics: list[str], texts: Texts, *arguments: Any) -> list[Any]:
        options = ["--interval", "none", "--metric", ",".join(metrics), *arguments]
        return self.line("score", *options, "-r", texts.reference, "-c", *texts.systems)


def scores(report: Result) -> dict[str, dict[str, float]]:
    """By system and metric; metrics without their settings."""
    score = lambda values: values["f1"] if "f1" in values else values["score"]  # noqa: E731
    return {
        Path(system["input"]).stem: {key.split("(")[0]: score(values) for key, values in system["metrics"].items()}
        for system in report["systems"]
    }


def largest_difference(found: dict[str, dict[str, float]], expected: dict[str, dict[str, float]]) -> float:
    """Relative, of the scores of systems that both have."""
    pairs = [(score, found[system][metric]) for system, metrics in expected.items() for metric, score in metrics.items()]
    return max(abs(score - other) / abs(score) if score else abs(other) for score, other in pairs)


def peer(metric: str, texts: Texts, processes: int) -> tuple[Result, dict[str, dict[str, float]]]:
    """A package's time for all systems, divided between processes that start together."""
    chosen = texts.some(EVERY.get(metric, 1))
    scale = len(texts.systems) / len(chosen.systems)
    module = [sys.executable, "-m", "bench_evaluation.peers", metric, "--reference", str(texts.reference)]
    lines = [module + [str(path) for path in part.systems] for part in chosen.parts(processes)]
    running = [subprocess.Popen(line, stdout=subprocess.PIPE) for line in lines]
    outputs = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise Failed(f"{peers.package(metric)} failed; its output is above")
    parts = [json.loads(output) for output in outputs]
    seconds = max(part["seconds"] for part in parts)
    figures = {
        "package": parts[0]["package"],
        "processes": processes,
        "seconds": scale * seconds,
        "seconds_measured": seconds,
        "systems_measured": len(chosen.systems),
    }
    return figures, {name: values for part in parts for name, values in part["scores"].items()}


def measure_metric(name: str, program: Program, texts: Texts) -> Result:
    say(f"measuring {name}")
    figures, output = timed(program.score(GROUPS[name], texts), program.rounds)
    found = scores(json.loads(output))
    others, differences = [], []
    for processes in dict.fromkeys((1, program.threads)):
        say(f"measuring {peers.package(name)}'s {name} in {processes} process{'es' if processes > 1 else ''}")
        other, expected = peer(name, texts, processes)
        others.append(other)
        differences.append(largest_difference(found, expected))
    if not max(differences) <= TOLERANCE:
        raise Failed(f"{name} differs from {peers.package(name)} by {max(differences)}: it does not compute the same")
    return {"metric": name, "specs": GROUPS[name], "nearsay": figures, "peers": others, "difference": max(differences)}


def measure_all(program: Program, texts: Texts, figures: list[Result]) -> Result:
    """All metrics in one run; Python's times are added up."""
    say("measuring all metrics together")
    specs = [spec for specs in GROUPS.values() for spec in specs]
    own, _ = timed(program.score(specs, texts), program.rounds)
    parts = zip(*(figure["peers"] for figure in figures), strict=True)
    others = [
        {
            "package": " and ".join(dict.fromkeys(part["package"] for part in peers)),
            "processes": peers[0]["processes"],
            "seconds": math.fsum(part["seconds"] for part in peers),
        }
        for peers in parts
    ]
    difference = max(figure["difference"] for figure in figures)
    return {"metric": ALL, "specs": specs, "nearsay": own, "peers": others, "difference": difference}


def write_run(program: Program, texts: Texts, folder: Path) -> Result:
    """Writes a run with all metrics, and returns its run.json."""
    specs = [spec for specs in GROUPS.values() for spec in specs]
    run(program.score(specs, texts, "--no-texts", "-o", folder))
    return json.loads((folder / "run.json").read_text("utf-8"))


def measure_comparisons(program: Program, folder: Path) -> list[Result]:
    results = []
    for test, (arguments, goal) in COMPARISONS.items():
        say(f"measuring the test {test}")
        figures, output = timed(program.line("compare", folder, "--test", test, *arguments), program.rounds)
        metrics = json.loads(output)["metrics"]
        counts = {"metrics": len(metrics), "pairs": len(metrics[0]["pairs"])}
        results.append({"test": test, "arguments": arguments, **counts, "goal_seconds": goal, **figures})
    return results


def measure_stream(program: Program, texts: Texts, document: Result) -> Result:
    """Many rows of one system, once; memory less what is kept for each row."""
    say(f"measuring {texts.rows:,} rows of one system")
    specs = [spec for name in STREAMED for spec in GROUPS[name]]
    found = run(program.score(specs, texts))
    statistics = sum(len(metric["statistics"]) for metric in document["metrics"] if metric["key"].split("(")[0] != "ter")
    kept = 8 * statistics * texts.rows
    return {
        "rows": texts.rows,
        "specs": specs,
        "statistics": statistics,
        "seconds": found.seconds,
        "peak_bytes": found.peak_bytes,
        "kept_bytes": kept,
        "rest_bytes": found.peak_bytes - kept,
        "goal_bytes": STREAM_GOAL_BYTES,
    }


def measure(program: Program, texts: Texts, repeated: Texts) -> Result:
    figures = [measure_metric(name, program, texts) for name in GROUPS]
    figures.append(measure_all(program, texts, figures))
    with tempfile.TemporaryDirectory() as folder:
        document = write_run(program, texts, Path(folder) / "run")
        comparisons = measure_comparisons(program, Path(folder) / "run")
    for figure in figures:
        figure |= {"goal": GOALS[figure["metric"]], "goal_bytes": GOAL_BYTES}
    return {"figures": figures, "comparisons": comparisons, "stream": measure_stream(program, repeated, document)}
