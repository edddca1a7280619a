from pathlib import Path

import pytest
from tiny_project import make_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two tiny notebooks, on which the library works."""
    return make_project(tmp_path / "project", monkeypatch)
