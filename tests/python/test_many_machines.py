"""A job that several processes do together is the job that one does, whatever happens to one of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import unittest
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from desk import BERT, SECONDS, TEXTS, Desk, environment, matrix, program

ROWS = 2000
ROWS_PER_SHARD = 100


def whole_lines(manifest: Path) -> list[dict]:
    """The lines of a manifest; the last may be torn."""
    return [json.loads(line) for line in manifest.read_text("utf-8").split("\n")[:-1]]


def shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-?/part-*.parquet"), key=lambda path: path.name)


class Machines(Desk):
    """A folder with an input, and the commands of its parts."""

    def setUp(self) -> None:
        super().setUp()
        rows = ({"id": row, "text": f"{TEXTS[row % len(TEXTS)]} {row}", "title": f"T{row}"} for row in range(ROWS))
        self.source = self.write_rows("in.jsonl", rows)

    def arguments(self, part: str, source: str = "in.jsonl") -> list[str]:
        folder = f"part-{part.split('/')[0]}/"
        options = ["--keep", "title", "--rows-per-shard", str(ROWS_PER_SHARD), "--shard", part, "--resume"]
        return ["embed", source, "--format", "jsonl", "-m", str(BERT), "-o", folder, "-q", *options]

    def start(self, part: str, source: str = "in.jsonl") -> subprocess.Popen[bytes]:
        command = [str(program()), *self.arguments(part, source)]
        process = subprocess.Popen(command, cwd=self.folder, env=environment(), stdin=subprocess.PIPE)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def start_half(self, part: str, shard: int) -> subprocess.Popen[bytes]:
        """A process that has made `shard`, and waits for more rows than the three quarters that it was given."""
        process = self.start(part, "-")
        lines = self.source.read_bytes().splitlines(keepends=True)
        process.stdin.write(b"".join(lines[: ROWS * 3 // 4]))
        process.stdin.flush()
        recorded = f'"shard":{shard},'
        manifest = self.path(f"part-{part.split('/')[0]}") / "_manifest.jsonl"
        deadline = time.monotonic() + SECONDS
        while not (manifest.exists() and recorded in manifest.read_text("utf-8")):
            self.assertLess(time.monotonic(), deadline, "no shard was made")
            time.sleep(0.005)
        return process

    def run_part(self, part: str, *options: str, **variables: str) -> None:
        self.nearsay(*self.arguments(part), *options, **variables)

    def verify(self, *parts: int, code: int = 0) -> str:
        return self.nearsay("verify", *(f"part-{part}" for part in parts), code=code).stderr

    def assert_whole(self) -> None:
        """All shards in their order are the rows of the single file."""
        expected = pq.read_table(self.embed(self.source, "whole.parquet", "--keep", "title"))
        found = pq.read_table(shards(self.folder))
        self.assertEqual(found.schema.types, expected.schema.types)
        for name in ("id", "title"):
            self.assertEqual(found.column(name).to_pylist(), expected.column(name).to_pylist())
        self.assert_same_bits(matrix(found.column("embedding")), matrix(expected.column("embedding")))


class Parts(Machines):
    def test_of_two_processes_are_the_whole(self) -> None:
        processes = [self.start("0/2"), self.start("1/2")]
        self.assertEqual([process.wait(SECONDS) for process in processes], [0, 0])
        self.verify(0, 1)
        names = [path.name for path in shards(self.folder)]
        self.assertEqual(names, [f"part-{shard:05}.parquet" for shard in range(ROWS // ROWS_PER_SHARD)])
        self.assert_whole()
        self.assertEqual(ds.dataset(shards(self.folder)).count_rows(), ROWS)

    def test_can_be_moved_into_one_folder(self) -> None:
        for part in ("0/2", "1/2"):
            self.run_part(part)
        self.path("all").mkdir()
        for shard in shards(self.folder):
            shutil.move(shard, self.path("all"))
        frame = pd.read_parquet(self.path("all"))
        self.assertEqual(frame["id"].tolist(), list(range(ROWS)))
        self.assert_same_bits(np.stack(frame["embedding"]), self.vectors(self.source))

    def test_go_on_where_a_killed_one_was(self) -> None:
        self.run_part("0/2")
        process = self.start_half("1/2", shard=3)
        process.kill()
        process.wait()
        # Killed right between a shard and its record, it leaves what verify calls damage.
        run = self.nearsay("verify", "part-0", "part-1", code=None)
        self.assertIn(run.returncode, (1, 65))
        self.assertIn("the job is not complete", run.stderr)
        kept = self.recorded_times("part-1")
        self.run_part("1/2")
        self.assertEqual(self.recorded_times("part-1") | kept, self.recorded_times("part-1"))
        self.verify(0, 1)
        self.assert_whole()

    def recorded_times(self, folder: str) -> dict[str, int]:
        """When each shard that the manifest has was written."""
        lines = whole_lines(self.path(folder) / "_manifest.jsonl")
        files = [line["entry"]["shard"]["file"] for line in lines if "shard" in line["entry"]]
        return {file: (self.path(folder) / file).stat().st_mtime_ns for file in files}

    def test_cannot_be_written_to_by_two(self) -> None:
        process = self.start_half("0/2", shard=2)
        run = self.nearsay(*self.arguments("0/2"), code=75)
        self.assertIn(f"process {process.pid}", run.stderr)
        process.kill()
        process.wait()
        self.run_part("0/2")

    def test_that_have_no_shard_are_empty(self) -> None:
        parts = ROWS // ROWS_PER_SHARD + 1
        arguments = [argument for argument in self.arguments(f"{parts - 1}/{parts}") if argument != "-q"]
        run = self.nearsay(*arguments)
        self.assertNotIn("0 rows in the input", run.stderr)
        self.assertEqual(list(self.path(f"part-{parts - 1}").glob("*.parquet")), [])
        self.verify(parts - 1)

    def test_that_are_missing_are_told(self) -> None:
        for part in ("0/3", "2/3"):
            self.run_part(part)
        self.assertIn("shards are not in these folders", self.verify(0, 2, code=1))

    def test_of_bytes_have_the_same_ranges(self) -> None:
        for part in ("0/2", "1/2"):
            self.run_part(part, "--output-type", "i8")
        self.verify(0, 1)
        ranges = {pq.read_metadata(path).metadata[b"nearsay.ranges"] for path in shards(self.folder)}
        self.assertEqual(len(ranges), 1)


class Differences(Machines):
    """What must be the same on all machines is told where it is not."""

    def test_of_instruction_sets(self) -> None:
        self.run_part("0/2", NEARSAY_ISA="portable")
        self.run_part("1/2")
        self.assertIn("instruction set is", self.verify(0, 1, code=65))
        run = self.nearsay(*self.arguments("0/2"), code=65)
        self.assertIn("instruction set", run.stderr)

    def test_of_options(self) -> None:
        self.run_part("0/2")
        self.run_part("1/2", "--layer", "1")
        self.assertIn("layer", self.verify(0, 1, code=65))

    def test_of_the_numbers_of_input_rows(self) -> None:
        self.run_part("0/2")
        lines = self.source.read_text("utf-8").splitlines(keepends=True)
        self.source.write_text("".join(lines[:-1]), "utf-8")
        self.run_part("1/2")
        self.assertIn("rows", self.verify(0, 1, code=65))

    def test_of_the_models_name_do_not_matter(self) -> None:
        """As they do not when a job is resumed: it is the files that count."""
        shutil.copytree(BERT, self.path("copy"))
        self.run_part("0/2")
        arguments = ["copy" if argument == str(BERT) else argument for argument in self.arguments("1/2")]
        self.nearsay(*arguments)
        self.verify(0, 1)


if __name__ == "__main__":
    unittest.main()
