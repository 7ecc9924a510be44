"""Runs the tests in one process: the first pass records what they check, the second one compares.

usage: python -m test_suite_bert_score.run_pass record|compare, in a folder with `tests` and the model
"""

from __future__ import annotations

import json
import pickle
import re
import sys
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import torch

RECORD = Path("record.pickle")
MODULES = ("tests.test_score_function", "tests.test_scorer")
#: Of values that are compared.
DECIMALS = 5


class Values:
    """The tensors that tests check, by test and in order."""

    def __init__(self, records: bool) -> None:
        self.records = records
        self.of_tests: dict[str, list[np.ndarray]] = {} if records else pickle.loads(RECORD.read_bytes())
        self.at: dict[str, int] = {}
        self.compared = 0
        self.largest = 0.0

    def check(self, test: str, tensor: torch.Tensor) -> None:
        found = tensor.numpy()
        if self.records:
            self.of_tests.setdefault(test, []).append(found.copy())
            return
        at = self.at[test] = self.at.get(test, -1) + 1
        expected = self.of_tests[test][at]
        np.testing.assert_almost_equal(found, expected, decimal=DECIMALS)
        assert found.dtype == expected.dtype
        self.compared += 1
        self.largest = max(self.largest, float(np.abs(found - expected).max()))


class Results(unittest.TextTestResult):
    """Results that name the tests that passed."""

    passed: list[str] = []

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self.passed.append(test.id())


def score_single_texts() -> None:
    """Batches of one text, which padding does not change."""
    import bert_score

    score = bert_score.utils.bert_cos_score_idf

    def single(*arguments: Any, **settings: Any) -> Any:
        return score(*arguments, **{**settings, "batch_size": 1})

    for name in ("bert_score.score", "bert_score.scorer"):
        sys.modules[name].bert_cos_score_idf = single


def main() -> int:
    records = sys.argv[1] == "record"
    # The model's folder has a name of the hub: the folder is found first, in this one.
    sys.path.insert(0, str(Path.cwd()))
    if records:
        score_single_texts()
    else:
        import nearsay.bert_score

        nearsay.bert_score.install()
    from tests.custom_assertions import CustomAssertions

    values = Values(records)

    def check(self: Any, expected: torch.Tensor, actual: Any, decimal: int = DECIMALS) -> None:
        """The first is what was computed; the second a literal for other weights, or computed as well."""
        del decimal
        for value in (expected, actual):
            if torch.is_tensor(value):
                values.check(self.id(), value)

    def equal(self: Any, one: Any, other: Any, message: Any = None) -> None:
        """Hashes without what is in brackets, which is the version of the package that computed."""
        if not records and isinstance(one, str):
            one, other = (re.sub(r"\([^)]*\)", "(..)", hash) for hash in (one, other))
        original(self, one, other, message)

    original = unittest.TestCase.assertEqual
    CustomAssertions.assertTensorsAlmostEqual = check
    unittest.TestCase.assertEqual = equal
    runner = unittest.TextTestRunner(verbosity=2, resultclass=Results)
    result = runner.run(unittest.defaultTestLoader.loadTestsFromNames(MODULES))
    if not records:
        missing = {test: len(of) for test, of in values.of_tests.items() if values.at.get(test, -1) + 1 != len(of)}
        assert not missing, f"not all recorded values were compared: {missing}"
    else:
        RECORD.write_bytes(pickle.dumps(values.of_tests))
    summary = {
        "ran": sorted(Results.passed),
        "skipped": sorted((test.id(), reason) for test, reason in result.skipped),
        "values": values.compared,
        "largest": values.largest,
    }
    Path(f"{sys.argv[1]}.json").write_text(json.dumps(summary))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
