"""Both passes, and what they say together."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from suites import copy_tests, run_pass

from test_suite_bert_score import model


def run(checkout: Path) -> int:
    """Runs the tests of the checkout; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        copy_tests(checkout, work)
        model.write(work / "roberta-large")
        found = []
        for name in ("record", "compare"):
            print(f"== {'bert_score' if name == 'record' else 'nearsay'}", file=sys.stderr, flush=True)
            found.append(run_pass(name, ["test_suite_bert_score.run_pass", name], work))
    theirs, ours = found
    for test, reason in ours.get("skipped", []):
        print(f"skipped by its authors: {test}: {reason}")
    if theirs["code"] or ours["code"]:
        print("a test failed; see above")
        return 1
    if not ours["ran"] or not ours["values"] or theirs["ran"] != ours["ran"] or theirs["skipped"] != ours["skipped"]:
        print(f"not the same tests ran: {theirs} and {ours}")
        return 1
    tests = f"{len(ours['ran'])} tests ran with bert_score and with nearsay, and passed"
    print(f"{tests}; {ours['values']} tensors compared, largest difference {ours['largest']:.1e}")
    return 0
