"""Both passes, and what they say together."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from suites import copy_tests, run_pass

from test_suite_sentence_transformers import models
from test_suite_sentence_transformers.left_out import FILES, LEFT_OUT, OWN_WORDS


def run(checkout: Path) -> int:
    """Runs the tests of the checkout; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        copy_tests(checkout, work)
        models.write(work / "models")
        plugin = ["-p", "no:cacheprovider", "-p", "test_suite_sentence_transformers.plugin"]
        tests = [f"tests/sentence_transformer/{name}" for name in FILES]
        found = []
        for name in ("record", "compare"):
            print(f"== {'sentence-transformers' if name == 'record' else 'nearsay'}", file=sys.stderr, flush=True)
            variables = {"NEARSAY_SUITE_PASS": name, "NEARSAY_SUITE_FOLDER": folder}
            found.append(run_pass(name, ["pytest", "-q", "-W", "ignore", *plugin, *tests], work, variables))
    for test, reason in LEFT_OUT.items():
        print(f"left out: {test}: {reason}")
    for test in OWN_WORDS:
        print(f"the class of errors is compared, and not their words: {test}")
    theirs, ours = found
    if theirs["code"] or ours["code"]:
        print("a test failed; see above")
        return 1
    ran = [{test for test, outcome in of["outcomes"].items() if outcome == "passed"} for of in found]
    others = (theirs["outcomes"].keys() | ours["outcomes"].keys()) - (ran[0] & ran[1])
    if others or not ran[0] or not ours["compared"]:
        print(f"not in both passes: {', '.join(sorted(others)) or 'any test'}")
        return 1
    tests = f"{len(ran[1])} tests ran with sentence-transformers and with nearsay, and passed"
    print(f"{tests}; {ours['compared']} arrays compared, largest difference {ours['largest']:.1e}")
    return 0
