"""Bursts of a bot: one text, slightly changed again and again."""

from __future__ import annotations

import random
from collections.abc import Callable

PICTURES = "🚀🔥💰📈🤑💎👀✅"
SYNONYMS = {"buy": "grab", "now": "today", "huge": "massive", "gains": "profits", "moon": "stars"}


def _tail(words: list[str], rng: random.Random) -> list[str]:
    return [*words, "".join(rng.choices("abcdefghij0123456789", k=6))]


def _pictures(words: list[str], rng: random.Random) -> list[str]:
    return [*words, "".join(rng.choices(PICTURES, k=3)), f"https://t.co/{rng.random()}"]


def _synonyms(words: list[str], rng: random.Random) -> list[str]:
    swapped = [SYNONYMS.get(it.lower(), it) if rng.random() < 0.5 else it for it in words]
    return [*swapped, f"#{rng.randrange(1000)}"]


def _order(words: list[str], rng: random.Random) -> list[str]:
    one, other = rng.sample(range(len(words)), 2)
    words[one], words[other] = words[other], words[one]
    return words


def _letters(words: list[str], rng: random.Random) -> list[str]:
    text = list(" ".join(words))
    for _ in range(2):
        text[rng.randrange(len(text))] = rng.choice("abcdefghij")
    return ["".join(text)]


CHANGES: dict[str, Callable[[list[str], random.Random], list[str]]] = {
    "a random tail": _tail,
    "pictures and links": _pictures,
    "synonyms and numbers": _synonyms,
    "two words swapped": _order,
    "two wrong letters": _letters,
}


def burst(text: str, change: str, count: int) -> list[str]:
    """Return `count` copies of a text, each changed in the named way."""
    rng = random.Random(7)
    return [" ".join(CHANGES[change](text.split(), rng)) for _ in range(count)]
