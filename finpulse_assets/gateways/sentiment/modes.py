"""The ways of training: how much of the encoder learns, how long and how fast."""

from __future__ import annotations

from dataclasses import dataclass

HEAD, TOP_LAYERS, FULL = "head", "top-layers", "full"


@dataclass(frozen=True)
class Mode:
    """One way of training.

    `trained_layers` counts from the top; None is all, with the embeddings. The head reads the
    states after `pooled_thirds` of the encoder: 3 is its end. Rates are AdamW's, at their peak:
    `head_rate` of the head, `encoder_rate` of the top layer, times `rate_decay` for each layer
    below. `warm_up` is the share of steps in which they rise; then they fall to zero. Training
    stops after `patience` epochs that made dev no better, and the best epoch is kept.
    """

    name: str
    trained_layers: int | None
    epochs: int
    batch_rows: int
    head_rate: float
    head_units: int
    head_dropout: float
    pooled_thirds: tuple[int, ...] = (3,)
    encoder_rate: float = 0.0
    rate_decay: float = 0.9
    warm_up: float = 0.1
    smoothing: float = 0.05
    patience: int = 2


MODES = {
    HEAD: Mode(
        HEAD, trained_layers=0, epochs=10, batch_rows=256, head_rate=1e-3, head_units=256,
        head_dropout=0.3, pooled_thirds=(3, 2, 1),
    ),
    TOP_LAYERS: Mode(
        TOP_LAYERS, trained_layers=4, epochs=3, batch_rows=32, head_rate=1e-3, head_units=256,
        head_dropout=0.1, encoder_rate=2e-4,
    ),
    FULL: Mode(
        FULL, trained_layers=None, epochs=3, batch_rows=32, head_rate=1e-3, head_units=256,
        head_dropout=0.1, encoder_rate=2e-4,
    ),
}  # fmt: skip
# From random weights: every layer learns as fast as the head.
FROM_SCRATCH = Mode(
    FULL, trained_layers=None, epochs=6, batch_rows=32, head_rate=2e-3, head_units=64,
    head_dropout=0.1, encoder_rate=2e-3, rate_decay=1.0,
)  # fmt: skip
