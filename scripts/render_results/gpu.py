"""What scripts/gpu-check measured on a GPU."""
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
    """Everything, for the page beside the results."""
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
    machine, package = result["steps"]["machine"], result["package"]
    gpus = ", ".join(f"{gpu['name']} (driver {gpu['driver_version']})" for gpu in machine["gpus"])
    libraries = machine["libraries"]
    named = ", ".join(f"{name} {libraries[name]}" for name in ("torch", "transformers", "sentence-transformers") if libraries.get(name))
    size = {"full": "", "quick": ", the quick form"}[result["size"]]
    return (
        f"**{gpus}**, {machine['cores']} cores of an {machine['cpu']}, {result['date'][:10]}{size}, nearsay at "
        f"{package['commit']}; peers: {named}."
    )


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
            rows.append([name, precision, figures.pop(128, ""), figures.pop(None, ""), f"{latency.get(12, 0):.2f}"])
    peak = f"f16 {peaks['f16_gflops'] / 1e3:,.0f} TFLOP/s, f32 {peaks['f32_gflops'] / 1e3:,.0f}, copies {peaks['memory_gb_per_second'] / 1e3:.1f} TB/s"
    header = ["model", "precision", "texts of 128 tokens, tokens/s (of peak)", "natural mix, tokens/s (of peak)", "a text of 12 tokens, ms"]
    return [f"`nearsay bench`, random weights; measured peaks: {peak}.", "", *table(header, rows)]


def peers(ratios: list[Result], runs: list[Result]) -> list[str]:
    def row(ratio: Result) -> list[str]:
        ours, theirs = ratio["nearsay"], ratio["theirs"]
        spread = [run["rate"] for run in runs if is_scoring(run) and run["model"] == ratio["model"] and is_of_scores(ratio)]
        # A difference of two processes' times may be far from the next one.
        rounds = f" ({min(spread):,.0f} to {max(spread):,.0f})" if spread and max(spread) > 1.2 * min(spread) else ""
        return [ratio["model"], ratio["peer"], f"{ours:,.0f}{rounds}", f"{theirs:,.0f}", f"{ratio['ratio']:.1f}"]

    rows = [row(ratio) for ratio in ratios]
    what = "Texts of mixed lengths, the same weights and GPU, one after the other in one run; tokens (bert_score: pairs) a second."
    return [what, "", *table(["model", "peer", "nearsay", "peer", "ratio"], rows)]


def is_scoring(run: Result) -> bool:
    return run["who"] == "nearsay" and run["unit"] == "pairs/s"


def is_of_scores(ratio: Result) -> bool:
    return ratio["peer"].startswith("bert_score")


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
