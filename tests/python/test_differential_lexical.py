"""scripts/differential-lexical: what it counts as equal, its random rows, and its usage."""

from __future__ import annotations

import stat
import subprocess
import sys
import unittest

from desk import REPOSITORY, Desk

sys.path.insert(0, str(REPOSITORY / "scripts"))

from differential_lexical import common


class Values(unittest.TestCase):
    def test_differences_raise(self) -> None:
        common.check("equal", [1.0, 2.0], [1.0, 2.0])
        common.check("close", 100.0, 100.0 + 1e-11, tolerance=1e-12)
        common.check("no number", float("nan"), None)
        for expected, found, tolerance in [(1.0, 1.0 + 1e-15, 0.0), (1.0, 1.1, 1e-12), (1.0, None, 0.0), ([1.0], [2.0], 1e-12)]:
            with self.assertRaisesRegex(AssertionError, "score: expected .* of Row"):
                common.check("score", expected, found, common.Row("a", ["b"]), tolerance)

    def test_rows_are_hard_and_the_same_for_a_seed(self) -> None:
        rows = common.random_rows(3000, 1)
        self.assertEqual(rows, common.random_rows(3000, 1))
        self.assertNotEqual(rows[:100], common.random_rows(100, 2))
        self.assertEqual({len(row.references) for row in rows}, {1, 2, 3, 5})
        texts = "".join(row.candidate + "".join(row.references) for row in rows)
        missing = [character for character in "\x1c\x1f\x85\u2028\u3000你ï\u0301\U0001f600" if character not in texts]
        self.assertEqual(missing, [])
        self.assertTrue(any(row.candidate == "" for row in rows))
        lengths = [len(row.candidate.split()) for row in rows]
        self.assertGreater(max(lengths), 150)


class Example(Desk):
    def test_what_is_compared_is_counted(self) -> None:
        example = self.path("example")
        example.write_text('#!/bin/sh\ncat >/dev/null\necho "[[1.0], 0.5]"\necho "[[2.0], null]"\necho \'[0.75, "nrefs:1"]\'\n')
        example.chmod(example.stat().st_mode | stat.S_IXUSR)
        tally = common.TALLY
        before = len(tally.rows)
        found = common.output(example, "a metric", [common.Row("a", ["b"]), common.Row("a", ["c"])])
        self.assertEqual(found, ([([1.0], 0.5), ([2.0], None)], 0.75, "nrefs:1"))
        self.assertEqual(len(tally.rows) - before, 2)
        self.assertIn("segments, ", str(tally))


class Script(unittest.TestCase):
    def test_usage(self) -> None:
        for line, part in [
            (("--only", "meteor"), "invalid choice: 'meteor'"),
            (("--segments", "0"), "must be at least 1"),
            (("missing",), "has no folder ted-slk-en"),
        ]:
            command = [sys.executable, str(REPOSITORY / "scripts/differential-lexical"), *line]
            run = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(part, run.stderr)


if __name__ == "__main__":
    unittest.main()
