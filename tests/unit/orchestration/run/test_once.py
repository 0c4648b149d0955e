"""What is unchanged is not made again; what changed, failed, was deleted or is forced, is."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from finpulse_assets.definitions import defs
from finpulse_assets.orchestration.run import once
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.once import FORCE_TAG, ONCE, TIMELESS, with_work_done_once
from finpulse_assets.settings import load_settings

CLOCK = RunClock(datetime(2024, 5, 1, 21, tzinfo=UTC), date(2024, 1, 2))
OF_A_DAY = ["report", "parts.left", "parts.right", "check"]
ALL = [*OF_A_DAY, "models"]


class Config(dg.Config):
    size: int = 1


@dataclass
class Chain:
    """An input, a report on it, two parts of one step, and a check; it counts what was made."""

    folder: Path
    instance: dg.DagsterInstance
    made: list[str] = field(default_factory=list)
    passes: bool = True

    def __post_init__(self) -> None:
        @dg.asset
        def given() -> dg.MaterializeResult:
            return dg.MaterializeResult(data_version=dg.DataVersion(self.source.read_text()))

        @dg.asset(
            deps=[given], op_tags=ONCE, check_specs=[dg.AssetCheckSpec("has_rows", asset="report")]
        )
        def report(context: dg.AssetExecutionContext, config: Config) -> dg.MaterializeResult:
            del context, config
            self.made.append("report")
            self.path.write_text(self.source.read_text())
            return dg.MaterializeResult(
                metadata={"path": dg.MetadataValue.path(str(self.path)), "dagster/row_count": 3},
                check_results=[dg.AssetCheckResult(check_name="has_rows", passed=True)],
            )

        @dg.multi_asset(
            specs=[dg.AssetSpec("right", deps=["left"]), dg.AssetSpec("left", deps=[given])],
            op_tags=ONCE,
            name="parts",
        )
        def parts():
            for name in ("left", "right"):
                self.made.append(f"parts.{name}")
                yield dg.MaterializeResult(asset_key=name)

        @dg.asset(deps=[given], op_tags=TIMELESS)
        def models() -> None:
            self.made.append("models")

        @dg.asset_check(asset=report, op_tags=ONCE)
        def check() -> dg.AssetCheckResult:
            self.made.append("check")
            return dg.AssetCheckResult(passed=self.passes, description="three rows")

        self.source.write_text("one")
        self.loaded = dg.Definitions(assets=[given, report, parts, models], asset_checks=[check])
        self.settings = load_settings(home=self.folder)

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def path(self) -> Path:
        return self.folder / "report"

    def run(self, clock: RunClock = CLOCK, *, tags=None, config=None) -> dg.ExecuteInProcessResult:
        """Materialize all; `made` then holds what this run has made."""
        self.made.clear()
        loaded = with_work_done_once(self.loaded)
        with_resources = dg.Definitions(
            assets=loaded.assets,
            asset_checks=loaded.asset_checks,
            resources={"settings": self.settings, "clock": clock},
        )
        return with_resources.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            tags=tags,
            run_config={"ops": {"report": {"config": config or {}}}},
        )


@pytest.fixture
def chain(tmp_path):
    with dg.DagsterInstance.ephemeral() as instance:
        made = Chain(tmp_path, instance)
        made.run()
        assert sorted(made.made) == sorted(ALL)
        yield made


def test_a_copy_of_the_whole_project_makes_all_anew(chain, tmp_path, monkeypatch):
    """Its settings are the same, but the views of its warehouse read the lake of the original."""
    monkeypatch.chdir(tmp_path)
    chain.settings = load_settings(home=Path(".finpulse"))
    chain.run()
    chain.run()
    assert chain.made == []
    (tmp_path / "copy").mkdir()
    monkeypatch.chdir(tmp_path / "copy")
    chain.run()
    assert sorted(chain.made) == sorted(ALL)


def test_what_is_unchanged_is_reported_again_and_not_made(chain):
    first = chain.instance.get_latest_materialization_event(dg.AssetKey("report"))
    order = list(first.asset_materialization.metadata)
    for _ in range(2):
        result = chain.run()
        assert chain.made == []
        again = chain.instance.get_latest_materialization_event(dg.AssetKey("report"))
        assert list(again.asset_materialization.metadata)[: len(order)] == order, "plots first"
        assert len(result.get_asset_materialization_events()) == 5
        found = {it.check_name: it for it in result.get_asset_check_evaluations()}
        assert sorted(found) == ["check", "has_rows"]
        assert (found["check"].passed, found["check"].description) == (True, "three rows")
        event = chain.instance.get_latest_materialization_event(dg.AssetKey("report"))
        metadata = event.asset_materialization.metadata
        assert metadata["dagster/row_count"].value == 3
        assert metadata["unchanged_since"].run_id == first.run_id, "the run that made it"


def test_an_input_that_changed_makes_what_follows_from_it(chain):
    chain.source.write_text("two")
    chain.run()
    assert sorted(chain.made) == sorted(ALL)
    assert chain.path.read_text() == "two"


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("cut")])
def test_a_file_that_is_gone_or_another_is_made_again(chain, spoil):
    spoil(chain.path)
    chain.run()
    assert chain.made == ["report", "check"], "the check reads the new file"
    assert chain.path.read_text() == "one"


def test_another_clock_setting_config_or_code_makes_it_again(chain, monkeypatch):
    chain.run(replace(CLOCK, as_of=datetime(2024, 5, 2, 21, tzinfo=UTC)))
    assert sorted(chain.made) == sorted(OF_A_DAY), "not what follows from no data of a day"
    chain.run(config={"size": 2})
    assert "report" in chain.made
    chain.run()
    chain.settings = load_settings(home=chain.folder, folds=4)
    chain.run()
    assert sorted(chain.made) == sorted(ALL)
    monkeypatch.setattr(once, "code_version", lambda: "another")
    chain.run()
    assert sorted(chain.made) == sorted(ALL)


def test_a_forced_run_makes_everything(chain):
    chain.run(tags={FORCE_TAG: "true"})
    assert sorted(chain.made) == sorted(ALL)
    chain.run()
    assert chain.made == []


def test_a_check_that_failed_is_made_again(chain):
    chain.passes = False
    chain.run(tags={FORCE_TAG: "true"})
    chain.run()
    assert chain.made == ["check"]


def test_the_tables_of_the_lake_are_looked_at_themselves(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / ".lock").write_text("")
    empty = once.files_below(folder)
    (folder / "2024-05-01.parquet").write_text("rows")
    assert empty == ""
    assert once.files_below(folder) not in ("", once.files_below(folder / "2024-05-01.parquet"))


def test_which_steps_of_the_platform_are_done_once():
    repository = defs().get_repository_def()
    steps = {it.node_def for it in repository.assets_defs_by_key.values() if it.is_executable}
    steps |= {it.node_def for it in repository.asset_checks_defs_by_key.values()}
    done_once = {it.name for it in steps if ONCE.items() <= it.tags.items()}
    checks = {"fct_daily_features_no_feature_looks_ahead"}
    assert done_once >= {"warehouse", "models__out_of_sample_predictions", *checks}
    assert len(done_once) > 14
    # They ask, or work by month or text: what is done stays done by other means.
    assert not {name for name in done_once if name.startswith(("source__", "raw__"))}
