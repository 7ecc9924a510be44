"""OpenAI's client for Node."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import NAME, PROGRAM, Embed, assert_same_bits

from running_server import Running

FOLDER = Path(os.environ.get("NEARSAY_TEST_NODE", ""))
CALLS = Path(__file__).parent / "openai_node" / "calls.mjs"


@pytest.fixture(scope="module")
def results(weights: Path, texts: list[str]) -> dict[str, Any]:
    """The script has to be next to the packages that it imports."""
    script = FOLDER / CALLS.name
    script.write_text(CALLS.read_text("utf-8"), "utf-8")
    with Running(PROGRAM, "-m", f"{NAME}={weights}", variables={"NEARSAY_API_KEY": "key"}) as running:
        line = [FOLDER / "node_modules" / ".bin" / "node", script, running.url, NAME]
        output = subprocess.run(line, input=json.dumps(texts), stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(output)


@pytest.mark.parametrize("call", ["list", "float", "together"])
def test_vectors(results: dict[str, Any], call: str, expected: np.ndarray) -> None:
    assert_same_bits(results[call], expected)


def test_base64(results: dict[str, Any], expected: np.ndarray) -> None:
    """Asked for base64, the client leaves it as it is."""
    found = [np.frombuffer(base64.b64decode(text), "<f4") for text in results["base64"]]
    assert_same_bits(np.array(found), expected)


def test_a_string_and_its_usage(results: dict[str, Any], expected: np.ndarray) -> None:
    assert_same_bits(results["string"], expected[:1])
    assert results["usage"]["prompt_tokens"] == results["usage"]["total_tokens"] > 0


def test_dimensions(results: dict[str, Any], embed: Embed, texts: list[str]) -> None:
    assert_same_bits(results["dimensions"], embed(texts, "--dimensions", "64", "--normalize"))


def test_models(results: dict[str, Any]) -> None:
    assert results["models"] == [NAME] and results["model"] == NAME


def test_errors(results: dict[str, Any]) -> None:
    unknown, ids, key = results["unknown"], results["ids"], results["key"]
    assert (unknown["kind"], unknown["status"], unknown["code"]) == ("NotFoundError", 404, "model_not_found")
    assert (ids["kind"], ids["status"], ids["code"]) == ("BadRequestError", 400, "token_ids_refused")
    assert (key["kind"], key["status"], key["code"]) == ("AuthenticationError", 401, "invalid_api_key")
    assert unknown["type"] == "invalid_request_error" and unknown["param"] == "model" and "none" in unknown["message"]
