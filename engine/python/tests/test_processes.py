"""Forked and spawned processes, signals, the end of the interpreter, and imports."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import BERT, many_texts, some_texts

import nearsay

PACKAGE = str(Path(nearsay.__file__).parents[1])
TEXTS = some_texts(100)
_model = None


def script(text: str, *, timeout: float = 60, code: int = 0) -> str:
    """Runs a script in a process of its own; returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([PACKAGE, os.path.dirname(__file__)])},
    )
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def encode_here(texts: list[str]) -> bytes:
    """Encodes with the parent's model if it was forked, else with one of its own."""
    model = _model if _model is not None else nearsay.cached(BERT)
    return model.encode(texts).tobytes()


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("was_used", [False, True])
def test_a_pool_gives_the_same_bits(method: str, was_used: bool) -> None:
    global _model
    _model = nearsay.Embedder(BERT)
    expected = nearsay.Embedder(BERT).encode(TEXTS).tobytes()
    if was_used:
        assert _model.encode(TEXTS).tobytes() == expected
    with multiprocessing.get_context(method).Pool(4) as pool:
        found = pool.map_async(encode_here, [TEXTS] * 8).get(timeout=60)
    assert found == [expected] * 8
    assert _model.encode(TEXTS).tobytes() == expected, "the parent's goes on"


def test_forks_while_other_threads_encode() -> None:
    model = nearsay.Embedder(BERT)
    expected = model.encode(TEXTS).tobytes()
    stop = threading.Event()
    failures = []

    def work() -> None:
        while not stop.is_set():
            if model.encode(TEXTS).tobytes() != expected:
                failures.append("other bits")

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                # Only the exit code leaves the child.
                os._exit(0 if model.encode(TEXTS).tobytes() == expected else 1)
            deadline = time.monotonic() + 10
            while True:
                pid, status = os.waitpid(child, os.WNOHANG)
                if pid:
                    break
                if time.monotonic() > deadline:
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                    pytest.fail("a forked process hangs")
                time.sleep(0.01)
            assert os.waitstatus_to_exitcode(status) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures


