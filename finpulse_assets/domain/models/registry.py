"""The candidates by name, what each claims, and who reads the files of which family."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial

from finpulse_assets.domain.features.registry import feature_names
from finpulse_assets.domain.models.candidate import Candidate
from finpulse_assets.domain.models.ensemble import Ensemble
from finpulse_assets.domain.models.ensemble_model import EnsembleModel
from finpulse_assets.domain.models.families import MEMBERS, family_among
from finpulse_assets.domain.models.lightgbm_model import PriceModel
from finpulse_assets.domain.models.linear import LinearModel, MarketHead
from finpulse_assets.domain.models.logistic import Logistic, LogisticModel
from finpulse_assets.domain.models.lstm import Lstm
from finpulse_assets.domain.models.lstm_model import LstmModel
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
from finpulse_assets.domain.models.xgboost_model import XGBoost, XGBoostModel
from finpulse_assets.errors import SettingError

RANKING, LIGHTGBM, LOGISTIC, XGBOOST = "ranking", "lightgbm", "logistic", "xgboost"
ENSEMBLE, MARKET, ON_PRICES = "ensemble", "market", "logistic_on_prices"
WITHOUT_TEXT = "_without_text"
# Shown beside the others on request; it is never promoted, for nothing serves its inputs.
WITH_EMBEDDINGS = "ranking_with_embeddings"
# The candidates that may be promoted, the default first, an ensemble after its members.
CHALLENGERS = (RANKING, LIGHTGBM, LOGISTIC, XGBOOST, ENSEMBLE)
LSTM = "lstm"
SHOWN = (LSTM,)  # evaluated on request beside the others and never promoted
# Why those that are judged and never promoted are not.
NEVER_PROMOTED = {
    LSTM: "no service holds the last 20 sessions of every ticker, which it reads",
    MARKET: "it only shows whether the market's direction can be told",
    WITH_EMBEDDINGS: "no service holds the embeddings that it reads",
}
# Which skills a candidate states anything about: a ranking says nothing of the market as a whole.
OF_RANKINGS, OF_ALL = (
    ("ranking", "text", "after_costs"),
    ("ranking", "market", "text", "after_costs"),
)
CLAIMS = {
    RANKING: OF_RANKINGS,
    LIGHTGBM: OF_ALL,
    LOGISTIC: OF_ALL,
    XGBOOST: OF_RANKINGS,
    ENSEMBLE: OF_ALL,
    LSTM: OF_RANKINGS,
    MARKET: ("market",),
}
DEFAULT_PLAN = RankingPlan()
LEAST_MEMBERS = 2  # of an ensemble
NAIVE = (MAJORITY, ALWAYS_UP, PERSISTENCE, REVERSAL, MOMENTUM)

LABELS = {
    RANKING: "ranking with texts",
    RANKING + WITHOUT_TEXT: "ranking without",
    WITH_EMBEDDINGS: "ranking with embeddings",
    LIGHTGBM: "LightGBM with texts",
    LIGHTGBM + WITHOUT_TEXT: "LightGBM without",
    MARKET: "market head",
    LOGISTIC: "logistic with texts",
    XGBOOST: "XGBoost with texts",
    XGBOOST + WITHOUT_TEXT: "XGBoost without",
    ENSEMBLE: "ensemble with texts",
    ENSEMBLE + WITHOUT_TEXT: "ensemble without",
    LSTM: "LSTM with texts",
    LSTM + WITHOUT_TEXT: "LSTM without",
    ON_PRICES: "logistic on prices",
    MAJORITY: "majority class",
    ALWAYS_UP: "always up",
    PERSISTENCE: "persistence",
    REVERSAL: "reversal (1)",
    MOMENTUM: "momentum (20)",
}

Model = PriceModel | RankingModel | LogisticModel | XGBoostModel | EnsembleModel
FAMILIES = {**MEMBERS, "ensemble": EnsembleModel}


def candidates(
    chosen: Sequence[str] = (RANKING,),
    *,
    threads: int = 2,
    embeddings: Sequence[str] = (),
    without: Collection[str] = (),
    ranking: RankingPlan = DEFAULT_PLAN,
) -> tuple[Candidate, ...]:
    """Return every candidate, those that may be promoted first.

    Each of them comes with its twin without texts: a platform that reads texts has to show that
    reading them adds something.

    Args:
        chosen: names of those that may be promoted, or of SHOWN.
        threads: that LightGBM takes; of no effect on any model.
        embeddings: columns of embeddings that a further candidate reads, none for no such one.
        without: features that are no inputs: those of sources that are not on.
        ranking: how the ranking is fitted.

    >>> [it.name for it in candidates()][:3]
    ['ranking', 'ranking_without_text', 'logistic_on_prices']
    """
    known = (*CHALLENGERS, *SHOWN)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise SettingError(
            f"the candidate {unknown[0]!r} is unknown", hint=f"known are {', '.join(known)}"
        )
    if not set(chosen) & set(CHALLENGERS):
        raise SettingError(
            f"none of {', '.join(chosen)} may be promoted",
            hint=f"name one of {', '.join(CHALLENGERS)} beside",
        )
    with_text, prices = (
        tuple(it for it in feature_names(with_text=reads) if it not in without)
        for reads in (True, False)
    )
    made = partial(_candidate, threads=threads, ranking=ranking)
    trained = {name: made(name, name, with_text) for name in chosen if name not in (ENSEMBLE, LSTM)}
    twins = {name: made(name, twin_of(name), prices, is_baseline=True) for name in trained}
    if ENSEMBLE in chosen:
        trained[ENSEMBLE] = _ensemble(ENSEMBLE, trained.values())
        twins[ENSEMBLE] = _ensemble(twin_of(ENSEMBLE), twins.values(), is_baseline=True)
    if LSTM in chosen:
        twins[LSTM], twins[twin_of(LSTM)] = Lstm(LSTM, with_text), Lstm(twin_of(LSTM), prices)
    twins[LOGISTIC] = made(LOGISTIC, ON_PRICES, prices, is_baseline=True)
    if embeddings:
        inputs = (*with_text, *embeddings)
        twins[WITH_EMBEDDINGS] = made(RANKING, WITH_EMBEDDINGS, inputs, is_baseline=True)
    return (
        *trained.values(),
        *twins.values(),
        MarketHead(MARKET, with_text),
        *(Naive(name) for name in NAIVE),
    )


def _candidate(
    family: str,
    name: str,
    inputs: tuple[str, ...],
    *,
    threads: int,
    ranking: RankingPlan,
    is_baseline: bool = False,
) -> Candidate:
    if family == LIGHTGBM:
        return LightGBM(name, inputs, TrainingPlan(num_threads=threads), is_baseline)
    if family == LOGISTIC:
        return Logistic(name, inputs, is_baseline)
    if family == XGBOOST:
        return XGBoost(name, inputs, is_baseline=is_baseline)
    return Ranking(name, inputs, ranking.with_threads(threads), is_baseline)


def _ensemble(name: str, members: Iterable[Candidate], *, is_baseline: bool = False) -> Ensemble:
    members = tuple(members)
    if len(members) < LEAST_MEMBERS:
        raise SettingError(
            f"the candidate {ENSEMBLE} has {len(members)} members, it needs at least "
            f"{LEAST_MEMBERS}",
            hint=f"name them beside it: FINPULSE_CANDIDATES={RANKING},{XGBOOST},{ENSEMBLE}",
        )
    return Ensemble(name, members, is_baseline)


def twin_of(candidate: str) -> str:
    """Return the name of the same model without texts.

    >>> twin_of("ranking"), twin_of("logistic")
    ('ranking_without_text', 'logistic_on_prices')
    """
    return ON_PRICES if candidate == LOGISTIC else candidate + WITHOUT_TEXT


def baselines_of(candidate: str) -> tuple[str, ...]:
    """Return whom a candidate is set beside.

    >>> baselines_of("market")
    ('majority', 'always_up', 'persistence', 'reversal', 'momentum', 'logistic_on_prices')
    >>> baselines_of("ranking")[-1]
    'ranking_without_text'
    """
    twin = (twin_of(candidate),) if candidate in (*CHALLENGERS, *SHOWN) else ()
    if candidate == WITH_EMBEDDINGS:
        twin = (RANKING,)
    others = (ON_PRICES,) if ON_PRICES not in twin else ()
    return (*NAIVE, *others, *twin)


def never_promoted(chosen: Iterable[str]) -> str:
    """Return which of the candidates are judged and never promoted, and why, "" for none.

    >>> never_promoted(["ranking", "market"])
    "market is never promoted: it only shows whether the market's direction can be told"
    """
    return "; ".join(
        f"{name} is never promoted: {NEVER_PROMOTED[name]}"
        for name in chosen
        if name in NEVER_PROMOTED
    )


def family_of(card: str) -> type[Model | LstmModel | LinearModel | NaiveModel]:
    """Return the class that reads the files of a model, by the text of its card.

    Raises:
        ModelError: the card names no family that this code knows.
    """
    return family_among(FAMILIES, card)


def label_of(candidate: str) -> str:
    """Return what people read for a candidate's name.

    >>> label_of("momentum"), label_of("another")
    ('momentum (20)', 'another')
    """
    return LABELS.get(candidate, candidate)
