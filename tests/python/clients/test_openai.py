"""OpenAI's client for Python, synchronous and asynchronous."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import openai
import pytest
from conftest import DIMENSIONS, NAME, PROGRAM, Embed, assert_same_bits
from openai import AsyncOpenAI, OpenAI

from running_server import Running


def connect(url: str, kind: Any = OpenAI, key: str = "none", **options: Any) -> Any:
    return kind(base_url=f"{url}/v1", api_key=key, **{"max_retries": 0, **options})


@pytest.fixture
def client(url: str) -> OpenAI:
    return connect(url)


def vectors(answer: openai.types.CreateEmbeddingResponse) -> list[list[float]]:
    assert [item.index for item in answer.data] == [*range(len(answer.data))]
    return [item.embedding for item in answer.data]


@pytest.mark.parametrize("options", [{}, {"encoding_format": "float"}], ids=["by-default", "float"])
def test_a_list(client: OpenAI, options: dict[str, str], texts: list[str], expected: np.ndarray) -> None:
    """By default the client asks for base64, and decodes it."""
    answer = client.embeddings.create(model=NAME, input=texts, **options)
    assert_same_bits(vectors(answer), expected)
    assert answer.model == NAME and answer.object == "list"
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > len(texts)


def test_a_string(client: OpenAI, texts: list[str], expected: np.ndarray) -> None:
    assert_same_bits(vectors(client.embeddings.create(model=NAME, input=texts[5])), expected[5:6])


def test_base64(client: OpenAI, texts: list[str], expected: np.ndarray) -> None:
    answer = client.embeddings.create(model=NAME, input=texts, encoding_format="base64")
    found = [np.frombuffer(base64.b64decode(item.embedding), "<f4") for item in answer.data]
    assert_same_bits(np.array(found), expected)


def test_dimensions(client: OpenAI, texts: list[str], embed: Embed) -> None:
    answer = client.embeddings.create(model=NAME, input=texts, dimensions=64)
    assert_same_bits(vectors(answer), embed(texts, "--dimensions", "64", "--normalize"))


def test_fields_that_openai_does_not_have(client: OpenAI, texts: list[str], embed: Embed) -> None:
    body = {"normalize": False, "truncate_prompt_tokens": 16, "request_id": "from-the-test", "none": 1}
    answer = client.embeddings.with_raw_response.create(model=NAME, input=texts, extra_body=body)
    assert answer.headers["x-request-id"] == "from-the-test"
    assert answer.headers["x-nearsay-ignored"] == "none"
    assert_same_bits(vectors(answer.parse()), embed(texts, "--no-normalize", "--max-length", "16"))


def test_asynchronous_requests_at_once(url: str, texts: list[str], expected: np.ndarray) -> None:
    async def all_of_them() -> list[list[float]]:
        async with connect(url, AsyncOpenAI) as client:
            answers = await asyncio.gather(*(client.embeddings.create(model=NAME, input=text) for text in texts))
        return [vector for answer in answers for vector in vectors(answer)]

    assert_same_bits(asyncio.run(all_of_them()), expected)


def test_models(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [NAME]
    model = client.models.retrieve(NAME)
    assert (model.object, model.owned_by, model.dimensions) == ("model", "nearsay", DIMENSIONS)


def refused(call: Any, kind: type[openai.APIStatusError], code: str | None) -> openai.APIStatusError:
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    assert error.code == code and error.request_id
    return error


def test_errors(client: OpenAI) -> None:
    create = client.embeddings.create
    error = refused(lambda: create(model="none", input="a"), openai.NotFoundError, "model_not_found")
    assert error.param == "model" and error.type == "invalid_request_error"
    refused(lambda: client.models.retrieve("none"), openai.NotFoundError, "model_not_found")
    error = refused(lambda: create(model=NAME, input="a", dimensions=9999), openai.BadRequestError, None)
    assert error.param == "dimensions" and "9999" in str(error)
    error = refused(lambda: create(model=NAME, input=[101, 102]), openai.BadRequestError, "token_ids_refused")
    assert "this server takes texts, not token ids" in str(error)
    refused(lambda: create(model=NAME, input=[]), openai.BadRequestError, None)
    long = {"truncate": False}
    error = refused(
        lambda: create(model=NAME, input="river " * 300, extra_body=long), openai.BadRequestError, "context_length_exceeded"
    )
    assert "256" in str(error) and "302" in str(error)
    error = refused(lambda: create(model=NAME, input=["a"] * 2049), openai.APIStatusError, "request_too_large")
    assert error.status_code == 413 and "2048" in str(error) and "2049" in str(error)


@pytest.fixture(scope="module")
def narrow(weights: Path) -> Iterator[Running]:
    """With a key, and a queue that two large requests fill."""
    options = ("--max-tokens-per-request", "4000", "--max-queued-tokens", "8000")
    with Running(PROGRAM, "-m", f"{NAME}={weights}", *options, variables={"NEARSAY_API_KEY": "right"}) as running:
        yield running


def test_keys(narrow: Running) -> None:
    assert len(connect(narrow.url, key="right").embeddings.create(model=NAME, input="a").data) == 1
    call = connect(narrow.url, key="wrong").embeddings.create
    refused(lambda: call(model=NAME, input="a"), openai.AuthenticationError, "invalid_api_key")


def bulk(number: int) -> list[str]:
    """15 texts that no other request has, of 202 tokens each."""
    return [f"{number * 15 + text:04d} {'river ' * 199}" for text in range(15)]


async def flood(url: str, requests: int, retries: int) -> list[Any]:
    async with connect(url, AsyncOpenAI, "right", max_retries=retries, timeout=600) as client:
        calls = (client.embeddings.create(model=NAME, input=bulk(number)) for number in range(requests))
        return await asyncio.gather(*calls, return_exceptions=True)


def test_a_full_queue_is_a_rate_limit(narrow: Running) -> None:
    answers = asyncio.run(flood(narrow.url, 24, 0))
    refusals = [answer for answer in answers if isinstance(answer, Exception)]
    assert 0 < len(refusals) < len(answers)
    for error in refusals:
        assert isinstance(error, openai.RateLimitError) and error.code == "rate_limit_exceeded"
        assert 1 <= int(error.response.headers["retry-after"]) <= 120


def test_the_client_tries_again_after_the_time_that_it_is_asked_to_wait(narrow: Running) -> None:
    answers = asyncio.run(flood(narrow.url, 24, 40))
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == []
