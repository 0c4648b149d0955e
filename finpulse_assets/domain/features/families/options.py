"""Options: what the option chain of a ticker said, as it was taken before the decision.

The definitions of the family; dbt computes them, in int_options.sql.

A chain counts for the first session whose decision is later than the time at which it was taken,
and for no other: there are no chains of the past. It is the next FINPULSE_YAHOO_OPTIONS_EXPIRIES
expiries. Skew and level are read off the nearest expiry at least a week away.
"""

from __future__ import annotations

from functools import partial

from finpulse_assets.domain.features.feature import Feature

_NO_CHAIN = "no chain was taken for the session"
_NO_QUOTE = f"{_NO_CHAIN}, or no call or no put has a quote"

_feature = partial(
    Feature, family="options", inputs=("raw/options",), lookback=1, clocks=("session",),
    sparse=True,
)  # fmt: skip

FEATURES = (
    _feature(
        name="put_call_volume", formula="contracts traded of puts / of calls", unit="ratio",
        undefined=f"{_NO_CHAIN}, or no call was traded",
    ),
    _feature(
        name="put_call_open_interest", formula="open contracts of puts / of calls", unit="ratio",
        undefined=f"{_NO_CHAIN}, or no call is open",
    ),
    _feature(
        name="option_volume_to_open_interest", formula="contracts traded / open contracts",
        unit="ratio", undefined=f"{_NO_CHAIN}, or no contract is open",
    ),
    _feature(
        name="implied_volatility", formula="mean implied volatility of the call and the put "
        "with a quote whose strikes are nearest to the price", unit="fraction a year",
        undefined=_NO_QUOTE,
    ),
    _feature(
        name="implied_skew", formula="implied volatility of the put with a quote nearest to 95 % "
        "of the price - that of the call nearest to 105 %", unit="fraction a year",
        undefined=_NO_QUOTE,
    ),
)  # fmt: skip
