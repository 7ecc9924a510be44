"""scripts/bench-evaluation: its texts, processes and scores, and the table from its results."""

from __future__ import annotations

import subprocess
import sys
import unittest
from unittest import mock

from desk import REPOSITORY, Desk, program

sys.path.insert(0, str(REPOSITORY / "scripts"))

from bench_evaluation import measure, processes, texts
from render_results import evaluation


class Files(Desk):
    def texts(self, systems: int = 3) -> texts.Texts:
        lines = "ein Haus am See\u2028oder nicht\nzwei Häuser\n\nvier\n"
        names = [*(f"system{number}" for number in range(systems)), "reference"]
        for name in names:
            self.path(f"{name}.txt").write_text(lines, "utf-8")
        *paths, reference = (self.path(f"{name}.txt") for name in names)
        return texts.Texts(paths, reference, 4)

    def test_rows_end_at_newlines_alone(self) -> None:
        whole = self.texts()
        few = texts.first_rows(whole.systems, whole.reference, 3, self.folder)
        self.assertEqual([path.name for path in few.systems], [path.name for path in whole.systems])
        self.assertEqual(few.reference.read_text("utf-8"), "ein Haus am See\u2028oder nicht\nzwei Häuser\n\n")
        self.assertEqual(texts.first_rows(whole.systems, whole.reference, texts.ROWS, self.folder).systems, whole.systems)

    def test_repeated_rows_differ(self) -> None:
        many = texts.repeated(self.texts(), 10, self.folder)
        rows = many.systems[0].read_text("utf-8").split("\n")
        first = "ein Haus am See\u2028oder nicht"
        self.assertEqual(rows[:6], [f"{first} 0", "zwei Häuser 1", " 2", "vier 3", f"{first} 4", "zwei Häuser 5"])
        self.assertEqual((len(set(rows)), rows[-1], len(many.systems), many.rows), (11, "", 1, 10))

    def test_systems_are_divided(self) -> None:
        whole = self.texts(5)
        parts = whole.parts(2)
        self.assertEqual(sorted(path for part in parts for path in part.systems), whole.systems)
        self.assertEqual([len(part.systems) for part in parts], [3, 2])
        self.assertEqual(len(self.texts(1).parts(2)), 1)
        self.assertEqual(whole.some(4).systems, [whole.systems[0], whole.systems[4]])

    def test_comparisons_and_rows_are_measured(self) -> None:
        whole = self.texts()
        runner = measure.Program(program(), 2, 1)
        groups = {"bleu": ["bleu"], "chrf": ["chrf"]}
        with mock.patch.multiple(measure, GROUPS=groups, STREAMED=tuple(groups)):
            document = measure.write_run(runner, whole, self.path("run"))
            tests = measure.measure_comparisons(runner, self.path("run"))
            stream = measure.measure_stream(runner, texts.repeated(whole, 50, self.folder), document)
        self.assertEqual([(test["test"], test["metrics"], test["pairs"]) for test in tests], [("bs2", 2, 3), ("ar", 2, 3)])
        # BLEU has 10 numbers per row, chrF 18.
        self.assertEqual((stream["statistics"], stream["kept_bytes"]), (28, 28 * 8 * 50))
        self.assertGreater(stream["rest_bytes"], 0)

    def test_scores_are_those_of_the_program(self) -> None:
        whole = self.texts()
        report = processes.run(measure.Program(program(), 1, 1).score(["bleu", "rougeL(stem=yes)"], whole)).output
        found = measure.scores(measure.json.loads(report))
        self.assertEqual(list(found), ["system0", "system1", "system2"])
        self.assertEqual(list(found["system0"]), ["bleu", "rougeL"])
        off = {"system1": {"bleu": found["system1"]["bleu"] * 1.5}}
        self.assertAlmostEqual(measure.largest_difference(found, off), 1 / 3)
        self.assertEqual(measure.largest_difference(found, {"system2": found["system2"]}), 0)


