"""The texts of the requests, from public test sets."""

from __future__ import annotations

import csv
import gzip
import json
import random
import urllib.request
from pathlib import Path
from typing import Sequence

#: What the folder of the data has.
FILES = ("sick-r/sick_all.tsv", "stsb/test.tsv", "sts12-16/sts14.tsv", "scifact-beir/corpus.jsonl.gz")
SEED = 7
NAME = "minilm"
#: Of the one text, special tokens included.
TOKENS = 12


def sentences(data: Path, names: Sequence[str]) -> list[str]:
    """The second and third column of each row."""
    found = []
    for name in names:
        with (data / name).open(encoding="utf-8", newline="") as lines:
            rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            found += [text for row in rows for text in row[1:3]][2:]
    return found


def sick(data: Path) -> list[str]:
    """SICK's different sentences, in random order."""
    found = sorted(set(sentences(data, FILES[:1])))
    random.Random(SEED).shuffle(found)
    return found


def mixed(data: Path, count: int) -> list[str]:
    """Sentences and, one in five, abstracts, in random order."""
    short = sentences(data, (FILES[1], FILES[0], FILES[2]))
    with gzip.open(data / FILES[3], "rt", encoding="utf-8") as lines:
        long = [json.loads(line)["text"] for line in lines]
    for texts in (short, long):
        random.Random(SEED).shuffle(texts)
    found = short[: count * 4 // 5] + long[: count - count * 4 // 5]
    random.Random(SEED).shuffle(found)
    return found


def of_tokens(url: str, texts: Sequence[str], count: int = TOKENS) -> str:
    """The first text with as many tokens, by the server's /tokenize."""
    for at in range(0, len(texts), 100):
        body = json.dumps({"inputs": texts[at : at + 100]}).encode()
        request = urllib.request.Request(f"{url}/tokenize", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            for text, tokens in zip(texts[at:], json.load(answer)):
                if len(tokens) == count:
                    return text
    raise ValueError(f"no text has {count} tokens")


def body(texts: str | Sequence[str]) -> bytes:
    """The request that every server takes."""
    return json.dumps({"model": NAME, "input": texts, "encoding_format": "float"}).encode()


def write_bodies(path: Path, inputs: Sequence[str | Sequence[str]]) -> Path:
    """One request per line."""
    path.write_bytes(b"".join(body(texts) + b"\n" for texts in inputs))
    return path
