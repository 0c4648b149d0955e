"""What a report may not say is caught, what it may is not: 40 texts with an error, 40 without."""

from __future__ import annotations

from dataclasses import replace

import pytest

from finpulse_assets.domain.predictions.abstention import CODES, DISSIMILAR, WORDS
from finpulse_assets.domain.reporting import grounding, stance, template
from tests.unit.domain.reporting.reports import PROVEN_UP, UNPROVEN_DOWN

UP, DOWN = PROVEN_UP, UNPROVEN_DOWN
TRUE = [
    (UP, "The signal for IMBK is up."),
    (UP, "The probability of a close above the open is 62.2 %."),
    (UP, "The probability of a close above the open is 0.622, or about 62 percent."),
    (UP, "The probability lies between 54.4 % and 61.5 % in 90 % of the cases."),
    (UP, "The interval runs from 0.544-0.615."),
    (UP, "The expected return is +0.50 %, 50.2 basis points."),
    (UP, "The model expects the stock to rise by 0.5 %."),
    (UP, "It ranks 3rd of 16 tickers."),
    (UP, "It ranks third of sixteen tickers, on Monday, 30 November 2026."),
    (UP, "The signal was decided on 2026-11-27 at 18:15 UTC."),
    (UP, "It is for the session of November 30, 2026."),
    (UP, "It is for the session of 30 November, after the close on Friday."),
    (UP, "The largest reason is `sentiment_decayed_1d`, which moves the log-odds by +0.15."),
    (UP, "Against it speaks idiosyncratic_return_1d, which lowers the log-odds by 0.22."),
    (UP, "The feature idiosyncratic_return_1d weighs -0.22."),
    (UP, "Twelve tweets count for the session, with a mean sentiment of 0.21."),
    (UP, "12 tweets count for the session (mean sentiment +0.214)."),
    (
        UP,
        "One writer said: “Imber Bank raised its guidance to 8 % over the weekend, very bullish”.",
    ),
    (UP, 'A tweet of 14:05 UTC says that the bank "raised its guidance to 8 %".'),
    (UP, 'A tweet reads "Imber Bank raised its guidance…" with a score of 0.84.'),
    (UP, "The last close was $1,052.59."),
    (UP, "The last close was 1,052.6 USD."),
    (UP, "The rank IC out of sample is 0.204, with a 95 % interval from 0.183 to 0.225."),
    (UP, "The evaluation scored 4,298 sessions."),
    (UP, "The evaluation scored 4298 sessions, that is 4.3 thousand."),
    (UP, "The ranking is proven, the market is not proven."),
    (UP, "Proven are ranking, the texts, and after costs the top minus the bottom third."),
    (UP, "After costs the top minus the bottom third earned 0.38 % a session."),
    (UP, "The market IC may be as low as -0.058, so nothing of the market is proven."),
    (UP, "The ranking is proven, so a reader who trades on it would rather buy than not."),
    (UP, "This is no advice to buy, and none to sell."),
    (UP, "Sentiment of $IMBK pushed the forecast up."),
    (DOWN, "The signal for IMBK is down, and nothing was proven at that time."),
    (DOWN, "The probability that it closes higher is 33.7 %."),
    (DOWN, "The model expects a fall of 0.68 %."),
    (DOWN, "The expected return is -0.68 %, or minus nothing proven."),
    (DOWN, "The stock fell by 1.87 % in the session: the direction was right."),
    (DOWN, "The session ended 1.9 % lower, 187 basis points down."),
    (DOWN, "Nothing is proven, so do not sell because of it."),
    (DOWN, "The signal is unproven: we would never advise anybody to go short on it."),
]
FALSE = [
    (UP, "The signal for NORN is up."),
    (UP, "The probability of a close above the open is 64.2 %."),
    (UP, "The probability of a close above the open is 0.63."),
    (UP, "The probability is about 60 %."),
    (UP, "The probability lies between 54.4 % and 65.1 %."),
    (UP, "The expected return is +0.60 %."),
    (UP, "The expected return is -0.50 %."),
    (UP, "The model expects the stock to fall by 0.50 %."),
    (UP, "It ranks 2nd of 16 tickers."),
    (UP, "It ranks third of seventeen tickers."),
    (UP, "It ranks first of 16 tickers."),
    (UP, "The signal was decided on 2026-11-26."),
    (UP, "The signal was decided at 18:45 UTC."),
    (UP, "It is for the session of December 1, 2026."),
    (UP, "It is for the session of Tuesday."),
    (UP, "It is for the first session of 2027."),
    (UP, "The largest reason is sentiment_decayed_5d."),
    (UP, "The largest reason moves the log-odds by +0.51."),
    (UP, "Its feature idiosyncratic_return_1d weighs +0.22."),
    (UP, "Twenty-one tweets count for the session."),
    (UP, "13 tweets count for the session."),
    (UP, "The mean sentiment is -0.21."),
    (UP, 'A tweet says that the bank "lowered its guidance to 8 %".'),
    (UP, "A tweet says “Imber Bank raised its guidance to 9 %”."),
    (UP, "A tweet says 'Imber Bank is about to be taken over'."),
    (UP, "Norn Shipping raised its guidance too."),
    (UP, "The last close was $1,025.59."),
    (UP, "The rank IC out of sample is 0.24."),
    (UP, "The evaluation scored 4,300 sessions."),
    (UP, "Tweets have doubled since last week."),
    (UP, "Half of all writers are bullish."),
    (UP, "Earnings grew by 12 %."),
    (UP, "The market is proven."),
    (UP, "The outlook is clearly bearish."),
    (UP, "Investors should sell the shares now."),
    (DOWN, "The signal is proven by its ranking."),
    (DOWN, "We advise to buy IMBK before Monday."),
    (DOWN, "Go short before the open."),
    (DOWN, "The model expects a rise of the stock."),
    (DOWN, "The stock rose by 1.87 % in the session."),
]


