"""Embedder: the bits of the command, whatever the container, thread or process; and what it refuses."""

from __future__ import annotations

import asyncio
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import BERT, json_lines, many_texts, same_bits

import nearsay


@pytest.mark.parametrize("kind", ["f32", "f16", "binary", "ubinary"])
def test_the_bits_of_the_command(run, tmp_path: Path, model, texts, kind) -> None:
    (tmp_path / "in.jsonl").write_text(json_lines(texts), "utf-8")
    run("embed", "in.jsonl", "-m", BERT, "--output-type", kind, "-o", "out.npy")
    assert same_bits(model.encode(texts, output_type=kind), np.load(tmp_path / "out.npy"))


@pytest.mark.parametrize("kind", ["i8", "u8"])
def test_bytes_are_scaled_by_the_ranges_of_the_call(model, texts, kind) -> None:
    # The command takes its ranges from a sample of the texts.
    vectors = model.encode(texts, output_type=kind).astype(np.int64)
    f32 = model.encode(texts)
    low, high = f32.min(0), f32.max(0)
    steps = ((high - low) / np.float32(255)).astype(np.float32)
    assert (np.abs((f32 - low) / steps - (128 if kind == "i8" else 0) - vectors) <= 1.001).all()


def test_options_are_those_of_the_command(run, tmp_path: Path, model, texts) -> None:
    (tmp_path / "in.jsonl").write_text(json_lines(texts), "utf-8")
    for flags, settings in [
        (["--pooling", "cls", "--layer", "1"], {"pooling": "cls", "layer": 1}),
        (["--max-length", "8", "--normalize"], {"max_length": 8, "normalize": True}),
        (["--dimensions", "16"], {"dimensions": 16}),
    ]:
        run("embed", "in.jsonl", "-m", BERT, "-o", "out.npy", "--overwrite", *flags)
        assert same_bits(model.encode(texts, **settings), np.load(tmp_path / "out.npy"))


def test_a_prompt_is_text_before_each_text(model, texts) -> None:
    assert same_bits(model.encode(texts[:50], prompt="the "), model.encode(["the " + text for text in texts[:50]]))
    with pytest.raises(nearsay.InputError, match="contradict each other"):
        model.encode(texts, prompt="the ", prompt_name="query")


