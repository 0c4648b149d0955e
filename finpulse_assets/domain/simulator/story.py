"""Stories: a burst of texts about one ticker, all of one opinion or turning from one to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from finpulse_assets.domain.simulator import vocabulary
from finpulse_assets.domain.simulator.companies import company
from finpulse_assets.domain.simulator.phrases import HEADLINES, TWEETS
from finpulse_assets.domain.simulator.plan import Stream, generator
from finpulse_assets.domain.simulator.wording import SENTENCE_DRAWS, fill, pick
from finpulse_assets.errors import SettingError

# The stances of a story's parts, in their order.
STORIES = {"good": ("positive",), "bad": ("negative",), "turn": ("positive", "negative")}
_HEADLINE_SHARE = 0.2


@dataclass(frozen=True)
class StoryText:
    """A text of a story; `kind` is tweet or headline."""

    kind: str
    text: str
    author: str


def story_texts(name: str, ticker: str, *, count: int, seed: int) -> Iterator[StoryText]:
    """Yield the texts of a story about a ticker, which need be none of the simulated market.

    Args:
        name: of STORIES.
        ticker: the symbol.
        count: texts.
        seed: same seed, same texts.

    Raises:
        SettingError: there is no such story.
    """
    if name not in STORIES:
        raise SettingError(f"there is no story {name!r}", hint=f"choose {', '.join(STORIES)}")
    about = replace(company(seed, 0), ticker=ticker, name=f"${ticker}")
    random, stances = generator(seed, Stream.STORY, 0), STORIES[name]
    for at in range(count):
        stance = stances[at * len(stances) // count]
        kind, phrase, author, *draws = random.random(3 + SENTENCE_DRAWS).tolist()
        is_headline = kind < _HEADLINE_SHARE
        phrases = getattr(HEADLINES if is_headline else TWEETS, stance)
        who = vocabulary.OUTLETS if is_headline else vocabulary.HANDLES
        text = fill(pick(phrases, phrase), about, draws[2:])
        yield StoryText("headline" if is_headline else "tweet", text, pick(who, author))
