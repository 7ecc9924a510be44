"""Every route that answers with a vector per text, in each form of its answer: how texts are sent, and the vectors read."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, field
from typing import Any, Callable

import numpy as np
import pyarrow as pa

ARROW = "application/vnd.apache.arrow.stream"
LINES = "application/x-ndjson"


def floats(rows: Any) -> np.ndarray:
    """JSON's numbers as f32: a client reads them as f64 and rounds."""
    return np.array(rows, np.float64).astype(np.float32)


def of_openai(body: bytes) -> np.ndarray:
    data = json.loads(body)["data"]
    assert [item["index"] for item in data] == [*range(len(data))]
    return floats([item["embedding"] for item in data])


def of_base64(body: bytes) -> np.ndarray:
    return np.array([np.frombuffer(base64.b64decode(item["embedding"]), "<f4") for item in json.loads(body)["data"]])


def of_lines(body: bytes) -> np.ndarray:
    rows = {row["index"]: row["embedding"] for row in map(json.loads, body.splitlines())}
    return floats([rows[index] for index in range(len(rows))])


def of_arrow(body: bytes) -> np.ndarray:
    table = pa.ipc.open_stream(io.BytesIO(body)).read_all()
    column = table["embedding"].combine_chunks()
    assert pa.types.is_fixed_size_list(column.type) and column.type.value_type == pa.float32()
    rows = column.flatten().to_numpy().reshape(len(column), -1)
    order = table["index"].to_numpy()
    assert sorted(order) == [*range(len(order))]
    return rows[np.argsort(order)]


def of_tei(body: bytes) -> np.ndarray:
    return floats(json.loads(body))


def of_ollama(body: bytes) -> np.ndarray:
    return floats(json.loads(body)["embeddings"])


@dataclass(frozen=True)
class Route:
    path: str
    form: str
    #: The field of the texts.
    texts: str
    read: Callable[[bytes], np.ndarray]
    fields: dict[str, Any] = field(default_factory=dict)
    accept: str | None = None

    def __str__(self) -> str:
        return f"{self.path} {self.form}"

    def body(self, texts: list[str]) -> bytes:
        return json.dumps({**self.fields, self.texts: texts}).encode()

    def headers(self) -> dict[str, str]:
        return {"content-type": "application/json", **({"accept": self.accept} if self.accept else {})}


ROUTES = (
    Route("/v1/embeddings", "float", "input", of_openai),
    Route("/v1/embeddings", "base64", "input", of_base64, {"encoding_format": "base64"}),
    Route("/v1/embeddings", "arrow", "input", of_arrow, accept=ARROW),
    Route("/v1/embeddings", "ndjson", "input", of_lines, accept=LINES),
    Route("/embeddings", "float", "input", of_openai),
    Route("/embed", "json", "inputs", of_tei),
    Route("/embed", "arrow", "inputs", of_arrow, accept=ARROW),
    Route("/embed", "ndjson", "inputs", of_lines, accept=LINES),
    Route("/", "json", "inputs", of_tei),
    Route("/invocations", "json", "inputs", of_tei),
    Route("/api/embed", "json", "input", of_ollama, {"model": "minilm"}),
)


def token_rows(rows: Any) -> list[np.ndarray]:
    return [floats(row) for row in rows]


#: Routes that answer with a vector per token: their requests, and the vectors of each text.
TOKEN_ROUTES: dict[str, tuple[str, dict[str, Any], Callable[[Any], list[np.ndarray]]]] = {
    "/embed_all": ("inputs", {}, token_rows),
    "/pooling": ("input", {"model": "minilm"}, lambda answer: token_rows([item["data"] for item in answer["data"]])),
}
