"""Branches and commits name their Jira issues, or are told how."""

import subprocess
import sys
from pathlib import Path

import pytest
from jira_support import Repository, new_repository

import jira_keys  # isort: skip (jira_support finds the scripts)

BRANCH = "feature/LT-12-sharper-caps"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = new_repository(tmp_path / "repository")
    monkeypatch.chdir(made.folder)
    return made


def check(branch: str = BRANCH, revisions: str = "base..HEAD", projects: tuple[str, ...] = ("LT",)) -> int:
    return jira_keys.main([*(f"--project={key}" for key in projects), f"--branch={branch}", revisions])


def test_a_branch_whose_commits_all_name_an_issue_passes(repository: Repository, capsys: pytest.CaptureFixture[str]):
    repository.commit("LT-12 Cap the ratio")
    repository.commit("Cap the income\n\nThe reason is told in LT-13.")
    assert check() == 0
    assert "its 2 commits" in capsys.readouterr().out


def test_every_commit_without_a_key_is_listed_with_what_to_do(
    repository: Repository, capsys: pytest.CaptureFixture[str]
):
    repository.commit("LT-12 Cap the ratio")
    first = repository.commit("Cap the income")
    second = repository.commit("WIP")
    repository.commit("LT-12 Done")
    assert check() == 1
    said = capsys.readouterr().err
    assert "2 of 4 commits name no issue" in said
    assert f"{first[:12]} 'Cap the income'" in said
    assert f"{second[:12]} 'WIP'" in said
    assert f"git rebase -i {first[:12]}^" in said
    assert "LT-123" in said


def test_the_advice_for_commits_can_be_followed(repository: Repository, capsys: pytest.CaptureFixture[str]):
    repository.commit("Cap the income")
    assert check() == 1
    advice = next(line for line in capsys.readouterr().err.splitlines() if "git rebase" in line)
    start = advice.split("git rebase -i ")[1].split(",")[0]
    repository.git("-c", "sequence.editor=sed -i s/^pick/reword/", "-c", "core.editor=sed -i 1s/^/LT-12\\ /", "rebase", "-i", start)  # fmt: skip
    assert check() == 0


def test_a_branch_without_a_key_fails_though_its_commits_have_one(
    repository: Repository, capsys: pytest.CaptureFixture[str]
):
    repository.commit("LT-12 Cap the ratio")
    assert check("sharper-caps") == 1
    assert "The branch 'sharper-caps' names no issue" in capsys.readouterr().err


@pytest.mark.parametrize("branch", ["main", "HEAD"])
def test_main_needs_no_key_but_its_commits_do(repository: Repository, branch: str):
    repository.commit("LT-12 Cap the ratio")
    assert check(branch) == 0
    repository.commit("Cap the income")
    assert check(branch) == 1


def test_merges_need_no_key_but_what_they_bring_in_does(repository: Repository):
    repository.git("checkout", "--quiet", "-b", BRANCH)
    repository.commit("LT-12 Cap the ratio", file="mine")
    repository.git("checkout", "--quiet", "main")
    repository.commit("LT-9 Another's work", file="theirs")
    repository.git("checkout", "--quiet", BRANCH)
    repository.git("merge", "--quiet", "-m", "What main has", "main")
    assert check(revisions="main..HEAD") == 0
    repository.git("checkout", "--quiet", "-b", "side", "main")
    repository.commit("No key here", file="side")
    repository.git("checkout", "--quiet", BRANCH)
    repository.git("merge", "--quiet", "--no-edit", "side")
    assert check(revisions="main..HEAD") == 1


def test_a_revert_names_the_issue_that_the_reverted_title_names(repository: Repository):
    repository.commit("LT-12 Cap the ratio")
    repository.git("revert", "--no-edit", "HEAD")
    assert repository.git("log", "-1", "--format=%s") == 'Revert "LT-12 Cap the ratio"'
    assert check() == 0


