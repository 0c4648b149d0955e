"""The invented companies: names, symbols, sectors, and the numbers that never change for each.

Who is listed when, and what a company is.

Companies stand in slots. Most slots keep one company forever; every tenth is renewed: its company
is delisted after LIFE_SESSIONS and, some sessions later, another one is listed. So a window of
about two years holds a delisting and a listing wherever it lies.
"""

from __future__ import annotations

from dataclasses import dataclass

from finpulse_assets.domain.simulator.plan import Stream, generator

LIFE_SESSIONS = 400
EMPTY_SESSIONS = 15
_SLOTS_PER_RENEWAL = 10
_MOST_SLOTS = 500

_STEMS = (
    "Alder", "Brenmoor", "Calyx", "Dunfell", "Eskmere", "Farrow", "Gannet", "Holloway", "Imber",
    "Jessamy", "Kestrel", "Larkspur", "Merrow", "Norvane", "Oakhurst", "Pellam", "Quillon",
    "Rowan", "Saltire", "Tamarisk", "Umber", "Veldor", "Wexcombe", "Yarrow", "Zephyrine",
    "Ashgrove", "Birchall", "Corvane", "Dovecote", "Elmstead", "Fenwick", "Glenmoor", "Hartwell",
    "Ironbark", "Juniper", "Kirkvale", "Linden", "Marlowe", "Nettle", "Orchard", "Penrose",
    "Quarrel", "Redfern", "Sorrel", "Thistle", "Ursine", "Vantry", "Willow", "Yewdale", "Zinnia",
    "Amberly", "Bramble", "Cinder", "Driftwood", "Ember", "Foxglove", "Gorse", "Hazel", "Isolde",
    "Jackdaw",
)  # fmt: skip
# The noun's initial is the last letter of the symbol, so no two nouns share one.
_SECTOR_OF_NOUN = {
    "Analytics": "Technology",
    "Biotech": "Health Care",
    "Capital": "Financials",
    "Devices": "Technology",
    "Energy": "Energy",
    "Foods": "Consumer",
    "Gas": "Energy",
    "Health": "Health Care",
    "Industries": "Industrials",
    "Jewellers": "Consumer",
    "Kitchens": "Consumer",
    "Logistics": "Industrials",
    "Materials": "Materials",
    "Networks": "Technology",
    "Outfitters": "Consumer",
    "Power": "Utilities",
    "Quarries": "Materials",
    "Robotics": "Industrials",
    "Semiconductor": "Technology",
    "Therapeutics": "Health Care",
    "Utilities": "Utilities",
    "Ventures": "Financials",
    "Water": "Utilities",
    "Xylem": "Materials",
    "Yachts": "Consumer",
    "Zinc": "Materials",
}
_NOUNS = tuple(_SECTOR_OF_NOUN)
_NOUN_STEP = 11  # shares no factor with 26, so neighbours differ in noun and sector
_CLASS_SHARE_SLOT = 4
SECTORS = tuple(sorted(set(_SECTOR_OF_NOUN.values())))


@dataclass(frozen=True)
class Company:
    """One company. Volatilities are deviations of log returns; prices are USD a share."""

    ordinal: int
    ticker: str
    name: str
    sector: str
    start_price: float
    beta: float
    idio_sigma: float
    overnight_sigma: float
    usual_volume_usd: float
    dividend_yield: float
    dividend_phase: int
    split_above: float

    @property
    def sector_index(self) -> int:
        return SECTORS.index(self.sector)


@dataclass(frozen=True)
class Stay:
    """A company's time in a slot, in sessions since the epoch; `last` is None where it is open."""

    first: int
    ordinal: int
    last: int | None


def stay_at(slot: int, session: int) -> Stay:
    """Return who holds `slot` at `session`; the sessions after `last` find the slot empty.

    >>> stay_at(0, 5000), stay_at(9, 384).last, stay_at(9, 400).ordinal
    (Stay(first=0, ordinal=0, last=None), 384, 500)
    """
    if slot % _SLOTS_PER_RENEWAL != _SLOTS_PER_RENEWAL - 1:
        return Stay(0, slot, None)
    renewal = slot // _SLOTS_PER_RENEWAL
    phase = 37 * renewal % (LIFE_SESSIONS - EMPTY_SESSIONS)
    generation, age = divmod(session + phase, LIFE_SESSIONS)
    start = session - age
    slots_renewed = _MOST_SLOTS // _SLOTS_PER_RENEWAL
    ordinal = slot if generation == 0 else _MOST_SLOTS + (generation - 1) * slots_renewed + renewal
    return Stay(max(start, 0), ordinal, start + LIFE_SESSIONS - EMPTY_SESSIONS - 1)


def company(seed: int, ordinal: int) -> Company:
    """Return the company with this ordinal; the same whatever else is simulated.

    >>> company(7, 0).ticker, company(7, 0).name, company(7, 4).ticker
    ('ALDA', 'Alder Analytics', 'ESKS-B')
    """
    ticker, name, noun = _identity(ordinal)
    draws = generator(seed, Stream.COMPANY, ordinal).random(9).tolist()
    idio_sigma = 0.009 + 0.010 * draws[0]
    return Company(
        ordinal=ordinal,
        ticker=ticker,
        name=name,
        sector=_SECTOR_OF_NOUN[noun],
        start_price=round(22.0 * 5.5 ** draws[1], 2),
        beta=0.6 + 0.9 * draws[2],
        idio_sigma=idio_sigma,
        overnight_sigma=(0.4 + 0.3 * draws[3]) * idio_sigma,
        usual_volume_usd=5e6 * 60.0 ** draws[4],
        dividend_yield=0.01 + 0.025 * draws[5] if draws[6] < 0.5 else 0.0,
        dividend_phase=int(63 * draws[7]),
        split_above=80.0 + 70.0 * draws[8],
    )


def popularity(slot: int) -> float:
    """Return how often a slot is written about, relative to a mean of 1: from 0.4 to 1.6.

    Multiples of the golden ratio spread evenly, so the mean holds for any number of slots.
    """
    return 0.4 + 1.2 * (slot * 0.6180339887498949 % 1.0)


def _identity(ordinal: int) -> tuple[str, str, str]:
    """Return symbol, name and noun; distinct for every ordinal."""
    row, column = divmod(ordinal, len(_STEMS))
    era, row = divmod(row, len(_NOUNS))
    stem = _STEMS[column]
    noun = _NOUNS[(row + _NOUN_STEP * column) % len(_NOUNS)]
    suffix = "" if era == 0 else chr(ord("A") + era - 1)
    symbol = f"{stem[:3]}{noun[0]}{suffix}".upper()
    if ordinal == _CLASS_SHARE_SLOT:
        symbol += "-B"
    return symbol, f"{stem} {noun}" + (f" {suffix}" if suffix else ""), noun
