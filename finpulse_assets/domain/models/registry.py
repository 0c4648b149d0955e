"""The candidates by name, what each claims, and who reads the files of which family."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from finpulse_assets.domain.features.registry import feature_names
from finpulse_assets.domain.models.candidate import CARD_FILE, Candidate
from finpulse_assets.domain.models.lightgbm_model import PriceModel
from finpulse_assets.domain.models.linear import LinearModel, LogisticOnPrices, MarketHead
from finpulse_assets.domain.models.naive import (
    ALWAYS_UP,
    MAJORITY,
    MOMENTUM,
    PERSISTENCE,
    REVERSAL,
    Naive,
    NaiveModel,
)
from finpulse_assets.domain.models.ranking import Ranking, RankingPlan
from finpulse_assets.domain.models.ranking_model import RankingModel
from finpulse_assets.domain.models.training import LightGBM, TrainingPlan
from finpulse_assets.domain.seal import REBUILD, parse_json
from finpulse_assets.errors import ModelError, SettingError

RANKING, LIGHTGBM, MARKET = "ranking", "lightgbm", "market"
WITHOUT_TEXT = "_without_text"
# Shown beside the others on request; it is never promoted, for nothing serves its inputs.
WITH_EMBEDDINGS = "ranking_with_embeddings"
CHALLENGERS = (RANKING, LIGHTGBM)  # the candidates that may be promoted, the default first
# Which skills a candidate states anything about: a ranking says nothing of the market as a whole.
CLAIMS = {
    RANKING: ("ranking", "text", "after_costs"),
    LIGHTGBM: ("ranking", "market", "text", "after_costs"),
    MARKET: ("market",),
}
NAIVE = (MAJORITY, ALWAYS_UP, PERSISTENCE, REVERSAL, MOMENTUM)
LOGISTIC = "logistic_on_prices"

LABELS = {
    RANKING: "ranking with texts",
    RANKING + WITHOUT_TEXT: "ranking without",
    WITH_EMBEDDINGS: "ranking with embeddings",
    LIGHTGBM: "LightGBM with texts",
    LIGHTGBM + WITHOUT_TEXT: "LightGBM without",
    MARKET: "market head",
    LOGISTIC: "logistic on prices",
    MAJORITY: "majority class",
    ALWAYS_UP: "always up",
    PERSISTENCE: "persistence",
    REVERSAL: "reversal (1)",
    MOMENTUM: "momentum (20)",
}

Model = PriceModel | RankingModel
# The `family` of a model's card -> the class that reads its files.
FAMILIES = {
    "lightgbm": PriceModel,
    "ranking": RankingModel,
    "linear": LinearModel,
    "naive": NaiveModel,
}


def candidates(
    chosen: Sequence[str] = (RANKING,),
    *,
    threads: int = 2,
    embeddings: Sequence[str] = (),
    without: Collection[str] = (),
) -> tuple[Candidate, ...]:
    """Return every candidate, those that may be promoted first.

    Each of them comes with its twin without texts: a platform that reads texts has to show that
    reading them adds something.

    Args:
        chosen: names of those that may be promoted.
        threads: that LightGBM takes; of no effect on any model.
        embeddings: columns of embeddings that a further candidate reads, none for no such one.
        without: features that are no inputs: those of sources that are not on.

    >>> [it.name for it in candidates()][:3]
    ['ranking', 'ranking_without_text', 'market']
    """
    every = [it for it in feature_names() if it not in without]
    prices = [it for it in feature_names(with_text=False) if it not in without]
    trained = []
    for name in chosen:
        if name not in CHALLENGERS:
            raise SettingError(
                f"the candidate {name!r} is unknown", hint=f"known are {', '.join(CHALLENGERS)}"
            )
        trained.append(_candidate(name, every, threads))
        twin = name + WITHOUT_TEXT
        trained.append(_candidate(twin, prices, threads, is_baseline=True))
    if embeddings:
        inputs = [*every, *embeddings]
        trained.append(_candidate(WITH_EMBEDDINGS, inputs, threads, is_baseline=True))
    trained.sort(key=lambda it: it.is_baseline)
    return (
        *trained,
        MarketHead(MARKET, tuple(every)),
        LogisticOnPrices(LOGISTIC, tuple(prices)),
        *(Naive(name) for name in NAIVE),
    )


def _candidate(
    name: str, inputs: Sequence[str], threads: int, *, is_baseline: bool = False
) -> Candidate:
    if name.startswith(LIGHTGBM):
        return LightGBM(name, tuple(inputs), TrainingPlan(num_threads=threads), is_baseline)
    return Ranking(name, tuple(inputs), RankingPlan().with_threads(threads), is_baseline)


def baselines_of(candidate: str) -> tuple[str, ...]:
    """Return whom a candidate is set beside.

    >>> baselines_of("market")
    ('majority', 'always_up', 'persistence', 'reversal', 'momentum', 'logistic_on_prices')
    >>> baselines_of("ranking")[-1]
    'ranking_without_text'
    """
    twin = (candidate + WITHOUT_TEXT,) if candidate in CHALLENGERS else ()
    if candidate == WITH_EMBEDDINGS:
        twin = (RANKING,)
    return (*NAIVE, LOGISTIC, *twin)


def family_of(card: str) -> type[Model] | type[LinearModel] | type[NaiveModel]:
    """Return the class that reads the files of a model, by the text of its card.

    Raises:
        ModelError: the card names no family that this code knows.
    """
    family = parse_json(CARD_FILE, card).get("family")
    if family not in FAMILIES:
        raise ModelError(
            f"{CARD_FILE} names the family {family!r}, known are {', '.join(FAMILIES)}",
            hint=REBUILD,
        )
    return FAMILIES[family]


def label_of(candidate: str) -> str:
    """Return what people read for a candidate's name.

    >>> label_of("momentum"), label_of("another")
    ('momentum (20)', 'another')
    """
    return LABELS.get(candidate, candidate)
