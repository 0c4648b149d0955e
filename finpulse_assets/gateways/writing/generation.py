"""Generating a text with transformers; imported by the process of a writer alone.

https://huggingface.co/docs/transformers/main_classes/text_generation
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

MAX_NEW_TOKENS = 700


class Generator:
    """A causal language model, loaded from safetensors, without code of others."""

    def __init__(self, source: str, revision: str | None) -> None:
        named = {"revision": revision} if revision else {"local_files_only": True}
        self._tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False, **named)
        self._model = AutoModelForCausalLM.from_pretrained(
            source, use_safetensors=True, trust_remote_code=False, **named
        )
        self._model.eval()
        if torch.cuda.is_available():
            self._model.to("cuda")

    def answer(self, messages: Sequence[tuple[str, str]]) -> str:
        """Return what the model says next, the likeliest words."""
        room = self._longest() - MAX_NEW_TOKENS
        ids = self._tokenizer(self._prompt(messages), return_tensors="pt").input_ids
        if ids.shape[1] > room > 0:
            raise ValueError(f"the facts take {ids.shape[1]} tokens, the model reads {room}")
        ids = ids.to(self._model.device)
        with torch.inference_mode():
            made = self._model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=MAX_NEW_TOKENS,
                do_sample=False, pad_token_id=self._tokenizer.eos_token_id,
            )  # fmt: skip
        return self._tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True).strip()

    def _longest(self) -> int:
        """Return how many tokens the model holds; 0 where its configuration does not say."""
        return int(getattr(self._model.config, "max_position_embeddings", 0) or 0)

    def _prompt(self, messages: Sequence[tuple[str, str]]) -> str:
        if self._tokenizer.chat_template:
            chat = [{"role": role, "content": text} for role, text in messages]
            return self._tokenizer.apply_chat_template(
                chat, tokenize=False, add_generation_prompt=True
            )
        return "\n\n".join(text for _, text in messages) + "\n\n"
