"""Settings: every `FINPULSE_*` variable, its default, its limits and its meaning.

Values come from the environment, then from a `.env` file in the working folder, then from here.
"""

from __future__ import annotations

import hashlib
from datetime import date
from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from finpulse_assets.service_settings import ServiceSettings
from finpulse_assets.setting_errors import PREFIX, refuse_unknown_names, setting_error
from finpulse_assets.setting_values import (
    CandidateList,
    LanguageList,
    PathList,
    SourceList,
    UtcTime,
)
from finpulse_assets.source_settings import SourceSettings
from finpulse_assets.stream_settings import StreamSettings


class Profile(StrEnum):
    """Where texts and prices come from."""

    DEMO = "demo"
    FILES = "files"
    LIVE = "live"


SOURCE_OF_PROFILE = {Profile.DEMO: "simulator", Profile.FILES: "files", Profile.LIVE: "yahoo"}


class PlatformSettings(BaseSettings):
    """What a deployment is, how it judges and where it publishes."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    profile: Profile = Field(Profile.DEMO, description="demo, files or live")
    sources: SourceList | None = Field(
        None, description="sources by comma, preferred ones first; unset: the profile's own "
        "(simulator, files or yahoo)"
    )  # fmt: skip
    home: Path = Field(Path(".finpulse"), description="folder of everything that runs write")
    as_of: UtcTime | None = Field(
        None,
        description="run as of this UTC time or the end of this day; unset: now (live), the last "
        "completed session (demo) or the end of the price file (files)",
    )
    start_date: date | None = Field(
        None, description="first day to load; unset: all that the source has (live: two years)"
    )
    decision_delay_minutes: int = Field(
        15, ge=0, le=360, description="minutes from the close to the decision on the signal"
    )
    max_bad_row_share: float = Field(
        0.05, ge=0, le=1, description="share of refused rows past which a delivery fails its check"
    )
    largest_move: float = Field(
        1.75, gt=1, description="factor from the close before it past which a bar without a listed "
        "split is refused"
    )  # fmt: skip
    accepted_moves: str | None = Field(
        None, pattern=r"^[A-Z0-9.-]+:\d{4}-\d\d-\d\d(,[A-Z0-9.-]+:\d{4}-\d\d-\d\d)*$",
        description="bars past that factor that somebody has confirmed, such as BAX:2015-07-01"
    )  # fmt: skip
    price_tolerance: float = Field(
        0.005, ge=0, le=1, description="relative difference of two sources' closes past which the "
        "check of prices warns"
    )  # fmt: skip

    sentiment_model: str = Field(
        "auto",
        description="auto (MiniLM where installed, else tiny), minilm, tiny, a folder, or a hub id "
        "(live: ProsusAI/finbert)",
    )
    sentiment_training: str | None = Field(
        None, pattern="^(head|top-layers|full)$", description="how much of the sentiment model is "
        "trained on the labelled texts: head (a minute), top-layers or full; unset: head for "
        "minilm, full for tiny, nothing of a folder or a hub id, which are used as they are"
    )  # fmt: skip
    sentiment_companion: bool = Field(
        True, description="average TF-IDF with a logistic regression into a model that is trained, "
        "as far as it helps"
    )  # fmt: skip
    sentiment_revision: str | None = Field(
        None, description="commit of the hub model; needed for a hub id other than the FinBERT"
    )
    labelled_texts_path: PathList | None = Field(
        None, description="files of texts with a label, by comma, to train and score the sentiment "
        "model on; unset: sentences of the simulated market"
    )  # fmt: skip
    languages: LanguageList = Field(
        "en", description="languages of the texts that features count, ISO 639-1 by comma, or all; "
        "texts of others are kept, marked and left out"
    )  # fmt: skip
    embeddings: bool = Field(
        False, description="keep a sentence embedding of each text (MiniLM), compare texts by "
        "them, and evaluate a candidate that reads them beside the others"
    )  # fmt: skip
    device: str = Field("auto", pattern="^(auto|cpu|cuda)$", description="auto, cpu or cuda")
    scoring_dtype: str = Field(
        "auto", pattern="^(auto|float32|bfloat16|float16|int8)$", description="numbers that texts "
        "are scored in: float32, bfloat16, float16, int8, or auto (full precision on a CPU, "
        "float16 on CUDA); a reduced one must pass the parity check"
    )  # fmt: skip
    device_price_per_hour: float | None = Field(
        None, gt=0, description="what the machine that scores costs an hour, in any currency, for "
        "models/device_comparison; unset: no costs"
    )  # fmt: skip
    scoring_engine: str = Field(
        "local", pattern="^(local|ray)$", description="where texts are scored, and settings "
        "searched for by `finpulse tune`: local, in the run's process, or ray, on a Ray cluster"
    )  # fmt: skip
    ray_address: str | None = Field(
        None, description="ray: the cluster's head, as host:port; unset: a Ray of this machine is "
        "started for the run"
    )  # fmt: skip
    ray_actors: int = Field(
        2,
        ge=1,
        le=1000,
        description="ray: actors that hold the model, or trials at once; one CPU each",
    )
    ray_gpus_per_actor: float = Field(
        0.0, ge=0, le=16, description="ray: GPUs of an actor, a fraction where actors share one; "
        "0: they score on CPUs"
    )  # fmt: skip
    hub_endpoint: str = Field("https://huggingface.co", description="where hub ids are fetched")
    hub_token: SecretStr | None = Field(None, description="secret: token for the hub")

    candidates: CandidateList = Field(
        "ranking", description="the models that may be promoted, by comma: ranking, lightgbm, "
        "logistic, xgboost, ensemble (of the others that are named), and lstm, which is judged "
        "and never promoted; each more makes a proof harder, for it is a further trial"
    )  # fmt: skip
    ranking_plan: Path | None = Field(
        None, description="file with settings of the ranking's fit, as `finpulse tune` writes it; "
        "each trial of its search counts as a candidate that was tried; unset: the default settings"
    )  # fmt: skip
    tuning_split: str = Field(
        "walk_forward", pattern="^(walk_forward|combinatorial)$", description="folds that "
        "`finpulse tune` measures settings on: purged walk-forward, or combinatorial purged "
        "cross-validation (15 folds, each pair of 6 runs of sessions)"
    )  # fmt: skip
    cost_bps: float = Field(
        10.0, ge=0, le=1000, description="what a trade is taken to cost, in basis points of its "
        "size, for the skill after costs"
    )  # fmt: skip
    benchmark_data: Path | None = Field(
        None, description="folder with the data of published tasks, for models/stocknet and "
        "models/sp500: stocknet_tweets.parquet, stocknet_prices.parquet, stocknet_symbols.csv, "
        "prices_daily_sp500.parquet; unset: both say that they were skipped"
    )  # fmt: skip
    backtest_retraining: str = Field(
        "month", pattern="^(week|month|quarter)$", description="how often a backtest fits and "
        "judges models anew: at the first session of each week, month or quarter"
    )  # fmt: skip
    folds: int = Field(5, ge=1, le=50, description="walk-forward folds of the evaluation")
    min_train_sessions: int = Field(
        120, ge=20, description="sessions before the first fold is tested"
    )
    embargo_sessions: int = Field(1, ge=0, le=60, description="sessions dropped before each fold")
    holdout_sessions: int = Field(
        0, ge=0, le=1000, description="sessions at the end that no fold tests: each candidate sees "
        "them once, and each further read makes a proof harder; 0 keeps none"
    )  # fmt: skip
    resamples: int = Field(1000, ge=100, le=100_000, description="bootstrap resamples")
    model_threads: int = Field(
        2, ge=1, le=64, description="threads that fit LightGBM; no model depends on them"
    )
    models_kept: int = Field(
        5, ge=1, le=1000, description="price models to keep beside the champion and those whose "
        "predictions have not matured"
    )  # fmt: skip
    retrain_window_sessions: int | None = Field(
        None, ge=200, description="sessions that a retraining on drift or on a lost proof trains "
        "on; unset: all history"
    )  # fmt: skip

    snapshots_kept: int = Field(
        5, ge=1, le=1000, description="analytics snapshots to keep, the newest included"
    )

    alert_urls: SecretStr | None = Field(
        None, description="secret: Apprise URLs of Slack, mail, webhooks and others, by comma, "
        "that alerts go to; unset: alerts stand in the log of the sensor alone"
    )  # fmt: skip
    heartbeat_url: SecretStr | None = Field(
        None, description="secret: URL of a dead-man's switch, requested at each tick of the alerts"
    )
    runbook_url: str = Field(
        "docs/runbooks", description="where alerts say that their runbooks are; a folder or a URL"
    )
    ui_url: str = Field(
        "http://127.0.0.1:3000", description="where the Dagster UI is, for the links of alerts"
    )

    log_format: str = Field(
        "text", pattern="^(text|json)$", description="what a run writes to its standard error: "
        "text, or json, a line for each event with the ids of run, job and asset"
    )  # fmt: skip

    report_model: str | None = Field(
        None, description="who writes the analyst's report: a folder or a hub id with its commit "
        "(name@40 letters), a server (http://host/v1#model); unset: a template"
    )  # fmt: skip
    report_key: SecretStr | None = Field(
        None, description="secret: the key that is sent to the server of the report's model"
    )

    publish: bool = Field(
        True,
        description="build service and snapshot after the signals, and the page of each report",
    )

    mlflow_tracking_uri: str | None = Field(
        None, description="MLflow server or database; unset: SQLite in the home folder"
    )


class Settings(SourceSettings, StreamSettings, ServiceSettings, PlatformSettings):
    """The settings of one deployment. Every field is a variable FINPULSE_<NAME>."""

    @property
    def root(self) -> Path:
        """The profile's own folder, so that a demo never mixes with real data."""
        return (self.home / self.profile.value).absolute()

    @property
    def home_id(self) -> str:
        """Which home this is, for those who may not know its path."""
        return hashlib.sha256(str(self.root.resolve()).encode()).hexdigest()[:16]

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def warehouse(self) -> Path:
        return self.root / "finpulse.duckdb"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def bentos(self) -> Path:
        return self.root / "bentoml"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger"

    @property
    def service_keys(self) -> Path:
        return self.root / "service_keys.json"

    @property
    def alerts(self) -> Path:
        return self.root / "alerts"

    @property
    def tracking_uri(self) -> str:
        return self.mlflow_tracking_uri or f"sqlite:///{self.root / 'mlflow.db'}"

    @property
    def source_names(self) -> list[str]:
        """The list of sources, preferred ones first."""
        return (self.sources or SOURCE_OF_PROFILE[self.profile]).split(",")

    @property
    def moves_accepted(self) -> list[tuple[str, date]]:
        """The confirmed bars, as ticker and day."""
        pairs = (one.split(":") for one in (self.accepted_moves or "").split(",") if one)
        return [(ticker, date.fromisoformat(day)) for ticker, day in pairs]


def load_settings(**overrides: object) -> Settings:
    """Read the settings; `overrides` win over the environment.

    Raises:
        SettingError: a value cannot be used; names the variable, the value and the limit.
    """
    refuse_unknown_names(Settings.model_fields)
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise setting_error(error, Settings.model_fields) from None
