"""The library's log lines go to the logger `nearsay`."""

from __future__ import annotations

import logging

from . import _nearsay


def start_log() -> None:
    """Sends log lines to Python's logging, where they are dropped unless the program configures it."""
    logging.getLogger("nearsay").addHandler(logging.NullHandler())
    _nearsay.start_log()
