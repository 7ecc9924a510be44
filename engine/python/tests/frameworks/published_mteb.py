"""mteb's STSBenchmark and SciFact with all-MiniLM-L6-v2: the published scores, without a server.

scripts/test-python-frameworks runs these if it gets the folder of the data. They take some minutes.
"""

from __future__ import annotations

import pytest
from mteb_data import PUBLISHED, TOLERANCE, scores_of

import nearsay.mteb

MODEL = "sentence-transformers/all-MiniLM-L6-v2"


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_scores(name: str) -> None:
    assert scores_of(nearsay.mteb.Model(MODEL), name) == pytest.approx(PUBLISHED[name], abs=TOLERANCE)
