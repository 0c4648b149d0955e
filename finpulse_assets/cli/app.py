"""The command line: `finpulse`.

Exit codes: 0 done; 1 a failure that the message names; 2 a wrong option (Typer's own); 130 stopped
by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import NoReturn

import typer

from finpulse_assets.cli import (
    alerts,
    analyst_report,
    as_if,
    audit,
    backfill,
    backtest,
    dashboard,
    doctor,
    exporter,
    key,
    predict,
    rehearse,
    replay,
    rollback,
    rollout,
    run,
    score,
    serve,
    serve_sentiment,
    simulate,
    sources,
    sql,
    status,
    stream,
    tune,
)
from finpulse_assets.cli.console import errors
from finpulse_assets.errors import FinPulseError

STOPPED = 130  # 128 + SIGINT

app = typer.Typer(
    name="finpulse",
    help="Raw tweets, news and prices to evaluated next-session stock signals.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(run.demo)
app.command("run")(run.run)
app.command("backfill")(backfill.backfill)
app.command("status")(status.status)
app.add_typer(alerts.app, name="alerts")
app.add_typer(sources.app, name="sources")
app.command("reparse")(sources.reparse)
app.command("doctor")(doctor.doctor)
app.command("exporter")(exporter.exporter)
app.command("stream")(stream.stream)
app.command("simulate")(simulate.simulate)
app.command("rehearse")(rehearse.rehearse)
app.command("tune")(tune.tune)
app.command("backtest")(backtest.backtest)
app.command("audit")(audit.audit)
app.command("as-of")(audit.as_of)
app.command("as-if")(as_if.as_if)
app.command("serve")(serve.serve)
app.command("rollout")(rollout.rollout)
app.command("serve-sentiment")(serve_sentiment.serve_sentiment)
app.command("dashboard")(dashboard.dashboard)
app.command("predict")(predict.predict)
app.command("key")(key.key)
app.command("replay")(replay.replay)
app.command("rollback")(rollback.rollback)
app.command("score")(score.score)
app.command("report")(analyst_report.report)
app.command("sql")(sql.sql)


def main() -> None:
    """Run the command line; a FinPulseError becomes one sentence and exit code 1."""
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    try:
        app()
    except FinPulseError as error:
        _refuse(error)
    except KeyboardInterrupt:
        _stop()
    except SystemExit as ended:
        if ended.code == STOPPED:  # what Typer makes of Ctrl-C
            _stop()
        raise
    except BrokenPipeError:  # `finpulse status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except ModuleNotFoundError as error:
        errors.print(
            f"[red]error[/red] the package {error.name} is not installed. Hint: "
            "pip install -c constraints.txt -e '.\\[dev]', or `make venv`",
            soft_wrap=True,
        )
        sys.exit(1)
    except Exception as error:  # the boundary: a user gets a sentence, the file the traceback
        if (own := _own_cause(error)) is not None:
            _refuse(own)
        errors.print(
            f"[red]error[/red] unexpected {type(error).__name__}, kept in {_kept_traceback()}",
            soft_wrap=True,
        )
        sys.exit(1)


def _refuse(error: FinPulseError) -> NoReturn:
    errors.print(f"[red]error[/red] {type(error).__name__}: ", end="")
    errors.print(str(error), markup=False, highlight=False, soft_wrap=True)
    sys.exit(1)


def _own_cause(error: BaseException) -> FinPulseError | None:
    """Return our own error behind a library's, such as Dagster's where definitions load."""
    cause = error.__cause__ or error.__context__
    return cause if isinstance(cause, FinPulseError) or cause is None else _own_cause(cause)


def _stop() -> None:
    """Say that the command was stopped, and end at once: a thread may still be at work."""
    errors.print("stopped; run the command again, nothing is half-written")
    sys.stdout.flush()
    os._exit(STOPPED)


def _kept_traceback() -> Path:
    """Write the traceback of the present exception to a file and return its path."""
    handle, name = tempfile.mkstemp(prefix="finpulse-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        traceback.print_exc(file=file)
    return Path(name)


if __name__ == "__main__":
    main()
