"""The shapes of labelled files: which column is what, known by its columns or by a description.

A description is a small TOML file beside the file, of the same name: `mine.csv`, `mine.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from finpulse_assets.errors import SourceError

NOT_STATED = "not stated"
WORDS = {
    "positive": "positive", "negative": "negative", "neutral": "neutral",
    "bullish": "positive", "bearish": "negative",
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """How a labelled file is read, and what is known about it.

    `text` and `label` are columns. `meanings` gives the label of each value, or `neutral_within`
    says that the labels are numbers of which those so close to zero are neutral. `split` is a
    column of train and dev; without it a fixed tenth of the texts is dev. Labels that VADER gives
    are weak: texts so labelled are trained on, and nothing is evaluated on them.
    """

    name: str = ""
    licence: str = NOT_STATED
    text: str = "text"
    label: str = "label"
    split: str | None = None
    meanings: Mapping[str, str] = field(default_factory=lambda: WORDS)
    neutral_within: float | None = None
    labelled_by: str = "people"

    @property
    def is_weak(self) -> bool:
        return self.labelled_by == "vader"

    @property
    def needed(self) -> set[str]:
        """The columns without which a file has another shape."""
        label = set() if self.is_weak else {self.label}
        return {self.text, *label, *({self.split} if self.split else ())}


# The more columns a shape needs, the earlier it stands.
KNOWN = (
    Shape("Financial PhraseBank", "CC BY-NC-SA 3.0", text="sentence", split="split"),
    Shape(
        "Twitter Financial News", "MIT", label="label_id",
        meanings={"0": "negative", "1": "positive", "2": "neutral"},
    ),
    Shape("FiQA", text="sentence", label="sentiment_score", neutral_within=0.1),
    Shape(text="text"),
    Shape(text="sentence"),
)  # fmt: skip


def shape_of(path: Path, columns: Mapping[str, bool]) -> Shape:
    """Return the shape of a file.

    Args:
        path: the file; a description beside it decides.
        columns: column -> whether it holds strings.

    Raises:
        SourceError: the description cannot be used, or no shape fits.
    """
    described = path.with_suffix(".toml")
    if described.is_file():
        shape = _described(described)
        if lacking := sorted(shape.needed - columns.keys()):
            raise SourceError(
                f"{described} names the columns {', '.join(lacking)}, {path.name} has "
                f"{', '.join(columns)}"
            )
        return shape if shape.name else replace(shape, name=path.stem)
    for shape in KNOWN:
        is_word = shape.meanings is WORDS and shape.neutral_within is None
        fits = shape.needed <= columns.keys() and columns[shape.text]
        if fits and columns[shape.label] is is_word:
            return shape if shape.name else replace(shape, name=path.stem)
    raise SourceError(
        f"the labelled texts {path} have the columns {', '.join(columns)}",
        hint="needed are text (or sentence) and label in words, or label_id in numbers; or "
        f"describe the columns in {described.name} beside it",
    )


def _described(path: Path) -> Shape:
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be read as TOML: {error}") from error
    known = {one.name for one in fields(Shape)}
    if unknown := sorted(given.keys() - known):
        raise SourceError(
            f"{path} has {', '.join(unknown)}", hint=f"known are {', '.join(sorted(known))}"
        )
    shape = Shape(**given)
    if wrong := sorted(set(shape.meanings.values()) - set(WORDS.values())):
        raise SourceError(
            f"{path} gives the meaning {', '.join(wrong)}",
            hint="meanings are positive, negative and neutral",
        )
    if shape.labelled_by not in ("people", "vader"):
        raise SourceError(
            f"{path} says labelled_by {shape.labelled_by!r}", hint="it is people or vader"
        )
    return shape
