"""The command `nearsay`."""

from __future__ import annotations

import signal
import sys

from . import _nearsay


def main() -> None:
    """Runs the command line, and exits with its code."""
    # The command handles signals itself; Python's handler would raise KeyboardInterrupt after it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_nearsay.main(["nearsay", *sys.argv[1:]]))
