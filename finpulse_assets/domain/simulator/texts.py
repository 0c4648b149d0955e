"""The texts of the simulated market: who posts what and when in a session, and when it is known.

Posting times, retweets, near-copies, bots, late deliveries, texts about two tickers.

Every text of a session is known between the decision before and the session's own, and leans to
that session's opinion of its company; about two in five express none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from finpulse_assets.domain.simulator import vocabulary
from finpulse_assets.domain.simulator.companies import Company, popularity
from finpulse_assets.domain.simulator.days import MICROSECONDS, Day
from finpulse_assets.domain.simulator.phrases import ADVERTS, HEADLINES, TWEETS
from finpulse_assets.domain.simulator.plan import MarketPlan, Stream, generator
from finpulse_assets.domain.simulator.wording import (
    SENTENCE_DRAWS,
    STANCES,
    TWEET_DRAWS,
    dress,
    fill,
    pick,
    sentence,
    short_link,
)

BOT_SHARE = 0.04  # of all tweets
_PAIR_SHARE = 0.03  # of people's tweets; each stands under a second ticker as well
_RETWEET_SHARE, _COPY_SHARE, _LATE_SHARE = 0.18, 0.07, 0.022
_HEADLINE_COPY_SHARE = 0.12
_BOT_TICKERS = 8  # that one advert is posted to, at most
_MARKET_HOURS_SHARE = 0.6
_USUAL_LATENCY_SECONDS = 90
_LATE_SECONDS = (5 * 60, 3 * 24 * 3600)
_LEAST_NEUTRAL, _MORE_NEUTRAL = 0.22, 0.3  # strong opinions leave less of the latter
_LEANING = 2.2

# (text_id, ticker, event_us, knowledge_us, text, author, is_retweet, retweet_count, like_count)
Row = tuple[str, str, int, int, str, str, bool, int | None, int | None]


@dataclass(frozen=True)
class Scene:
    """A session as its authors see it; `companies` and `opinion` go by slot, None where empty."""

    day: Day
    companies: Sequence[Company | None]
    opinion: np.ndarray

    @property
    def listed(self) -> list[Company]:
        return [company for company in self.companies if company is not None]


@dataclass(frozen=True)
class _Post:
    """What decides one text before it is put into words."""

    about: Company
    stance: str
    event_us: int
    knowledge_us: int
    draws: list[float]


@dataclass(frozen=True)
class _Original:
    """A tweet that others may repeat; `plain` is its sentence without decoration."""

    about: Company
    plain: str
    text: str
    author: str
    event_us: int


def tweets_of(plan: MarketPlan, scene: Scene) -> list[Row]:
    """Return the tweets of one session, from people and from bots."""
    random = generator(plan.seed, Stream.TWEETS, scene.day.number)
    rate = plan.texts_per_session * (1 - BOT_SHARE) / (1 + _PAIR_SHARE)
    posts = _draw_posts(random, rate, scene, draw_count=SENTENCE_DRAWS + TWEET_DRAWS + 6)
    return _people(posts, scene) + _bots(random, plan, scene)


def headlines_of(plan: MarketPlan, scene: Scene) -> list[Row]:
    """Return the headlines of one session; some repeat another outlet's."""
    random = generator(plan.seed, Stream.HEADLINES, scene.day.number)
    posts = _draw_posts(random, plan.headlines_per_session, scene, draw_count=SENTENCE_DRAWS + 2)
    rows: list[Row] = []
    previous, text = None, ""
    for number, post in enumerate(posts):
        copied, outlet = post.draws[SENTENCE_DRAWS:]
        author, about = pick(vocabulary.OUTLETS, outlet), post.about
        if about is previous and copied < _HEADLINE_COPY_SHARE:
            shown = f"{text} - {author}"
        else:
            shown = text = sentence(HEADLINES, post.stance, about, post.draws)
        previous = about
        text_id = _text_id("h", scene, about, number)
        known = (post.event_us, post.knowledge_us)
        rows.append((text_id, about.ticker, *known, shown, author, False, None, None))
    return rows


def _draw_posts(
    random: np.random.Generator, rate: float, scene: Scene, *, draw_count: int
) -> Iterator[_Post]:
    """Yield the posts of one session, by slot and then by time."""
    wanted = [rate * popularity(slot) for slot in range(len(scene.companies))]
    counts = random.poisson(wanted)
    counts[[slot for slot, company in enumerate(scene.companies) if company is None]] = 0
    slots = np.repeat(np.arange(len(counts)), counts)
    knowledge, event = _post_times(random, len(slots), scene.day)
    order = np.lexsort((knowledge, slots))
    stances = _stances(random, scene.opinion[slots])
    draws = random.random((len(slots), draw_count))
    columns = (slots, stances, knowledge[order], event[order], draws)
    for slot, stance, known, happened, row in zip(*(c.tolist() for c in columns), strict=True):
        if (about := scene.companies[slot]) is not None:
            yield _Post(about, STANCES[stance], happened, known, row)


