"""The bits of `nearsay embed`, by every embedding route, however the texts are spread over requests and clients."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
from pathlib import Path
from typing import Iterator

import aiohttp
import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import NAME, PROGRAM, Embed, assert_same_bits
from embedding_routes import ROUTES, TOKEN_ROUTES, Route
from mixed_texts import mixed

from running_server import Running, environment

COUNT = int(os.environ.get("NEARSAY_TEST_TEXTS", "2000"))
CLIENTS = 64
#: A request of these has every text's token vectors as JSON, a hundred times the text.
TOKEN_TEXTS = 100
#: Texts of the bulk client's requests, and its number of requests that are on their way at any time.
BULK, BULK_REQUESTS = 2048, 2


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return mixed(COUNT)


@pytest.fixture(scope="module")
def expected(embed: Embed, texts: list[str]) -> np.ndarray:
    return embed(texts)


@pytest.fixture(scope="module")
def patient(weights: Path) -> Iterator[Running]:
    """A machine that is busy with other work refuses nothing."""
    limits = ("--max-wait", "3600", "--request-timeout", "3600", "--max-response-bytes", str(1 << 30))
    with Running(PROGRAM, "-m", f"{NAME}={weights}", *limits) as running:
        yield running


def session(url: str, **headers: str) -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=3600)
    return aiohttp.ClientSession(url, timeout=timeout, connector=aiohttp.TCPConnector(limit=0), headers=headers)


async def ask(client: aiohttp.ClientSession, route: Route, texts: list[str]) -> np.ndarray:
    async with client.post(route.path, data=route.body(texts), headers=route.headers()) as answer:
        body = await answer.read()
        assert answer.status == 200, f"{route}: {answer.status} {body[:300]!r}"
        assert answer.content_type == (route.accept or "application/json")
        return route.read(body)


async def one_after_another(url: str, route: Route, texts: list[str], size: int) -> np.ndarray:
    async with session(url) as client:
        parts = [await ask(client, route, texts[at : at + size]) for at in range(0, len(texts), size)]
    return np.concatenate(parts)


@pytest.mark.parametrize("size", [1, 7, 2048])
@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_requests_of_any_size(patient: Running, route: Route, size: int, texts: list[str], expected: np.ndarray) -> None:
    assert_same_bits(asyncio.run(one_after_another(patient.url, route, texts, size)), expected)


async def bulk(client: aiohttp.ClientSession, texts: list[str], expected: np.ndarray) -> int:
    """Asks for the texts again and again until it is cancelled; every answer is checked."""
    answers = 0
    try:
        while True:
            assert_same_bits(await ask(client, ROUTES[1], texts), expected)
            answers += 1
    except asyncio.CancelledError:
        return answers


async def many_clients(
    url: str, route: Route, texts: list[str], others: list[str], expected_others: np.ndarray
) -> np.ndarray:
    """The texts in random order by 64 clients, in requests of 1 to 3, next to a bulk client with other texts."""
    draw = random.Random(1)
    order = draw.sample(range(len(texts)), len(texts))
    found: dict[int, np.ndarray] = {}

    async def ask_for_some(client: aiohttp.ClientSession) -> None:
        while order:
            size = draw.randint(1, 3)
            mine, order[:size] = order[:size], []
            rows = await ask(client, route, [texts[index] for index in mine])
            found.update(zip(mine, rows, strict=True))

    async with session(url) as client, session(url, **{"x-nearsay-priority": "bulk"}) as of_bulk:
        beside = [asyncio.create_task(bulk(of_bulk, others, expected_others)) for _ in range(BULK_REQUESTS)]
        try:
            await asyncio.gather(*(ask_for_some(client) for _ in range(CLIENTS)))
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside)
    return np.stack([found[index] for index in range(len(texts))])


@pytest.fixture(scope="module")
def others(texts: list[str]) -> list[str]:
    return [f"{text} again" for text in (texts * (BULK // len(texts) + 1))[:BULK]]


@pytest.fixture(scope="module")
def expected_others(embed: Embed, others: list[str]) -> np.ndarray:
    return embed(others)


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_64_clients_and_a_bulk_client(
    patient: Running, route: Route, texts: list[str], expected: np.ndarray, others: list[str], expected_others: np.ndarray
) -> None:
    assert_same_bits(asyncio.run(many_clients(patient.url, route, texts, others, expected_others)), expected)


@pytest.fixture(scope="module")
def token_vectors(weights: Path, texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    """A matrix per text with a row per token."""
    folder = tmp_path_factory.mktemp("tokens")
    lines = (json.dumps({"text": text}) for text in texts[:TOKEN_TEXTS])
    (folder / "in.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    line = [PROGRAM, "embed", "in.jsonl", "-m", weights, "--level", "token", "-o", "x.parquet", "-q"]
    subprocess.run(line, cwd=folder, env=environment(), check=True)
    column = pq.read_table(folder / "x.parquet")["embeddings"]
    return [np.array(row.as_py(), np.float32) for row in column]


@pytest.mark.parametrize("size", [1, 7, TOKEN_TEXTS])
@pytest.mark.parametrize("path", TOKEN_ROUTES)
def test_token_vectors(patient: Running, path: str, size: int, texts: list[str], token_vectors: list[np.ndarray]) -> None:
    name, fields, read = TOKEN_ROUTES[path]

    async def ask_for_all() -> list[np.ndarray]:
        found: list[np.ndarray] = []
        async with session(patient.url) as client:
            for at in range(0, TOKEN_TEXTS, size):
                body = {**fields, name: texts[:TOKEN_TEXTS][at : at + size]}
                async with client.post(path, json=body) as answer:
                    assert answer.status == 200, (await answer.read())[:300]
                    found += read(await answer.json())
        return found

    found = asyncio.run(ask_for_all())
    assert len(found) == len(token_vectors)
    for rows, expected_rows in zip(found, token_vectors):
        assert_same_bits(rows, expected_rows)
