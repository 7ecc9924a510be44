"""huggingface_hub's InferenceClient, which posts to the server's own URL: TEI's route /."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from conftest import Embed, assert_same_bits
from huggingface_hub import AsyncInferenceClient, InferenceClient, constants
from huggingface_hub.errors import HfHubHTTPError


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the hub, the client does not even ask this machine."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def client(url: str) -> InferenceClient:
    return InferenceClient(model=url)


def test_a_list_and_a_string(client: InferenceClient, texts: list[str], expected: np.ndarray) -> None:
    assert_same_bits(client.feature_extraction(texts), expected)
    assert_same_bits(client.feature_extraction(texts[5]), expected[5:6])


def test_asynchronous_requests_at_once(url: str, texts: list[str], expected: np.ndarray) -> None:
    async def all_of_them() -> list[np.ndarray]:
        client = AsyncInferenceClient(model=url)
        return await asyncio.gather(*(client.feature_extraction(text) for text in texts))

    assert_same_bits(np.concatenate(asyncio.run(all_of_them())), expected)


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({"normalize": False}, ["--no-normalize"]),
        ({"normalize": True}, ["--normalize"]),
        ({"truncate": True}, []),
        ({"dimensions": 64}, ["--dimensions", "64", "--normalize"]),
        ({"prompt_name": "query"}, ["--prompt-name", "query"]),
    ],
    ids=str,
)
def test_settings(client: InferenceClient, texts: list[str], embed: Embed, settings: dict, options: list[str]) -> None:
    assert_same_bits(client.feature_extraction(texts, **settings), embed(texts, *options))


def test_the_side_that_is_cut(client: InferenceClient, embed: Embed) -> None:
    """The last 254 words and two special tokens are 256."""
    words = [f"{number % 10}" for number in range(300)]
    found = client.feature_extraction(" ".join(words), truncate=True, truncation_direction="left")
    assert_same_bits(found, embed([" ".join(words[-254:])]))


def test_errors(client: InferenceClient) -> None:
    for call, status, hint in [
        (lambda: client.feature_extraction("river " * 300, truncate=False), 413, "256"),
        (lambda: client.feature_extraction("a", prompt_name="none"), 400, "none"),
        (lambda: client.feature_extraction([]), 400, "inputs"),
    ]:
        with pytest.raises(HfHubHTTPError) as caught:
            call()
        assert caught.value.response.status_code == status
        body = caught.value.response.json()
        assert set(body) == {"error", "error_type"} and hint in body["error"]
