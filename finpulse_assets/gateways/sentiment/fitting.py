"""Fitting a three-way head: mini-batches, schedule, class weights and one temperature.

The training loop that both recipes of `training` share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Task:
    """What is trained: `logits(rows)` gives float32 (len(rows), classes) for row numbers.

    `lengths` (tokens) and `labels` (0 to classes - 1) are int arrays of shape (n,); `groups` are
    the optimiser's parameter groups, each with its peak learning rate.
    """

    module: torch.nn.Module
    logits: Callable[[np.ndarray], torch.Tensor]
    lengths: np.ndarray
    labels: np.ndarray
    groups: list[dict[str, Any]]


def fit(task: Task, rows: np.ndarray, *, epochs: int, batch_rows: int, seed: int) -> None:
    """Train in place on `rows` with AdamW and a one-cycle learning rate.

    Classes weigh by the inverse root of their frequency: rare opinions count for more, without
    the flood of false alarms that full balancing brings. The same seed and thread count give the
    same weights.
    """
    import torch

    generator = np.random.default_rng(seed)
    weight = torch.from_numpy(_class_weights(task.labels[rows])).float()
    labels = torch.from_numpy(task.labels).long()
    optimiser = torch.optim.AdamW(task.groups, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=[group["lr"] for group in task.groups],
        total_steps=epochs * -(-len(rows) // batch_rows),
        pct_start=0.2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        task.module.train()
        for _ in range(epochs):
            for batch in _batches(task.lengths, rows, batch_rows, generator):
                loss = torch.nn.functional.cross_entropy(
                    task.logits(batch), labels[batch], weight=weight
                )
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
    task.module.eval()


def predict(task: Task, rows: np.ndarray, *, batch_rows: int = 128) -> np.ndarray:
    """Return the logits of `rows`, float32 of shape (len(rows), classes)."""
    import torch

    order = np.argsort(task.lengths[rows], kind="stable")
    parts = []
    with torch.inference_mode():
        for start in range(0, len(order), batch_rows):
            parts.append(task.logits(rows[order[start : start + batch_rows]]).numpy())
    found = np.concatenate(parts)
    return found[np.argsort(order)]


def best_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the divisor of the logits with the lowest log loss on rows kept out of training.

    A net trained to the last epoch is right more often than it is sure of; one number mends
    that and changes no decision.

    >>> logits = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [4.0, 0.0]])
    >>> float(round(best_temperature(logits, np.array([0, 0, 0, 1])), 1))
    3.6
    """
    grid = np.geomspace(0.5, 10.0, 301)
    losses = [_log_loss(logits / temperature, labels) for temperature in grid]
    return float(grid[int(np.argmin(losses))])


def _log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    return float((log_sum - shifted[np.arange(len(labels)), labels]).mean())


def _class_weights(labels: np.ndarray) -> np.ndarray:
    counts = np.bincount(labels)
    return np.sqrt(len(labels) / (len(counts) * counts))


def _batches(
    lengths: np.ndarray, rows: np.ndarray, batch_rows: int, generator: np.random.Generator
) -> list[np.ndarray]:
    # Rows of about equal length share a batch, which saves padding; the jitter mixes neighbours.
    jitter = generator.random(len(rows)) * 4
    ordered = rows[np.argsort(lengths[rows] + jitter, kind="stable")]
    batches = [ordered[i : i + batch_rows] for i in range(0, len(rows), batch_rows)]
    return [batches[i] for i in generator.permutation(len(batches))]
