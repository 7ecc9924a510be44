"""Results: scores and signatures, with the attributes and the text forms of sacrebleu's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .._check import required_whole

#: The keys of a short signature; the others are not shortened.
_SHORT = {
    "asian": "as",
    "case": "c",
    "eff": "e",
    "norm": "nr",
    "nrefs": "#",
    "punct": "pn",
    "seed": "rs",
    "smooth": "s",
    "space": "s",
    "version": "v",
}


class MetricScore:
    """A score, which prints as `NAME = SCORE`, with its interval if it has one."""

    name: str
    score: float

    def __init__(self, name: str, score: float) -> None:
        self.name = name
        self.score = score
        # sacrebleu's names, which its users read.
        self._mean: float = -1.0
        self._ci: float = -1.0
        self._verbose: str = ""

    def format(self, width: int = 2, score_only: bool = False, signature: str = "", is_json: bool = False) -> str:
        """The score as text or JSON.

        Args:
            width: Digits after the point.
            score_only: Only the number, and its interval.
            signature: Printed after the name; in JSON also each of its keys.
            is_json: JSON, unless `score_only`.
        """
        required_whole("width", width)
        number, interval = f"{self.score:.{width}f}", self._interval(width)
        text = f"{number} ({interval})" if interval else number
        if score_only:
            return text
        if is_json:
            return json.dumps(self._fields(width, signature), indent=1, ensure_ascii=False)
        name = f"{self.name}|{signature}" if signature else self.name
        return " ".join(part for part in (f"{name} = {text}", self._verbose) if part)

    def __str__(self) -> str:
        return self.format()

    def __repr__(self) -> str:
        return self.format()

    def _interval(self, width: int) -> str:
        return f"μ = {self._mean:.{width}f} ± {self._ci:.{width}f}" if self._mean > 0 else ""

    def _fields(self, width: int, signature: str) -> dict[str, Any]:
        fields: dict[str, Any] = {"name": self.name, "score": _rounded(self.score, width), "signature": signature}
        if self._mean > 0:
            fields["confidence_mean"] = _rounded(self._mean, width)
            fields["confidence_var"] = _rounded(self._ci, width)
            fields["confidence"] = self._interval(width)
        if self._verbose:
            fields["verbose_score"] = self._verbose
        return {**fields, **dict(_pairs(signature))}


class Signature:
    """The settings that a score depends on: `nrefs:1|case:mixed|..`, as `nearsay score` prints them.

    The last key is the version: sacrebleu's, whose numbers these are, and nearsay's.
    """

    info: dict[str, str]

    def __init__(self, text: str, resampling: Mapping[str, object] | None = None) -> None:
        first, *others = _pairs(text)
        added = [(key, str(value)) for key, value in (resampling or {}).items()]
        self.info = dict([first, *added, *others])

    def format(self, short: bool = False) -> str:
        """The signature in one line; `short`: with the abbreviated keys of sacrebleu."""
        return "|".join(f"{self._key(key, short)}:{value}" for key, value in self.info.items())

    def update(self, key: str, value: object) -> None:
        """Sets a key; a new one is put before the version."""
        version = self.info.pop("version")
        self.info[key] = str(value)
        self.info["version"] = version

    def __str__(self) -> str:
        return self.format()

    def __repr__(self) -> str:
        return self.format()

    def _key(self, key: str, short: bool) -> str:
        if not short:
            return key
        # sacrebleu shortens TER's tokenizer alone.
        return "t" if key == "tok" and "norm" in self.info else _SHORT.get(key, key)


def _pairs(signature: str) -> list[tuple[str, str]]:
    parts = (part.partition(":") for part in signature.split("|") if part)
    return [(key, value) for key, _, value in parts]


def _rounded(number: float, width: int) -> float:
    return float(f"{number:.{width}f}")
