"""The exceptions of this package.

All are `Error`s, and each is also the built-in exception that fits, so that code that expects `ValueError` or
`FileNotFoundError` keeps working. `str(error)` is the message, and `error.hint` what to do about it, or None.
"""

from __future__ import annotations


class Error(Exception):
    """A failure of nearsay."""

    #: What to do about it.
    hint: str | None

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint is not None and hasattr(self, "add_note"):
            self.add_note(f"hint: {hint}")

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[type[Error], tuple[str, str | None]]:
        return type(self), (self.message, self.hint)


class InputError(Error, ValueError):
    """An argument or an input breaks a rule."""


class InputTypeError(Error, TypeError):
    """An argument has a type that it cannot have."""


class InputNotFoundError(Error, FileNotFoundError):
    """An input file is missing or cannot be opened."""


class OutputError(Error, OSError):
    """An output cannot be created or written."""


class ModelError(Error, ValueError):
    """A model's files break a rule, or the model cannot be used."""


class ModelNotFoundError(ModelError, FileNotFoundError):
    """A model was not found in any of the places searched."""


class DeviceError(Error, RuntimeError):
    """A device is missing or was lost."""


class DeviceMemoryError(DeviceError, MemoryError):
    """A device has too little memory."""


class HostMemoryError(Error, MemoryError):
    """A result would need more memory than is available."""


class BusyError(Error, RuntimeError):
    """Something is in use by another process: the same call may succeed later."""


class CancelledError(Error, RuntimeError):
    """The call was cancelled."""


class DeadlineError(Error, TimeoutError):
    """The call's deadline passed."""


class InternalError(Error, RuntimeError):
    """A bug of nearsay. Please report it."""


#: The command's exit codes (sysexits.h), and what they are here.
_BY_EXIT_CODE: dict[int, type[Error]] = {
    2: InputError,
    65: InputError,
    66: InputNotFoundError,
    69: DeviceError,
    73: OutputError,
    74: OutputError,
    75: BusyError,
    78: ModelError,
}


def of_exit_code(code: int, stderr: str) -> Error:
    """The exception for a command that ended with this code, and printed a message and maybe a hint."""
    lines = stderr.splitlines()
    message = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    hints = [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")]
    kind = _BY_EXIT_CODE.get(code, InternalError)
    return kind(message[0] if message else stderr.strip() or f"the command ended with {code}", hints[0] if hints else None)
