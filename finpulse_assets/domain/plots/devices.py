"""The picture of the device comparison."""

from __future__ import annotations

import polars as pl

from finpulse_assets.domain.plots.style import BLUE, GREY, INK, ORANGE, as_png, canvas, legend

_COLOURS = {"float32": GREY, "bfloat16": BLUE, "float16": INK, "int8": ORANGE}
_LINES = {"cpu": "-", "cuda": "--"}


def device_plot(comparison: pl.DataFrame) -> bytes:
    """Return a PNG of tokens a second by the length of texts, a line a device and dtype.

    Args:
        comparison: `schemas.DEVICE_COMPARISON`; of each length the best batch is shown.
    """
    keys = ("device", "dtype", "text_tokens")
    best = comparison.group_by(keys).agg(pl.col("tokens_per_second", "peak_share").max())
    top = best.sort("tokens_per_second").row(-1, named=True)
    title = (
        f"{top['dtype']} on {top['device']} reads most: {top['tokens_per_second']:,.0f} tokens a "
        f"second, {top['peak_share']:.0%} of the matrix peak"
    )
    figure, axes = canvas(title, height=3.8, grid="both")
    for (device, dtype), rows in best.sort(keys).group_by("device", "dtype", maintain_order=True):
        axes.plot(
            rows["text_tokens"].to_numpy(), rows["tokens_per_second"].to_numpy(), marker="o",
            linestyle=_LINES[device], color=_COLOURS[dtype], label=f"{dtype} on {device}",
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    lengths = best["text_tokens"].unique().sort().to_list()
    axes.set_xticks(lengths, [f"{length}" for length in lengths])
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("tokens a text")
    axes.set_ylabel("tokens a second, best batch")
    axes.set_ylim(bottom=0)
    legend(axes)
    return as_png(figure)
