"""bitbucket-pipelines.yml is what Bitbucket takes, and each of its lines was run, or is held against what it calls."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from absences import absent
from audit_support import vulnerability_service
from clone_support import Clone, new_clone
from typer.testing import CliRunner

from loantap.cli.app import app
from loantap.settings import project_root

ROOT = project_root()
FILE = ROOT / "bitbucket-pipelines.yml"
PAGE = ROOT / "docs" / "pipelines.md"
RUNBOOK = ROOT / "deploy" / "runbook.md"
CONFIG = yaml.safe_load(FILE.read_text("utf-8"))
PIPELINES = CONFIG["pipelines"]
PULL_REQUEST, MAIN, CUSTOM = PIPELINES["pull-requests"]["**"], PIPELINES["branches"]["main"], PIPELINES["custom"]
TOKEN = 'a token\'of "Bitbucket" %s $HOME'


def steps_of(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for item in items:
        within = item.get("parallel", [item] if "step" in item else [])
        found += [entry["step"] for entry in within]
    return found


ALL = [step for items in (PULL_REQUEST, MAIN, *CUSTOM.values()) for step in steps_of(items)]
LINES = list(dict.fromkeys(line for step in ALL for line in [*step["script"], *step.get("after-script", [])]))
SUITES = [line for line in LINES if "-m pytest" in line]
DEPLOYS = [line for line in LINES if "loantap deploy" in line]


def make_knows(line: str) -> None:
    """The target exists, and what it calls does too."""
    words = shlex.split(line.removeprefix("DOCKER_BUILDKIT=1 "))
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # as in no other make
    done = subprocess.run([*words, "--dry-run"], cwd=ROOT, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert words[-1].partition("=")[2] in done.stdout.splitlines()[-1]


def pytest_takes(line: str) -> None:
    """The paths exist, and the options are these two."""
    for word in shlex.split(line)[3:]:
        option, _, value = word.rpartition("=")
        assert option in ("", "--ignore", "--junitxml"), line
        assert option == "--junitxml" or (ROOT / value).is_dir(), value


def ci_does_this_alone(line: str) -> None:
    """It hands the command on, once, ends as that does, and does not go on to test."""
    for code in (0, 7):
        with TemporaryDirectory() as folder:
            (Path(folder) / ".ci").mkdir()
            shutil.copy2(ROOT / ".ci" / "run", Path(folder) / ".ci")
            programs = {
                "dpkg": "exit 0",
                "apt-get": "exit 0",
                "make": f'echo "make $*" >> {folder}/called; exit {code}',
            }
            for name, text in programs.items():
                (Path(folder) / name).write_text(f"#!/bin/sh\n{text}\n")
                (Path(folder) / name).chmod(0o755)
            environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
            done = subprocess.run(["bash", "-c", line], cwd=folder, env=environment, capture_output=True, check=False)
            assert (Path(folder) / "called").read_text().splitlines() == [line.removeprefix(".ci/run ")]
            assert done.returncode == code


def loantap_takes(line: str) -> None:
    """The command exists, with these options and environments; with --help it only says so."""
    program, *words = shlex.split(line.partition(" -- ")[0].replace('"$BITBUCKET_DEPLOYMENT_ENVIRONMENT"', "staging"))
    assert program == ".venv/bin/loantap"
    asked = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
    assert asked.exit_code == 0, asked.output
    for option in (word for word in words if word.startswith("--")):
        assert re.search(rf"{option}\b", asked.output), option
    assert re.search(r"staging\s*\|\s*production", asked.output), asked.output


@dataclass(frozen=True)
class Instead:
    """Why a line is not run by a test, and what is checked in its place."""

    why: str
    check: Callable[[str], None]


NOT_RUN = {
    **{line: Instead("the tests would run themselves", pytest_takes) for line in SUITES},
    **{line: Instead("there is no AWS here", loantap_takes) for line in DEPLOYS},
    ".ci/run make .venv/.dev .venv/.tools": Instead("installs Debian's packages", ci_does_this_alone),
    "make audit": Instead("test_supply_chain.py runs it", make_knows),
    "make lint": Instead("make test begins with it", make_knows),
    "make report OUT=build/run": Instead("takes minutes; tests/end_to_end runs the job on fewer loans", make_knows),
    "DOCKER_BUILDKIT=1 make image TARGET=api": Instead("make test-image builds it", make_knows),
    "DOCKER_BUILDKIT=1 make image TARGET=report": Instead("make test-image builds it", make_knows),
}
# Run in a clone whose environment is this one, with apt-get and dpkg that change nothing.
RUN = [
    'python3 tools/jira_keys.py --project=LT --branch="$BITBUCKET_BRANCH" "$BITBUCKET_PR_DESTINATION_COMMIT..HEAD"',
    'export AWS_WEB_IDENTITY_TOKEN_FILE="$(mktemp)" && printf %s "$BITBUCKET_STEP_OIDC_TOKEN" > "$AWS_WEB_IDENTITY_TOKEN_FILE"',
    "apt-get update -qq && apt-get install -y -qq --no-install-recommends skopeo",
    "make .venv/.dev",
]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    with vulnerability_service({}) as address:
        made = new_clone(tmp_path_factory.mktemp("clone"), osv=address)
        base = made.git("rev-parse", "HEAD")[:12]  # Bitbucket gives twelve digits
        made.git("commit", "--quiet", "--allow-empty", "-m", "LT-7 What the pull request brings")
        variables = {
            "CI": "true",
            "BITBUCKET_BRANCH": "feature/LT-7-what-it-brings",
            "BITBUCKET_PR_DESTINATION_COMMIT": base,
            "BITBUCKET_STEP_OIDC_TOKEN": TOKEN,
        }
        yield replace(made, environment=made.environment | variables)


def test_every_line_is_run_or_has_a_reason_not_to_be():
    assert sorted(LINES) == sorted([*RUN, *NOT_RUN]), (
        "add new lines of the pipelines to RUN, or with a reason to NOT_RUN"
    )


@pytest.mark.parametrize("line", RUN)
def test_a_line_that_can_run_here_runs(line: str, clone: Clone):
    done = clone.bash(line)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.parametrize("line", NOT_RUN)
def test_a_line_that_cannot_run_here_calls_what_there_is(line: str):
    NOT_RUN[line].check(line)


@pytest.mark.parametrize("line", LINES)
def test_every_line_is_shell(line: str):
    done = subprocess.run(["bash", "-n", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_bitbuckets_schema_takes_the_file():
    places = [ROOT / ".venv" / "deploy-tools" / "bin", Path(sys.executable).parent, *os.get_exec_path()]
    program = shutil.which("check-jsonschema", path=os.pathsep.join(map(str, places)))
    if program is None:
        absent("check-jsonschema")
    words = [program, "--builtin-schema", "vendor.bitbucket-pipelines"]
    done = subprocess.run([*words, FILE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    broken = subprocess.run([*words, "-"], input="pipelines: {default: [step]}", capture_output=True, text=True, check=False)  # fmt: skip
    assert broken.returncode == 1, "the schema takes anything"


def test_a_commit_without_an_issue_stops_a_pull_request(clone: Clone):
    clone.git("checkout", "--quiet", "-b", "unnamed")
    clone.git("commit", "--quiet", "--allow-empty", "-m", "WIP")
    assert clone.bash(RUN[0]).returncode == 1
    clone.git("checkout", "--quiet", "main")


def test_the_identity_is_written_where_only_the_step_reads_it(clone: Clone):
    (line,) = [line for line in RUN if "OIDC" in line]
    done = clone.bash(f'{line}\nstat -c %a "$AWS_WEB_IDENTITY_TOKEN_FILE"; cat "$AWS_WEB_IDENTITY_TOKEN_FILE"')
    assert done.stdout == f"600\n{TOKEN}"
    assert clone.git("status", "--porcelain") == "", "an image of a changed clone is not deployed"


def test_main_runs_what_a_pull_request_runs_and_then_deploys():
    asked, merged = ([step["name"] for step in steps_of(items)] for items in (PULL_REQUEST, MAIN))
    (keys,) = set(asked) - set(merged)
    assert "Jira" in keys
    assert merged[-2:] == ["Deploy to staging", "Deploy to production"]


def test_every_test_is_in_one_part():
    def within(file: Path, words: list[str]) -> bool:
        ignored = [word.removeprefix("--ignore=") for word in words if word.startswith("--ignore=")]
        paths = [word for word in words if not word.startswith("-")]
        return any(file.is_relative_to(ROOT / path) for path in paths) and not any(
            file.is_relative_to(ROOT / path) for path in ignored
        )

    for file in (ROOT / "tests").rglob("test_*.py"):
        parts = [line for line in SUITES if within(file, shlex.split(line)[3:])]
        assert len(parts) == 1, f"{file} is run by {parts}"


def test_each_part_keeps_its_own_results():
    kept = [re.search(r"--junitxml=(\S+)", line)[1] for line in SUITES]
    assert len(set(kept)) == len(kept)
    for step in ALL:
        if any(line in SUITES for line in step["script"]):
            (upload,) = step["artifacts"]["upload"]
            assert upload["capture-on"] == "always", "of a failed run they are wanted most"
            assert all(Path(path).match(upload["paths"][0]) for path in kept)


def test_what_steps_leave_behind_is_not_taken_for_a_change(clone: Clone):
    left = [path.replace("**", "x").replace("*", "x") for step in ALL for kept in step.get("artifacts", {}).get("upload", []) for path in kept["paths"]]  # fmt: skip
    done = subprocess.run(["git", "check-ignore", *set(left)], cwd=clone.folder, capture_output=True, text=True, check=False)  # fmt: skip
    assert set(left) == set(done.stdout.split()), "put these into .gitignore"


def test_production_gets_the_images_of_staging_and_only_when_a_person_says_so():
    staging, production = steps_of(MAIN)[-2:]
    assert (staging["deployment"], production["deployment"]) == ("staging", "production")
    assert "trigger" not in staging
    assert production["trigger"] == "manual"
    assert staging["script"] == production["script"]
    made = [path for step in steps_of(MAIN) for kept in step.get("artifacts", {}).get("upload", []) for path in kept["paths"]]  # fmt: skip
    for line in DEPLOYS:
        if "--image" in line:
            assert made.count(line.split()[-1]) == 1, "built once"


def test_what_is_started_on_purpose_does_not_ask_again():
    assert all("trigger" not in step for items in CUSTOM.values() for step in steps_of(items))


@pytest.mark.parametrize(("name", "items"), CUSTOM.items())
def test_a_custom_pipeline_touches_the_environment_in_its_name_only(name: str, items: list[dict[str, Any]]):
    touched = {step["deployment"] for step in steps_of(items) if "deployment" in step}
    assert touched == {"audit": set()}.get(name, {name.rpartition("-")[2]})


def test_only_steps_that_deploy_get_an_identity_and_all_of_them():
    for step in ALL:
        deploys = any(line in DEPLOYS for line in step["script"])
        assert deploys == step.get("oidc", False) == ("deployment" in step)
        if deploys:
            assert "AWS_WEB_IDENTITY_TOKEN_FILE" in step["script"][0]


def test_no_line_names_a_key_that_lives_long():
    text = FILE.read_text("utf-8")
    assert not re.search(r"AWS_ACCESS_KEY|AWS_SECRET|AWS_SESSION|arn:aws|password", text, re.I)


@pytest.mark.parametrize("items", [PULL_REQUEST, MAIN, *CUSTOM.values()])
def test_every_variable_that_a_pipeline_uses_is_given_to_it(items: list[dict[str, Any]]):
    given = {variable["name"] for item in items for variable in item.get("variables", [])}
    given |= {"BITBUCKET_BRANCH", "BITBUCKET_PR_DESTINATION_COMMIT"} if items is PULL_REQUEST else set()
    for step in steps_of(items):
        own = {"BITBUCKET_STEP_OIDC_TOKEN", "BITBUCKET_DEPLOYMENT_ENVIRONMENT"} if "deployment" in step else set()
        text = "\n".join(step["script"])
        own |= set(re.findall(r"\bexport (\w+)=", text))
        assert set(re.findall(r"\$\{?(\w+)", text)) <= given | own


def test_images_are_pinned():
    images = [CONFIG["image"], *(step["image"] for step in ALL if "image" in step)]
    assert all(re.fullmatch(r"[a-z/.]+:\d+\.\d+\.\d+[-\w]*(@sha256:[0-9a-f]{64})?", image) for image in images)


def test_every_step_has_a_name_and_an_end():
    assert all(step["name"] and step["max-time"] <= 65 for step in ALL)


def test_caches_are_of_the_locks():
    for name in {cache for step in ALL for cache in step.get("caches", [])}:
        files = CONFIG["definitions"]["caches"][name]["key"]["files"]
        assert all("requirements/dev.lock" in map(str, [path.relative_to(ROOT) for path in ROOT.glob(glob)]) for glob in files)  # fmt: skip


def test_every_image_is_built_by_docker_in_a_clone_of_its_own():
    for step in ALL:
        if any("make image" in line for line in step["script"]):
            assert step["services"] == ["docker"]
            assert CONFIG["definitions"]["services"]["docker"]["memory"] <= 7128, "of 8 GB, the step itself needs one"
            assert step["size"] == "2x"


def bodies() -> list[dict[str, Any]]:
    return [json.loads(text) for text in re.findall(r"```json\n(\{.*?\n\})\n```", RUNBOOK.read_text("utf-8"), re.S)]


def test_what_jira_sends_starts_a_pipeline_that_there_is():
    started = [body for body in bodies() if "target" in body]
    assert started
    for body in started:
        target = body["target"]
        assert target["type"] == "pipeline_ref_target"
        assert target["ref_type"] in ("branch", "tag")
        assert target["selector"]["type"] == "custom"
        items = CUSTOM[target["selector"]["pattern"]]
        known = {variable["name"] for item in items for variable in item.get("variables", [])}
        assert {variable["key"] for variable in body.get("variables", [])} <= known


def test_the_page_tells_of_every_pipeline_and_variable():
    page = PAGE.read_text("utf-8")
    for name in CUSTOM:
        assert f"`{name}`" in page
    for name in ("AWS_ROLE_ARN", "AWS_REGION", "LOANTAP_SMOKE_KEY", "LOANTAP_SMOKE", "RUN_OPTIONS", CONFIG["image"]):
        assert f"`{name}`" in page
    assert FILE.read_text("utf-8").count("--project=LT") == 1, "the page says to change it there"
