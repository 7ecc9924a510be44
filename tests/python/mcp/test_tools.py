"""Every tool by the protocol's own client for Python, over standard input and output and over HTTP, in both eras."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any, AsyncIterator
from contextlib import asynccontextmanager

from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

REPOSITORY = Path(__file__).resolve().parents[3]
MODEL = REPOSITORY / "tests" / "fixtures" / "families" / "bert"
TEXTS = [
    {"id": "mill", "text": "The old mill by the river grinds corn.", "year": 1820},
    {"id": "rain", "text": "It rained for three days, and the river ran over its banks.", "year": 1953},
    {"id": "bread", "text": "Bread is baked on Fridays.", "year": 1990},
]
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("search", {"query": "floods", "k": 2, "filter": {"year": 1953}}),
    ("read", {"uri": "nearsay://notes/mill", "max_characters": 12}),
    ("related", {"id": "mill", "k": 1}),
    ("rerank", {"query": "floods", "texts": [text["text"] for text in TEXTS], "top_n": 2}),
    ("similarity", {"texts": ["a mill", "a river", "a mill"]}),
    ("score", {"candidates": ["a mill"], "references": [["an old mill", "a river"]], "metrics": ["bertscore", "chrf"], "layer": 2}),
    ("corpora", {}),
    ("count_tokens", {"texts": ["a mill", "river " * 100]}),
]
# "auto" finds out that the server has the revision without a handshake; "legacy" shakes hands.
ERAS = ["auto", "legacy"]


def program() -> str:
    """The program, as scripts/test-mcp names it."""
    return os.environ.get("NEARSAY_PROGRAM") or str(REPOSITORY / "target" / "release" / "nearsay")


def run(*arguments: str | Path, folder: Path) -> None:
    subprocess.run([program(), *map(str, arguments)], cwd=folder, check=True, capture_output=True)


class Tools(unittest.IsolatedAsyncioTestCase):
    folder: Path
    server: subprocess.Popen[str]
    address: str

    @classmethod
    def setUpClass(cls) -> None:
        held = tempfile.TemporaryDirectory()
        cls.addClassCleanup(held.cleanup)
        cls.folder = Path(held.name)
        (cls.folder / "notes.jsonl").write_text("".join(json.dumps(text) + "\n" for text in TEXTS), "utf-8")
        run("index", "build", "notes.jsonl", "-m", MODEL, "--keep", "year", "-o", "notes.index", folder=cls.folder)
        serve = [program(), "serve", "-m", str(MODEL), "--mcp", "--corpus", "notes=notes.index", "--listen", "127.0.0.1:0", "-q"]
        cls.server = subprocess.Popen(serve, cwd=cls.folder, stdout=subprocess.PIPE, text=True)
        assert cls.server.stdout is not None
        cls.address = json.loads(cls.server.stdout.readline())["listening"][0]

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.terminate()
        assert cls.server.stdout is not None
        cls.server.stdout.close()
        if cls.server.wait(timeout=60) != 0:
            raise AssertionError(f"serve ended with {cls.server.returncode}")

    @asynccontextmanager
    async def client(self, transport: str, era: str) -> AsyncIterator[Client]:
        arguments = ["mcp", "--corpus", "notes=notes.index", "-vv"]
        stdio = StdioServerParameters(command=program(), args=arguments, cwd=self.folder, env={"HF_HUB_OFFLINE": "1"})
        async with Client(stdio if transport == "stdio" else f"{self.address}/mcp", mode=era) as client:
            yield client

    async def test_every_tool_has_the_same_results_over_both_transports_in_both_eras(self) -> None:
        results: dict[str, Any] = {}
        lists = set()
        for transport in ["stdio", "http"]:
            for era in ERAS:
                async with self.client(transport, era) as client:
                    modern = client.protocol_version == "2026-07-28"
                    self.assertEqual(modern, era == "auto", (transport, client.protocol_version))
                    self.assertLess(len(client.instructions or ""), 1000)
                    tools = (await client.list_tools()).tools
                    lists.add(json.dumps([tool.model_dump(mode="json", by_alias=True) for tool in tools]))
                    self.assertEqual([tool.name for tool in tools], [tool for tool, _ in CALLS])
                    for tool, arguments in CALLS:
                        with self.subTest(tool=tool, transport=transport, era=era):
                            # The client checks the result by the tool's schema.
                            result = await client.call_tool(tool, arguments)
                            self.assertFalse(result.is_error, result)
                            self.assertTrue(result.content[0].text)
                            found = results.setdefault(tool, result.structured_content)
                            self.assertEqual(result.structured_content, found)
        self.assertEqual(len(lists), 1)
        self.assertEqual([hit["id"] for hit in results["search"]["hits"]], ["rain"])
        self.assertEqual(results["read"]["text"], "The old mill")
        self.assertEqual(results["count_tokens"]["texts"][1]["cut"], True)

    async def test_resources_and_the_prompt(self) -> None:
        for transport in ["stdio", "http"]:
            async with self.client(transport, "auto") as client:
                listed = await client.list_resources()
                self.assertEqual([str(it.uri) for it in listed.resources], ["nearsay://notes"])
                self.assertEqual((listed.ttl_ms, listed.cache_scope), (300000, "private"))
                read = await client.read_resource("nearsay://notes/bread")
                self.assertEqual(read.contents[0].text, TEXTS[2]["text"])
                prompt = await client.get_prompt("ask", {"question": "When is bread baked?"})
                self.assertIn("When is bread baked?", prompt.messages[0].content.text)

    async def test_errors_and_progress(self) -> None:
        for transport in ["stdio", "http"]:
            async with self.client(transport, "auto") as client:
                result = await client.call_tool("search", {"query": "floods", "k": 0})
                self.assertTrue(result.is_error)
                self.assertEqual(result.content[0].text, "k must be a whole number from 1 to 50, got 0")
                with self.assertRaises(MCPError) as raised:
                    await client.call_tool("delete", {})
                self.assertEqual(raised.exception.error.code, -32602)
                seen: list[tuple[float, float | None]] = []

                async def progress(done: float, total: float | None, message: str | None) -> None:
                    seen.append((done, total))

                texts = [f"text {number} by the river" for number in range(50)]
                await client.call_tool("rerank", {"query": "river", "texts": texts}, progress_callback=progress)
                self.assertTrue(seen and all(total == 50 for _, total in seen), seen)


if __name__ == "__main__":
    unittest.main()
