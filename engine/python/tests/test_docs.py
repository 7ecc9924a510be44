"""The examples of docs/python.md run, and print what they say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

DOCS = (REPOSITORY / "docs" / "python.md").read_text("utf-8")
#: A block of Python, and the output that follows it, if one does.
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)
#: Classes that have a framework's as their base, which may be absent here.
OF_FRAMEWORKS = {"nearsay.langchain.NearsayEmbeddings", "nearsay.llama_index.NearsayEmbedding"}


def plain(line: str) -> str:
    """Without times, which differ."""
    return re.sub(r"seconds=[0-9.]+", "seconds=..", line)


def test_the_examples_run_and_print_what_they_say(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    blocks = BLOCK.findall(DOCS)
    assert len(blocks) >= 8
    # One after the other, as a reader would; each prints a mark before its output.
    program = "".join(f"print('== {at}')\n{code}" for at, (code, _) in enumerate(blocks))
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY / "engine" / "python")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = dict(re.findall(r"== (\d+)\n(.*?)(?=== \d+\n|\Z)", done.stdout, re.DOTALL))
    for at, (_, expected) in enumerate(blocks):
        if expected:
            assert plain(printed[str(at)]) == plain(expected)


def test_the_types_are_clean() -> None:
    """The stubs and the module agree, and what users see is typed."""
    pytest.importorskip("mypy")
    pytest.importorskip("pyright")
    package = REPOSITORY / "engine" / "python"
    pyright = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    configuration = ["--mypy-config-file", "pyproject.toml"]
    for command in (
        [sys.executable, "-m", "mypy.stubtest", "nearsay._nearsay", "--ignore-disjoint-bases", *configuration],
        pyright,
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=package, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
    command = [*pyright, "--verifytypes", "nearsay", "--ignoreexternal", "--outputjson"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=package, env=environment)
    symbols = json.loads(done.stdout)["typeCompleteness"]["symbols"]
    assert len(symbols) > 100
    untyped = {symbol["name"]: symbol["diagnostics"] for symbol in symbols if not symbol["isTypeKnown"]}
    assert untyped.keys() <= OF_FRAMEWORKS, untyped
