"""A plugin of pytest, loaded before the tests' conftest.py: models of the hub are folders, and results are compared.

In the first pass the tests run as they are, and every result of `encode` and every sum that is compared with a literal is
recorded. In the second one `sentence_transformers.SentenceTransformer` is nearsay's, and the results are compared with the
record. NEARSAY_SUITE_PASS is "record" or "compare", NEARSAY_SUITE_FOLDER has the models and the record.
"""

from __future__ import annotations

import functools
import json
import os
import pickle
import queue
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentence_transformers
import torch

from test_suite_sentence_transformers.left_out import LEFT_OUT, OWN_WORDS
from test_suite_sentence_transformers.models import FOLDERS

FOLDER = Path(os.environ["NEARSAY_SUITE_FOLDER"])
RECORDS = os.environ["NEARSAY_SUITE_PASS"] == "record"
RECORD = FOLDER / "record.pickle"
#: The largest difference between values of float32, and between bytes, whose rounding may fall on the other side.
FLOATS, BYTES = 1e-5, 1


class Results:
    """The results of the test that runs, next to those of the first pass."""

    def __init__(self) -> None:
        self.of_tests: dict[str, list[Any]] = {} if RECORDS else pickle.loads(RECORD.read_bytes())
        self.test: str | None = None
        self.at = 0
        self.compared = 0
        self.largest = 0.0

    def start(self, test: str) -> None:
        self.test, self.at = test, 0
        self.of_tests.setdefault(test, [])

    def end(self) -> None:
        if self.test is not None and not RECORDS:
            assert self.at == len(self.of_tests[self.test]), "encode was not called as often as in the first pass"
        self.test = None

    def add(self, found: list[np.ndarray]) -> list[np.ndarray]:
        """Records a result, or returns the recorded one."""
        if RECORDS:
            self.of_tests[self.test or ""].append(found)
            return found
        expected = self.of_tests[self.test or ""][self.at]
        self.at += 1
        return expected

    def compare(self, found: list[np.ndarray]) -> None:
        expected = self.add(found)
        # An array of nothing is one of float64 there.
        kinds = [[(of.shape, of.dtype if of.size else None) for of in result] for result in (found, expected)]
        assert kinds[0] == kinds[1]
        for one, other in zip(found, expected):
            if one.size == 0:
                continue
            difference = float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max())
            assert difference <= (FLOATS if one.dtype.kind == "f" else BYTES)
            self.compared += 1
            if one.dtype.kind == "f":
                self.largest = max(self.largest, difference)


results = Results()
outcomes: dict[str, str] = {}


def arrays(found: Any) -> list[np.ndarray]:
    """The vectors in a result; of a dictionary that of the text, since its tokens may be padded."""
    if isinstance(found, dict):
        found = found["sentence_embedding"]
    if isinstance(found, torch.Tensor):
        return [found.detach().cpu().numpy().copy()]
    if isinstance(found, np.ndarray):
        return [found.copy()]
    return [array for of_text in found for array in arrays(of_text)]


def prepare(model: type) -> type:
    """Opens folders instead of models of the hub, and keeps what `encode` returns."""
    start, encode = model.__init__, model.encode

    @functools.wraps(start)
    def opened(self, model_name_or_path=None, *arguments, **settings):
        if model_name_or_path in FOLDERS:
            model_name_or_path = str(FOLDER / "models" / FOLDERS[model_name_or_path])
        start(self, model_name_or_path, *arguments, **settings)

    @functools.wraps(encode)
    def compared(self, *arguments, **settings):
        found = encode(self, *arguments, **settings)
        # The calls of a pool's workers are parts of one.
        if threading.current_thread() is threading.main_thread():
            results.compare(arrays(found))
        return found

    model.__init__, model.encode = opened, compared
    return model


def start_pool(self, target_devices: list[str]) -> dict[str, Any]:
    """A pool of threads: the original's processes need seconds to start, for each of 70 tests."""
    inputs, outputs = queue.Queue(), queue.Queue()
    for device in target_devices:
        arguments = (device, self, inputs, outputs)
        threading.Thread(target=self._multi_process_worker, args=arguments, daemon=True).start()
    return {"input": inputs, "output": outputs, "processes": target_devices}


class Sum(float):
    """A sum that a test compares with a literal of the original model, in place of which the recorded sum is taken."""

    def __sub__(self, literal: float) -> float:
        expected = results.add([np.array(float(self))])
        return float(self) - float(expected[0])


class Numpy:
    """numpy, whose sums are `Sum`s."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def sum(self, *arguments: Any) -> Sum:
        return Sum(np.sum(*arguments))


if RECORDS:
    theirs = prepare(sentence_transformers.SentenceTransformer)
    # The threads wait for inputs until the process ends.
    theirs.start_multi_process_pool, theirs.stop_multi_process_pool = start_pool, staticmethod(lambda pool: None)
else:
    import nearsay

    sentence_transformers.SentenceTransformer = prepare(nearsay.SentenceTransformer)


@pytest.fixture(autouse=True)
def compared_with_the_record(request, monkeypatch):
    if request.module.__name__.endswith("test_compute_embeddings"):
        monkeypatch.setattr(request.module, "np", Numpy())
    if request.function.__name__ in OWN_WORDS and not RECORDS:
        raises = pytest.raises
        monkeypatch.setattr(pytest, "raises", lambda expected, match=None: raises(expected))
    results.start(request.node.nodeid)
    yield
    results.end()


def pytest_collection_modifyitems(config, items) -> None:
    left = [item for item in items if item.function.__name__ in LEFT_OUT]
    config.hook.pytest_deselected(items=left)
    unknown = LEFT_OUT.keys() - {item.function.__name__ for item in left}
    if unknown:
        pytest.exit(f"no test is named {', '.join(sorted(unknown))}", 1)
    items[:] = [item for item in items if item not in left]


def pytest_runtest_logreport(report) -> None:
    # A failure of the fixture after the test counts as well.
    if report.when == "call" or report.outcome != "passed":
        outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish() -> None:
    if RECORDS:
        RECORD.write_bytes(pickle.dumps(results.of_tests))
    summary = {"outcomes": outcomes, "compared": results.compared, "largest": results.largest}
    (FOLDER / f"{os.environ['NEARSAY_SUITE_PASS']}.json").write_text(json.dumps(summary))
