"""What the tests share: a folder for each test, in which the program runs, and comparisons by bits."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any, Iterable, Sequence

import numpy as np
import pyarrow as pa

REPOSITORY = Path(__file__).resolve().parents[2]
FIXTURES = REPOSITORY / "tests" / "fixtures"
# 32 values, 40 tokens, mean pooling, vectors as long as they come.
BERT = FIXTURES / "families" / "bert"
ROBERTA = FIXTURES / "families" / "roberta"
# Vectors of length 1.
NORMALIZED = FIXTURES / "sentence-transformers" / "dense-prompts"

TEXTS = [
    "the river",
    "Où est le café, señor?",
    "",
    "moon 🙂👍🏽 cat",
    "猫は壁 河水",
    "The old mill by the river, the garden and the station: " + "walking slowly at night, " * 12,
    "the river",
    "Cats sleep; dogs bark. “Quotes” and\ttabs",
]
SECONDS = 60


def program() -> Path:
    """The program, as scripts/test-outputs names it."""
    return Path(os.environ.get("NEARSAY_PROGRAM") or REPOSITORY / "target" / "release" / "nearsay")


def environment(**variables: str) -> dict[str, str]:
    """The environment that the program runs in: without a hub, and with the machine's own instruction set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEARSAY_")}
    return {**kept, "HF_HUB_OFFLINE": "1", **variables}


def json_lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def json_of(tensor: np.ndarray) -> Any:
    """A safetensors tensor that holds JSON."""
    return json.loads(tensor.tobytes())


def matrix(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """A column of vectors as [rows, width]; bits are those of the file."""
    if isinstance(column, pa.ChunkedArray):
        # combine_chunks copies, even a single one.
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), column.type.list_size)


class Desk(unittest.TestCase):
    """A folder that is removed after the test."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="nearsay-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def path(self, name: str) -> Path:
        return self.folder / name

    def write_rows(self, name: str, rows: Iterable[dict[str, Any]]) -> Path:
        lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
        self.path(name).write_text(lines, "utf-8")
        return self.path(name)

    def write_texts(self, name: str = "in.jsonl", texts: Sequence[str] = TEXTS) -> Path:
        """Texts without ids."""
        return self.write_rows(name, ({"text": text} for text in texts))

    def nearsay(
        self, *arguments: object, code: int | None = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs the program; it must end with `code`, unless that is None."""
        command = [str(program()), *map(str, arguments)]
        run = subprocess.run(
            command,
            cwd=self.folder,
            env=environment(**variables),
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )
        if code is not None:
            self.assertEqual(run.returncode, code, f"{' '.join(command)}\n{run.stderr}")
        return run

    def embed(self, source: Path | str, output: str, *arguments: object, model: Path = BERT, **variables: str) -> Path:
        """Runs `nearsay embed`; the path of what it wrote."""
        self.nearsay("embed", source, "-m", model, "-o", output, "-q", *arguments, **variables)
        return self.path(output)

    def vectors(self, source: Path | str, *arguments: object, model: Path = BERT) -> np.ndarray:
        """The vectors of an input, by way of .npy."""
        output = self.embed(source, "vectors.npy", "--overwrite", *arguments, model=model)
        return np.load(output)

    def assert_same_bits(self, found: np.ndarray, expected: np.ndarray) -> None:
        self.assertEqual((found.dtype, found.shape), (expected.dtype, expected.shape))
        self.assertEqual(found.tobytes(), expected.tobytes())
