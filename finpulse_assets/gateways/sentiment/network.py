"""The network that is trained here: an encoder, states of some of its layers, and a head on them.

Importing this module imports torch. `PooledClassifier.from_pretrained` reads config.json and
model.safetensors as transformers reads its own classifiers, without any code of the folder.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class Head(nn.Module):
    """Two linear layers on standardised features; `centre` and `scale` are kept with the weights.

    Args:
        width: features of a text.
        units: of the layer between.
        labels: outputs.
        dropout: of features and units, in training.
    """

    def __init__(self, width: int, units: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.hidden = nn.Linear(width, units)
        self.out = nn.Linear(units, labels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        standard = (features - self.centre) / self.scale
        units = nn.functional.gelu(self.hidden(self.dropout(standard)))
        return self.out(self.dropout(units))

    def standardise(self, features: torch.Tensor) -> None:
        """Set centre and scale to those of the features, of shape (texts, width)."""
        self.centre.copy_(features.mean(dim=0))
        self.scale.copy_(features.std(dim=0).clamp_min(1e-6))


class PooledClassifier(PreTrainedModel):
    """An encoder and a head on the first state and the mean state of the layers `pooled_layers`.

    The config is the encoder's own with `pooled_layers` (0 is the embeddings), `head_units` and
    `head_dropout`.
    """

    config_class = PretrainedConfig
    base_model_prefix = "encoder"
    _supports_sdpa = True
    _supports_attention_backend = True

    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__(config)
        self.encoder = AutoModel.from_config(config)
        width = 2 * config.hidden_size * len(config.pooled_layers)
        self.head = Head(width, config.head_units, config.num_labels, config.head_dropout)
        self.post_init()

    def features(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return what the head reads of each text, of shape (texts, width), in the encoder's dtype.

        Args:
            input_ids: int64 of shape (texts, tokens).
            attention_mask: 1 for a token, 0 for padding; of the same shape.
        """
        states = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True
        ).hidden_states
        share = attention_mask / attention_mask.sum(dim=1, keepdim=True)
        parts = []
        for layer in self.config.pooled_layers:
            state = states[layer]
            mean = torch.einsum("btw,bt->bw", state, share.to(state.dtype))
            parts += [state[:, 0], mean]
        return torch.cat(parts, dim=1)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> SequenceClassifierOutput:
        features = self.features(input_ids, attention_mask).to(self.head.centre.dtype)
        return SequenceClassifierOutput(logits=self.head(features))

    def layers(self) -> nn.ModuleList:
        """Return the encoder's layers, the lowest first: its longest list of modules."""
        lists = [module for module in self.encoder.modules() if isinstance(module, nn.ModuleList)]
        return max(lists, key=len)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Leave the weights as torch and the encoder made them."""


def pooled_config(
    encoder: Any, *, layers: tuple[int, ...], units: int, dropout: float, names: tuple[str, ...]
) -> PretrainedConfig:
    """Return an encoder's config with what `PooledClassifier` adds to it."""
    return type(encoder).from_dict(
        encoder.to_dict()
        | {
            "architectures": [PooledClassifier.__name__],
            "pooled_layers": list(layers),
            "head_units": units,
            "head_dropout": dropout,
            "id2label": dict(enumerate(names)),
            "label2id": {name: index for index, name in enumerate(names)},
        }
    )
