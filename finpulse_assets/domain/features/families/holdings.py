"""Holdings: what institutional managers reported to hold, as far as it was accepted.

The definitions of the family; dbt computes them, in int_holdings.sql.

A report counts from the decision that is later than its acceptance, up to 45 days after the quarter
that it is about, and for REPORT_DAYS at the most. Shares of two reports are compared after the
splits between them. The managers are those of FINPULSE_MANAGERS.
"""

from __future__ import annotations

from functools import partial

from finpulse_assets.domain.features.feature import Feature

REPORT_DAYS = 200  # after the end of its quarter; int_holdings.sql has the same number
_SESSIONS = 280  # which a report and the one before it may reach back
_NO_REPORT = f"no manager has reported on a quarter of the last {REPORT_DAYS} days"
_NO_PAIR = "no manager has reported on two quarters in a row"

_feature = partial(
    Feature, family="holdings", inputs=("raw/holdings",), lookback=_SESSIONS, clocks=("session",),
    sparse=True,
)  # fmt: skip

FEATURES = (
    _feature(
        name="institution_holder_share", formula="managers whose newest report has shares of it / "
        "managers with a report", unit="0 to 1", undefined=_NO_REPORT,
    ),
    _feature(
        name="institution_shares_change", formula="shares in the newest reports / shares in those "
        "of the quarter before, of the managers with both, - 1", unit="fraction",
        undefined=f"{_NO_PAIR}, or none held it",
    ),
    _feature(
        name="institution_buyer_balance", formula="(managers with more shares - managers with "
        "fewer) / managers with another number than a quarter before", unit="-1 to 1",
        undefined=f"{_NO_PAIR}, or none has changed",
    ),
)  # fmt: skip
