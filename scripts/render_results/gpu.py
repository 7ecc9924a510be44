"""Tables of scripts/gpu-check results on a GPU."""
from __future__ import annotations

from typing import Any, Iterator

from .markdown import table

Result = dict[str, Any]


def summary(result: Result) -> list[str]:
    """Speed and peers, for the README."""
    steps = result["steps"]
    lines = [title(result), ""]
    reports = steps.get("headline", {}).get("reports", [])
    if reports:
        lines += [*headline(reports), ""]
    compared = steps.get("peers", {})
    if compared.get("ratios"):
        lines += [*peers(compared["ratios"], compared.get("runs", [])), ""]
    return lines


def details(result: Result) -> list[str]:
    """Everything, for the page next to the results."""
    steps = result["steps"]
    lines = [*summary(result), *checks(steps), ""]
    reports = steps.get("sweep", {}).get("reports", [])
    if reports:
        lines += ["With other numbers of tokens at once, precisions and lengths:", "", *headline(reports), ""]
    report = steps.get("kernels", {}).get("report")
    if report:
        lines += list(kernels(report))
    return lines


def title(result: Result) -> str:
    machine, package = result["steps"].get("machine", {}), result["package"]
    gpus = ", ".join(f"{gpu['name']} (driver {gpu['driver_version']})" for gpu in machine.get("gpus", [])) or "A GPU"
    where = f", {machine['cores']} cores of an {machine['cpu']}" if "cpu" in machine else ""
    libraries = machine.get("libraries", {})
    named = ", ".join(f"{name} {libraries[name]}" for name in ("torch", "transformers", "sentence-transformers") if libraries.get(name))
    size = {"full": "", "quick": ", the quick form"}[result["size"]]
    line = f"**{gpus}**{where}, {result['date'][:10]}{size}, nearsay at {package['commit']}" + (f"; peers: {named}" if named else "")
    return f"{line}. {unfinished(result['steps'])}".rstrip()


def unfinished(steps: Result) -> str:
    """The steps that did not finish, and why."""
    cut = [f"{name} {step['outcome']} ({step['reason']})" for name, step in steps.items() if step.get("outcome", "done") != "done"]
    return f"Stopped early: {'; '.join(cut)}." if cut else ""


def headline(reports: list[Result]) -> list[str]:
    peaks = reports[0]["peaks"]
    rows = []
    for report in reports:
        at_once = f", {report['batch_tokens']:,} tokens at once" if report["batch_tokens"] else ""
        latency = {row["tokens"]: row["p50_ms"] for row in report["latency"]}
        model = report["model"]
        for precision in dict.fromkeys(row["precision"] for row in report["throughput"]):
            of_it = [row for row in report["throughput"] if row["precision"] == precision]
            figures = {row["length"]: f"{row['tokens_per_second'] / 1e6:.2f} M ({100 * row['share_of_peak']:.0f} %)" for row in of_it}
            name = f"{model['name']} to layer {model['layer']}{at_once}"
            short = f"{latency[12]:.2f}" if 12 in latency else ""
            rows.append([name, precision, figures.pop(128, ""), figures.pop(None, ""), short])
    peak = f"f16 {peaks['f16_gflops'] / 1e3:,.0f} TFLOP/s, f32 {peaks['f32_gflops'] / 1e3:,.0f}, copies {peaks['memory_gb_per_second'] / 1e3:.1f} TB/s"
    header = ["model", "precision", "texts of 128 tokens, tokens/s (of peak)", "natural mix, tokens/s (of peak)", "a text of 12 tokens, ms"]
    return [f"`nearsay bench`, random weights; measured peaks: {peak}.", "", *table(header, rows)]


def peers(ratios: list[Result], runs: list[Result]) -> list[str]:
    rows = []
    for ratio in ratios:
        scores = ratio["peer"].startswith("bert_score")
        ours = [run for run in runs if run["who"] == "nearsay" and run["model"] == ratio["model"] and is_scoring(run) == scores]
        theirs = [run for run in runs if run["model"] == ratio["model"] and is_of(run, ratio["peer"])]
        rate, rounds = ratio["nearsay"], ""
        if scores and ours:
            rate, rates = rate_of_scoring(ours), [run["rate"] for run in ours]
            rounds = f" ({min(rates):,.0f} to {max(rates):,.0f})" if max(rates) > 1.2 * min(rates) else ""
        cells = [with_precision(rate, ours) + rounds, with_precision(ratio["theirs"], theirs), f"{rate / ratio['theirs']:.1f}"]
        rows.append([ratio["model"], ratio["peer"], *cells])
    what = (
        "Texts of mixed lengths, the same weights and GPU, one after the other in one run; tokens (bert_score: pairs) a second, and the "
        "precision (bert_score's own is f32)."
    )
    return [what, "", *table(["model", "peer", "nearsay", "the peer", "ratio"], rows)]


def with_precision(rate: float, runs: list[Result]) -> str:
    return ", ".join([f"{rate:,.0f}", *sorted({run["precision"] for run in runs})])


def is_scoring(run: Result) -> bool:
    return run["unit"] == "pairs/s"


def rate_of_scoring(runs: list[Result]) -> float:
    """All rounds together: each time is the difference of two processes' times, and varies."""
    seconds = [run["seconds_process"] - run["seconds_of_one_pair"] for run in runs]
    return sum(run["rate"] * time for run, time in zip(runs, seconds)) / sum(seconds)


def is_of(run: Result, peer: str) -> bool:
    """Whether a run belongs to a peer: `bert_score` runs in f32, `bert_score in f16` is another peer."""
    who, _, precision = peer.partition(" in ")
    return run["who"] == who and (who != "bert_score" or run["precision"] == (precision or "f32"))


def checks(steps: Result) -> list[str]:
    every = [check for step in steps.values() for check in step.get("checks", [])]
    failed = [check for check in every if not check["holds"]]
    cosines = steps.get("parity", {}).get("cosines", [])
    smallest = ", ".join(f"{row.get('model', '')} {row['precision']} {row['smallest']:.7f}" for row in cosines)
    lines = [f"{len(every) - len(failed)} of {len(every)} checks hold. Smallest cosine to the CPU's f32: {smallest}."]
    return lines + [f"Failed: {check['name']}: {check['detail']}" for check in failed]


def kernels(report: Result) -> Iterator[str]:
    measured = [row for row in report["operations"] if "error" not in row]
    yield (
        f"Single operations on {report['tokens']:,} tokens, inputs from memory. The floor is the longer of the operations by the peak of "
        "products and the bytes of inputs and outputs, once each, by the peak of copies."
    )
    for shape, precision in dict.fromkeys((row["shape"], row["precision"]) for row in measured):
        rows = [row for row in measured if (row["shape"], row["precision"]) == (shape, precision)]
        cells = [
            [
                f"{row['operation']} {row['detail']}".strip(),
                f"{row['microseconds']:.1f}",
                f"{row['floor_microseconds']:.1f}",
                f"{100 * row['share_of_floor']:.0f} %",
                f"{row['gb_per_second']:,.0f}",
                f"{row['tflops']:,.0f}",
            ]
            for row in rows
        ]
        yield from ("", f"### {shape}, {precision}", "", *table(["operation", "us", "floor, us", "of the floor", "GB/s", "TFLOP/s"], cells))
