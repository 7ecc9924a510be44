"""The metric modules in Hugging Face evaluate, offline: results, batches, and several processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import BERT, REPOSITORY, some_texts

# Before evaluate is imported, which reads them then.
_CACHE = tempfile.TemporaryDirectory()
os.environ.update(HF_EVALUATE_OFFLINE="1", HF_EVALUATE_CACHE=_CACHE.name, HF_MODULES_CACHE=f"{_CACHE.name}/modules")

import evaluate  # noqa: E402

import nearsay  # noqa: E402
import nearsay.evaluate  # noqa: E402
from nearsay import InputError, metrics  # noqa: E402

TEXTS = [text or "bread" for text in some_texts(40)]
REFERENCES = TEXTS[1:] + TEXTS[:1]
SECOND = TEXTS[2:] + TEXTS[:2]
SEVERAL = [[one, other] for one, other in zip(REFERENCES, SECOND)]
#: Different numbers of references.
UNEVEN = [row[: 1 + at % 2] for at, row in enumerate(SEVERAL)]
STREAM = [row[1] if len(row) > 1 else None for row in UNEVEN]


def load(name: str, **settings: Any) -> Any:
    return evaluate.load(nearsay.evaluate.path(name), **settings)


def computed(name: str, references: Any = REFERENCES, **settings: Any) -> dict[str, Any]:
    return load(name).compute(predictions=TEXTS, references=references, **settings)


def test_every_module_has_a_path() -> None:
    for name in nearsay.evaluate.NAMES:
        folder = Path(nearsay.evaluate.path(name))
        assert (folder / f"{name}.py").is_file()
        assert load(name).inputs_description
    with pytest.raises(InputError, match="name must be one of bertscore, bleu"):
        nearsay.evaluate.path("comet")


@pytest.mark.parametrize("references", [REFERENCES, SEVERAL, UNEVEN], ids=["one", "several", "uneven"])
def test_bertscore_has_our_bits(references: Any) -> None:
    expected = nearsay.score(TEXTS, references, BERT, 2, output="numpy")
    found = computed("bertscore", references, model_type=BERT, num_layers=2, batch_size=3, nthreads=1)
    for name, part in zip(("precision", "recall", "f1"), expected):
        assert np.array(found[name], np.float32).tobytes() == part.tobytes()
    assert "_L2_no-idf_version=0.3.13" in found["hashcode"]


def test_bertscore_takes_idf_and_layers() -> None:
    expected = nearsay.score(TEXTS, REFERENCES, BERT, 2, idf=True, output="numpy")[2]
    assert computed("bertscore", model_type=BERT, num_layers=2, idf=True)["f1"] == expected.tolist()
    assert np.shape(computed("bertscore", model_type=BERT, num_layers=2, all_layers=True)["f1"]) == (4, 40)
    with pytest.raises(TypeError, match="colour"):
        computed("bertscore", model_type=BERT, num_layers=2, colour="red")


def test_sacrebleu_chrf_and_ter() -> None:
    for references, streams in [(REFERENCES, [REFERENCES]), (SEVERAL, [REFERENCES, SECOND]), (UNEVEN, [REFERENCES, STREAM])]:
        bleu = metrics.BLEU(effective_order=True, tokenize="char").corpus_score(TEXTS, streams)
        found = computed("sacrebleu", references, tokenize="char", use_effective_order=True)
        assert found == {name: getattr(bleu, name) for name in found} and len(found) == 7
        chrf = metrics.CHRF(word_order=2, beta=1).corpus_score(TEXTS, streams)
        expected = {"score": chrf.score, "char_order": 6, "word_order": 2, "beta": 1}
        assert computed("chrf", references, word_order=2, beta=1) == expected
        ter = metrics.TER(no_punct=True, case_sensitive=True).corpus_score(TEXTS, streams)
        expected = {"score": ter.score, "num_edits": ter.num_edits, "ref_length": ter.ref_length}
        assert computed("ter", references, ignore_punct=True, case_sensitive=True) == expected


def test_rouge() -> None:
    scorer = metrics.ROUGE(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=True)
    rows = [scorer.score_multi(targets, text) for targets, text in zip(SEVERAL, TEXTS)]
    found = computed("rouge", SEVERAL, use_stemmer=True, use_aggregator=False)
    assert found == {name: [row[name].fmeasure for row in rows] for name in found} and len(found) == 4
    means = computed("rouge", SEVERAL, use_stemmer=True)
    assert means == pytest.approx({name: np.mean(scores) for name, scores in found.items()}, abs=1e-15)
    assert [*computed("rouge", rouge_types=["rouge3"])] == ["rouge3"]
    with pytest.raises(InputError, match="tokenizer must be None"):
        computed("rouge", tokenizer=str.split)


def test_bleu() -> None:
    """The values of evaluate's own module, by its definition."""
    found = load("bleu").compute(
        predictions=["the cat sat on the mat today", "bread and two cakes"],
        references=[["the cat sat on a mat today", "a cat sat"], ["bread and two small cakes"]],
    )
    # 7 + 4 tokens; the shortest references have 3 and 5.
    assert (found["translation_length"], found["reference_length"], found["brevity_penalty"]) == (11, 8, 1.0)
    assert found["precisions"] == [10 / 11, 6 / 9, 3 / 7, 1 / 5]
    assert found["bleu"] == pytest.approx((10 / 11 * 6 / 9 * 3 / 7 * 1 / 5) ** 0.25, rel=1e-14)
    # The example of the documentation of evaluate's module.
    texts = ["hello there general kenobi", "foo bar foobar"]
    example = load("bleu").compute(predictions=texts, references=[[texts[0], "hello there!"], [texts[1]]])
    assert example == {
        "bleu": 1.0,
        "precisions": [1.0, 1.0, 1.0, 1.0],
        "brevity_penalty": 1.0,
        "length_ratio": 7 / 6,
        "translation_length": 7,
        "reference_length": 6,
    }
    smooth = load("bleu").compute(predictions=["a b"], references=["a c d"], smooth=True, max_order=3)
    assert smooth["precisions"] == [2 / 3, 1 / 2, 1]
    assert smooth["brevity_penalty"] == pytest.approx(np.exp(1 - 3 / 2), rel=1e-15)
    assert load("bleu").compute(predictions=["a b"], references=["c d"])["bleu"] == 0
    # With one reference and a match of every order it is sacrebleu's.
    expected = metrics.BLEU(smooth_method="none").corpus_score(TEXTS, [REFERENCES])
    assert computed("bleu")["bleu"] == pytest.approx(expected.score / 100, rel=1e-13)


