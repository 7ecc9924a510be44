"""Servers for the tests, and what `nearsay embed` makes of their texts.

scripts/test-server-clients runs these tests and sets NEARSAY_PROGRAM, and with --data NEARSAY_TEST_DATA.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Callable, Iterator, Sequence

import numpy as np
import pytest
from mixed_texts import mixed

from running_server import Running, environment, minilm

NAME = "minilm"
PROGRAM = Path(os.environ["NEARSAY_PROGRAM"])
DIMENSIONS = 384


@pytest.fixture(scope="session")
def weights() -> Path:
    return minilm()


@pytest.fixture(scope="session")
def server(weights: Path) -> Iterator[Running]:
    """With the defaults."""
    with Running(PROGRAM, "-m", f"{NAME}={weights}") as running:
        yield running


@pytest.fixture(scope="session")
def url(server: Running) -> str:
    return server.url


@pytest.fixture(scope="session")
def texts() -> list[str]:
    return mixed(40)


Embed = Callable[..., np.ndarray]


@pytest.fixture(scope="session")
def embed(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Embed:
    """`nearsay embed TEXTS -o x.npy`: a matrix with a row per text."""

    def embedded(texts: Sequence[str], *options: str) -> np.ndarray:
        folder = tmp_path_factory.mktemp("embed")
        lines = (json.dumps({"text": text}) for text in texts)
        (folder / "in.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
        line = [PROGRAM, "embed", "in.jsonl", "-m", weights, "-o", "x.npy", "-q", *options]
        subprocess.run(line, cwd=folder, env=environment(), check=True)
        return np.load(folder / "x.npy")

    return embedded


@pytest.fixture(scope="session")
def expected(embed: Embed, texts: list[str]) -> np.ndarray:
    return embed(texts)


def bits(vectors: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    """The bits of f32 values, also of those that a client has read as f64."""
    return np.ascontiguousarray(vectors, "<f4").view("<u4")


def assert_same_bits(found: Sequence[Sequence[float]] | np.ndarray, expected: np.ndarray) -> None:
    assert np.array_equal(bits(found), bits(expected))
