"""Tables of scripts/bench-evaluation results."""
from __future__ import annotations

from typing import Any

from .markdown import table

Result = dict[str, Any]

METRICS = {
    "bleu": "BLEU",
    "chrf": "chrF",
    "ter": "TER",
    "rouge": "ROUGE-1, -2, -L, -Lsum, stems",
    "all": "all of them",
}
TESTS = {"bs2": "1,000 resamples (paired bootstrap)", "ar": "10,000 trials (approximate randomization)"}


def seconds(time: float) -> str:
    return f"{time:,.0f}" if time >= 100 else f"{time:.3g}"


def megabytes(count: float) -> str:
    return f"{count / 1e6:,.0f}"


def title(result: Result) -> str:
    machine, texts = result["machine"], result["texts"]
    version = f"nearsay {result['nearsay']}" + (f" at {result['commit']}" if result["commit"] else "")
    busy = result["busy_share"] is None or result["busy_share"] > 0.1
    packages = dict.fromkeys(figure["peers"][0]["package"] for figure in result["figures"] if figure["metric"] != "all")
    return (
        f"**Text metrics**, {texts['systems']} systems x {texts['rows']:,} rows of {texts['name']}, on {machine['cpu']}, "
        f"{result['threads']} thread{'' if result['threads'] == 1 else 's'}, {result['date'][:10]}, {version}, "
        f"next to {' and '.join(packages)} on Python {result['python']}.{' The machine was busy with other work.' if busy else ''} nearsay's time is that of a "
        "whole process; Python's starts when its packages are imported."
    )


def header(result: Result) -> list[str]:
    peers = result["figures"][0]["peers"]
    columns = ["seconds for", "nearsay", "MB"]
    for peer in peers:
        count = peer["processes"]
        columns += [f"Python, {count} process{'' if count == 1 else 'es'}", "times as fast"]
    return columns


def scores(result: Result) -> list[list[str]]:
    lines = []
    for figure in result["figures"]:
        own = figure["nearsay"]
        cells = [METRICS[figure["metric"]], seconds(own["seconds"]), megabytes(own["peak_bytes"])]
        for peer in figure["peers"]:
            cells += [seconds(peer["seconds"]), f"{peer['seconds'] / own['seconds']:,.0f}"]
        lines.append(cells)
    return lines


def others(result: Result) -> list[list[str]]:
    """Comparisons and the large file, which have no peer."""
    lines = []
    for test in result["comparisons"]:
        name = f"{TESTS[test['test']]}, {test['metrics']} metrics, {test['pairs']} pairs"
        lines.append([name, seconds(test["seconds"]), megabytes(test["peak_bytes"])])
    stream = result["stream"]
    name = f"BLEU, chrF, ROUGE of one system with {stream['rows']:,} rows"
    memory = f"{megabytes(stream['peak_bytes'])}, {megabytes(stream['kept_bytes'])} of them statistics"
    return [*lines, [name, seconds(stream["seconds"]), memory]]


def notes(result: Result) -> list[str]:
    sampled = [
        f"{METRICS[figure['metric']]} of Python is from {peer['systems_measured']} of the {result['texts']['systems']} systems"
        for figure in result["figures"]
        for peer in figure["peers"][:1]
        if peer.get("systems_measured", result["texts"]["systems"]) < result["texts"]["systems"]
    ]
    difference = max(figure["difference"] for figure in result["figures"])
    lines = [f"{'; '.join(sampled)}."] * bool(sampled)
    lines.append("The tests' times include the BCa intervals of all scores and differences.")
    return [" ".join([*lines, f"The largest relative difference to a score of Python is {difference:.0e}."])]


def section(result: Result) -> list[str]:
    columns = header(result)
    empty = [""] * (len(columns) - 3)
    lines = scores(result) + [cells + empty for cells in others(result)]
    return [title(result), "", *table(columns, lines), "", *notes(result)]
