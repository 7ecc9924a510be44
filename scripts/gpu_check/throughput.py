"""Steps `headline` and `sweep`: `nearsay bench` on the GPU, random weights, token ids in and vectors out."""
from __future__ import annotations

from typing import Any

from .programs import Failure, OutOfTime
from .sizes import Bench
from .step import Context, say


def headline(context: Context) -> None:
    run_all(context, context.sizes.headline)


def sweep(context: Context) -> None:
    run_all(context, context.sizes.sweep)


def run_all(context: Context, benches: tuple[Bench, ...]) -> None:
    """Runs all benches, even if one fails."""
    for bench in benches:
        try:
            report = context.programs.json(command(context, bench))
        except OutOfTime:
            raise
        except Failure as failure:
            context.check(f"bench {bench.name()}", False, str(failure))
            continue
        # A program that was not built in a repository does not know its commit.
        report["commit"] = context.package.description()["commit"]
        context.record.add("reports", {"arguments": bench.name(), "batch_tokens": bench.batch_tokens, **report})
        for row in report["throughput"]:
            say(line(bench, row))


def command(context: Context, bench: Bench) -> list[object]:
    options: list[object] = ["--shape", bench.shape, "--precision", bench.precisions, "--lengths", bench.lengths]
    if bench.layer:
        options += ["--layer", bench.layer]
    if bench.batch_tokens:
        options += ["--batch-tokens", bench.batch_tokens]
    options += ["--seconds", context.sizes.seconds_per_figure, "--device", "cuda", "--json", "-q"]
    return [context.package.nearsay, "bench", *options]


def line(bench: Bench, row: dict[str, Any]) -> str:
    rate, share = row["tokens_per_second"], 100 * row["share_of_peak"]
    return f"{bench.name()}: {row['precision']} {row['work']}: {rate:,.0f} tokens/s, {share:.0f} % of peak"
