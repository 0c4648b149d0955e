"""Emoji: their names as words, since no model's vocabulary and no lexicon reads the pictures."""

from __future__ import annotations

import re
import unicodedata

# Unicode 15 named these. Python 3.11 does not know them, and the hash of a text must not depend on
# the interpreter, so they stay as they are.
_NEWER = (
    "\U0001f6dc\U0001fa75-\U0001fa77\U0001fa87\U0001fa88\U0001faad-\U0001faaf\U0001fabb-\U0001fabd"
    "\U0001fabf\U0001face\U0001facf\U0001fada\U0001fadb\U0001fae8\U0001faf7\U0001faf8"
)
_PICTURE = f"(?![{_NEWER}])[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
# The form of the picture, the tone of the skin, and what joins two pictures to one.
_MODIFIER = "[\ufe0e\ufe0f\u200d\u20e3\U0001f3fb-\U0001f3ff]"
_FLAG = "[\U0001f1e6-\U0001f1ff]{2}"
_RUN = re.compile(rf"((?:{_FLAG}|{_PICTURE}){_MODIFIER}*)(?:\s*\1)*")
_FIRST_LETTER = 0x1F1E6
_SHAPE = {"black", "white", "heavy"}  # of the older signs: "heavy black heart"


def name_emoji(text: str) -> str:
    """Return the text with each emoji as its Unicode name in words; a run of one is named once.

    >>> name_emoji("$T \N{ROCKET}\N{ROCKET}\N{ROCKET} now").split()
    ['$T', 'rocket', 'now']
    """
    if text.isascii():
        return text
    return _RUN.sub(lambda run: f" {_name(run[1])} ", text)


def _name(picture: str) -> str:
    first = ord(picture[0])
    if re.match(_FLAG, picture):
        return "flag " + "".join(chr(ord(it) - _FIRST_LETTER + ord("A")) for it in picture[:2])
    name = unicodedata.name(picture[0], "").lower()
    if "modifier" in name or name.startswith("regional indicator"):
        return ""  # alone it shows nothing
    words = name.replace("-", " ").split()
    if first < _FIRST_LETTER:
        words = [word for word in words if word not in _SHAPE] or words
    return " ".join(words) or picture[0]
