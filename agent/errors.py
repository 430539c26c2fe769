"""Errors, one class an event. A program that fails is no error. A message says what came, what was wanted,
and what to try; it names no option of the command line, which adds its own advice and chooses the exit code.
"""

from __future__ import annotations


class DubitoError(Exception):
    """The base of every error that Dubito raises on purpose."""


class InvalidRequestError(DubitoError):
    """A request is unclear, contradicts itself, or names something that does not exist."""


class ContextLengthError(InvalidRequestError):
    """A prompt and its completion have more tokens than the model reads."""


class ModelLoadError(DubitoError):
    """The files of a model or its tokenizer are missing, damaged, or of a kind that Dubito does not load."""


class InvalidLogitsError(DubitoError):
    """A model computed NaN or infinite logits."""


class DeviceError(DubitoError):
    """A device is absent, cannot hold the model, or has no memory left."""


class ProfileError(DubitoError):
    """A profile is damaged, belongs to another model, or lacks what was asked of it."""


class FileAccessError(DubitoError):
    """A file cannot be opened, holds something else than wanted, or is not Dubito's to overwrite."""


class StorageError(DubitoError):
    """The machine cannot store or read data: a disk is full, a store cannot be opened, a data set is missing."""


class BudgetSpentError(DubitoError):
    """The next forward or run would exceed the budget. part: the part of the budget that is spent."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part
