"""The language of a text: English unless another one is all but certain."""

from __future__ import annotations

import pytest

from finpulse_assets.domain.texts.language import LANGUAGES, language_of
from finpulse_assets.domain.texts.normalise import normalise_text

OTHERS = {
    "de": "Die Aktie von Tesla steigt heute stark $TSLA",
    "fr": "Les actions d'Apple chutent après les résultats $AAPL",
    "es": "Las acciones de la empresa suben con fuerza hoy $T",
    "it": "Le azioni salgono oggi dopo i conti trimestrali",
    "pt": "A Petrobras subiu forte hoje na bolsa",
    "nl": "De aandelen van Tesla stijgen vandaag",
    "tr": "Hisse senetleri bugün yükseldi",
    "id": "Saham tesla naik hari ini di bursa",
    "ja": "テスラの株価が上がった",
    "zh": "特斯拉股价今天上涨了很多",
    "ru": "Акции Теслы сегодня растут",
    "ar": "أسهم تسلا ترتفع اليوم \u202b$TSLA",
}
ENGLISH = [
    "$AAPL long here, looks great", "bullish", "buy buy buy", "I want $AAPL drop to $80",
    "strong buy rating reiterated by analysts", "Q3 EPS beats, rev in line", "lol",
    "MMM 3M Co. Open https://t.co/x $MMM $SWKS #MMM #nasdaq #invest",
]  # fmt: skip
WITHOUT_LETTERS = [
    "$AAPL",
    "+5.2% :)",
    "https://t.co/x",
    "@joe",
    "",
    "¯\\_(-)_/¯ 12",
    "&#9632;&#9632;",
]


@pytest.mark.parametrize("code", OTHERS)
def test_another_language_is_named(code):
    assert code in LANGUAGES
    assert language_of(normalise_text(OTHERS[code])) == code


@pytest.mark.parametrize("text", ENGLISH)
def test_short_and_terse_texts_count_as_english(text):
    assert language_of(normalise_text(text)) == "en"


@pytest.mark.parametrize("text", WITHOUT_LETTERS)
def test_without_letters_there_is_no_language(text):
    assert language_of(normalise_text(text)) == "und"
