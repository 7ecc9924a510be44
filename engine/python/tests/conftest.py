"""What tests share: models in the repository's fixtures, texts, and the command for comparison."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

# Before a peer is imported, which would ask the hub about a model that is in the cache.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import nearsay  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[3]
FIXTURES = REPOSITORY / "tests" / "fixtures"
#: 3 layers, 40 tokens.
BERT = str(FIXTURES / "families" / "bert")
#: 2 layers, 40 tokens.
ROBERTA = str(FIXTURES / "families" / "roberta")

WORDS = ["river", "night", "bread", "stone", "light", "judge", "cloud", "mill", "the", "a", "of", "über", "naïve", "水"]


def some_texts(count: int, longest: int = 12) -> list[str]:
    """Texts of mixed lengths: some repeated, some empty, one longer than the model reads."""
    texts = [
        " ".join(WORDS[(row * 7 + word * (1 + row % 3)) % len(WORDS)] for word in range(row * 5 % longest))
        for row in range(count)
    ]
    if count > 20:
        texts[3], texts[17] = texts[12], "river " * 90
    return texts


def many_texts(count: int) -> list[str]:
    """Texts of which no two are equal."""
    return [f"{text} {row}" for row, text in enumerate(some_texts(count))]


@pytest.fixture(scope="session")
def texts() -> list[str]:
    return some_texts(300)


@pytest.fixture(scope="module")
def model() -> nearsay.Embedder:
    return nearsay.Embedder(BERT)


@pytest.fixture(scope="module")
def expected(model: nearsay.Embedder, texts: list[str]) -> np.ndarray:
    return model.encode(texts)


@pytest.fixture(scope="session")
def program() -> list[str]:
    """The command of the package."""
    return [sys.executable, "-m", "nearsay"]


@pytest.fixture
def run(program: list[str], tmp_path: Path):
    """Runs the command in a folder of its own; returns its standard output."""

    def run(*arguments: str, code: int = 0) -> str:
        environment = {**os.environ, "PYTHONPATH": str(Path(nearsay.__file__).parents[1])}
        done = subprocess.run(
            [*program, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    return run


@pytest.fixture
def model_copy(tmp_path: Path) -> Path:
    """A copy of the model, whose files a test may change."""
    return Path(shutil.copytree(BERT, tmp_path / "model"))


def json_lines(texts: list[str]) -> str:
    """Texts as rows of JSON, whatever is in them."""
    return "".join(json.dumps({"text": text}) + "\n" for text in texts)


def same_bits(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether two arrays have the same type, shape and bytes."""
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
