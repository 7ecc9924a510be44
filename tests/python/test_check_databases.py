"""scripts/check-databases: its requests to OpenSearch, against a stand-in, and its faults."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

from desk import REPOSITORY, Desk, program
from opensearch_stand_in import StandIn

sys.path.insert(0, str(REPOSITORY / "scripts"))

from check_databases import opensearch, pages
from check_databases.rows import CheckError, Program

ROWS, QUERIES = 3000, 5


class OpenSearch(Desk):
    def stand_in(self, **settings: bool) -> StandIn:
        server = StandIn(**settings)
        self.addCleanup(server.close)
        return server

    def check(self, server: StandIn) -> str:
        with mock.patch.dict(os.environ, OPENSEARCH_URL=server.url):
            return opensearch.check_load(Program(program(), self.folder), ROWS, QUERIES)

    def test_an_export_is_loaded_and_searched(self) -> None:
        server = self.stand_in()
        self.assertIn("3,000 rows, 5 queries: 1.0000 of the 10 nearest rows", self.check(server))
        bodies = len(opensearch.bulk_files(self.path("opensearch")))
        self.assertGreater(bodies, 1)
        expected = [("PUT", ""), *[("POST", "_bulk")] * bodies, ("POST", "_refresh"), ("GET", "_count")]
        self.assertEqual(server.requests, [*expected, *[("POST", "_search")] * QUERIES, ("DELETE", "")])
        self.assertEqual(server.indexes, {})

    def test_lost_rows_are_found(self) -> None:
        server = self.stand_in(loses_rows=True)
        with self.assertRaisesRegex(CheckError, "the index has 2999 documents, not 3000"):
            self.check(server)
        self.assertEqual(server.indexes, {})

    def test_rows_that_are_refused_are_an_error(self) -> None:
        folder, vectors, _ = opensearch.export(Program(program(), self.folder), 3)
        (body,) = opensearch.bulk_files(folder)
        self.assertIn("3 rows in 1 bodies", opensearch.check_files(folder, vectors))
        body.write_bytes(body.read_bytes() * 2)
        server = self.stand_in()
        with self.assertRaisesRegex(CheckError, "rows were refused: .*409"):
            opensearch.load(opensearch.Server(server.url), "twice", folder)
        with self.assertRaisesRegex(CheckError, "row 3 has the action"):
            opensearch.check_files(folder, vectors)

    def test_no_server_is_an_error(self) -> None:
        with mock.patch.dict(os.environ):
            os.environ.pop("OPENSEARCH_URL", None)
            with self.assertRaisesRegex(CheckError, "OPENSEARCH_URL names no server"):
                opensearch.check_load(Program(program(), self.folder))
        server = self.stand_in()
        server.close()
        with self.assertRaisesRegex(CheckError, "PUT http://127.0.0.1:.*/x: "):
            opensearch.Server(server.url).request("PUT", "x", b"{}")


class Script(unittest.TestCase):
    def run_script(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(REPOSITORY / "scripts/check-databases"), *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    def test_usage(self) -> None:
        for line, part in [
            (("--only", "redis"), "invalid choice: 'redis'"),
            (("--only", "lance", "--without", "milvus"), "not allowed with argument"),
            (("--nearsay", "missing"), "missing is not there"),
        ]:
            run = self.run_script(*line)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(part, run.stderr)

    def test_every_section_has_code(self) -> None:
        for section, _ in pages.PAGES.values():
            self.assertIn("def nearest(vector, count=3", pages.code(section))
        with self.assertRaisesRegex(CheckError, "no section `Redis`"):
            pages.code("Redis")


if __name__ == "__main__":
    unittest.main()
