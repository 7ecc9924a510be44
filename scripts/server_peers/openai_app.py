"""An app of FastAPI with OpenAI's route for embeddings, as a peer's user would write it."""

from __future__ import annotations

import threading
from typing import Callable

import numpy as np
import orjson
import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel


class Body(BaseModel):
    model: str
    input: str | list[str]


def serve(encode: Callable[[list[str]], np.ndarray], port: int) -> None:
    """Serves on loopback until it is ended. Requests are encoded one after the other: tokenizers refuse to be shared."""
    app, one_at_a_time = FastAPI(), threading.Lock()

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/v1/embeddings")
    def embeddings(body: Body) -> Response:
        texts = [body.input] if isinstance(body.input, str) else body.input
        with one_at_a_time:
            rows = encode(texts)
        data = [{"object": "embedding", "index": index, "embedding": row} for index, row in enumerate(rows)]
        answer = {"object": "list", "model": body.model, "data": data, "usage": {"prompt_tokens": 0, "total_tokens": 0}}
        return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
