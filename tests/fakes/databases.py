"""SQLite files of Dagster and MLflow that live as long as a test."""

import sqlite3

from sqlalchemy import event
from sqlalchemy.engine import Engine


def do_not_wait_for_the_disk() -> None:
    """Let no commit wait until the disk has it: a run has thousands.

    What a killed process had committed is there all the same: the system holds it.
    """

    @event.listens_for(Engine, "connect")
    def do_not_wait(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("pragma synchronous = off")
