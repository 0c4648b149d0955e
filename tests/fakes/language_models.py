"""Language models for tests: a folder made from a configuration, and a server that answers."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

WIDTH, WORDS, LONGEST = 256, 40_000, 8192
END = 0


def make_model(folder: Path) -> Path:
    """Write a GPT-2 of one layer and 50 MB whose likeliest word is always the end of the text."""
    folder.mkdir(parents=True)
    config = {
        "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": WORDS,
        "n_positions": LONGEST, "n_embd": WIDTH, "n_layer": 1, "n_head": 2, "bos_token_id": END,
        "eos_token_id": END, "tie_word_embeddings": True,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    layer, ones, zeros = "transformer.h.0.", np.ones, np.zeros
    weights = {
        "transformer.wte.weight": zeros((WORDS, WIDTH)),
        "transformer.wpe.weight": ones((LONGEST, WIDTH)),
        "transformer.ln_f.weight": zeros(WIDTH),
        "transformer.ln_f.bias": ones(WIDTH),
        f"{layer}attn.c_attn.weight": zeros((WIDTH, 3 * WIDTH)),
        f"{layer}attn.c_attn.bias": zeros(3 * WIDTH),
        f"{layer}attn.c_proj.weight": zeros((WIDTH, WIDTH)),
        f"{layer}attn.c_proj.bias": zeros(WIDTH),
        f"{layer}mlp.c_fc.weight": zeros((WIDTH, 4 * WIDTH)),
        f"{layer}mlp.c_fc.bias": zeros(4 * WIDTH),
        f"{layer}mlp.c_proj.weight": zeros((4 * WIDTH, WIDTH)),
        f"{layer}mlp.c_proj.bias": zeros(WIDTH),
    }
    for name in ("ln_1", "ln_2"):
        weights |= {f"{layer}{name}.weight": ones(WIDTH), f"{layer}{name}.bias": zeros(WIDTH)}
    weights["transformer.wte.weight"][END] = 1.0
    tensors = {name: value.astype(np.float32) for name, value in weights.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer = Tokenizer(WordLevel({"<end>": END, "<unknown>": 1}, unk_token="<unknown>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<end>"})
    )
    return folder


class ChatServer(ThreadingHTTPServer):
    """Answers `/v1/chat/completions` with the given texts in their order, the last one again.

    A text of None is a failure (500). `asked` are the requests, `keys` their keys.
    """

    daemon_threads = True

    def __init__(self, *texts: str | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.texts = list(texts)
        self.asked: list[dict] = []
        self.keys: list[str | None] = []

    @property
    def setting(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1#tiny"


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer

    def do_POST(self) -> None:
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.keys.append(self.headers["Authorization"])
        texts = self.server.texts
        text = texts.pop(0) if len(texts) > 1 else texts[0]
        body = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
        self.send_response(500 if text is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the log of the tests clean."""
