"""What scorers have beyond bert_score: references that are encoded once, parts, Arrow, document frequencies, tokens."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import BERT, FIXTURES, many_texts, some_texts

import nearsay

CANDIDATES = some_texts(60)
REFERENCES = [text + " of the night" for text in reversed(CANDIDATES)]
SEVERAL = [[reference, "the judge " + reference] for reference in REFERENCES]


def bits(scores) -> list[bytes]:
    return [np.asarray(part).tobytes() for part in scores]


@pytest.fixture(scope="module")
def scorer() -> nearsay.BERTScorer:
    return nearsay.BERTScorer(BERT, 2)


@pytest.mark.parametrize("references", [REFERENCES, SEVERAL])
@pytest.mark.parametrize("idf", [False, True])
def test_references_are_encoded_once_and_change_no_bit(references, idf) -> None:
    flat = [text for of in references for text in ([of] if isinstance(of, str) else of)]
    make = lambda: nearsay.BERTScorer(BERT, 2, idf=idf, idf_sents=flat if idf else None)  # noqa: E731
    encoded = make().references(references)
    assert len(encoded) == len(CANDIDATES)
    for system in range(3):
        candidates = [f"{text} {system}" for text in many_texts(60)]
        expected = make().score(candidates, references)
        assert bits(encoded.score(candidates)) == bits(expected)
        # The references were there: each distinct candidate is encoded, and nothing else.
        assert encoded.notices is not None and encoded.notices["encoded"] == len(set(candidates))
    assert encoded.score(candidates, return_hash=True)[1] == make().signature


def test_references_are_kept_whatever_else_is_scored(scorer) -> None:
    encoded = scorer.references(REFERENCES)
    # More than the scorer's own memory of texts holds (128 MiB).
    crowd = [f"{number} " + "river " * 38 for number in range(9000)]
    scorer.references(REFERENCES[:3])
    encoded._scorer.score(crowd, crowd)
    encoded.score(many_texts(60))
    assert encoded.notices is not None and encoded.notices["encoded"] == 60


def test_encoded_references_may_be_shared_by_threads(scorer) -> None:
    encoded = scorer.references(REFERENCES)
    expected = bits(encoded.score(CANDIDATES))
    with ThreadPoolExecutor(6) as pool:
        assert all(bits(found) == expected for found in pool.map(encoded.score, [CANDIDATES] * 12))


def test_what_encoded_references_refuse(scorer, monkeypatch) -> None:
    encoded = scorer.references(REFERENCES)
    with pytest.raises(nearsay.InputError, match="same length, got 3 and 60"):
        encoded.score(["a"] * 3)
    with pytest.raises(nearsay.InputError, match="pickled") as caught:
        pickle.dumps(encoded)
    assert caught.value.hint
    with pytest.raises(nearsay.InputError, match="at one layer"):
        nearsay.BERTScorer(BERT, 2, all_layers=True).references(REFERENCES)
    monkeypatch.setattr("nearsay.scorer.available_bytes", lambda: 1000)
    with pytest.raises(nearsay.HostMemoryError, match=r"references: \d+ bytes, more than 1000"):
        scorer.references(REFERENCES)


@pytest.mark.parametrize("rows", [1, 7, 60, 1000])
def test_parts_have_the_bits_of_the_whole(scorer, rows) -> None:
    parts = list(scorer.score_iter(zip(CANDIDATES, SEVERAL), rows))
    assert [len(part[0]) for part in parts] == [len(CANDIDATES[at : at + rows]) for at in range(0, 60, rows)]
    joined = [np.concatenate([np.asarray(part[at]) for part in parts]) for at in range(3)]
    assert bits(joined) == bits(scorer.score(CANDIDATES, SEVERAL))
    assert list(scorer.score_iter([])) == []


def test_parts_of_what_is_not_a_pair(scorer) -> None:
    good = [("a", "b")] * 5
    with pytest.raises(nearsay.InputTypeError, match="pair 5 must be a tuple"):
        list(scorer.score_iter([*good, "ab"], 3))
    with pytest.raises(nearsay.InputTypeError, match="iterable of tuples, got dict"):
        scorer.score_iter({})
    with pytest.raises(nearsay.InputError, match="rows must be 1 or more"):
        scorer.score_iter(good, 0)

    def broken():
        yield "a", "b"
        raise LookupError("the source ended")

    with pytest.raises(LookupError, match="the source ended"):
        list(scorer.score_iter(broken()))


def test_scores_as_arrow(scorer) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    array = pyarrow.array(scorer.score_arrow(CANDIDATES, SEVERAL))
    assert str(array.type) == "struct<precision: float not null, recall: float not null, f1: float not null>"
    expected = scorer.score(CANDIDATES, SEVERAL)
    assert bits(array.field(name).to_numpy() for name in ("precision", "recall", "f1")) == bits(expected)
    assert len(pyarrow.array(scorer.score_arrow([], []))) == 0


def test_idf_is_counted_saved_merged_and_pickled(run, tmp_path) -> None:
    whole = nearsay.Idf.count(REFERENCES, BERT)
    assert (whole.references, whole.max_length) == (60, 40)
    parts = [nearsay.Idf.count(REFERENCES[:25], BERT), nearsay.Idf.count(REFERENCES[25:], BERT)]
    assert nearsay.Idf.merge(parts) == whole and hash(nearsay.Idf.merge(parts)) == hash(whole)
    assert whole != parts[0]
    whole.save(tmp_path / "ours.idf")
    (tmp_path / "r.txt").write_text("".join(text + "\n" for text in REFERENCES), "utf-8")
    run("idf", "r.txt", "-m", BERT, "-o", "theirs.idf", "-q")
    assert (tmp_path / "ours.idf").read_bytes() == (tmp_path / "theirs.idf").read_bytes()
    for other in (nearsay.Idf.load(tmp_path / "ours.idf"), pickle.loads(pickle.dumps(whole)), copy.deepcopy(whole)):
        assert other == whole
    by_file = nearsay.BERTScorer(BERT, 2, idf=tmp_path / "theirs.idf")
    by_object = nearsay.BERTScorer(BERT, 2, idf=whole)
    assert bits(by_file.score(CANDIDATES, REFERENCES)) == bits(by_object.score(CANDIDATES, REFERENCES))
    assert by_object.signature == by_file.signature and whole.sha256[:12] in by_object.signature
    counted = nearsay.BERTScorer(BERT, 2, idf=True, idf_sents=REFERENCES)
    assert bits(counted.score(CANDIDATES, REFERENCES)) == bits(by_object.score(CANDIDATES, REFERENCES))
    again = pickle.loads(pickle.dumps(by_object))
    assert bits(again.score(CANDIDATES, REFERENCES)) == bits(by_object.score(CANDIDATES, REFERENCES))
    assert bits(nearsay.score(CANDIDATES, REFERENCES, BERT, 2, idf=whole)) == bits(
        by_object.score(CANDIDATES, REFERENCES)
    )


def test_what_idf_refuses(tmp_path) -> None:
    whole = nearsay.Idf.count(REFERENCES, BERT)
    whole.save(tmp_path / "a.idf")
    with pytest.raises(nearsay.OutputError, match="a.idf"):
        whole.save(tmp_path / "a.idf")
    whole.save(tmp_path / "a.idf", overwrite=True)
    with pytest.raises(nearsay.InputError, match="at least one Idf"):
        nearsay.Idf.merge([])
    with pytest.raises(nearsay.InputTypeError, match="part 1 must be an Idf, got str"):
        nearsay.Idf.merge([whole, "b"])
    with pytest.raises(nearsay.InputError, match="the longest text in tokens is"):
        nearsay.Idf.merge([whole, nearsay.Idf.count(REFERENCES, BERT, max_length=9)])
    with pytest.raises(nearsay.InputError, match="at least 2 references, got 1"):
        nearsay.BERTScorer(BERT, 2, idf=nearsay.Idf.count(["one"], BERT))
    other = str(FIXTURES / "families" / "roberta")
    with pytest.raises(nearsay.InputError, match="tokenizer's SHA-256"):
        nearsay.BERTScorer(other, 2, idf=whole)
    with pytest.raises(nearsay.InputTypeError, match="made by Idf.count"):
        nearsay.Idf({1: 2.0})


@pytest.mark.parametrize("idf", [False, True])
def test_an_explanation_has_what_the_scores_are_made_of(idf) -> None:
    scorer = nearsay.BERTScorer(BERT, 2, idf=idf, idf_sents=REFERENCES if idf else None)
    found = scorer.explain("the river of bread", "a judge of the night")
    shape = (len(found.candidate_tokens), len(found.reference_tokens))
    assert found.similarities.shape == shape and found.candidate_tokens[1] == "the"
    assert bits([np.float32(part) for part in found.scores]) == bits(
        scorer.score(["the river of bread"], ["a judge of the night"])
    )
    for axis, weights, part in ((1, found.candidate_weights, 0), (0, found.reference_weights, 1)):
        mean = (found.similarities.max(axis=axis) * weights).sum() / weights.sum()
        assert abs(mean - found.scores[part]) < 1e-6
    if not idf:
        assert found.candidate_weights[0] == found.candidate_weights[-1] == 0
        matches = found.matches()
        assert [token for token, _, _ in matches] == found.candidate_tokens[1:-1]
        assert all(cosine == found.similarities[row].max() for row, (_, _, cosine) in enumerate(matches, 1))
    with pytest.raises(nearsay.InputTypeError, match="ref must be a str, got 3"):
        scorer.explain("a", 3)


def test_an_explanation_of_an_empty_text(scorer) -> None:
    found = scorer.explain("", "the night")
    assert found.scores == (0, 0, 0) and found.matches() == []


def test_an_explanation_is_drawn(scorer, tmp_path) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    scorer.plot_example("the river of bread", "a judge of the night", fname=str(tmp_path / "pair.png"))
    assert (tmp_path / "pair.png").read_bytes().startswith(b"\x89PNG")


def test_errors_name_the_argument_and_the_row(scorer) -> None:
    with pytest.raises(nearsay.InputError, match="refs: text 1 is missing") as caught:
        scorer.score(["a", "b"], ["a", None])
    assert caught.value.hint == "leave it out"
    with pytest.raises(nearsay.InputError, match="cands: text 0 is missing"):
        scorer.score([None], ["a"])
    with pytest.raises(nearsay.InputError, match="refs, candidate 1: text 0 is missing"):
        scorer.score(["a", "b"], [["a"], [None]])
    with pytest.raises(nearsay.InputError, match="cands: text 2 is missing"):
        list(scorer.score_iter([("a", "b"), ("a", "b"), (None, "b")], 2))
    with pytest.raises(nearsay.InputError, match="the document frequencies of 1 references"):
        nearsay.BERTScorer(BERT, 2, idf=nearsay.Idf.count(["one"], BERT))


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_parts_may_mix_one_reference_and_several(scorer, rows) -> None:
    pairs = [("a river", "a night"), ("the mill", ["the mill", "a judge"]), ("bread", "bread")]
    found = [part[2] for part in scorer.score_iter(pairs, rows)]
    expected = scorer.score([pair[0] for pair in pairs], [["a night"], ["the mill", "a judge"], ["bread"]])[2]
    assert np.concatenate([np.asarray(part) for part in found]).tobytes() == np.asarray(expected).tobytes()
    assert scorer.notices is not None and scorer.notices["pairs"] == 3
