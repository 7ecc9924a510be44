"""Tables of scripts/search-bench results."""
from __future__ import annotations

from typing import Any

from .markdown import table

Result = dict[str, Any]

# nearsay's types of rows, as the tables name them.
ROWS = {"f32": "f32", "f16": "f16", "bf16": "bf16", "bytes": "bytes, then f32"}


def milliseconds(time: float) -> str:
    return f"{time:,.0f}" if time >= 100 else f"{time:.3g}"


def title(result: Result) -> str:
    machine, rows, report = result["machine"], result["rows"], result["nearsay"]["report"]
    kind = "random rows" if rows["is_random"] else "rows of real texts (MiniLM; mixtures of neighbors among them)"
    peaks, threads = report["peaks"], result["threads"]
    version = f"nearsay {report['nearsay']}" + (f" at {report['commit']}" if report["commit"] else "")
    busy = " The machine was busy with other work." if report["load"]["busy"] else ""
    return (
        f"**Search**, the best {result['top']} of {rows['count']:,} x {rows['dimensions']} {kind}, on {machine['cpu']}, "
        f"{threads} thread{'' if threads == 1 else 's'}, {machine['instruction_set']}, {result['date'][:10]}, {version}. "
        f"Memory {peaks['memory_gb_per_second']:,.1f} GB/s, f32 {peaks['f32_gflops']:,.0f} GFLOP/s, "
        f"bytes {peaks['int8_gops']:,.0f}.{busy}"
    )


def own(result: Result, counts: list[int]) -> list[list[str]]:
    """nearsay's rows: times, with the share of the limit that is nearer."""
    figures: dict[str, dict[int, Result]] = {}
    for figure in result["nearsay"]["report"]["figures"]:
        figures.setdefault(figure["rows"], {})[figure["queries"]] = figure

    def cell(figure: Result | None) -> str:
        if figure is None:
            return ""
        share, of = max((figure["share_of_bandwidth"], "memory"), (figure["share_of_peak"], "peak"))
        return f"{milliseconds(figure['milliseconds'])} ({100 * share:.0f} % of {of})"

    recall = f"{result['nearsay']['recall']:.4f}"
    lines = []
    for name, by_count in figures.items():
        # f16 and bf16 find what is nearest among rounded rows.
        found = "" if name in ("f16", "bf16") else recall
        lines.append([f"nearsay, {ROWS.get(name, name)}", found, "", *(cell(by_count.get(count)) for count in counts)])
    return lines


def others(result: Result, counts: list[int]) -> list[list[str]]:
    lines = []
    for peer in result["peers"]:
        if "error" in peer:
            continue
        figures = {figure["queries"]: milliseconds(figure["milliseconds"]) for figure in peer["figures"]}
        name = f"{peer['package']} {peer['version']}, {peer['settings']}"
        lines.append([name, f"{peer['recall']:.4f}", f"{peer['build_seconds']:,.1f}", *(figures.get(count, "") for count in counts)])
    return lines


def section(result: Result) -> list[str]:
    counts = sorted({figure["queries"] for figure in result["nearsay"]["report"]["figures"]})
    header = ["milliseconds for", "recall", "build, s", *("1 query" if count == 1 else f"{count:,} queries" for count in counts)]
    lines = [title(result), "", *table(header, own(result, counts) + others(result, counts))]
    failed = [peer["name"] for peer in result["peers"] if "error" in peer]
    if failed:
        lines += ["", f"Not measured, since they failed: {', '.join(failed)}."]
    return lines
