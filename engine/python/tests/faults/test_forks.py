"""Forked and spawned processes: every way, start method and moment ends, with the same bits."""

from __future__ import annotations

import pickle

import pytest
from children import printed
from models import Models

import nearsay

#: Much more than a case needs, also on a busy machine: beyond it, it hangs.
TIMEOUT = 180
METHODS = ("fork", "forkserver", "spawn")
CASES = [(way, method) for way in ("pool", "executor", "loader") for method in METHODS] + [("preload", "fork")]


@pytest.fixture(scope="module")
def digests() -> dict[str, str]:
    """The right bits, computed in a process that forks nothing."""
    return Models().digests()


@pytest.mark.parametrize("when", ["before", "after", "during"])
@pytest.mark.parametrize(("way", "method"), CASES)
def test_processes_have_the_same_bits(way: str, method: str, when: str, digests: dict[str, str]) -> None:
    assert printed("fork_case.py", way, method, when, digests, timeout=TIMEOUT) == "right"


def test_references_say_that_they_cannot_be_sent() -> None:
    with pytest.raises(nearsay.InputError, match="encoded references cannot be pickled"):
        pickle.dumps(Models().references)
