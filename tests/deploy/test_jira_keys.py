"""Branches and commits name their Jira issues, or are told how."""

import subprocess
import sys
from pathlib import Path

import jira_keys
import pytest
from clone_support import Clone

BRANCH = "feature/LT-12-sharper-caps"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """A git repository, in which `base` is the first commit."""
    made = Clone(tmp_path / "repository", {})
    made.folder.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    commit(made, "Before everything")
    made.git("tag", "base")
    monkeypatch.chdir(made.folder)
    return made


def commit(repository: Clone, message: str) -> str:
    (repository.folder / message.encode().hex()[-40:]).write_text("x")
    repository.git("add", ".")
    repository.git("commit", "--quiet", "-m", message)
    return repository.git("rev-parse", "HEAD")


def check(branch: str = BRANCH, revisions: str = "base..HEAD", projects: tuple[str, ...] = ("LT",)) -> int:
    return jira_keys.main([*(f"--project={key}" for key in projects), f"--branch={branch}", revisions])


def test_a_branch_whose_commits_all_name_an_issue_passes(repository: Clone, capsys: pytest.CaptureFixture[str]):
    commit(repository, "LT-12 Cap the ratio")
    commit(repository, "Cap the income\n\nThe reason is told in LT-13.")
    assert check() == 0
    assert "its 2 commits" in capsys.readouterr().out


def test_every_commit_without_a_key_is_listed_with_advice_that_can_be_followed(
    repository: Clone, capsys: pytest.CaptureFixture[str]
):
    commit(repository, "LT-12 Cap the ratio")
    first = commit(repository, "Cap the income")
    commit(repository, "LT-12 Done")
    assert check() == 1
    said = capsys.readouterr().err
    assert "1 of 3 commits name no issue" in said
    assert f"{first[:12]} 'Cap the income'" in said
    start = said.split("git rebase -i ")[1].split(",")[0]
    repository.git("-c", "sequence.editor=sed -i 1s/^pick/reword/", "-c", "core.editor=sed -i 1s/^/LT-12\\ /", "rebase", "-i", start)  # fmt: skip
    assert check() == 0


def test_a_branch_needs_a_key_and_main_none(repository: Clone, capsys: pytest.CaptureFixture[str]):
    commit(repository, "LT-12 Cap the ratio")
    assert [check(branch) for branch in ("sharper-caps", "main", "HEAD")] == [1, 0, 0]
    assert "The branch 'sharper-caps' names no issue" in capsys.readouterr().err


def test_merges_need_no_key_but_what_they_bring_in_does(repository: Clone):
    repository.git("checkout", "--quiet", "-b", BRANCH)
    commit(repository, "LT-12 Cap the ratio")
    repository.git("checkout", "--quiet", "-b", "side", "main")
    commit(repository, "LT-9 Another's work")
    repository.git("checkout", "--quiet", BRANCH)
    repository.git("merge", "--quiet", "-m", "What side has", "side")
    assert check(revisions="main..HEAD") == 0
    repository.git("checkout", "--quiet", "side")
    commit(repository, "No key here")
    repository.git("checkout", "--quiet", BRANCH)
    repository.git("merge", "--quiet", "--no-edit", "side")
    assert check(revisions="main..HEAD") == 1


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("feature/LT-12-caps", ["LT-12"]),
        ("[LT-12] caps, see (LT-13): LT-12", ["LT-12", "LT-13"]),
        ('Revert "LT-12 caps"', ["LT-12"]),
        ("OPS-7 with LT-12", ["OPS-7", "LT-12"]),
        *((text, []) for text in ("lt-12", "LT12", "LT-", "LT-0", "LT-012", "LT-12a", "LT-12_caps", "XLT-12", "ÄLT-12", "LT-١٢", "LT‐12", "UTF-8")),
    ],
)  # fmt: skip
def test_only_what_jira_reads_as_a_key_is_one(text: str, keys: list[str]):
    assert jira_keys.issue_keys(text, projects=["LT", "OPS"]) == keys


def test_a_key_of_another_project_does_not_count(repository: Clone):
    commit(repository, "OPS-12 Cap the ratio")
    assert [check("feature/OPS-12"), check("feature/OPS-12", projects=("LT", "OPS"))] == [1, 0]


@pytest.mark.parametrize("branch", ["$(touch stolen)", "--help", "", "a\nb", "a\x1b[2Jb", "b\udcff"])
def test_hostile_names_and_titles_fail_and_are_shown_harmlessly(
    repository: Clone, branch: str, capsys: pytest.CaptureFixture[str]
):
    commit(repository, "\x1b]0;owned\x07 $(touch stolen)")
    assert check(branch) == 1
    said = capsys.readouterr().err
    assert "names no issue" in said
    assert "\x1b" not in said
    assert not (repository.folder / "stolen").exists()


@pytest.mark.parametrize("revisions", ["HEAD", "", "base...HEAD", "nowhere..HEAD", "--output=stolen..HEAD", "base..HEAD --all"])  # fmt: skip
def test_what_is_no_range_of_commits_is_refused(repository: Clone, revisions: str):
    words = [sys.executable, jira_keys.__file__, "--project=LT", f"--branch={BRANCH}", "--", revisions]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "range of commits" in done.stderr or "cannot be read" in done.stderr
    assert not (repository.folder / "stolen").exists()


def test_a_clone_that_is_too_shallow_is_told_so(
    repository: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    base = repository.git("rev-parse", "base")
    for number in range(3):
        commit(repository, f"LT-12 Step {number}")
    repository.git("clone", "--quiet", "--depth=2", f"file://{repository.folder}", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    assert check(revisions=f"{base}..HEAD") == 2
    assert "git fetch --unshallow" in capsys.readouterr().err


@pytest.mark.parametrize("project", ["", "lt", "L.", "LT|"])
def test_what_is_no_project_key_is_refused(project: str):
    with pytest.raises(SystemExit, match="2"):
        check(projects=(project,))
