"""Step `kernels`: every operation on CUDA alone, with the program `gpu-kernels`."""
from __future__ import annotations

from .step import Context, say


def run(context: Context) -> None:
    report = context.programs.json([context.package.program("gpu-kernels"), *context.sizes.kernels])
    context.record.put(report=report)
    for row in report["operations"]:
        if "error" in row:
            context.check(f"{row['shape']} {row['precision']}", False, row["error"])
            continue
        say(
            f"{row['shape']} {row['precision']} {row['operation']} {row['detail']}: {row['microseconds']:.1f} us, "
            f"{100 * row['share_of_floor']:.0f} % of what is possible"
        )
