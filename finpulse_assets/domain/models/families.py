"""Which class reads the files of which family; an ensemble holds members of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finpulse_assets.domain.models.candidate import CARD_FILE
from finpulse_assets.domain.models.lightgbm_model import PriceModel
from finpulse_assets.domain.models.linear import LinearModel
from finpulse_assets.domain.models.logistic import LogisticModel
from finpulse_assets.domain.models.lstm_model import LstmModel
from finpulse_assets.domain.models.naive import NaiveModel
from finpulse_assets.domain.models.ranking_model import RankingModel
from finpulse_assets.domain.models.xgboost_model import XGBoostModel
from finpulse_assets.domain.seal import REBUILD, parse_json
from finpulse_assets.errors import ModelError

# The `family` of a model's card -> the class that reads its files.
MEMBERS = {
    "lightgbm": PriceModel,
    "ranking": RankingModel,
    "logistic": LogisticModel,
    "xgboost": XGBoostModel,
    "lstm": LstmModel,
    "linear": LinearModel,
    "naive": NaiveModel,
}


def family_among(families: Mapping[str, Any], card: str) -> Any:
    """Return the class that reads the files of a model, by the text of its card.

    Raises:
        ModelError: the card names none of the families.
    """
    family = parse_json(CARD_FILE, card).get("family")
    if family not in families:
        raise ModelError(
            f"{CARD_FILE} names the family {family!r}, known are {', '.join(families)}",
            hint=REBUILD,
        )
    return families[family]