class Processes(unittest.TestCase):
    def test_time_and_memory_are_those_of_the_process(self) -> None:
        code = "import sys, time; block = b'x' * 100_000_000; time.sleep(0.2); sys.stdout.write('done')"
        found = processes.run([sys.executable, "-c", code])
        self.assertEqual(found.output, b"done")
        self.assertGreater(found.seconds, 0.2)
        self.assertGreater(found.peak_bytes, 100_000_000)

    def test_the_median_of_several_runs(self) -> None:
        figures, output = processes.timed([sys.executable, "-c", "print(1)"], 3)
        self.assertEqual((figures["rounds"], output), (3, b"1\n"))
        self.assertLessEqual(figures["seconds_best"], figures["seconds"])

    def test_a_failure_is_an_error(self) -> None:
        with self.assertRaisesRegex(processes.Failed, "ended with code 3"):
            processes.run([sys.executable, "-c", "raise SystemExit(3)"])


def result() -> dict:
    def figure(metric: str, own: float, one: float, two: float, measured: int) -> dict:
        package = "rouge-score 0.1.2" if metric == "rouge" else "sacrebleu 2.6.0"
        of_all = {"package": package, "systems_measured": measured}
        peers = [{**of_all, "processes": count, "seconds": time} for count, time in [(1, one), (2, two)]]
        return {"metric": metric, "nearsay": {"seconds": own, "peak_bytes": 3e7}, "peers": peers, "difference": 2e-16}

    return {
        "date": "2026-11-29T12:00:00+00:00",
        "machine": {"cpu": "A CPU"},
        "nearsay": "0.2.0",
        "commit": "0123456789ab",
        "python": "3.11.7",
        "texts": {"name": "WMT17 English to German", "systems": 16, "rows": 3004},
        "threads": 2,
        "busy_share": 0.0,
        "figures": [
            figure("bleu", 0.5, 20, 11, 16),
            figure("ter", 2, 220, 120, 4),
            figure("rouge", 1, 90, 50, 16),
            figure("all", 3, 330, 181, 16),
        ],
        "comparisons": [{"test": "ar", "metrics": 7, "pairs": 120, "seconds": 2.5, "peak_bytes": 2e8}],
        "stream": {"rows": 1_000_000, "seconds": 30.0, "peak_bytes": 5.5e8, "kept_bytes": 3.52e8},
    }


class Table(unittest.TestCase):
    def test_a_section(self) -> None:
        lines = evaluation.section(result())
        self.assertIn("16 systems x 3,004 rows of WMT17 English to German, on A CPU, 2 threads", lines[0])
        self.assertIn("next to sacrebleu 2.6.0 and rouge-score 0.1.2 on Python 3.11.7.", lines[0])
        self.assertNotIn("busy", lines[0])
        self.assertIn("| BLEU | 0.5 | 30 | 20 | 40 | 11 | 22 |", lines)
        self.assertIn("| all of them | 3 | 30 | 330 | 110 | 181 | 60 |", lines)
        self.assertIn("| 10,000 trials (approximate randomization), 7 metrics, 120 pairs | 2.5 | 200 |  |  |  |  |", lines)
        self.assertIn("| BLEU, chrF, ROUGE of one system with 1,000,000 rows | 30 | 550, 352 of them statistics |  |  |  |  |", lines)
        self.assertTrue(lines[-1].startswith("TER of Python is from 4 of the 16 systems."), lines[-1])
        self.assertEqual({line.count("|") for line in lines if line.startswith("|")}, {8})

    def test_a_busy_machine_is_named(self) -> None:
        for share in (None, 0.5):
            self.assertIn("The machine was busy with other work.", evaluation.section(result() | {"busy_share": share})[0])


class Script(unittest.TestCase):
    def test_usage(self) -> None:
        for line, part in [(("--rows", "0"), "must be at least 1"), (("--nearsay", "missing"), "missing is not there")]:
            command = [sys.executable, str(REPOSITORY / "scripts/bench-evaluation"), *line]
            run = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(part, run.stderr)


if __name__ == "__main__":
    unittest.main()
