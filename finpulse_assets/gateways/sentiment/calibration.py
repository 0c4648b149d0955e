"""From a network's probabilities to the model's: the companion's share, a temperature, a prior.

Each kind of text has its own three, fitted on dev parts; they stand in `calibration.json` of the
model folder. A folder without that file gives the network's own probabilities.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from finpulse_assets.domain.texts.kind import KINDS, kinds_of
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.sentiment.companion import Companion

CALIBRATION = "calibration.json"
FEWEST_TEXTS = 100  # dev texts of a kind, below which it takes what fits all of them
SHARES = tuple(round(0.05 * step, 2) for step in range(15))
# Rows that stand for "no change" beside those of dev: a prior of few texts is no prior.
PULL = 20.0
LEAST = 1e-6


@dataclass(frozen=True)
class KindCalibration:
    """What one kind of text needs.

    `companion_share` of the probability is the companion's; the logits are then divided by
    `temperature`, and `prior` is added (log odds, in the order of LABELS).
    """

    companion_share: float = 0.0
    temperature: float = 1.0
    prior: tuple[float, ...] = (0.0, 0.0, 0.0)

    def apply(self, network: np.ndarray, companion: np.ndarray | None) -> np.ndarray:
        """Return calibrated probabilities, float64 of shape (n, labels).

        Args:
            network: probabilities of shape (n, labels).
            companion: probabilities of the same shape, None where there is none.
        """
        from scipy.special import softmax

        mixed = _mixed(network, companion, self.companion_share)
        return softmax(mixed / self.temperature + np.array(self.prior), axis=1)


@dataclass(frozen=True)
class Calibration:
    """What is done to a network's probabilities, by the kind of the text."""

    kinds: Mapping[str, KindCalibration]
    companion: Companion | None = None

    def apply(self, texts: Sequence[str], network: np.ndarray) -> np.ndarray:
        """Return the model's probabilities, float64 of shape (n, labels), in the order of LABELS.

        Args:
            texts: normalised, n of them.
            network: the network's probabilities, of shape (n, labels), in the order of LABELS.
        """
        if not self.kinds or not len(texts):
            return network
        companion = self.companion.probabilities(texts) if self.companion else None
        found = np.empty_like(network)
        kinds = kinds_of(texts)
        for code, kind in enumerate(KINDS):
            rows = kinds == code
            own = None if companion is None else companion[rows]
            found[rows] = self.kinds[kind].apply(network[rows], own)
        return found

    def save(self, folder: Path) -> None:
        """Write the calibration, and the companion where it has a share, into a model folder."""
        content = {kind: asdict(own) for kind, own in self.kinds.items()}
        (folder / CALIBRATION).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
        if self.companion is not None:
            self.companion.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Calibration:
        """Return the calibration of a checked model folder; it changes nothing where none is kept.

        Raises:
            ModelError: the files cannot be used.
        """
        path = folder / CALIBRATION
        if not path.is_file():
            return cls({})
        try:
            content = json.loads(path.read_text())
            kinds = {
                kind: KindCalibration(**{**content[kind], "prior": tuple(content[kind]["prior"])})
                for kind in KINDS
            }
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"{path} is no calibration of {', '.join(KINDS)}: {error}",
                hint="train the model again",
            ) from error
        return cls(kinds, Companion.load(folder))


def fit_calibration(
    texts: Sequence[str], labels: np.ndarray, network: np.ndarray, companion: Companion | None
) -> Calibration:
    """Return the calibration with the lowest log loss on texts kept out of training.

    Args:
        texts: normalised, n of them.
        labels: positions in LABELS, int64 of shape (n,).
        network: the network's probabilities, of shape (n, labels).
        companion: fitted on the training part, or None.
    """
    other = companion.probabilities(texts) if companion else None
    kinds = kinds_of(texts)
    of_all = _fit(labels, network, other)
    found = {}
    for code, kind in enumerate(KINDS):
        rows = kinds == code
        is_enough = rows.sum() >= FEWEST_TEXTS
        own = None if other is None else other[rows]
        found[kind] = _fit(labels[rows], network[rows], own) if is_enough else of_all
    is_used = any(own.companion_share for own in found.values())
    return Calibration(found, companion if is_used else None)


def _fit(labels: np.ndarray, network: np.ndarray, companion: np.ndarray | None) -> KindCalibration:
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    def loss(values: np.ndarray, mixed: np.ndarray) -> float:
        prior = values[1:] - values[1:].mean()
        found = log_softmax(mixed / np.exp(values[0]) + prior, axis=1)
        pull = PULL * (values[0] ** 2 + (prior**2).sum())
        return float((pull / 2 - found[np.arange(len(labels)), labels].sum()) / len(labels))

    best, lowest = KindCalibration(), np.inf
    for share in SHARES if companion is not None else (0.0,):
        mixed = _mixed(network, companion, share)
        fitted = minimize(loss, np.zeros(1 + network.shape[1]), args=(mixed,), method="L-BFGS-B")
        if fitted.fun < lowest:
            prior = fitted.x[1:] - fitted.x[1:].mean()
            best = KindCalibration(share, float(np.exp(fitted.x[0])), tuple(prior.tolist()))
            lowest = fitted.fun
    return best


def _mixed(network: np.ndarray, companion: np.ndarray | None, share: float) -> np.ndarray:
    """Return the logits of the average of two classifiers' probabilities."""
    mixed = network if companion is None else (1 - share) * network + share * companion
    return np.log(mixed.clip(LEAST))
