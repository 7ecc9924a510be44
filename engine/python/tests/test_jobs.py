"""Files to files: the bytes, the refusals and the resumption of the command; and what runs the command itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import BERT, json_lines, some_texts

import nearsay

TEXTS = some_texts(200)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl").write_text(json_lines(TEXTS[:120]), "utf-8")
    (tmp_path / "b.jsonl").write_text(json_lines(TEXTS[120:]), "utf-8")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".parquet"}


def test_a_job_has_the_bytes_of_the_command(run, corpus) -> None:
    inputs = [corpus / "a.jsonl", corpus / "b.jsonl"]
    run("embed", "a.jsonl", "b.jsonl", "-m", BERT, "-o", "theirs/", "--rows-per-shard", "50", "--keep", "text", "-q")
    found = nearsay.embed_files(inputs, f"{corpus}/ours/", BERT, rows_per_shard=50, keep=["text"])
    assert (found.texts, found.rows, found.shards_before, found.shards_now) == (200, 200, 0, 4)
    assert contents(corpus / "ours") == contents(corpus / "theirs") and len(contents(corpus / "ours")) == 4
    again = nearsay.embed_files(inputs, f"{corpus}/ours/", BERT, rows_per_shard=50, keep="text", resume=True)
    assert (again.texts, again.shards_before, again.shards_now) == (200, 4, 0)


@pytest.mark.parametrize(
    ("name", "flags", "settings"),
    [
        ("v.npy", ["--output-type", "f16"], {"output_type": "f16"}),
        ("v.parquet", ["--normalize", "--dimensions", "16"], {"normalize": True, "dimensions": 16}),
        ("v.jsonl", ["--on-long", "chunk", "--chunk-tokens", "12"], {"on_long": "chunk", "chunk_tokens": 12}),
        ("v.arrow", ["--level", "token", "--layer", "2"], {"level": "token", "layer": 2}),
        ("v.npy", ["--on-long", "chunk", "--merge", "mean"], {"on_long": "chunk", "merge": "mean"}),
        ("v.parquet", ["--mark-truncated", "--max-length", "9"], {"mark_truncated": True, "max_length": 9}),
    ],
)
def test_settings_are_those_of_the_command(run, corpus, name, flags, settings) -> None:
    run("embed", "a.jsonl", "-m", BERT, "-o", f"theirs-{name}", "-q", *flags)
    nearsay.embed_files(corpus / "a.jsonl", corpus / name, BERT, **settings)
    assert (corpus / name).read_bytes() == (corpus / f"theirs-{name}").read_bytes()


def test_an_embedder_is_used_as_it_is(corpus) -> None:
    model = nearsay.Embedder(BERT, pooling="cls")
    nearsay.embed_files(corpus / "a.jsonl", corpus / "v.npy", model, normalize=True)
    assert np.array_equal(np.load(corpus / "v.npy"), model.encode(TEXTS[:120], normalize=True))


def test_progress_and_what_a_callback_raises(corpus) -> None:
    seen: list[tuple[int, int | None, str]] = []
    nearsay.embed_files(corpus / "a.jsonl", corpus / "v.npy", BERT, progress=lambda *now: seen.append(now))
    assert seen[-1] == (120, 120, "texts")

    def stop(*_):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        nearsay.embed_files(corpus / "a.jsonl", corpus / "w.npy", BERT, progress=stop)


def test_what_is_refused(corpus) -> None:
    embed = nearsay.embed_files
    with pytest.raises(nearsay.InputNotFoundError, match="missing.jsonl"):
        embed(corpus / "missing.jsonl", corpus / "v.npy", BERT)
    (corpus / "there.npy").write_bytes(b"mine")
    with pytest.raises(nearsay.OutputError, match="there.npy"):
        embed(corpus / "a.jsonl", corpus / "there.npy", BERT)
    assert (corpus / "there.npy").read_bytes() == b"mine"
    with pytest.raises(nearsay.InputError, match="resume and overwrite contradict"):
        embed(corpus / "a.jsonl", f"{corpus}/job/", BERT, resume=True, overwrite=True)
    with pytest.raises(nearsay.InputError, match="chunk_tokens has no effect") as caught:
        embed(corpus / "a.jsonl", corpus / "v.npy", BERT, chunk_tokens=5)
    assert caught.value.hint == 'add on_long="chunk"'
    with pytest.raises(nearsay.InputTypeError, match="inputs must be a str or a path, got 3"):
        embed([3], corpus / "v.npy", BERT)
    with pytest.raises(nearsay.InputError, match="unknown setting 'prompts'"):
        embed(corpus / "a.jsonl", corpus / "v.npy", nearsay.Embedder(BERT), prompts="a")
    with pytest.raises(TypeError, match="prompts"):
        embed(corpus / "a.jsonl", corpus / "v.npy", BERT, prompts="a")
    with pytest.raises(nearsay.InputError, match=r"a\.jsonl.*body"):
        embed(corpus / "a.jsonl", corpus / "v.npy", BERT, text_field="body")
    (corpus / "broken.jsonl").write_text('{"text":"a"}\n{"text":3}\n', "utf-8")
    with pytest.raises(nearsay.InputError, match=r"broken\.jsonl"):
        embed(corpus / "broken.jsonl", corpus / "v.npy", BERT)
    assert not (corpus / "v.npy").exists()


def test_folders_are_verified(corpus) -> None:
    nearsay.embed_files(corpus / "a.jsonl", f"{corpus}/job/", BERT, rows_per_shard=50)
    (found,) = nearsay.verify(corpus / "job")
    assert found["complete"] and found["rows"] == 120 and found["problems"] == []
    shard = next(iter(sorted((corpus / "job").glob("*.parquet"))))
    shard.write_bytes(shard.read_bytes()[:-1])
    (found,) = nearsay.verify(corpus / "job")
    assert len(found["problems"]) == 1 and shard.name in found["problems"][0]
    with pytest.raises(nearsay.InputNotFoundError, match="nowhere"):
        nearsay.verify(corpus / "nowhere")
    with pytest.raises(nearsay.InputError, match="needs a folder"):
        nearsay.verify()


def test_the_doctor_and_a_measurement() -> None:
    assert nearsay.doctor()["version"] == nearsay.__version__
    measured = nearsay.bench(BERT, precision="f32", threads=1)
    assert json.dumps(measured).count("tokens_per_second") > 0
    with pytest.raises(nearsay.InputError, match="nonsense"):
        nearsay.bench(shape="nonsense")


def test_chunks_are_those_of_a_job(corpus) -> None:
    long = "The river rose. " * 30 + "Über naïve 水 stones. " * 9
    (corpus / "long.jsonl").write_text(json_lines([long, "short"]), "utf-8")
    settings = {"on_long": "chunk", "chunk_tokens": 14, "chunk_overlap": 3}
    nearsay.embed_files(corpus / "long.jsonl", corpus / "v.jsonl", BERT, keep=["text"], **settings)
    rows = [json.loads(line) for line in (corpus / "v.jsonl").read_text("utf-8").splitlines()]
    model = nearsay.Embedder(BERT)
    chunks = model.chunk([long, "short"], tokens=14, overlap=3)
    assert [row["text"] for row in rows] == [chunk.text for of in chunks for chunk in of]
    assert len(chunks[0]) > 5 and chunks[1] == [("short", (0, 5), (0, 5))]
    for chunk in chunks[0]:
        assert chunk.text == long[slice(*chunk.characters)] == long.encode()[slice(*chunk.bytes)].decode()
        assert len(model.tokenize([chunk.text])[0]) <= 14
    with pytest.raises(nearsay.InputError, match="longer than the longest text"):
        model.chunk([long], tokens=41)
    assert model.chunk([]) == []


def test_what_is_no_input_or_no_folder(corpus, monkeypatch) -> None:
    with pytest.raises(nearsay.InputError, match="inputs must name a file"):
        nearsay.embed_files([], corpus / "v.npy", BERT)
    assert not (corpus / "v.npy").exists()
    (corpus / "empty").mkdir()
    with pytest.raises(nearsay.InputError):
        nearsay.verify(corpus / "empty")
    with pytest.raises(nearsay.InputNotFoundError):
        nearsay.verify("--help")
    with pytest.raises(nearsay.InputError, match="json is always set"):
        nearsay.bench(json=True)
    for wrong in ({"model": 5}, {"model": BERT, "cache_folder": 5}):
        with pytest.raises(nearsay.InputTypeError, match="must be a str or a path, got 5"):
            nearsay.Embedder(**wrong)
    # Modules of the current folder are not run.
    (corpus / "json.py").write_text("raise SystemExit(3)", "utf-8")
    monkeypatch.chdir(corpus)
    assert nearsay.doctor()["cores"] >= 1


def test_a_long_text_stops_on_a_signal() -> None:
    """Chunks of one text are planned one after the other."""
    import signal
    import threading
    import time

    model = nearsay.Embedder(BERT)
    text = "The river rose in the night. " * 60_000
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        model.chunk([text])
    assert time.monotonic() - start < 1.5
    timer.join()
    assert model.chunk(["short"])[0][0].text == "short"