def all_problems(facts, text: str) -> list[str]:
    return grounding.problems(text, facts) + stance.problems(text, facts)


def test_there_are_forty_of_each():
    assert len({text for _, text in TRUE}) == len({text for _, text in FALSE}) == 40


@pytest.mark.parametrize(("facts", "text"), TRUE, ids=[text for _, text in TRUE])
def test_a_true_text_is_not_refused(facts, text):
    assert all_problems(facts, text) == []


@pytest.mark.parametrize(("facts", "text"), FALSE, ids=[text for _, text in FALSE])
def test_an_error_is_caught(facts, text):
    assert all_problems(facts, text) != []


@pytest.mark.parametrize(("facts", "text"), FALSE, ids=[text for _, text in FALSE])
def test_an_error_is_caught_within_a_sound_report(facts, text):
    report = template.written(facts)
    assert all_problems(facts, f"{report}\n{text}\n") != []


@pytest.mark.parametrize("facts", [UP, DOWN])
def test_the_template_is_sound_and_says_what_it_must(facts):
    text = template.written(facts)
    assert all_problems(facts, text) == []
    assert stance.missing(text, facts) == []


def test_what_a_report_must_say_is_missed():
    assert stance.missing("A fine day.", DOWN) == [
        "it does not name IMBK",
        "it does not say that the signal is down",
        "it does not say that nothing is proven",
    ]


def test_the_band_and_the_reason_to_abstain_are_told_as_they_are():
    assert "The 90.0 % band of that return goes from -2.84 % to +3.17 %." in template.written(UP)
    told = template.written(DOWN)
    assert "Abstain: no skill of the model is proven (`no_proven_skill`)." in told
    assert all_problems(UP, "The return lies between -2.8 % and 3.2 %, says the band.") == []
    assert all_problems(UP, "The return lies between -2.8 % and 3.7 %, says the band.") != []
    assert all_problems(DOWN, "It abstains: model_expired.") != []


def test_a_proven_signal_that_abstains_is_no_reason_to_buy():
    advice = "The ranking is proven, so buy the shares."
    assert all_problems(UP, advice) == []
    assert set(WORDS) == set(CODES)
    unlike = replace(UP, abstains=WORDS[DISSIMILAR])
    assert all_problems(unlike, advice) == [f"it advises (buy) though {WORDS[DISSIMILAR]}"]
