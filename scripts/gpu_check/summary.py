"""The page that is printed at the end, made from result.json.

usage: python3 -m gpu_check.summary RESULT.json
"""
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Iterator

GOAL_SHARE = 0.5
# Shapes that must reach it: hidden states of 384 values are bound by memory.
GOAL_SHAPES = ("bert-base", "roberta-large")


def lines(result: dict[str, Any]) -> Iterator[str]:
    steps = result["steps"]
    package = result["package"]
    yield f"nearsay {package['commit']}, {result['date']}, {result['size']}, {result['seconds']:.0f} s"
    yield from machine(steps.get("machine", {}))
    yield ""
    yield from outcomes(steps)
    for step in ("headline", "sweep"):
        yield from throughput(step, steps.get(step, {}).get("reports", []))
    yield from ratios(steps.get("peers", {}).get("ratios", []))
    yield from kernels(steps.get("kernels", {}).get("report"))


def machine(found: dict[str, Any]) -> Iterator[str]:
    for gpu in found.get("gpus", []):
        yield f"{gpu['name']}, driver {gpu['driver_version']}, {gpu['memory.total']}, {gpu['power.limit']}"
    if "libraries" in found:
        versions = ", ".join(f"{name} {version}" for name, version in found["libraries"].items() if version)
        yield f"{found['cpu']}, {found['cores']} cores; {versions}"


def outcomes(steps: dict[str, Any]) -> Iterator[str]:
    for name, step in steps.items():
        checks = step.get("checks", [])
        failed = [check for check in checks if not check["holds"]]
        said = f"{len(checks) - len(failed)} of {len(checks)} checks hold" if checks else ""
        yield f"{name:9} {step['outcome']:8} {step.get('seconds', 0):5.0f} s  {said}  {step.get('reason', '')}".rstrip()
        for check in failed:
            yield f"          FAILED {check['name']}: {check['detail']}"


def throughput(step: str, reports: list[dict[str, Any]]) -> Iterator[str]:
    if not reports:
        return
    yield ""
    peaks = reports[0]["peaks"]
    f16, f32, copies = peaks["f16_gflops"] / 1e3, peaks["f32_gflops"] / 1e3, peaks["memory_gb_per_second"]
    peak = f"f16 {f16:,.0f} TFLOP/s, f32 {f32:,.0f}, copies {copies:,.0f} GB/s"
    yield f"{step}: nearsay bench, thousand tokens/s (share of peak); {peak}"
    for report in reports:
        yield f"  {report['arguments']}: " + ", ".join(map(figure, report["throughput"])) + goal(step, report)


def figure(row: dict[str, Any]) -> str:
    thousands, share = row["tokens_per_second"] / 1e3, 100 * row["share_of_peak"]
    return f"{row['precision']} {row['work']} {thousands:,.0f} ({share:.0f} %)"


def goal(step: str, report: dict[str, Any]) -> str:
    if step != "headline" or report["model"]["name"] not in GOAL_SHAPES:
        return ""
    share = max(row["share_of_peak"] for row in report["throughput"] if row["length"])
    return f"; goal {100 * GOAL_SHARE:.0f} %: {'reached' if share >= GOAL_SHARE else 'missed'}"


def ratios(rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield "peers on the same GPU: nearsay / peer = ratio"
    for row in rows:
        more = ""
        if row["goal"] is not None:
            more += f"; goal {row['goal']:.0f}: {'reached' if row['ratio'] >= row['goal'] else 'missed'}"
        if "long" in row:
            more += f"; nearsay on more texts {row['long']:,.0f}"
        yield f"  {row['model']}, {row['peer']}: {row['nearsay']:,.0f} / {row['theirs']:,.0f} = {row['ratio']:.2f}{more}"


def kernels(report: Any) -> Iterator[str]:
    """One line per shape and precision."""
    if not report:
        return
    measured = [row for row in report["operations"] if "error" not in row]
    yield ""
    yield "kernels: microseconds and share of what the peaks allow, by operation"
    for shape, precision in dict.fromkeys((row["shape"], row["precision"]) for row in measured):
        rows = [row for row in measured if (row["shape"], row["precision"]) == (shape, precision)]
        yield f"  {shape} {precision}: " + ", ".join(map(kernel, rows))


def kernel(row: dict[str, Any]) -> str:
    name = f"{row['operation']} {row['detail']}".strip()
    return f"{name} {row['microseconds']:.0f} ({100 * row['share_of_floor']:.0f} %)"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print("\n".join(lines(json.loads(Path(sys.argv[1]).read_text("utf-8")))))
