"""The FinPulseError family: every failure that a user can cause or mend."""

from __future__ import annotations


class FinPulseError(Exception):
    """A failure stated in one sentence, with a hint that says what to do next.

    Args:
        message: what is wrong: the thing, the value, the limit.
        hint: what the reader can do; printed on the same line after "Hint:".

    >>> print(SettingError("FINPULSE_FOLDS is 0, it should be 1 or more", hint="unset it"))
    FINPULSE_FOLDS is 0, it should be 1 or more. Hint: unset it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = message.rstrip(".")
        self.hint = hint.rstrip(".")
        super().__init__(f"{self.message}." + (f" Hint: {self.hint}." if self.hint else ""))


class SettingError(FinPulseError):
    """A setting has a value that cannot be used."""


class SourceError(FinPulseError):
    """A source of texts or prices is missing, empty, truncated or of another shape."""


class SchemaError(FinPulseError):
    """A frame does not keep the contract of its table."""


class LakeError(FinPulseError):
    """A table or partition of the lake cannot be read or written."""


class WarehouseError(FinPulseError):
    """The DuckDB warehouse is missing, locked or lacks a table."""


class ModelError(FinPulseError):
    """A model cannot be fetched, trusted, loaded or trained."""


class EvaluationError(FinPulseError):
    """There is too little data to train or to evaluate a model."""


class TrackingError(FinPulseError):
    """The MLflow store cannot be reached or refuses a call."""


class RequestError(FinPulseError):
    """A request to the prediction service cannot be answered as it was asked."""


class LedgerError(FinPulseError):
    """The ledger of predictions cannot be written, or is not as it was written."""


class AlertError(FinPulseError):
    """An alert cannot be delivered (it is kept and tried again) or acknowledged."""


class ReportError(FinPulseError):
    """A report cannot be written: no signal is known, or its model gives no answer."""


class ServiceError(FinPulseError):
    """The prediction service cannot be built, started or reached."""


class ComputeError(FinPulseError):
    """The machines that should compute cannot be had, or are lost."""
