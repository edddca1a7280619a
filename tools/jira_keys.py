"""Check that a branch and its commits name a Jira issue: python3 tools/jira_keys.py --project=LT --branch=NAME BASE..HEAD.

Jira shows branches, commits, builds and deployments on an issue by this key. Exit codes: 0 all is named, 1 something is not,
2 it could not be read. Needs Python and git only, so it can be the first step of a pipeline.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

NEEDS_NO_KEY = ("main", "HEAD")  # no branch of one issue; HEAD is what git says where no branch is checked out
RULE = "An issue key looks like {}-123: in capitals, with no letter, digit or underscore right before or after it."


class RangeError(Exception):
    """The commits cannot be read."""


@dataclass(frozen=True)
class Commit:
    """A commit's hash and its whole message."""

    hash: str
    message: str

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.split("\n", 1)[0]


def project_key(text: str) -> str:
    """Return the key of a Jira project; raises ValueError if it is none."""
    if not re.fullmatch(r"[A-Z][A-Z0-9_]+", text):
        raise ValueError(text)
    return text


def issue_keys(text: str, *, projects: Sequence[str]) -> list[str]:
    """Return the issue keys in a text, each once, in order."""
    found = re.findall(rf"(?<!\w)(?:{'|'.join(projects)})-[1-9][0-9]*(?!\w)", text)
    return list(dict.fromkeys(found))


def read_commits(revisions: str) -> list[Commit]:
    """Return the commits of a range BASE..HEAD, newest first, without merges: git writes their messages.

    Raises:
        RangeError: It is no range of commits that are here.
    """
    if not re.fullmatch(r"[^.\s](?:\S*[^.\s])?\.\.[^.\s]\S*", revisions):
        raise RangeError(f"Expected a range of commits such as origin/main..HEAD, got {revisions!r}.")
    words = ["git", "log", "-z", "--no-merges", "--no-show-signature", "--encoding=UTF-8", "--format=%H%n%B"]
    done = subprocess.run([*words, "--end-of-options", revisions, "--"], capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise RangeError(
            f"The commits {revisions!r} cannot be read: {said}\nWhere the clone is shallow, fetch all of it: git fetch --unshallow"
        )
    entries = [entry.partition("\n") for entry in done.stdout.decode("utf-8", "replace").split("\0") if entry]
    return [Commit(name, message) for name, _, message in entries]


def problems(branch: str, commits: Sequence[Commit], *, projects: Sequence[str]) -> list[str]:
    """Return what names no issue, each with how to name it."""
    found = []
    if branch not in NEEDS_NO_KEY and not issue_keys(branch, projects=projects):
        found.append(f"The branch {branch!r} names no issue. Rename it: git branch -m {projects[0]}-123-what-it-does")
    unnamed = [commit for commit in commits if not issue_keys(commit.message, projects=projects)]
    if unnamed:
        listed = "\n".join(f"  {commit.hash[:12]} {commit.title!r}" for commit in unnamed)
        found.append(
            f"{len(unnamed)} of {len(commits)} commits name no issue:\n{listed}\n"
            f"Write its key into their messages: git rebase -i {unnamed[-1].hash[:12]}^, with reword for each, and push again."
        )
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Check, say what is wrong, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--project", type=project_key, action="append", required=True, help="a Jira project's key; repeatable"
    )
    parser.add_argument("--branch", required=True, help="the branch's name")
    parser.add_argument("revisions", metavar="BASE..HEAD", help="the commits that are the branch's own")
    given = parser.parse_args(words)
    try:
        commits = read_commits(given.revisions)
    except RangeError as error:
        print(error, file=sys.stderr)
        return 2
    wrong = problems(given.branch, commits, projects=given.project)
    if wrong:
        print("\n".join([*wrong, RULE.format(given.project[0])]), file=sys.stderr)
        return 1
    print(f"The branch {given.branch!r} and its {len(commits)} commits name their issues.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
