"""The candidate protocol: whatever can be fitted, evaluated beside the others and promoted.

A candidate is a recipe with a name; fitting it gives a model that predicts, explains itself and is
plain files. A new family of models is one file that keeps this protocol and one line in `registry`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, runtime_checkable

import polars as pl

# What `Fitted.forecast` returns, row by row beside the frame.
FORECAST_COLUMNS = ("probability_up", "score", "predicts_up", "expected_return")
Scale = Literal["values", "places", "sequences", "members"]
LOOKBACK = 20  # sessions of a sequence, its own the last
CARD_FILE = "model.json"  # names the family that reads the files


@runtime_checkable
class Fitted(Protocol):
    """A fitted candidate: equal files mean equal models."""

    def forecast(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return FORECAST_COLUMNS, one row for each row of `frame`, which is in the candidate's
        scale.

        `probability_up` and `expected_return` are null where the candidate states none; `score`
        orders the rows of a session and is never null.

        Raises:
            ModelError: the frame lacks an input, or an input is no number.
        """
        ...

    def files(self) -> dict[str, str]:
        """Return the model as text files by name, CARD_FILE among them."""
        ...


@runtime_checkable
class Candidate(Protocol):
    """A recipe: everything that decides a model but the rows it is fitted on."""

    @property
    def name(self) -> str: ...

    @property
    def is_baseline(self) -> bool:
        """Whether it is only there to be beaten; such a one is never promoted."""
        ...

    @property
    def scale(self) -> Scale:
        """What its inputs are read as.

        - values, or places in the session: of the row alone.
        - sequences: places of the ticker's last LOOKBACK sessions; the frame that it predicts holds
          the sessions before the first one too.
        - members: what other candidates predict, see `ensemble`; such a one is never given a frame.
        """
        ...

    def recipe(self) -> Mapping[str, object]:
        """Return the recipe as JSON values, for the identity of what is made with it."""
        ...


@runtime_checkable
class Trainable(Candidate, Protocol):
    """A candidate that is fitted on rows of features; an ensemble is made of what others say."""

    def fit(self, frame: pl.DataFrame) -> Fitted:
        """Fit on a training frame in the candidate's scale.

        It has one labelled row per ticker and session.

        Raises:
            EvaluationError: the frame cannot teach: too few rows, a row without label, one class.
            ModelError: the frame lacks an input.
        """
        ...
