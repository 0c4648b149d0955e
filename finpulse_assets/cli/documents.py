"""The generated documents: parts of README.md and of the dbt contracts, .env.example and more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from finpulse_assets.settings import PREFIX, Settings

if TYPE_CHECKING:
    import dagster as dg

ROOT = Path(__file__).parents[2]
PLOTS_SHOW = "AAPL in the StockNet data, 2014-10-03 to 2015-09-30"
STAGES = (
    "sources", "market_data", "news", "sentiment", "features", "staging", "intermediate", "marts",
    "models", "signals", "serving", "monitoring",
)  # fmt: skip


def main() -> None:
    """Rewrite the generated files, and the generated parts of files, in place."""
    from finpulse_assets.orchestration.dbt.contracts import write_contracts

    write_contracts()  # first: the other documents read dbt's manifest
    readme = ROOT / "README.md"
    readme.write_text(with_generated_parts(readme.read_text()))
    (ROOT / ".env.example").write_text(env_example())
    from finpulse_assets.orchestration.catalog.data_dictionary import data_dictionary

    (ROOT / "docs" / "data_dictionary.md").write_text(data_dictionary(), encoding="utf-8")
    (ROOT / "docs" / "features.md").write_text(feature_document(), encoding="utf-8")


def feature_document() -> str:
    """Return docs/features.md: the feature page with the committed plots of StockNet.

    The plots are those that `serving/feature_page` draws in a home of StockNet's data.
    """
    from finpulse_assets.orchestration.catalog.feature_page import feature_page

    plots = sorted((ROOT / "docs" / "features").glob("*.png"))
    return feature_page({plot.stem: f"features/{plot.name}" for plot in plots}, caption=PLOTS_SHOW)


def with_generated_parts(text: str) -> str:
    """Return README text with each `<!-- name:begin -->` part made anew."""
    specs = asset_specs()
    parts = {
        "graph": graph_picture(specs),
        "assets": asset_table(specs),
        "settings": settings_table(),
    }
    for name, content in parts.items():
        pattern = re.compile(rf"(<!-- {name}:begin.*?-->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"README.md has no part {name}")
        text = pattern.sub(lambda match, made=content: match[1] + made + match[2], text)
    return text


def asset_specs() -> list[dg.AssetSpec]:
    """Return the specs of every materializable asset, by stage and key."""
    from finpulse_assets.definitions import defs

    definitions = defs()
    graph = definitions.resolve_asset_graph()
    specs = [
        definitions.get_assets_def(key).get_asset_spec(key)
        for key in graph.materializable_asset_keys
    ]
    return sorted(specs, key=lambda s: (STAGES.index(s.group_name), s.key.to_user_string()))


def graph_picture(specs: list[dg.AssetSpec]) -> str:
    """Return the graph as a Mermaid flow chart, a box for each stage."""
    names = {spec.key: f"n{at}" for at, spec in enumerate(specs)}
    lines = ["```mermaid", "flowchart LR"]
    for stage in STAGES:
        lines.append(f"  subgraph {stage}")
        lines += [
            f'    {names[spec.key]}["{spec.key.to_user_string()}"]'
            for spec in specs
            if spec.group_name == stage
        ]
        lines.append("  end")
    for spec in specs:
        sources = sorted(names[d.asset_key] for d in spec.deps if d.asset_key in names)
        lines += [f"  {source} --> {names[spec.key]}" for source in sources]
    return "\n".join([*lines, "```", ""])


def asset_table(specs: list[dg.AssetSpec]) -> str:
    """Return the assets as a Markdown table: stage, key, partitions, what it is."""
    lines = ["| stage | asset | partitions | what |", "|---|---|---|---|"]
    for spec in specs:
        what = " ".join((spec.description or "").split()).replace("|", "\\|")
        months = "month" if spec.partitions_def else ""
        key = spec.key.to_user_string()
        lines.append(f"| {spec.group_name} | `{key}` | {months} | {what} |")
    return "\n".join([*lines, ""])


def settings_table() -> str:
    """Return the settings as a Markdown table: variable, default, meaning."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{_shown(field.default)}`"
        meaning = (field.description or "").replace("|", "\\|")
        lines.append(f"| `{PREFIX}{name.upper()}` | {default} | {meaning} |")
    return "\n".join([*lines, ""])


def env_example() -> str:
    """Return .env.example: every setting as a comment with its default."""
    lines = [
        "# Copy to .env and uncomment what you change; finpulse doctor shows what is set.",
        "",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else _shown(field.default)
        lines += [f"# {field.description}", f"# {PREFIX}{name.upper()}={default}", ""]
    return "\n".join(lines)


def _shown(default: object) -> str:
    return str(getattr(default, "value", default))


if __name__ == "__main__":
    main()