def test_a_scorer_works_after_fork() -> None:
    scorer = nearsay.BERTScorer(BERT, 2, idf=True, idf_sents=TEXTS)
    expected = scorer.score(TEXTS[:20], TEXTS[20:40])[2].tobytes()
    child = os.fork()
    if child == 0:
        os._exit(0 if scorer.score(TEXTS[:20], TEXTS[20:40])[2].tobytes() == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("call", ["model.encode(texts)", "scorer.score(texts, texts[::-1])"])
def test_ctrl_c_ends_a_call_and_the_object_works_again(call: str) -> None:
    printed = script(f"""
        import json, os, signal, threading, time
        import nearsay
        from conftest import BERT, many_texts, some_texts
        model = nearsay.Embedder(BERT)
        scorer = nearsay.BERTScorer(BERT, 2)
        few, texts = some_texts(50), many_texts(400_000)
        expected = model.encode(few).tobytes(), scorer.score(few, few[::-1])[2].tobytes()
        waits = []
        for delay in (0.3, 0.45, 0.6):
            sent = []
            def interrupt():
                time.sleep(delay)
                sent.append(time.monotonic())
                os.kill(os.getpid(), signal.SIGINT)
            threading.Thread(target=interrupt).start()
            try:
                {call}
                raise SystemExit("it was not interrupted")
            except KeyboardInterrupt:
                waits.append(time.monotonic() - sent[0])
            assert (model.encode(few).tobytes(), scorer.score(few, few[::-1])[2].tobytes()) == expected
        print(json.dumps(waits))
    """)
    waits = json.loads(printed)
    assert sorted(waits)[1] < 0.25 and max(waits) < 1, waits


def test_a_handler_that_raises_ends_a_call() -> None:
    script("""
        import signal
        import nearsay
        from conftest import BERT, many_texts, some_texts
        def stop(number, frame):
            raise TimeoutError("the alarm")
        signal.signal(signal.SIGALRM, stop)
        model = nearsay.Embedder(BERT)
        texts = many_texts(400_000)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        try:
            model.encode(texts)
        except TimeoutError as error:
            assert str(error) == "the alarm"
        else:
            raise SystemExit("it was not interrupted")
    """)


def test_the_interpreter_may_end_during_work() -> None:
    script("""
        import threading
        import nearsay
        from conftest import BERT, many_texts, some_texts
        model = nearsay.Embedder(BERT)
        texts = many_texts(200_000)
        threading.Thread(target=model.encode, args=(texts,), daemon=True).start()
        import time
        time.sleep(0.2)
    """)


def test_an_object_may_be_dropped_during_work() -> None:
    model = nearsay.Embedder(BERT)
    texts = some_texts(3000)
    expected = model.encode(texts).tobytes()
    found = []
    threads = [threading.Thread(target=lambda bound: found.append(bound(texts).tobytes()), args=(model.encode,))]
    for thread in threads:
        thread.start()
    model.close()
    del model
    for thread in threads:
        thread.join()
    assert found in ([expected], [])


def test_importing_has_no_side_effects() -> None:
    printed = script("""
        import json, logging, signal, sys, threading
        import numpy
        before = set(sys.modules)
        # numpy's library of linear algebra starts some.
        threads = len(__import__("os").listdir("/proc/self/task"))
        handlers = [signal.getsignal(number) for number in signal.valid_signals()]
        import nearsay
        assert threading.active_count() == 1
        assert len(__import__("os").listdir("/proc/self/task")) == threads
        assert [signal.getsignal(number) for number in signal.valid_signals()] == handlers
        assert not logging.getLogger().handlers
        print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
    """)
    assert not {"torch", "transformers", "pandas", "pyarrow", "tqdm", "ray", "pyspark"} & set(json.loads(printed))


def test_threads_follow_what_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    def threads(**settings: int) -> int:
        return nearsay.Embedder(BERT, **settings).settings["threads"]

    for name in ("NEARSAY_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert threads() == len(os.sched_getaffinity(0))
    monkeypatch.setenv("OMP_NUM_THREADS", "3,1")
    assert threads() == 3
    monkeypatch.setenv("NEARSAY_THREADS", "2")
    assert (threads(), threads(threads=1)) == (2, 1)
    monkeypatch.setenv("NEARSAY_THREADS", "many")
    with pytest.raises(ValueError, match="NEARSAY_THREADS must be a number"):
        threads()


def test_the_gil_is_free_during_work() -> None:
    """A counting thread runs, or is ready to and has no core; else it waits for the GIL."""
    model = nearsay.Embedder(BERT, threads=1)
    texts = many_texts(60_000)
    stop = threading.Event()

    def count() -> None:
        counted = 0
        while not stop.is_set():
            counted += 1

    def ready() -> float:
        schedule = Path(f"/proc/self/task/{counter.native_id}/schedstat").read_text("ascii")
        return sum(map(int, schedule.split()[:2])) / 1e9

    counter = threading.Thread(target=count)
    counter.start()
    try:
        start, before = time.monotonic(), ready()
        model.encode(texts)
        took, was_ready = time.monotonic() - start, ready() - before
    finally:
        stop.set()
        counter.join()
    # The list of strings is read with the GIL, and a call's first part is not long; scripts/test-python-faults is exact.
    assert was_ready > 0.8 * took, (was_ready, took)


def test_nothing_of_a_call_stays_behind() -> None:
    model = nearsay.Embedder(BERT)
    texts = some_texts(500)
    model.encode(texts)

    def resident() -> int:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    for _ in range(20):
        model.encode(texts)
    before = resident()
    for _ in range(200):
        model.encode(texts)
        model.encode_tokens(texts[:20])
    assert resident() - before < 8 << 20
    np.testing.assert_array_equal(model.encode(texts[:1])[0], model.encode(texts)[0])
