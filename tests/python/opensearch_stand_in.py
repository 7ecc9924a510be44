"""A small stand-in for OpenSearch: answers the requests of scripts/check-databases and refuses any other form."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

MAX_BODY = 10 << 20
JSON, LINES = "application/json", "application/x-ndjson"


class Refused(Exception):
    """A request that OpenSearch would refuse."""


def expect(holds: bool, rule: str) -> None:
    if not holds:
        raise Refused(rule)


class Index:
    """One index: its mapping, and the documents by id."""

    def __init__(self, definition: dict[str, Any]) -> None:
        expect(definition["settings"] == {"index": {"knn": True}}, "the index is not one of vectors")
        self.properties = definition["mappings"]["properties"]
        field = self.properties["embedding"]
        expect(field["type"] == "knn_vector" and field["dimension"] > 0, "no field of vectors")
        self.dimension, self.space_type = field["dimension"], field["space_type"]
        self.documents: dict[str, dict[str, Any]] = {}
        self.visible = 0

    def create(self, name: str, document: dict[str, Any]) -> int:
        expect(set(document) == set(self.properties), "the document has other fields than the mapping")
        expect(len(document["embedding"]) == self.dimension, "the vector has another width")
        if name in self.documents:
            return 409
        self.documents[name] = document
        return 201

    def search(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        score = body["query"]["script_score"]
        script = score["script"]
        expect(score["query"] == {"match_all": {}}, "not a search of all documents")
        expect((script["lang"], script["source"]) == ("knn", "knn_score"), "not a script of k-NN")
        parameters = script["params"]
        expect(parameters["field"] == "embedding", "another field")
        expect(parameters["space_type"] == self.space_type == "cosinesimil", "another space type")
        query = np.array(parameters["query_value"])
        expect(query.shape == (self.dimension,), "the query has another width")
        names = list(self.documents)[: self.visible]
        rows = np.array([self.documents[name]["embedding"] for name in names])
        scores = 1 + rows @ query / np.linalg.norm(rows, axis=1) / np.linalg.norm(query)
        best = np.argsort(-scores, kind="stable")[: body["size"]]
        return [{"_id": names[row], "_score": scores[row]} for row in best]


class StandIn:
    """A server on a free port, with the requests that it was sent; `url` has a user and a password."""

    def __init__(self, loses_rows: bool = False) -> None:
        self.indexes: dict[str, Index] = {}
        self.requests: list[tuple[str, str]] = []
        self.loses_rows = loses_rows
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    expect(self.headers["Authorization"] == "Basic dXNlcjpwQHNz", "no login")
                    code, answer = 200, stand_in.answer(self.command, self.path, self.headers["Content-Type"], body)
                except (Refused, KeyError, ValueError) as error:
                    code, answer = 400, {"error": repr(error), "status": 400}
                content = json.dumps(answer).encode()
                self.send_response(code)
                self.send_header("Content-Type", JSON)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://user:p%40ss@127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method: str, path: str, kind: str | None, body: bytes) -> dict[str, Any]:
        name, _, action = path.removeprefix("/").partition("/")
        self.requests.append((method, action))
        expect(len(body) <= MAX_BODY, "the body is too long")
        if (method, action) == ("PUT", ""):
            expect(kind == JSON and name not in self.indexes, "the index exists, or its definition is not JSON")
            self.indexes[name] = Index(json.loads(body))
            return {"acknowledged": True, "index": name}
        index = self.indexes[name]
        match method, action, kind:
            case "POST", "_bulk", "application/x-ndjson":
                return self.bulk(index, body.decode())
            case "POST", "_refresh", _:
                index.visible = len(index.documents) - self.loses_rows
                return {"_shards": {"failed": 0}}
            case "GET", "_count", None:
                return {"count": index.visible}
            case "POST", "_search", "application/json":
                return {"hits": {"hits": index.search(json.loads(body))}}
            case "DELETE", "", None:
                del self.indexes[name]
                return {"acknowledged": True}
        raise Refused(f"{method} {path} with {kind}")

    @staticmethod
    def bulk(index: Index, body: str) -> dict[str, Any]:
        lines = body.split("\n")
        expect(lines.pop() == "", "the body does not end in a newline")
        expect(len(lines) % 2 == 0, "an action has no document")
        items = []
        for action, document in zip(map(json.loads, lines[::2]), map(json.loads, lines[1::2])):
            expect(list(action) == ["create"], "another action than create")
            status = index.create(action["create"]["_id"], document)
            items.append({"create": {"_id": action["create"]["_id"], "status": status}})
        return {"errors": any(item["create"]["status"] != 201 for item in items), "items": items}
