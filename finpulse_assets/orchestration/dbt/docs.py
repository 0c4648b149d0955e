"""The dbt docs: one static page, made anew when the project changed.

Running `dbt docs generate` and placing its page.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from finpulse_assets.gateways.atomic import written_atomically
from finpulse_assets.orchestration.dbt.in_process import DbtInProcess
from finpulse_assets.orchestration.dbt.project import FOLDER_OF_SOURCES, PROJECT_DIR

STATIC_PAGE = "static_index.html"  # dbt's name for it
MADE_FROM = "made_from.sha256"
SOURCES = (".sql", ".yml", ".md")


def publish_dbt_docs(dbt: DbtInProcess, page: Path) -> bool:
    """Put the documentation at `page`; return whether it was made anew.

    Args:
        dbt: reads the warehouse for the types of the columns.
        page: where the page goes; the hash of the project that it shows lies beside it.

    Raises:
        WarehouseError: dbt fails.
    """
    stamp, made_from = page.with_name(MADE_FROM), project_hash()
    if page.exists() and stamp.exists() and stamp.read_text() == made_from:
        return False
    dbt.write_docs()
    with written_atomically(page) as temporary:
        shutil.copyfile(dbt.target / STATIC_PAGE, temporary)
    with written_atomically(stamp) as temporary:
        temporary.write_text(made_from)
    return True


def project_hash(folder: Path = PROJECT_DIR) -> str:
    """Return a hash of the names and bytes of the dbt project's sources."""
    paths = [folder / "dbt_project.yml"]
    for name in FOLDER_OF_SOURCES:
        paths += [path for path in (folder / name).rglob("*") if path.suffix in SOURCES]
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(folder).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
