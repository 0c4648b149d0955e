"""Fitting the LSTM by torch: sequences of a ticker's last 20 sessions of places.

It is shown beside the others and never promoted: a service knows each ticker's newest row alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from finpulse_assets.domain.models.candidate import LOOKBACK, Scale
from finpulse_assets.domain.models.lstm_model import (
    NUMBERS,
    LstmModel,
    Weights,
    scored,
    windows,
    with_unknown,
)
from finpulse_assets.domain.models.one_thread import on_one_blas_thread
from finpulse_assets.domain.models.place_fit import ScoreOf, places_and_label, stated
from finpulse_assets.errors import ModelError

EXTRA = "install the extra `sentiment`: pip install -e '.[sentiment]'"


@dataclass(frozen=True)
class LstmPlan:
    """How to fit: a small state and few passes, for the signal is a hundredth of the noise."""

    hidden: int = 16
    epochs: int = 4
    batch: int = 256
    learning_rate: float = 0.003
    weight_decay: float = 0.001
    seed: int = 7


@dataclass(frozen=True)
class Lstm:
    """The LSTM as a candidate: its inputs and how it is fitted."""

    name: str
    features: tuple[str, ...]
    plan: LstmPlan = LstmPlan()
    is_baseline: bool = True
    scale: ClassVar[Scale] = "sequences"

    def recipe(self) -> dict[str, object]:
        plan = {**asdict(self.plan), "lookback": LOOKBACK}
        return {"family": "lstm", "features": self.features, "plan": plan}

    @on_one_blas_thread
    def fit(self, frame: pl.DataFrame) -> LstmModel:
        """Fit on places; see `candidate.Candidate`.

        Raises:
            EvaluationError: also where no session has two tickers.
            ModelError: also where torch is not installed.
        """
        matrix, label = places_and_label(frame, self.features)
        rows, at = with_unknown(matrix.astype(np.float32)), windows(frame)

        def score_fitted_on(sequences: np.ndarray, outcome: np.ndarray) -> ScoreOf:
            weights = _fitted(rows, sequences, outcome, self.plan)
            return lambda later: scored(rows, later, weights)

        weights = _fitted(rows, at, label, self.plan)
        worth = stated(frame, at, label, score_fitted_on)
        return LstmModel(
            features=tuple(self.features),
            **{name: tuple(map(tuple, weights[name].tolist())) for name in ("inputs", "hidden")},
            **{name: tuple(weights[name].tolist()) for name in ("bias", "head")},
            offset=float(weights["offset"]),
            **{name: worth[name] for name in NUMBERS},
        )


def _fitted(rows: np.ndarray, at: np.ndarray, label: np.ndarray, plan: LstmPlan) -> Weights:
    """Return the weights that predict the label of sequences; equal bits for equal inputs.

    Args:
        rows: places and the unknown row, float32 (rows + 1, features).
        at: the rows of each sequence, int (sequences, LOOKBACK).
        label: float64 (sequences,).
        plan: how to fit.
    """
    torch = _torch()
    with _one_thread(torch), torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        lstm = torch.nn.LSTM(rows.shape[1], plan.hidden, batch_first=True)
        head = torch.nn.Linear(plan.hidden, 1)
        places, wanted = torch.from_numpy(rows), torch.from_numpy(label.astype(np.float32))
        # The row that -1 stands for is the last one.
        sequences = torch.from_numpy(np.where(at < 0, len(rows) - 1, at))
        step = torch.optim.Adam(
            [*lstm.parameters(), *head.parameters()],
            lr=plan.learning_rate,
            weight_decay=plan.weight_decay,
        )
        for _ in range(plan.epochs):
            for chosen in torch.randperm(len(wanted)).split(plan.batch):
                state = lstm(places[sequences[chosen]])[0][:, -1]
                loss = torch.nn.functional.mse_loss(head(state)[:, 0], wanted[chosen])
                step.zero_grad()
                loss.backward()
                step.step()
    found = {name: it.detach().numpy().astype(np.float64) for name, it in lstm.named_parameters()}
    return {
        "inputs": found["weight_ih_l0"],
        "hidden": found["weight_hh_l0"],
        "bias": found["bias_ih_l0"] + found["bias_hh_l0"],
        "head": head.weight.detach().numpy()[0].astype(np.float64),
        "offset": head.bias.detach().numpy()[0].astype(np.float64),
    }


@contextmanager
def _one_thread(torch: Any) -> Iterator[None]:
    """Let torch add on one thread: several add in an order of their own, to other digits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ModelError(f"the candidate lstm needs torch: {error}", hint=EXTRA) from error
    return torch
