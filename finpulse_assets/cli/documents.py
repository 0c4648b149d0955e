"""The generated documents: whole files, parts of files in docs/, the dbt contracts, .env.example.

A part of a file stands between `<!-- name:begin (make docs) -->` and `<!-- name:end -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from finpulse_assets.settings import PREFIX, Settings

if TYPE_CHECKING:
    import click
    import dagster as dg

ROOT = Path(__file__).parents[2]
PLOTS_SHOW = "AAPL in the StockNet data, 2014-10-03 to 2015-09-30"
STAGES = (
    "sources", "market_data", "news", "sentiment", "features", "staging", "intermediate", "marts",
    "outcomes", "models", "signals", "monitoring", "serving",
)  # fmt: skip


def main() -> None:
    """Rewrite the generated files, and the generated parts of files, in place."""
    from finpulse_assets.orchestration.dbt.contracts import write_contracts

    write_contracts()  # first: the other documents read dbt's manifest
    for name, text in documents().items():
        (ROOT / name).write_text(text, encoding="utf-8")


def documents() -> dict[str, str]:
    """Return every generated file but the dbt contracts: its path below the root -> its text."""
    from finpulse_assets.definitions import defs
    from finpulse_assets.orchestration.catalog.data_dictionary import data_dictionary

    definitions = defs()
    specs = asset_specs(definitions)
    return {
        ".env.example": env_example(),
        "docs/commands.md": with_parts(
            "docs/commands.md", commands=command_reference(), targets=target_table()
        ),
        "docs/data_dictionary.md": data_dictionary(),
        "docs/features.md": feature_document(),
        "docs/graph.md": with_parts(
            "docs/graph.md", graph=graph_picture(specs), assets=asset_table(specs)
        ),
        "docs/monitoring.md": with_parts("docs/monitoring.md", measures=measure_table()),
        "docs/operations.md": with_parts(
            "docs/operations.md",
            automation=automation_table(definitions),
            runbooks=runbook_table(),
        ),
        "docs/settings.md": with_parts("docs/settings.md", settings=settings_table()),
    }


def with_parts(name: str, **parts: str) -> str:
    """Return the text of a file with its generated parts made anew.

    Raises:
        ValueError: the file has no such part.
    """
    text = (ROOT / name).read_text(encoding="utf-8")
    for part, content in parts.items():
        pattern = re.compile(rf"(<!-- {part}:begin.*?-->\n).*?(<!-- {part}:end -->)", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"{name} has no part {part}")
        text = pattern.sub(lambda match, made=content: match[1] + made + match[2], text)
    return text


def feature_document() -> str:
    """Return docs/features.md: the feature page with the committed plots of StockNet.

    The plots are those that `serving/feature_page` draws in a home of StockNet's data.
    """
    from finpulse_assets.orchestration.catalog.feature_page import feature_page

    plots = sorted((ROOT / "docs" / "features").glob("*.png"))
    return feature_page({plot.stem: f"features/{plot.name}" for plot in plots}, caption=PLOTS_SHOW)


def asset_specs(definitions: dg.Definitions) -> list[dg.AssetSpec]:
    """Return the specs of every materializable asset, by stage and key."""
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
    rows = [
        (
            spec.group_name or "",
            f"`{spec.key.to_user_string()}`",
            "month" if spec.partitions_def else "",
            spec.description or "",
        )
        for spec in specs
    ]
    return _table(("stage", "asset", "partitions", "what"), rows)


def automation_table(definitions: dg.Definitions) -> str:
    """Return jobs, schedules and sensors as a Markdown table: kind, name, what it does."""
    repository = definitions.get_repository_def()
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    found = {
        "schedule": repository.schedule_defs, "sensor": repository.sensor_defs, "job": jobs
    }  # fmt: skip
    rows = [
        (kind, f"`{one.name}`", one.description or "")
        for kind, listed in found.items()
        for one in sorted(listed, key=lambda one: one.name)
    ]
    return _table(("kind", "name", "what it does"), rows)


def runbook_table() -> str:
    """Return the runbooks as a Markdown table: the alert, and what its page says that it means."""
    pages = sorted((ROOT / "docs" / "runbooks").glob("[a-z]*.md"))
    rows = []
    for page in pages:
        means = page.read_text(encoding="utf-8").split("## What it means\n")[1].split("\n\n")[0]
        first = " ".join(means.split()).split(". ")[0].rstrip(".")
        rows.append((f"[{page.stem}](runbooks/{page.name})", f"{first}."))
    return _table(("alert", "what it means"), rows)


def measure_table() -> str:
    """Return the numbers of the exporter as a Markdown table: name, labels, meaning."""
    from finpulse_assets.domain.monitoring.measures import ALL

    rows = [(f"`{it.name}`", ", ".join(it.labels), it.meaning) for it in ALL]
    return _table(("number", "labels", "what it is"), rows)


def settings_table() -> str:
    """Return the settings as a Markdown table: variable, default, meaning."""
    rows = [
        (
            f"`{PREFIX}{name.upper()}`",
            "" if field.default is None else f"`{_shown(field.default)}`",
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]
    return _table(("variable", "default", "meaning"), rows)


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


def command_reference() -> str:
    """Return a section for each command of `finpulse`: its help and its options."""
    from typer.main import get_command

    from finpulse_assets.cli.app import app

    return "\n".join(_commands("", get_command(app).commands))


def target_table() -> str:
    """Return the targets of the Makefile as a Markdown table."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.findall(r"^([a-z-]+):.*## (.*)$", makefile, re.MULTILINE)
    return _table(("target", "what it does"), [(f"`make {name}`", what) for name, what in found])


def _commands(above: str, commands: Mapping[str, click.Command]) -> Iterator[str]:
    """Yield the section of each command, and of those below it."""
    for name, command in commands.items():
        yield _command(f"{above}{name}", command)
        yield from _commands(f"{name} ", getattr(command, "commands", {}))


def _command(name: str, command: click.Command) -> str:
    paragraphs = [" ".join(part.split()) for part in (command.help or "").split("\n\n")]
    rows = [
        (", ".join(f"`{name}`" for name in parameter.opts), getattr(parameter, "help", "") or "")
        for parameter in command.params
    ]
    return "\n\n".join([f"## finpulse {name}", *paragraphs, _table(("option", "meaning"), rows)])


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [_row(head), "|" + "---|" * len(head), *(_row(row) for row in rows)]
    return "\n".join([*lines, ""])


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _shown(default: object) -> str:
    return str(getattr(default, "value", default))


if __name__ == "__main__":
    main()
