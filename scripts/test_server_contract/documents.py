"""Schemathesis on documents in OpenAPI: the server's own, and text-embeddings-inference's with the listed differences."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Callable

from running_server import Running

#: Routes of TEI that this server has; the rest needs models with other heads.
TEI_ROUTES = "^/(embed|embed_all|tokenize|decode|info|health|v1/embeddings|similarity)$"
TEI_CHECKS = "response_schema_conformance,content_type_conformance,not_a_server_error"
KEY = "contract"


def openai_errors(document: dict[str, Any]) -> None:
    text_or_null = {"type": "string", "nullable": True}
    inner = {"message": {"type": "string"}, "type": {"type": "string"}, "param": text_or_null, "code": text_or_null}
    document["components"]["schemas"]["OpenAICompatErrorResponse"] = {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "object", "required": [*inner], "properties": inner}},
    }


def no_422(document: dict[str, Any]) -> None:
    for methods in document["paths"].values():
        for operation in methods.values():
            operation["responses"].pop("422", None)


#: What this server answers otherwise than TEI's document says, on purpose.
DIFFERENCES: dict[str, Callable[[dict[str, Any]], None]] = {
    "errors of /v1/embeddings are in an object `error`, as OpenAI's clients expect them": openai_errors,
    "what is wrong in a body is 400, what is too large 413; 422 is not used": no_422,
}


#: Rules between two values of a request, which a schema cannot state, by route.
BETWEEN_VALUES = {
    "/v1/embeddings": "binary and ubinary need dimensions that are a multiple of 8",
    "/embeddings": "the same",
    "/similarity": "text_1 and text_2 share one limit",
    "/": "the same",
    "/invocations": "the same",
    "/v1/score": "two lists have the same length",
    "/score": "the same",
    "/bertscore": "as many references as candidates; rescaling needs a language that has a baseline",
    "/decode": "2.0 is an integer for JSON Schema, and no token id here",
}

#: What is too large is 413, and what a model cannot do 424.
CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 413, 424, 429]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 408, 411, 413, 415, 424, 429]
"""


def configure(folder: Path) -> None:
    operations = [
        f'[[operations]]\ninclude-name = "POST {route}"\n[operations.checks.positive_data_acceptance]\nenabled = false\n'
        for route in BETWEEN_VALUES
    ]
    (folder / "schemathesis.toml").write_text(CONFIGURATION + "".join(operations), "utf-8")
    for route, rule in BETWEEN_VALUES.items():
        print(f"requests by the schema may be refused: {route}: {rule}", flush=True)


def schemathesis(document: str, running: Running, folder: Path, *options: str) -> dict[str, Any]:
    """Runs it and returns its report; what it found is on stdout."""
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    line = [Path(sys.executable).parent / "schemathesis", "run", document, "--url", running.url]
    line += ["--header", f"Authorization: Bearer {KEY}", "--output-sanitize", "false", "--continue-on-failure"]
    line += ["--warnings", "off", "--report-json-path", report, *options]
    code = subprocess.run(line, cwd=folder).returncode
    if not report.is_file():
        sys.exit(f"test-server-contract: schemathesis ended with {code} and wrote no report")
    return json.loads(report.read_text("utf-8"))


def repeated(document: str, running: Running, folder: Path, cases: int, *options: str) -> tuple[int, int]:
    """Runs it with one seed after another until there were as many cases; returns their number and that of failures."""
    seed, tried, failures = 0, 0, 0
    while tried < cases and not failures:
        seed += 1
        # Examples and coverage are the same with every seed.
        phases = "examples,coverage,fuzzing,stateful" if seed == 1 else "fuzzing,stateful"
        found = schemathesis(document, running, folder, "--phases", phases, "--seed", str(seed), *options)
        failures += len(found["failures"]) + len(found["errors"]) + (not found["complete"])
        if not found["test_cases"]["generated"]:
            failures += 1
        tried += found["test_cases"]["generated"]
    return tried, failures


def own(running: Running, folder: Path, cases: int, examples: int) -> tuple[str, bool]:
    request = urllib.request.Request(f"{running.url}/openapi.json", headers={"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read().decode()
    file = folder / "own.json"
    file.write_text(text, "utf-8")
    configure(folder)
    tried, failures = repeated(str(file), running, folder, cases, "--max-examples", str(examples))
    return f"{tried:,} cases, {failures} failures, {len(json.loads(text)['paths'])} paths", not failures


def tei(running: Running, folder: Path, document: Path, cases: int, examples: int) -> tuple[str, bool]:
    """Every answer has the form of TEI's document, but for the differences."""
    patched = json.loads(document.read_text("utf-8"))
    for name, change in DIFFERENCES.items():
        before = json.dumps(patched)
        change(patched)
        if json.dumps(patched) == before:
            return f"the document has nothing to change for: {name}", False
        print(f"difference: {name}", flush=True)
    file = folder / "tei.json"
    file.write_text(json.dumps(patched), "utf-8")
    options = ("--include-path-regex", TEI_ROUTES, "--checks", TEI_CHECKS, "--max-examples", str(examples))
    tried, failures = repeated(str(file), running, folder, cases, *options)
    return f"{tried:,} cases, {failures} failures, {len(DIFFERENCES)} differences", not failures
