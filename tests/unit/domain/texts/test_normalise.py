"""What counts as the same text, case by case, and as a property."""

from __future__ import annotations

import hashlib

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.texts.normalise import normalise_text, text_hash, with_text_hash

NAUGHTY = [
    "RT @ann: ", "rt @bob ", "@", "@joe", "$T", "&amp;", "&am", "amp;", "&#82;", "http://x.y/z",
    "www.", " ", "\n", "\x00", "\u200b", "\u0301", "e", "\ufeff", "📈", "RT", ":", "&lt;", "\u200d",
    "…", "\ud83d", "\U0001f1fa", "👍🏽", "\ufe0f", "$brk.b", "x" * 140, "متن",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Tom &amp; Jerry &lt;3 &#36;T &quot;up&quot;", 'Tom & Jerry <3 $T "up"'),
        ("beats &amp;amp; raises", "beats & raises"),  # escaped twice
        ("AT&T and R&D stay", "AT&T and R&D stay"),
        ("RT @ann: up", "up"),
        ("RT @ann: RT @bob: rt @c_d up", "up"),
        ("&#82;T @ann: up", "up"),
        ("START @ann: up", "START @user: up"),
        ("I said RT @ann: up", "I said RT @user: up"),
        ("see https://t.co/AbC?x=1&y=2 now", "see URL now"),
        ("see http://a.b www.c.d/e", "see URL URL"),
        ("(@ann, @bob_2) hi", "(@user, @user) hi"),
        ("mail joe@corp.com", "mail joe@corp.com"),
        ("$AAPL $BRK.B at $3.50, +5%", "$AAPL $BRK.B at $3.50, +5%"),
        ("UP up Up", "UP up Up"),
        ("  a \t b\r\n\u00a0c\u2003d  ", "a b c d"),
        ("a\x00b\x1f\x7fc", "a b c"),
        ("\ufeffAp\u200bple\u00ad \u2066up\u2069", "Apple up"),
        ("$aapl $Brk.b but $5m, US$t and a$b", "$AAPL $BRK.B but $5m, US$t and a$b"),
        ("to the moon🚀🚀 🚀 ❤\ufe0f", "to the moon rocket heart"),
        ("👩\u200d💻 👍🏽👍🏿", "woman personal computer thumbs up sign thumbs up sign"),
        ("🇺🇸🇺🇸 ✔ ⬆️📈", "flag US check mark upwards arrow chart with upwards trend"),
        ("🚀🔥", "rocket fire"),
        ("\U0001f3fd", ""),  # a tone of skin without a picture
        ("moon\U0001fae8", "moon\U0001fae8"),  # Python 3.11 has no name for it
        ("half \ud83d a pair\udc80", "half a pair"),
        ("https://t.co/AbC", "URL"),
        ("می\u200cرود \u202bصعود\u202c", "می\u200cرود صعود"),
        ("cafe\u0301", "caf\u00e9"),
        ("", ""),
        ("RT @ann:", ""),
        ("\u200b \x00", ""),
    ],
)
def test_a_normal_form(text, form):
    assert normalise_text(text) == form
    assert text_hash(text) == hashlib.sha256(form.encode()).hexdigest()


def test_a_retweet_is_its_original():
    original = "$T beats &amp; raises https://t.co/one"
    assert text_hash("RT @joe: $T beats & raises  https://t.co/two") == text_hash(original)
    assert text_hash("$T beats & raises") != text_hash(original)


@pytest.mark.parametrize(
    ("end", "kept"), [(" gui…", ""), (" http://t.c…", " URL"), (" $aapl …", " $AAPL")]
)
def test_a_cut_retweet_loses_the_half_word_and_the_mark(end, kept):
    start = "RT @joe: $T beats estimates and "
    words = "very " * ((140 - len(start) - len(end)) // 5)
    padded = start + words + "x" * (140 - len(start) - len(words) - len(end)) + end
    assert len(padded) == 140
    form = normalise_text(padded)
    assert form.startswith("$T beats estimates and very very")
    assert form.endswith(kept) and "…" not in form and "gui" not in form


def test_the_ellipsis_of_an_author_stays():
    assert normalise_text("RT @joe: wait for it…") == "wait for it…"
    assert normalise_text("x " * 80 + "wait for it…").endswith("wait for it…")


def test_a_very_long_text_keeps_every_word():
    words = ["word"] * 5_000
    assert normalise_text("  ".join(words)) == " ".join(words)
    assert normalise_text("RT @a: " * 2_000 + "up") == "up"
    assert normalise_text("&" + "amp;" * 2_500 + "lt;") == "<"


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.one_of(
        st.text(),
        st.text(st.characters(categories=["Cs", "So", "Cf", "L"])),
        st.lists(st.sampled_from(NAUGHTY), max_size=8).map("".join),
    )
)
@example("&amp;amp;")
@example("&am\u200bp;")
@example("R\u200bT @ann: up")
@example("@ann\u0301")
@example("@r\u0332\u0301 @x\u0301")
def test_a_normal_form_is_its_own(text):
    form = normalise_text(text)
    assert normalise_text(form) == form
    assert form == form.strip()
    if not form.endswith("…"):
        assert normalise_text(f"RT @someone: {form}") == form
    text_hash(text)


def test_hashes_stand_beside_their_rows():
    texts = ["b", "RT @x: a", "b", "a"]
    frame = with_text_hash(pl.DataFrame({"id": [1, 2, 3, 4], "text": texts}))
    assert frame["id"].to_list() == [1, 2, 3, 4]
    assert frame["text_hash"].to_list() == [text_hash(text) for text in texts]
    assert frame["text_hash"].n_unique() == 2


def test_no_rows_have_no_hashes():
    frame = with_text_hash(pl.DataFrame(schema={"text": pl.String}))
    assert frame.schema == {"text": pl.String, "text_hash": pl.String}
