"""mteb's STSBenchmark and SciFact over HTTP: the published scores of all-MiniLM-L6-v2.

scripts/test-server-clients runs these if it gets the folder of the data. They take some minutes.
"""

from __future__ import annotations

import pytest
from conftest import NAME
from mteb.models import OpenAIAPIEncodeWrapper
from mteb_data import PUBLISHED, TOLERANCE, scores_of


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_scores(url: str, name: str) -> None:
    client = OpenAIAPIEncodeWrapper(endpoint_url=url, model_name=NAME, use_chat_template=False, modalities=["text"])
    assert scores_of(client, name) == pytest.approx(PUBLISHED[name], abs=TOLERANCE)
