"""Step `tests`: the compiled tests of the kernels, and of the whole engine, on CUDA."""
from __future__ import annotations

import re

from .step import Context

RESULT = re.compile(r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored")
FAILED = re.compile(r"^test (\S+) \.\.\. FAILED$", re.MULTILINE)
# The length of the kept end of failed tests' output.
KEPT_CHARACTERS = 20000


def run(context: Context) -> None:
    kernels, engine = context.sizes.test_filters
    # The engine's tests run first: if the kernels' tests use up the time, it is still known whether the whole works.
    run_tests(context, "tests-on-cuda", engine)
    run_tests(context, "tests-of-kernels", kernels)


def run_tests(context: Context, program: str, filters: tuple[str, ...]) -> None:
    command = [context.package.program(program), *filters]
    code, output, seconds = context.programs.run(command, RUST_BACKTRACE="0")
    counts = RESULT.search(output)
    passed, failed, ignored = (int(count) for count in counts.groups()) if counts else (0, 0, 0)
    names = FAILED.findall(output)
    figures = {"program": program, "passed": passed, "failed": failed, "ignored": ignored, "seconds": round(seconds, 1)}
    figures["names_failed"] = names
    if code:
        figures["output"] = output[-KEPT_CHARACTERS:]
    context.record.add("programs", figures)
    detail = f"{passed} passed, {failed} failed, {seconds:.0f} s"
    context.check(program, code == 0 and passed > 0, detail + "".join(f"; {name}" for name in names[:10]))