def test_out_is_written_and_checked_before_work(tmp_path: Path, model, texts, expected) -> None:
    out = np.empty(expected.shape, np.float32)
    assert model.encode(texts, out=out) is out
    assert same_bits(out, expected)
    memmap = np.memmap(tmp_path / "v.bin", np.float16, "w+", shape=expected.shape)
    model.encode(texts, out=memmap, output_type="f16")
    assert same_bits(np.asarray(memmap), model.encode(texts, output_type="f16"))
    larger = np.empty((len(texts) + 9, 32), np.float32)
    model.encode(texts, out=larger[4 : 4 + len(texts)])
    assert same_bits(larger[4 : 4 + len(texts)], expected)
    bytes_of = np.empty(expected.shape, np.int8)
    model.encode(texts, out=bytes_of, output_type="i8")
    assert same_bits(bytes_of, model.encode(texts, output_type="i8"))
    read_only = np.empty(expected.shape, np.float32)
    read_only.setflags(write=False)
    for bad, message in [
        (np.empty((3, 32), np.float32), "shape"),
        (np.empty(expected.shape, np.float64), "dtype of output_type"),
        (np.empty(expected.shape, np.float32, order="F"), "C order"),
        (np.empty((2 * len(texts), 32), np.float32)[::2], "C order"),
        (read_only, "cannot be written"),
        ([[0.0]], "shape"),
        (np.empty(expected.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(expected.shape), "aligned"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.encode(texts, out=bad)


def test_parts_of_any_number_of_texts(model, texts, expected) -> None:
    parts = [*model.encode_iter((text for text in texts), rows=7)]
    assert [len(part) for part in parts] == [7] * 42 + [6]
    assert same_bits(np.concatenate(parts), expected)
    assert model.report.texts == len(texts) and model.report.truncated == 1
    assert [*model.encode_iter([])] == []
    with pytest.raises(ValueError, match="ranges of all vectors"):
        model.encode_iter(texts, output_type="i8")
    for bad in ("text", {"a": 1}, {"a"}, None, 3):
        with pytest.raises(nearsay.InputTypeError, match="must be a container of str"):
            model.encode_iter(bad)
    with pytest.raises(ValueError, match="text 10 is missing"):
        [*model.encode_iter(["a"] * 10 + [None], rows=4)]
    calls = []
    [*model.encode_iter(texts[:10], rows=4, progress=lambda *call: calls.append(call))]
    assert [call for call in calls if call[0] in (4, 8, 10)] == [(4, None, "texts"), (8, None, "texts"), (10, None, "texts")]


def test_parts_of_arrow_arrays(model, texts, expected) -> None:
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    array = pa.array(texts)
    for column in (array, pa.chunked_array([array[:11], array[11:]]), pl.Series(texts)):
        parts = [*model.encode_iter(column, rows=7)]
        assert [len(part) for part in parts] == [7] * 42 + [6]
        assert same_bits(np.concatenate(parts), expected)
    with pytest.raises(ValueError, match="text 10 is missing"):
        [*model.encode_iter(pa.array(["a"] * 10 + [None]), rows=4)]


def test_empty_input_has_the_right_shape(model) -> None:
    assert model.encode([]).shape == (0, 32)
    assert model.encode([], output_type="ubinary").shape == (0, 4)
    for kind, dtype in (("i8", np.int8), ("uint8", np.uint8)):
        nothing = model.encode([], output_type=kind)
        assert nothing.shape == (0, model.dimensions) and nothing.dtype == dtype
    assert model.encode(np.array([], dtype=str)).shape == (0, 32)


def test_the_report_counts_what_was_found(model, texts) -> None:
    model.encode(texts)
    report = model.report
    assert (report.texts, report.truncated, report.first_truncated) == (300, 1, [17])
    assert report.empty == sum(not text for text in texts) and report.first_empty[0] == texts.index("")
    assert report.repeated == 300 - len(set(texts)) and report.seconds > 0
    distinct = [*dict.fromkeys(texts)]
    assert report.tokens == model.count_tokens(distinct).sum()
    other = threading.Thread(target=model.encode, args=(["a"],))
    other.start()
    other.join()
    assert model.report.texts == 300, "a report is its thread's"


def test_tokens(model, texts) -> None:
    found = model.encode_tokens(texts[:20])
    assert len(found) == 20 and found.values.shape == (found.cu_seqlens[-1], 32)
    ids = model.tokenize(texts[:20])
    assert same_bits(np.concatenate(ids), found.token_ids)
    assert [len(of) for of in ids] == model.count_tokens(texts[:20]).tolist()
    assert same_bits(found[19], found.values[found.cu_seqlens[19] :])
    for text, start, end in zip(texts[:20], found.cu_seqlens, found.cu_seqlens[1:], strict=False):
        for (first, last), (from_byte, to_byte) in zip(
            found.character_offsets[start:end], found.byte_offsets[start:end], strict=True
        ):
            assert text[first:last] == text.encode()[from_byte:to_byte].decode()
    with pytest.raises(IndexError):
        found[20]


def test_long_texts_can_be_refused(model, texts) -> None:
    with pytest.raises(ValueError, match="text 17 has more than 40 tokens"):
        model.encode(texts, on_long="error")
    late = [*many_texts(8_200), "river " * 90]
    with pytest.raises(ValueError, match="text 8200 has more than 40 tokens"):
        model.encode([text[:9] for text in late[:-1]] + late[-1:], on_long="error", out=np.empty((8201, 32), np.float32))
    with pytest.raises(ValueError, match="on_long must be one of truncate, error"):
        model.encode(texts, on_long="chunk")


def test_threads_share_a_model(model, texts, expected) -> None:
    with ThreadPoolExecutor(8) as pool:
        for vectors in pool.map(model.encode, [texts] * 16):
            assert same_bits(vectors, expected)
        singles = pool.map(lambda text: model.encode([text])[0], texts)
        assert same_bits(np.stack([*singles]), expected)


def test_asyncio_goes_on_meanwhile(model, texts, expected) -> None:
    async def all_at_once():
        await model.aencode(["a"])
        assert model.report.texts == 1
        found = await asyncio.gather(*(model.aencode(texts) for _ in range(8)))
        assert all(same_bits(vectors, expected) for vectors in found)
        task = asyncio.create_task(model.aencode(many_texts(60_000)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await model.aencode(texts)

    assert same_bits(asyncio.run(all_at_once()), expected)


def test_progress_is_reported_and_its_exception_passes_on(model, texts, expected) -> None:
    calls = []
    model.encode(texts, progress=lambda *call: calls.append(call))
    assert calls[-1] == (300, 300, "texts")
    calls.clear()
    model.encode(texts, out=np.empty(expected.shape, np.float32), progress=lambda *call: calls.append(call))
    assert calls[-1] == (300, 300, "texts")

    def failing(done: int, total: int, unit: str) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        model.encode(many_texts(30_000), progress=failing)
    assert same_bits(model.encode(texts), expected)


def test_settings_are_those_in_effect(model) -> None:
    found = nearsay.Embedder(BERT, pooling="max", layer=2, threads=1, device="cpu").settings
    assert (found["pooling"], found["layer"], found["threads"], found["precision"]) == ("max", 2, 1, "f32")
    assert (model.dimensions, model.max_tokens, model.device) == (32, 40, "cpu")
    assert len(model.sha256) == 64
    assert "32 dimensions" in repr(model)


def test_wrong_settings_are_named(model, tmp_path: Path) -> None:
    for settings, message in [
        ({"precision": "f8"}, "a precision must be one of"),
        ({"device": "tpu"}, "a device must be auto, cpu"),
        ({"threads": 0}, "threads must be 1 or more"),
        ({"layer": 9}, "must be 0 to 3"),
        ({"pooling": "sum"}, "pooling must be auto"),
        ({"max_length": 4000}, "max_length must be at most"),
        ({"layer": -1}, "layer must be 0 or more, got -1"),
        ({"layer": 1.0}, "layer must be an int, got 1.0"),
        ({"threads": "4"}, "threads must be an int, got '4'"),
        ({"layer": True}, "layer must be an int, got True"),
        ({"pooling": 3}, "pooling must be a str, got 3"),
        ({"offline": "x"}, "offline must be True or False"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message) as caught:
            nearsay.Embedder(BERT, **settings)
        assert isinstance(caught.value, nearsay.Error)
    for settings, message in [
        ({"output_type": None}, "output_type must be one of"),
        ({"on_long": None}, "on_long must be one of"),
        ({"normalize": "yes"}, "normalize must be True or False"),
        ({"prompt": "\ud800"}, "prompt has a lone surrogate"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message):
            model.encode(["a"], **settings)
    with pytest.raises(ValueError, match="pooling has no effect on the vectors of tokens"):
        model.encode_tokens(["a"], pooling="max")
    with pytest.raises(ValueError, match="unknown setting 'normalise'"):
        model.encode(["a"], normalise=True)
    with pytest.raises(FileNotFoundError) as caught:
        nearsay.Embedder(tmp_path / "absent", offline=True)
    assert isinstance(caught.value, nearsay.ModelError)
    with pytest.raises(ValueError, match="dimensions, not 99"):
        model.encode(["a"], dimensions=99)


def test_a_closed_model_says_so(texts) -> None:
    with nearsay.Embedder(BERT) as model:
        assert len(model.encode(texts)) == 300
    with pytest.raises(ValueError, match="is closed"):
        model.encode(texts)


def test_a_pickle_is_small_and_checks_the_model(model, texts, expected, model_copy: Path) -> None:
    pickled = pickle.dumps(model)
    assert len(pickled) < 1000
    assert same_bits(pickle.loads(pickled).encode(texts), expected)
    first, second = pickle.loads(pickled), pickle.loads(pickled)
    assert first._opened is second._opened, "opened once per process"
    first.close()
    assert same_bits(second.encode(texts), expected), "closing one closes no other"
    of_copy = pickle.dumps(nearsay.Embedder(model_copy))
    config = model_copy / "config.json"
    config.write_text(config.read_text().replace("{", "{ ", 1))
    with pytest.raises(ValueError, match="other files than the pickled one"):
        pickle.loads(of_copy)


def test_cached_is_one_model() -> None:
    assert nearsay.cached(BERT) is nearsay.cached(BERT)
    assert nearsay.cached(BERT) is not nearsay.cached(BERT, layer=1)


def test_errors_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(nearsay.InputError("message", "hint")))
    assert (str(error), error.hint) == ("message", "hint")


def test_reports_come_back_from_other_processes() -> None:
    import copy

    _, report = nearsay.Embedder(BERT).encode(["a", "river " * 90, ""], return_report=True)
    for other in (pickle.loads(pickle.dumps(report)), copy.copy(report), copy.deepcopy(report)):
        assert repr(other) == repr(report) and other.first_truncated == report.first_truncated == [1]
