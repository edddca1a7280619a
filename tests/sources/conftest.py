"""What tests of sources share: a declaration of sources, and a SQLite file."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from loantap_sources.connectors.config import Config, read_config


@pytest.fixture
def declare(tmp_path: Path) -> Callable[..., Config]:
    """Return the settings that a `loantap.yml` in the test's folder declares."""

    def declared(sources: dict[str, dict[str, Any]], **others: Any) -> Config:
        path = tmp_path / "loantap.yml"
        path.write_text(yaml.safe_dump({"sources": sources, **others}, sort_keys=False), encoding="utf-8")
        return read_config(path)

    return declared


@pytest.fixture
def database(tmp_path: Path) -> Callable[..., Path]:
    """Make a SQLite file by a script and return it."""

    def made(script: str, name: str = "loans.db") -> Path:
        connection = sqlite3.connect(tmp_path / name)
        connection.executescript(script)
        connection.close()
        return tmp_path / name

    return made
