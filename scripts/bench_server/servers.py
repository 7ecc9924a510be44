"""The servers: how they are started, and a check that they have the same model."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Sequence

from running_server import ROOT, Running
from server_peers import environments

from .texts import NAME, body

START_SECONDS = 300
PEERS = ("infinity", "sentence-transformers", "fastembed")
OURS = ("nearsay f32", "nearsay int8")
#: Smallest cosine with our vectors in f32: the weights are the same.
COSINES = {"nearsay int8": 0.98}
COSINE = 0.9999


@dataclass(frozen=True)
class Server:
    name: str
    url: str

    @property
    def embeddings(self) -> str:
        return f"{self.url}/{'embeddings' if self.name == 'infinity' else 'v1/embeddings'}"

    @property
    def is_ours(self) -> bool:
        return self.name in OURS


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def line_of(name: str, model: Path, port: int, threads: int) -> list[str]:
    if name == "infinity":
        program = environments.python(name).parent / "infinity_emb"
        line = [program, "v2", "--model-id", environments.limited_model(model), "--served-model-name", NAME, "--engine", "torch", "--device", "cpu"]
        line += ["--dtype", "float32", "--no-bettertransformer", "--no-model-warmup", "--host", "127.0.0.1", "--port", port]
        return [*map(str, line), "--log-level", "error"]
    folder = environments.onnx_model(model) if name == "fastembed" else model
    module = f"server_peers.serve_{name.replace('-', '_')}"
    return [*map(str, (environments.python(name), "-m", module, folder, port, threads))]


def variables(threads: int) -> dict[str, str]:
    """As many threads for each, no hub, no reports to anyone."""
    count = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), str(threads))
    quiet = {"DO_NOT_TRACK": "1", "INFINITY_ANONYMOUS_USAGE_STATS": "0", "HF_HUB_OFFLINE": "1"}
    return {**os.environ, **count, **quiet, "PYTHONPATH": str(ROOT / "scripts"), "TOKENIZERS_PARALLELISM": "true"}


@contextmanager
def running(name: str, program: Path, model: Path, threads: int, log: Path) -> Iterator[Server]:
    if name in OURS:
        options = ("--threads", str(threads), "--precision", name.split()[1], "-q")
        with Running(program, "-m", f"{NAME}={model}", *options, log=log) as ours:
            yield Server(name, ours.url)
        return
    port = free_port()
    with log.open("wb") as output:
        line = line_of(name, model, port, threads)
        process = subprocess.Popen(line, stdout=output, stderr=subprocess.STDOUT, env=variables(threads))
    try:
        server = Server(name, f"http://127.0.0.1:{port}")
        wait_until_it_answers(server, process, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_it_answers(server: Server, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            return check_form(vectors(server, ["ready"]))
        except (OSError, ValueError):
            time.sleep(0.5)
    sys.exit(f"bench-server: {server.name} did not start; the end of its log:\n{log.read_text('utf-8', 'replace')[-2000:]}")


def check_form(rows: list[list[float]]) -> None:
    assert len(rows) == 1 and len(rows[0]) > 1


def vectors(server: Server, texts: Sequence[str]) -> list[list[float]]:
    request = urllib.request.Request(server.embeddings, body(texts), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return [item["embedding"] for item in json.load(answer)["data"]]


def check_model(server: Server, texts: Sequence[str], expected: list[list[float]]) -> float:
    """The smallest cosine with the vectors of nearsay in f32. Ends the program if it is too small."""
    found = vectors(server, texts)
    smallest = min(cosine(one, other) for one, other in zip(found, expected, strict=True))
    if smallest < COSINES.get(server.name, COSINE):
        sys.exit(f"bench-server: {server.name} serves another model: a cosine is {smallest:.5f}")
    return smallest


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    product = sum(x * y for x, y in zip(one, other, strict=True))
    return product / (sum(x * x for x in one) * sum(y * y for y in other)) ** 0.5
