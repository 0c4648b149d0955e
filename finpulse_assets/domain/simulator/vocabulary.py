"""The vocabulary of the simulated market: what fills the slots of a phrase, and who speaks.

Products, brokers, times, decorations, authors, as data.
"""

from __future__ import annotations

PRODUCTS = {
    "Technology": ("cloud", "chips", "data platform", "licences", "AI accelerators"),
    "Health Care": ("vaccines", "implants", "diagnostics", "the phase 3 drug", "gene therapy"),
    "Financials": ("lending", "card payments", "asset management", "mortgages", "trading fees"),
    "Energy": ("shale", "LNG", "refining", "offshore wind", "pipelines"),
    "Industrials": ("freight", "robot arms", "aircraft parts", "warehouses", "turbines"),
    "Consumer": ("online orders", "the new menu", "luxury bags", "snacks", "loyalty plan"),
    "Materials": ("copper", "lithium", "specialty coatings", "cement", "fertiliser"),
    "Utilities": ("grid upgrades", "solar farms", "water rates", "storage", "nuclear"),
}
BROKERS = (
    "Harbor & Pine", "Calder Research", "Ninth Street", "Osprey Capital", "Brindle Co",
    "Keel Partners", "Mosaic Securities", "Tallow & Reed", "Vantage North", "Copperfield Bank",
)  # fmt: skip
TIMES = (
    "today", "this week", "tomorrow", "this morning", "after the close", "next month",
    "before the bell", "this quarter", "on Friday", "over the weekend", "into year end", "tonight",
)  # fmt: skip
EMOJIS = {
    "positive": ("🚀", "📈", "💪", "🔥", "🚀🚀", "🐂", "👀"),
    "negative": ("📉", "🩸", "😬", "💀", "🐻", "🤡", "👀"),
    "neutral": ("👀", "📊", "🤔", "📅", "🙏", "☕"),
}
HASHTAGS = ("#stocks", "#investing", "#trading", "#earnings", "#fintwit", "#options", "#markets")
PAIRINGS = (
    "{text}, same story at {other}",
    "{text} (watching {other} too)",
    "{other} {text}",
    "{text} vs {other}",
)
ENDINGS = ("!", "!!", "...", ".", " imo", " fwiw", " lol", " tbh")
OUTLETS = ("Tidewater Wire", "Ledger Daily", "Market Lantern", "The Tape", "Quay Street News")
BOTS = ("AlphaAlertsHQ", "StockRocketRoom", "PennyPilot247", "SignalBot9000")

_MOODS = ("calm", "bold", "lucky", "quiet", "swing", "value", "macro", "delta", "tape", "night")
_ANIMALS = ("otter", "heron", "badger", "lynx", "falcon", "gecko", "moose", "raven", "tapir", "yak")
HANDLES = tuple(
    f"{mood}_{animal}{number or ''}"
    for number in range(4)
    for animal in _ANIMALS
    for mood in _MOODS
)
