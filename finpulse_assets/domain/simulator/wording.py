"""Wording: a stance and a handful of random numbers become a sentence, and a sentence a tweet.

How phrases, vocabulary and decorations are put together, and the labelled sentences.

Every function takes uniform random numbers instead of a generator, so that thousands of texts can
be drawn at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import polars as pl

from finpulse_assets.domain.simulator import vocabulary
from finpulse_assets.domain.simulator.companies import Company, company
from finpulse_assets.domain.simulator.phrases import HEADLINES, TWEETS, Phrasebook
from finpulse_assets.domain.simulator.plan import Stream, generator

STANCES = ("negative", "neutral", "positive")
SENTENCE_DRAWS, TWEET_DRAWS = 8, 8
LABELLED_COUNT = 3_000
_LABELLED_COMPANIES = 100
_LABELLED_HEADLINES = 0.25
# The share of sentences that betray no stance, whatever their label: the ceiling of a classifier.
_MIXED_SHARE = 0.12
_EMOJI, _ENDING, _HASHTAG, _LINK, _MENTION = 0.25, 0.25, 0.2, 0.35, 0.08

Item = TypeVar("Item")


def pick(items: Sequence[Item], uniform: float) -> Item:
    """Return the item at a uniform random number in [0, 1)."""
    return items[int(uniform * len(items))]


def sentence(book: Phrasebook, stance: str, about: Company, draws: Sequence[float]) -> str:
    """Return a sentence of `stance` about a company, from SENTENCE_DRAWS uniform numbers.

    >>> sentence(HEADLINES, "positive", company(7, 0), [0.5] * 8)
    'Alder Analytics settles data platform lawsuit on favourable terms'
    """
    phrases = book.mixed if draws[0] < _MIXED_SHARE else getattr(book, stance)
    return fill(pick(phrases, draws[1]), about, draws[2:])


def fill(template: str, about: Company, draws: Sequence[float], *, url: str = "") -> str:
    """Return `template` with its slots filled, from six uniform numbers."""
    return template.format(
        cash=f"${about.ticker}",
        company=about.name,
        sector=about.sector,
        product=pick(vocabulary.PRODUCTS[about.sector], draws[0]),
        broker=pick(vocabulary.BROKERS, draws[1]),
        when=pick(vocabulary.TIMES, draws[2]),
        pct=1 + int(30 * draws[3]),
        count=10 * (1 + int(90 * draws[4])),
        level=5 * (2 + int(40 * draws[5])),
        url=url,
    )


def dress(text: str, stance: str, about: Company, draws: Sequence[float]) -> str:
    """Return `text` as somebody would tweet it, from TWEET_DRAWS uniform numbers."""
    emoji, ending, hashtag, link, mention, choice, other, address = draws
    if ending < _ENDING:
        text += pick(vocabulary.ENDINGS, choice)
    if emoji < _EMOJI:
        text += " " + pick(vocabulary.EMOJIS[stance], other)
    if hashtag < _HASHTAG:
        tags = (*vocabulary.HASHTAGS, f"#{about.name.split()[0]}")
        text += " " + pick(tags, choice)
    if link < _LINK:
        text += " " + short_link(address)
    if mention < _MENTION:
        text = f"@{pick(vocabulary.HANDLES, other)} {text}"
    return text


def short_link(uniform: float) -> str:
    """Return a made-up short link.

    >>> short_link(0.5)
    'https://t.co/8000000000'
    """
    return f"https://t.co/{int(uniform * 16**10):010x}"


def labelled_texts(seed: int) -> pl.DataFrame:
    """Return LABELLED_COUNT distinct sentences with their stance, to train a classifier on.

    They come from the same grammar as the market's texts but are drawn apart from it: no sentence
    depends on an opinion or a price.

    Returns:
        text (String), label (String: negative, neutral or positive).
    """
    random = generator(seed, Stream.LABELLED, 0)
    about = [company(seed, ordinal) for ordinal in range(_LABELLED_COMPANIES)]
    rows: dict[str, tuple[str, str]] = {}
    while len(rows) < LABELLED_COUNT:
        stance, whose, kind, *draws = random.random(3 + SENTENCE_DRAWS + TWEET_DRAWS).tolist()
        label, who = pick(STANCES, stance), pick(about, whose)
        is_headline = kind < _LABELLED_HEADLINES
        book = HEADLINES if is_headline else TWEETS
        plain = sentence(book, label, who, draws[:SENTENCE_DRAWS])
        text = plain if is_headline else dress(plain, label, who, draws[SENTENCE_DRAWS:])
        # Sentences that differ in their decoration alone would leak from a training to a test part.
        rows.setdefault(plain, (text, label))
    return pl.DataFrame(
        list(rows.values()), schema={"text": pl.String, "label": pl.String}, orient="row"
    )
