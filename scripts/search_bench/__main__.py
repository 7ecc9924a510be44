"""Makes rows, measures nearsay and the others one after the other, and writes the JSON."""
from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from . import vectors
from .measure import recall
from .peers import PEERS
from .vectors import TOP, Vectors, say

RESULTS = vectors.SCRIPTS.parent / "benches/results/search"
COUNTS = (1, 10, 32, 100, 1000)
NEARSAY = "nearsay"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("search-bench")
    parser.add_argument("--nearsay", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--random", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--types", default="f32,f16,bf16,bytes")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[NEARSAY, *PEERS])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--limit", type=float, default=120)
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    unknown = set(options.only) - {NEARSAY, *PEERS}
    if unknown:
        parser.error(f"--only has {', '.join(sorted(unknown))}; there are {', '.join([NEARSAY, *PEERS])}")
    if options.rows <= vectors.QUERIES or options.threads < 1:
        parser.error(f"--rows must be more than {vectors.QUERIES}, and --threads at least 1")
    return options


def environment(threads: int) -> dict[str, str]:
    """As many threads for everyone, and as many cores where the system lets us choose them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "TOKIO_WORKER_THREADS", "LANCE_CPU_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads))}


def nearsay(options: argparse.Namespace, files: Vectors) -> dict[str, Any]:
    """The report of `nearsay bench search`, and the share of true neighbors that a search finds."""
    line = [options.nearsay, "bench", "search", "--corpus", files.rows, "--query-vectors", files.queries, "-k", str(TOP)]
    line += ["--threads", str(options.threads), "--seconds", str(options.seconds), "--types", options.types, "--json", "-q"]
    report = json.loads(subprocess.run(line, check=True, stdout=subprocess.PIPE).stdout)
    line = [options.nearsay, "search", files.rows, "--query-vectors", files.queries, "-k", str(TOP), "--metric", "dot"]
    line += ["--threads", str(options.threads), "--json", "-q"]
    answers = subprocess.run(line, check=True, stdout=subprocess.PIPE).stdout.splitlines()
    found = np.array([[hit["id"] for hit in json.loads(answer)["hits"]] for answer in answers])
    return {"report": report, "recall": recall(found, np.load(files.truth))}


def peer(name: str, options: argparse.Namespace, files: Vectors, variables: dict[str, str]) -> dict[str, Any]:
    line = [sys.executable, "-m", "search_bench.measure", name, "--rows", files.rows, "--queries", files.queries]
    line += ["--truth", files.truth, "--counts", ",".join(map(str, COUNTS)), "--top", str(TOP)]
    line += ["--threads", str(options.threads), "--seconds", str(options.seconds), "--limit", str(options.limit)]
    run = subprocess.run(line, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        say(f"{name} failed:\n{run.stderr}")
        return {"name": name, "error": (run.stderr.strip().splitlines() or ["no message"])[-1]}
    return json.loads(run.stdout.splitlines()[-1])


def target(options: argparse.Namespace, files: Vectors, result: dict[str, Any]) -> Path:
    if options.output.suffix == ".json":
        return options.output
    options.output.mkdir(parents=True, exist_ok=True)
    cpu = "-".join(re.findall(r"[a-z0-9]+", result["machine"]["cpu"].lower().replace("(r)", " ").replace("(tm)", " ")))
    return options.output / f"{cpu}_{files.name}_{result['date'][:10]}.json"


def main() -> int:
    options = arguments()
    variables = environment(options.threads)
    options.cache.mkdir(parents=True, exist_ok=True)
    files = vectors.make(options.nearsay, options.cache, options.rows, options.random)
    # The machine and its peaks are nearsay's findings, so it is always measured.
    say("measuring nearsay")
    own = nearsay(options, files)
    report = own["report"]
    others = []
    for name in (name for name in options.only if name != NEARSAY):
        say(f"measuring {name}")
        others.append(peer(name, options, files, variables))
    rows, dimensions = np.load(files.rows, mmap_mode="r").shape
    result = {
        "date": report["date"],
        "machine": report["machine"],
        "rows": {"name": files.name, "is_random": options.random, "count": rows, "dimensions": dimensions, "seed": vectors.SEED},
        "top": TOP,
        "threads": options.threads,
        "nearsay": own,
        "peers": others,
    }
    path = target(options, files, result)
    path.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print(path)
    if report["load"]["busy"]:
        say("warning: the machine was busy with other work; measure again on an idle one")
    failed = [other["name"] for other in others if "error" in other]
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