@pytest.mark.parametrize("name", ["bleu", "chrf", "rouge", "sacrebleu", "ter"])
def test_rows_without_references(name: str) -> None:
    for references in ([["a"], []], ["a", None]):
        with pytest.raises(InputError, match="row 1 has no reference"):
            load(name).compute(predictions=["a", "b"], references=references)


@pytest.mark.parametrize("name", ["chrf", "rouge"])
def test_batches(name: str) -> None:
    metric = load(name)
    for start in range(0, len(TEXTS), 7):
        metric.add_batch(predictions=TEXTS[start : start + 7], references=REFERENCES[start : start + 7])
    assert metric.compute() == computed(name)
    for text, reference in zip(TEXTS, REFERENCES):
        metric.add(prediction=text, reference=reference)
    assert metric.compute() == computed(name)


WORKER = """
import json, sys
import evaluate, nearsay.evaluate

name, process, settings, rows, cache = sys.argv[1], int(sys.argv[2]), *map(json.loads, sys.argv[3:5]), sys.argv[5]
metric = evaluate.load(
    nearsay.evaluate.path(name), num_process=2, process_id=process, experiment_id="test", cache_dir=cache
)
for text, reference in rows:
    metric.add_batch(predictions=[text], references=[reference])
print(json.dumps(metric.compute(**settings)))
"""


@pytest.mark.parametrize(("name", "settings"), [("sacrebleu", {}), ("bertscore", {"model_type": BERT, "num_layers": 2})])
def test_two_processes(name: str, settings: dict[str, Any], tmp_path: Path) -> None:
    rows = [*zip(TEXTS, REFERENCES)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "engine" / "python")}

    def started(process: int, part: list[tuple[str, str]]) -> subprocess.Popen[str]:
        line = [sys.executable, "-c", WORKER, name, str(process), json.dumps(settings), json.dumps(part), str(tmp_path)]
        return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    processes = [started(process, rows[process * 15 : 15 + process * 25]) for process in (0, 1)]
    printed = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], printed
    # The first process computes, from the rows of both.
    first, second = (json.loads(output.splitlines()[-1]) for output, _ in printed)
    assert second is None
    assert first == computed(name, **settings)