def _post_times(random: np.random.Generator, count: int, day: Day) -> tuple[np.ndarray, np.ndarray]:
    """Return knowledge and event times in microseconds; posts happen at whole seconds."""
    in_hours = random.random(count) < _MARKET_HOURS_SHARE
    start = np.where(in_hours, day.open_us, day.known_after_us)
    end = np.where(in_hours, day.close_us, day.decision_us)
    # Neither end itself: what is known at the very decision counts for the next session.
    knowledge = start + 1 + (random.random(count) * (end - start - 1)).astype(np.int64)
    shortest, longest = _LATE_SECONDS
    is_late = random.random(count) < _LATE_SHARE
    delay = random.random(count)
    seconds = np.where(
        is_late, shortest * (longest / shortest) ** delay, _USUAL_LATENCY_SECONDS * delay
    )
    event = (knowledge / MICROSECONDS - seconds).astype(np.int64) * MICROSECONDS
    return knowledge, event


def _stances(random: np.random.Generator, opinion: np.ndarray) -> np.ndarray:
    """Return indices into STANCES: the stronger an opinion, the fewer neutral and wrong texts."""
    is_neutral = random.random(len(opinion)) < _LEAST_NEUTRAL + _MORE_NEUTRAL * np.exp(
        -(opinion**2)
    )
    is_positive = random.random(len(opinion)) < 1 / (1 + np.exp(-_LEANING * opinion))
    return np.where(is_neutral, 1, np.where(is_positive, 2, 0))


def _people(posts: Iterable[_Post], scene: Scene) -> list[Row]:
    """Return people's tweets: fresh ones, retweets, near-copies, and those about two tickers."""
    rows: list[Row] = []
    original: _Original | None = None
    for number, post in enumerate(posts):
        kind, who, spread, liked, partner, phrase = post.draws[SENTENCE_DRAWS + TWEET_DRAWS :]
        if original is not None and original.about is not post.about:
            original = None
        author, text, event = _handle(who), "", post.event_us
        is_retweet = kind < _RETWEET_SHARE
        is_copy = not is_retweet and kind < _RETWEET_SHARE + _COPY_SHARE
        if is_retweet:
            # Where nothing was said in the session yet, the original is one that we never saw.
            quoted = original or _say(post, author=_handle(partner))
            text, event = f"RT @{quoted.author}: {quoted.text}", max(event, quoted.event_us)
        elif is_copy and original is not None:
            copy = _say(post, author=author, plain=original.plain)
            text, event = copy.text, max(event, original.event_us)
        else:
            original = _say(post, author=author)
            text = original.text
        tickers = [post.about.ticker]
        if kind > 1 - _PAIR_SHARE and len(scene.listed) > 1:
            others = [company.ticker for company in scene.listed if company is not post.about]
            tickers.append(pick(others, partner))
            text = pick(vocabulary.PAIRINGS, phrase).format(text=text, other=f"${tickers[-1]}")
        retweets = int(1 / (0.01 + 0.99 * spread)) - (0 if is_retweet else 1)
        likes = int(retweets * 3 * liked) + int(4 * liked)
        text_id = _text_id("t", scene, post.about, number)
        for ticker in tickers:
            rows.append((
                text_id, ticker, event, post.knowledge_us, text, author, is_retweet, retweets, likes
            ))  # fmt: skip
    return rows


def _say(post: _Post, *, author: str, plain: str | None = None) -> _Original:
    """Return a tweet in the post's own dress, of a fresh sentence unless one is given."""
    plain = plain or sentence(TWEETS, post.stance, post.about, post.draws)
    finery = post.draws[SENTENCE_DRAWS : SENTENCE_DRAWS + TWEET_DRAWS]
    text = dress(plain, post.stance, post.about, finery)
    return _Original(post.about, plain, text, author, post.event_us)


def _bots(random: np.random.Generator, plan: MarketPlan, scene: Scene) -> list[Row]:
    """Return the adverts of one session: a bot posts one text to several tickers in one second."""
    listed = scene.listed
    wanted = BOT_SHARE * plan.texts_per_session * len(scene.companies)
    waves = int(random.poisson(wanted / min(len(scene.companies), _BOT_TICKERS)))
    knowledge, event = _post_times(random, waves, scene.day)
    rows: list[Row] = []
    for wave in range(waves):
        author, advert, address, *draws = random.random(9).tolist()
        bot, template = pick(vocabulary.BOTS, author), pick(ADVERTS, advert)
        for place in random.permutation(len(listed))[:_BOT_TICKERS].tolist():
            about = listed[place]
            text = fill(template, about, draws, url=short_link(address))
            rows.append((
                _text_id("b", scene, about, wave), about.ticker, int(event[wave]),
                int(knowledge[wave]), text, bot, False, 0, 0,
            ))  # fmt: skip
    return rows


def _handle(uniform: float) -> str:
    """Return somebody's handle; the square lets a few write much."""
    return pick(vocabulary.HANDLES, uniform**2)


def _text_id(kind: str, scene: Scene, about: Company, number: int) -> str:
    return f"{kind}{scene.day.session_date:%Y%m%d}-{about.ticker}-{number}"
