"""Runs one comparison and prints a line; scripts/differential-lexical runs each in a process of its own."""
from __future__ import annotations

import argparse
import importlib
import logging
import sys
import time
from pathlib import Path

from .common import TALLY


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("differential_lexical")
    parser.add_argument("name")
    for name in ("example", "nearsay", "data", "wmt17"):
        parser.add_argument(f"--{name}", type=Path)
    for name in ("count", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    return parser.parse_args()


def compare(options: argparse.Namespace) -> None:
    module = importlib.import_module(f"differential_lexical.{options.name}")
    if options.name == "significance":
        module.compare_known(options.nearsay, options.example, options.data, options.wmt17)
    elif options.name == "missing":
        module.compare(options.nearsay, options.count, options.seed)
    elif options.name == "package":
        module.compare(options.count, options.seed)
        if options.data:
            module.compare_sets(options.data)
    else:
        module.compare(options.example, options.count, options.seed)
        if options.data and hasattr(module, "compare_sets"):
            module.compare_sets(options.example, options.data)


def main() -> int:
    options = arguments()
    # sacrebleu warns of texts that look tokenized, and of segments scored without effective order.
    logging.disable()
    start = time.monotonic()
    try:
        compare(options)
    except AssertionError as difference:
        print(f"{options.name:<14}DIFFERENT: {difference}")
        return 1
    print(f"{options.name:<14}{TALLY} ({time.monotonic() - start:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
