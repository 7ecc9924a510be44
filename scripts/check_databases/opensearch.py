"""OpenSearch: the files of an export, and a server that loads them."""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import numpy as np

from check_databases.rows import HITS, QUERIES, CheckError, Program, ensure, key, row_of, share, unit_vectors, write

ROWS = 10_000
MAX_BULK_BYTES = 10 << 20
SECONDS = 120


class Server:
    """A server's interface: JSON over HTTP. A user and a password can be in the URL."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        self.url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        self.headers = {"Accept": "application/json"}
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self.headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"

    def request(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> Any:
        headers = {**self.headers, **({"Content-Type": kind} if body is not None else {})}
        request = urllib.request.Request(f"{self.url}/{path}", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            detail = error.read(2000).decode("utf-8", "replace")
            raise CheckError(f"{method} {path} was answered with {error.code}: {detail}") from error
        except (OSError, ValueError) as error:
            raise CheckError(f"{method} {self.url}/{path}: {error}") from error


def bulk_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("bulk-*.ndjson"))


def check_files(folder: Path, vectors: np.ndarray) -> str:
    """Bodies are within the limit and have every row, with the bits of its vector and the fields of the mapping."""
    files = bulk_files(folder)
    largest = max(file.stat().st_size for file in files)
    ensure(largest <= MAX_BULK_BYTES, f"a body has {largest} bytes; at most {MAX_BULK_BYTES} are allowed")
    properties = set(json.loads((folder / "mapping.json").read_text("utf-8"))["mappings"]["properties"])
    row = 0
    for file in files:
        lines = file.read_text("utf-8").split("\n")
        ensure(lines.pop() == "" and len(lines) % 2 == 0, f"{file.name} does not end after a whole row")
        for action, document in zip(lines[::2], map(json.loads, lines[1::2])):
            ensure(json.loads(action) == {"create": {"_id": key(row)}}, f"row {row} has the action {action}")
            ensure(set(document) == properties, f"row {row} has other fields than the mapping")
            stored = np.array(document["embedding"], "float32")
            ensure(stored.tobytes() == vectors[row].tobytes(), f"the vector of row {row} differs")
            row += 1
    ensure(row == len(vectors), f"the files have {row} rows, not {len(vectors)}")
    return f"{row:,} rows in {len(files)} bodies of at most {largest / (1 << 20):.1f} MiB"


def exact_search(vector: np.ndarray, space_type: str) -> bytes:
    """The body of a search that scores every document."""
    parameters = {"field": "embedding", "query_value": vector.tolist(), "space_type": space_type}
    script = {"lang": "knn", "source": "knn_score", "params": parameters}
    query = {"script_score": {"query": {"match_all": {}}, "script": script}}
    return json.dumps({"size": HITS, "_source": False, "query": query}).encode()


def load(server: Server, index: str, folder: Path) -> int:
    """Creates the index and loads every body; the number of documents."""
    server.request("PUT", index, (folder / "mapping.json").read_bytes())
    for file in bulk_files(folder):
        answer = server.request("POST", f"{index}/_bulk", file.read_bytes(), "application/x-ndjson")
        refused = [item["create"] for item in answer["items"] if item["create"]["status"] != 201]
        ensure(not answer["errors"] and not refused, f"{file.name}: rows were refused: {refused[:1]}")
    server.request("POST", f"{index}/_refresh")
    return server.request("GET", f"{index}/_count")["count"]


def check_server(server: Server, folder: Path, queries: np.ndarray, expected: list[list[int]], rows: int) -> str:
    """Loads an export into an index of its own, which is removed in the end, and compares exact searches."""
    index = f"nearsay-check-{os.getpid()}"
    space_type = json.loads((folder / "mapping.json").read_text())["mappings"]["properties"]["embedding"]["space_type"]
    try:
        count = load(server, index, folder)
        ensure(count == rows, f"the index has {count} documents, not {rows}")
        found = []
        for query in queries:
            answer = server.request("POST", f"{index}/_search", exact_search(query, space_type))
            found.append([row_of(hit["_id"]) for hit in answer["hits"]["hits"]])
    finally:
        server.request("DELETE", index)
    line = f"{rows:,} rows, {len(queries)} queries: {share(found, expected):.4f} of the {HITS} nearest rows"
    ensure(share(found, expected) == 1.0, line)
    return line


def export(program: Program, rows: int) -> tuple[Path, np.ndarray, Path]:
    """An export of seeded rows: its folder, their vectors, and the file that was exported."""
    vectors = unit_vectors(rows, 1)
    corpus = write(program.folder / "rows.parquet", vectors, {})
    folder = program.folder / "opensearch"
    program.run("export", corpus, "--to", "opensearch", "-o", folder, "--overwrite")
    return folder, vectors, corpus


def check_export(program: Program) -> str:
    folder, vectors, _ = export(program, ROWS)
    return check_files(folder, vectors)


def check_load(program: Program, rows: int = ROWS, query_count: int = QUERIES) -> str:
    url = os.environ.get("OPENSEARCH_URL")
    ensure(bool(url), "OPENSEARCH_URL names no server")
    folder, _, corpus = export(program, rows)
    queries = unit_vectors(query_count, 2)
    return check_server(Server(url), folder, queries, program.search(corpus, queries), rows)
