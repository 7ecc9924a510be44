"""Tables of `nearsay bench` results on a CPU."""
from __future__ import annotations

from .markdown import table


def by_key(rows: list[dict], key: str) -> dict[str, dict[str, dict]]:
    """Rows with the same value of `key`, in their order, by precision."""
    groups: dict[str, dict[str, dict]] = {}
    for row in rows:
        groups.setdefault(str(row[key]), {})[row["precision"]] = row
    return groups


def throughput(rows: list[dict], precisions: list[str]) -> list[str]:
    cell = lambda row: f"{row['tokens_per_second']:,.0f} ({100 * row['share_of_peak']:.0f} %)" if row else ""  # noqa: E731
    groups = by_key(rows, "work").items()
    body = [[work, *(cell(group.get(precision)) for precision in precisions)] for work, group in groups]
    return table(["texts x tokens", *(f"{precision}, tokens/s (of peak)" for precision in precisions)], body)


def latency(rows: list[dict], precisions: list[str]) -> list[str]:
    cell = lambda row: f"{row['p50_ms']:.2f} / {row['p99_ms']:.2f}" if row else ""  # noqa: E731
    groups = by_key(rows, "tokens").items()
    body = [[f"{tokens} tokens", *(cell(group.get(precision)) for precision in precisions)] for tokens, group in groups]
    return table(["one text of", *(f"{precision}, ms p50 / p99" for precision in precisions)], body)


def title(report: dict) -> str:
    machine, model, peaks = report["machine"], report["model"], report["peaks"]
    weights = " (random weights)" if model["random_weights"] else ""
    threads = "1 thread" if report["threads"] == 1 else f"{report['threads']} threads"
    version = f"nearsay {report['nearsay']}" + (f" at {report['commit']}" if report["commit"] else "")
    return (
        f"**{model['name']}**{weights} to layer {model['layer']} on {machine['cpu']}, {threads}, "
        f"{machine['instruction_set']}, {report['date'][:10]}, {version}. Peaks: f32 {peaks['f32_gflops']:,.0f} GFLOP/s, "
        f"bf16 {peaks['bf16_gflops']:,.0f}, int8 {peaks['int8_gops']:,.0f}, "
        f"memory {peaks['memory_gb_per_second']:,.1f} GB/s."
    )


def section(report: dict) -> list[str]:
    precisions = list(dict.fromkeys(row["precision"] for row in report["throughput"]))
    lines = [title(report), "", *throughput(report["throughput"], precisions)]
    if report["latency"]:
        lines += ["", *latency(report["latency"], precisions)]
    return lines
