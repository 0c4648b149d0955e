"""Fitting a classifier: batches, schedule, class weights, and the epoch that was best on dev."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from finpulse_assets.gateways.sentiment.arithmetic import SMALL_WEIGHTS_BYTES
from finpulse_assets.gateways.sentiment.manifest import MAX_LENGTH
from finpulse_assets.gateways.sentiment.modes import Mode

if TYPE_CHECKING:
    import torch

    from finpulse_assets.gateways.sentiment.network import PooledClassifier

SCORED_ROWS = 64  # of a batch without gradients
LONGEST_GRADIENT = 1.0

Quality = Callable[[np.ndarray], float]


class Fit:
    """The training of one classifier on some texts, and what it says about them.

    Args:
        model: is trained in place.
        tokenizer: of the model.
        texts: all of them, to train on and to look at.
        labels: int64 of shape (n,), positions in LABELS.
        mode: the way of training.
        device: "cpu" or "cuda".
        seed: of dropout and of the order of batches.
    """

    def __init__(
        self,
        model: PooledClassifier,
        tokenizer: Any,
        texts: list[str],
        labels: np.ndarray,
        mode: Mode,
        *,
        device: str,
        seed: int,
    ) -> None:
        import torch

        encoded = tokenizer(texts, truncation=True, max_length=MAX_LENGTH, padding=False)
        self.model = model.to(device)
        self.mode, self.device, self.seed = mode, device, seed
        self._ids = [torch.tensor(ids) for ids in encoded["input_ids"]]
        self._pad = tokenizer.pad_token_id or 0
        self._lengths = np.array([len(ids) for ids in self._ids])
        self._labels = torch.from_numpy(labels).to(device)
        self._features: torch.Tensor | None = None

    def run(
        self, rows: np.ndarray, row_weights: np.ndarray, dev: np.ndarray, quality: Quality
    ) -> list[float]:
        """Train on `rows`; return the quality on dev after each epoch, the best of which is kept.

        Classes weigh by the inverse root of their frequency: rare opinions count for more, without
        the flood of false alarms that full balancing brings. The same seed, thread count and kind
        of processor give the same weights.

        Args:
            rows: positions of the texts to train on.
            row_weights: how much each text counts, float64 of shape (n,).
            dev: positions of the texts to look at; none of `rows`.
            quality: from the logits of `dev` to a number that is higher for a better model.
        """
        import torch

        generator = np.random.default_rng(self.seed)
        if self.mode.trained_layers == 0:
            self._features = self._all_features()
            self.model.head.standardise(self._features[torch.from_numpy(rows)])
        by_label = _class_weights(self._labels[torch.from_numpy(rows)])
        by_row = torch.from_numpy(row_weights).float().to(self.device)
        optimiser = torch.optim.AdamW(self._groups(), weight_decay=0.01)
        learning = [weights for group in optimiser.param_groups for weights in group["params"]]
        schedule = _schedule(optimiser, self.mode, -(-len(rows) // self.mode.batch_rows))
        history: list[float] = []
        best = None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            for _ in range(self.mode.epochs):
                self.model.train()
                for batch in self._batches(rows, generator):
                    at = torch.from_numpy(batch)
                    losses = torch.nn.functional.cross_entropy(
                        self._logits(batch), self._labels[at], weight=by_label, reduction="none",
                        label_smoothing=self.mode.smoothing,
                    )  # fmt: skip
                    weight = by_row[at] * by_label[self._labels[at]]
                    loss = (losses * by_row[at]).sum() / weight.sum()
                    optimiser.zero_grad()
                    loss.backward()
                    torch.nn.utils.clip_grad_norm_(learning, LONGEST_GRADIENT)
                    optimiser.step()
                    schedule.step()
                history.append(quality(self.logits(dev)))
                if history[-1] == max(history):
                    best = [weights.detach().clone() for weights in learning]
                if len(history) - int(np.argmax(history)) > self.mode.patience:
                    break
        with torch.no_grad():
            for weights, kept in zip(learning, best or [], strict=True):
                weights.copy_(kept)
        self.model.eval()
        return history

    def logits(self, rows: np.ndarray) -> np.ndarray:
        """Return the logits of some texts, float32 of shape (len(rows), labels)."""
        import torch

        self.model.eval()
        order = rows[np.argsort(self._lengths[rows], kind="stable")]
        found = np.zeros((len(self._ids), self.model.config.num_labels), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), SCORED_ROWS):
                batch = order[start : start + SCORED_ROWS]
                found[batch] = self._logits(batch).float().cpu().numpy()
        return found[rows]

    def _logits(self, rows: np.ndarray) -> torch.Tensor:
        import torch

        if self._features is not None:
            return self.model.head(self._features[torch.from_numpy(rows)])
        ids, mask = self._padded(rows)
        with self._arithmetic():
            features = self.model.features(ids, mask)
        return self.model.head(features.float())

    def _all_features(self) -> torch.Tensor:
        """Return what the head reads of every text: an encoder that learns nothing runs once."""
        import torch

        self.model.eval()
        features: torch.Tensor | None = None
        order = np.argsort(self._lengths, kind="stable")
        with torch.no_grad(), self._arithmetic():
            for start in range(0, len(order), SCORED_ROWS):
                batch = order[start : start + SCORED_ROWS]
                found = self.model.features(*self._padded(batch)).float()
                if features is None:
                    features = found.new_empty((len(order), found.shape[1]))
                features[torch.from_numpy(batch)] = found
        return features

    def _padded(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        import torch
        from torch.nn.utils.rnn import pad_sequence

        ids = pad_sequence([self._ids[row] for row in rows], True, self._pad)
        lengths = torch.from_numpy(self._lengths[rows])
        mask = torch.arange(ids.shape[1]) < lengths.unsqueeze(1)
        return ids.to(self.device), mask.long().to(self.device)

    def _batches(self, rows: np.ndarray, generator: np.random.Generator) -> Iterator[np.ndarray]:
        # Rows of about equal length share a batch, which saves padding; the jitter mixes
        # neighbours.
        jitter = generator.random(len(rows)) * 4
        ordered = rows[np.argsort(self._lengths[rows] + jitter, kind="stable")]
        starts = np.arange(0, len(rows), self.mode.batch_rows)
        for start in generator.permutation(starts):
            yield ordered[start : start + self.mode.batch_rows]

    def _groups(self) -> list[dict[str, Any]]:
        """Return the weights that learn, each with its peak rate; the others are frozen."""
        groups = [{"params": list(self.model.head.parameters()), "lr": self.mode.head_rate}]
        layers = [list(layer.parameters()) for layer in self.model.layers()][::-1]
        in_layers = {id(weights) for layer in layers for weights in layer}
        others = [it for it in self.model.encoder.parameters() if id(it) not in in_layers]
        count = self.mode.trained_layers
        # Embeddings lie below all layers, and learn where all layers are said to.
        learning = [*layers, others] if count is None else layers[:count]
        for weights in self.model.encoder.parameters():
            weights.requires_grad_(False)
        for below, params in enumerate(learning):
            rate = self.mode.encoder_rate * self.mode.rate_decay**below
            groups.append({"params": [it.requires_grad_() for it in params], "lr": rate})
        return groups

    def _arithmetic(self) -> AbstractContextManager[Any]:
        """Return the context that multiplies matrices in bfloat16, where that is faster."""
        import torch

        is_fast = self.device == "cuda" or torch.cpu._is_avx512_bf16_supported()
        if is_fast and 4 * self.model.num_parameters() > SMALL_WEIGHTS_BYTES:
            return torch.autocast(self.device, dtype=torch.bfloat16)
        return nullcontext()


def _class_weights(labels: torch.Tensor) -> torch.Tensor:
    counts = labels.bincount()
    return (len(labels) / (len(counts) * counts)).sqrt().float()


def _schedule(optimiser: torch.optim.Optimizer, mode: Mode, epoch_steps: int) -> Any:
    """Return the course of the rates: a rise, then a straight fall to zero."""
    import torch

    steps = mode.epochs * epoch_steps
    rise = max(mode.warm_up * steps, 1)

    def share(step: int) -> float:
        return min((step + 1) / rise, (steps - step) / max(steps - rise, 1))

    return torch.optim.lr_scheduler.LambdaLR(optimiser, share)
