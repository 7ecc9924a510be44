"""`python -m nearsay` is the command `nearsay`."""

from ._command import main

if __name__ == "__main__":
    main()