def test_a_revert_of_a_commit_without_a_key_needs_one(repository: Repository):
    repository.commit("Cap the ratio")
    repository.git("tag", "bad")
    repository.git("revert", "--no-edit", "HEAD")
    assert check(revisions="bad..HEAD") == 1


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("LT-1", ["LT-1"]),
        ("feature/LT-12-caps", ["LT-12"]),
        ("[LT-12] caps, see (LT-13): LT-12", ["LT-12", "LT-13"]),
        ('Revert "LT-12 caps"', ["LT-12"]),
        ("OPS-7 with LT-12", ["OPS-7", "LT-12"]),
        ("lt-12", []),
        ("LT12", []),
        ("LT-", []),
        ("LT-0", []),
        ("LT-012", []),
        ("LT-12a", []),
        ("LT-12_caps", []),
        ("XLT-12", []),
        ("ÄLT-12", []),
        ("LT-١٢", []),
        ("LT‐12", []),
        ("UTF-8", []),
    ],
)
def test_only_what_jira_reads_as_a_key_is_one(text: str, keys: list[str]):
    assert jira_keys.issue_keys(text, projects=["LT", "OPS"]) == keys


def test_a_key_of_another_project_does_not_count(repository: Repository):
    repository.commit("OPS-12 Cap the ratio")
    assert check("feature/OPS-12") == 1
    assert check("feature/OPS-12", projects=("LT", "OPS")) == 0


@pytest.mark.parametrize(
    "branch",
    ["$(touch stolen)", "`touch stolen`", ";touch stolen;", "--help", "-", "", "a\nb", "a\x1b[2Jb", "a" * 100_000, "b\udcff"],
)  # fmt: skip
def test_a_hostile_branch_name_fails_and_is_shown_harmlessly(
    repository: Repository, branch: str, capsys: pytest.CaptureFixture[str]
):
    repository.commit("LT-12 Cap the ratio")
    assert check(branch) == 1
    said = capsys.readouterr().err
    assert "names no issue" in said
    assert "\x1b" not in said
    assert not (repository.folder / "stolen").exists()


def test_a_hostile_title_is_shown_harmlessly(repository: Repository, capsys: pytest.CaptureFixture[str]):
    repository.commit("\x1b]0;owned\x07 $(touch stolen)")
    assert check() == 1
    assert "\x1b" not in capsys.readouterr().err


def test_a_message_that_is_no_utf8_is_read(repository: Repository):
    (repository.folder / "message").write_bytes(b"LT-12 caf\xe9")
    repository.git("commit", "--quiet", "--allow-empty", "-F", "message")
    assert check() == 0


@pytest.mark.parametrize(
    "revisions",
    ["HEAD", "", "..HEAD", "base..", "base...HEAD", "nowhere..HEAD", "--output=stolen..HEAD", "base..HEAD --all", "base..-1"],
)  # fmt: skip
def test_what_is_no_range_of_commits_is_refused(
    repository: Repository, revisions: str, capsys: pytest.CaptureFixture[str]
):
    repository.commit("LT-12 Cap the ratio")
    done = subprocess.run(
        [sys.executable, jira_keys.__file__, "--project=LT", f"--branch={BRANCH}", "--", revisions],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "range of commits" in done.stderr or "cannot be read" in done.stderr
    assert not (repository.folder / "stolen").exists()


def test_a_clone_that_is_too_shallow_is_told_so(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    base = repository.git("rev-parse", "base")
    for number in range(5):
        repository.commit(f"LT-12 Step {number}")
    repository.git("clone", "--quiet", "--depth=2", f"file://{repository.folder}", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    assert check(revisions=f"{base}..HEAD") == 2
    assert "git fetch --unshallow" in capsys.readouterr().err


def test_outside_of_a_repository_nothing_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert check() == 2


@pytest.mark.parametrize("project", ["", "lt", "L.", "LT|", "LT-1"])
def test_what_is_no_project_key_is_refused(repository: Repository, project: str):
    with pytest.raises(SystemExit) as ended:
        check(projects=(project,))
    assert ended.value.code == 2
