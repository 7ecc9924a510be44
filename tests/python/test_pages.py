"""What docs/formats.md and docs/many-machines.md tell the reader to run does what they say."""

from __future__ import annotations

import platform
import re
import textwrap
import unittest

import pyarrow.parquet as pq

from desk import TEXTS
from pages import PageDesk, only

FORMATS, MACHINES = "formats.md", "many-machines.md"
ROWS = 45


def for_this_machine(script: str) -> str:
    """The pages choose an instruction set of x86-64."""
    is_x86 = platform.machine().lower() in ("x86_64", "amd64")
    return script if is_x86 else script.replace("avx2", "portable")


class Formats(PageDesk):
    def test_page_runs(self) -> None:
        self.path("notes.jsonl").write_text(only(FORMATS, "json"), "utf-8")
        self.assertGreater(self.run_page(FORMATS), 15)


class ManyMachines(PageDesk):
    def setUp(self) -> None:
        super().setUp()
        self.path("corpus").mkdir()
        rows = [{"id": row, "title": f"T{row}", "text": TEXTS[row % len(TEXTS)]} for row in range(ROWS)]
        self.write_rows("corpus/a.jsonl", rows[:20])
        self.write_rows("corpus/b.jsonl", rows[20:])

    def assert_complete(self) -> None:
        self.nearsay("verify", *sorted(self.folder.glob("vectors/part-*")))
        shards = sorted(self.folder.glob("vectors/part-*/part-*.parquet"), key=lambda path: path.name)
        self.assertEqual(pq.read_table(shards).column("id").to_pylist(), list(range(ROWS)))

    def test_page_runs(self) -> None:
        self.assertGreater(self.run_page(MACHINES), 4)

    def test_slurm_script_runs(self) -> None:
        script = for_this_machine(only(MACHINES, "bash")).replace("--rows-per-shard 10000", "--rows-per-shard 5")
        self.assertIn("--rows-per-shard 5", script)
        first, last = re.search(r"--array=(\d+)-(\d+)", script).groups()
        tasks = range(int(first), int(last) + 1)
        self.assertIn(f"parts={len(tasks)}\n", script)
        # The second time as after a requeue.
        for task in [*tasks, *tasks]:
            self.run_shell(
                script,
                "the script of Slurm",
                SLURM_ARRAY_TASK_ID=str(task),
                SLURM_CPUS_PER_TASK="1",
            )
        self.assert_complete()

    def test_kubernetes_manifest_runs(self) -> None:
        manifest = only(MACHINES, "yaml")
        script = textwrap.dedent(re.search(r"- \|\n(.*?)^ {10}resources:", manifest, re.MULTILINE | re.DOTALL)[1])
        script = script.replace("/data/", f"{self.folder}/").replace("--rows-per-shard 10000", "--rows-per-shard 5")
        parts = re.search(r'name: PARTS\n\s*value: "(\d+)"', manifest)[1]
        self.assertIn(f"completions: {parts}\n", manifest)
        isa = re.search(r"name: NEARSAY_ISA\n\s*value: (\w+)", manifest)[1]
        for index in range(int(parts)):
            self.run_command(
                ["/bin/sh", "-euc", script],
                "the manifest of Kubernetes",
                JOB_COMPLETION_INDEX=str(index),
                PARTS=parts,
                NEARSAY_ISA=for_this_machine(isa),
            )
        self.assert_complete()


if __name__ == "__main__":
    unittest.main()
