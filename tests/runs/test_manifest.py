"""What a manifest says of where the code came from."""

import shutil

import pytest

from loantap.runs.manifest import git_commit


def test_an_image_tells_the_commit_it_was_built_from(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOANTAP_COMMIT", "0123abc")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert git_commit() == "0123abc"
    monkeypatch.delenv("LOANTAP_COMMIT")
    assert git_commit() is None
