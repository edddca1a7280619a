"""bitbucket-pipelines.yml is what Bitbucket takes, and each of its lines was run, or is held against what it calls."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from absences import absent
from clone_support import Clone, new_clone
from typer.testing import CliRunner

from loantap.cli.app import app
from loantap.settings import project_root

ROOT = project_root()
FILE = ROOT / "bitbucket-pipelines.yml"
PAGE = (ROOT / "docs" / "pipelines.md").read_text("utf-8")
CONFIG = yaml.safe_load(FILE.read_text("utf-8"))
PIPELINES = CONFIG["pipelines"]
PULL_REQUEST, MAIN, CUSTOM = PIPELINES["pull-requests"]["**"], PIPELINES["branches"]["main"], PIPELINES["custom"]
TOKEN = 'a token\'of "Bitbucket" %s $HOME'


def steps_of(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry["step"] for item in items for entry in item.get("parallel", [item] if "step" in item else [])]


ALL = [step for items in (PULL_REQUEST, MAIN, *CUSTOM.values()) for step in steps_of(items)]
LINES = list(dict.fromkeys(line for step in ALL for line in step["script"]))
DEPLOYS = [line for line in LINES if "loantap deploy" in line]


def make_knows(line: str) -> None:
    """The target exists, and what it calls does too."""
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # as in no other make
    done = subprocess.run([*shlex.split(line), "--dry-run"], cwd=ROOT, env=alone, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr


def a_script_takes(line: str) -> None:
    """The script is there, and takes these targets."""
    program, *words = [word for word in shlex.split(line) if not word.startswith("CACHE=")]
    assert os.access(ROOT / program, os.X_OK)
    assert [word for word in words if "$" not in word] in (["api"], ["report"], ["api", "report"])


def loantap_takes(line: str) -> None:
    """The command exists, with these options and environments; with --help it only says so."""
    program, *words = shlex.split(line.partition(" -- ")[0].replace('"$BITBUCKET_DEPLOYMENT_ENVIRONMENT"', "staging"))
    asked = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
    assert (program, asked.exit_code) == ("loantap", 0), asked.output
    assert all(re.search(rf"{option}\b", asked.output) for option in words if option.startswith("--"))
    assert re.search(r"staging\s*\|\s*production", asked.output), asked.output


def is_known(line: str) -> None:
    """It is a program of the step's image, and needs its network, its engine or AWS."""
    assert shlex.split(line)[0] in ("apk", "aws", "docker", "pip", ".ci/run", ".venv/bin/python")


NOT_RUN: dict[str, Callable[[str], None]] = {
    **dict.fromkeys(DEPLOYS, loantap_takes),  # there is no AWS here
    **{line: a_script_takes for line in LINES if "deploy/" in line and "loantap deploy" not in line and "pip" not in line},  # make test-image builds them
    **{line: make_knows for line in LINES if line.startswith("make ")},  # make test does this itself, or other tests do
    **{line: is_known for line in LINES if line.startswith(("apk ", "aws ", "docker ", "pip ", ".ci/run ", ".venv/bin/python "))},
}  # fmt: skip
# Run in a clone whose environment is this one.
RUN = [
    'python3 tools/jira_keys.py --project=LT --branch="$BITBUCKET_BRANCH" "$BITBUCKET_PR_DESTINATION_COMMIT..HEAD"',
    'export AWS_WEB_IDENTITY_TOKEN_FILE="$(mktemp)" && printf %s "$BITBUCKET_STEP_OIDC_TOKEN" > "$AWS_WEB_IDENTITY_TOKEN_FILE"',
]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    made = new_clone(tmp_path_factory.mktemp("clone"), osv="")
    base = made.git("rev-parse", "HEAD")[:12]  # Bitbucket gives twelve digits
    made.git("commit", "--quiet", "--allow-empty", "-m", "LT-7 What the pull request brings")
    variables = {"BITBUCKET_BRANCH": "feature/LT-7-what-it-brings", "BITBUCKET_PR_DESTINATION_COMMIT": base, "BITBUCKET_STEP_OIDC_TOKEN": TOKEN}  # fmt: skip
    return replace(made, environment=made.environment | variables)


def test_every_line_is_run_or_has_a_reason_not_to_be():
    assert sorted(LINES) == sorted([*RUN, *NOT_RUN]), "add new lines of the pipelines to RUN, or to NOT_RUN"


@pytest.mark.parametrize("line", NOT_RUN)
def test_a_line_that_cannot_run_here_calls_what_there_is_and_is_shell(line: str):
    NOT_RUN[line](line)
    assert subprocess.run(["bash", "-n", "-c", line], check=False).returncode == 0


def test_the_keys_are_checked_and_a_commit_without_an_issue_stops_a_pull_request(clone: Clone):
    assert clone.bash(RUN[0]).returncode == 0
    clone.git("checkout", "--quiet", "-b", "unnamed")
    clone.git("commit", "--quiet", "--allow-empty", "-m", "WIP")
    assert clone.bash(RUN[0]).returncode == 1
    clone.git("checkout", "--quiet", "main")


def test_the_identity_is_written_where_only_the_step_reads_it(clone: Clone):
    done = clone.bash(f'{RUN[1]}\nstat -c %a "$AWS_WEB_IDENTITY_TOKEN_FILE"; cat "$AWS_WEB_IDENTITY_TOKEN_FILE"')
    assert done.stdout == f"600\n{TOKEN}"
    assert clone.git("status", "--porcelain") == "", "an image of a changed clone is not pushed"


def test_bitbuckets_schema_takes_the_file():
    places = [ROOT / ".venv" / "deploy-tools" / "bin", Path(sys.executable).parent, *os.get_exec_path()]
    program = shutil.which("check-jsonschema", path=os.pathsep.join(map(str, places)))
    if program is None:
        absent("check-jsonschema")
    words = [program, "--builtin-schema", "vendor.bitbucket-pipelines"]
    done = subprocess.run([*words, FILE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert subprocess.run([*words, "-"], input="pipelines: {default: [step]}", capture_output=True, text=True, check=False).returncode == 1  # fmt: skip


def test_a_pull_request_bills_at_most_140_minutes():
    def bills(items: list[dict[str, Any]]) -> int:
        return sum(step["max-time"] * int(step.get("size", "1x")[0]) for step in steps_of(items))

    assert bills(PULL_REQUEST) <= 140
    assert bills(MAIN) <= 340
    assert [step["name"] for step in steps_of(PULL_REQUEST) if step.get("size") == "2x"] == [
        step["name"] for step in steps_of(PULL_REQUEST) if any("make .venv" in line for line in step["script"])
    ], "one environment, in one large step"


def test_main_runs_what_a_pull_request_runs_and_then_deploys_and_production_when_a_person_says_so():
    asked, merged = ([step["name"] for step in steps_of(items)] for items in (PULL_REQUEST, MAIN))
    assert [name for name in asked if name not in merged] == ["Branch and commits name a Jira issue"]
    images, staging, production = steps_of(MAIN)[-3:]
    assert [step["deployment"] for step in (images, staging, production)] == ["images", "staging", "production"]
    assert [step.get("trigger") for step in (images, staging, production)] == [None, None, "manual"]
    assert staging["script"] == production["script"]


@pytest.mark.parametrize(("name", "items"), CUSTOM.items())
def test_a_custom_pipeline_touches_the_environment_in_its_name_only(name: str, items: list[dict[str, Any]]):
    touched = {step["deployment"] for step in steps_of(items) if "deployment" in step}
    others = {"audit": set(), "images": {"images"}, "rebuild": {"images", "staging"}}
    assert touched == others.get(name, {name.rpartition("-")[2]})
    assert all("trigger" not in step for step in steps_of(items)), "what is started on purpose does not ask again"


def test_only_steps_that_deploy_get_an_identity_and_they_install_little():
    """What has the rights of an environment runs the code of 20 packages, each with its hash, and not that of 300."""
    for step in ALL:
        assert step.get("oidc", False) == ("deployment" in step) == any("WEB_IDENTITY" in line for line in step["script"])  # fmt: skip
        if any(line in DEPLOYS for line in step["script"]):
            assert not any(line.startswith(("make", ".ci")) for line in step["script"])
            assert "--require-hashes" in step["script"][0]
    loads = "import sys, loantap.cli.app, boto3, loantap_deploy.rollout, loantap_deploy.tasks; print(*{name.partition('.')[0] for name in sys.modules})"  # fmt: skip
    loaded = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True).stdout.split()
    locked = re.findall(r"^([\w-]+)==", (ROOT / "requirements" / "deploy.lock").read_text("utf-8"), re.M)
    own = {"loantap", "loantap_deploy", "loantap_serving", "loantap_sources", "dateutil", "six"} | set(sys.stdlib_module_names)  # fmt: skip
    from_site = {name for name in loaded if name not in own and not name.startswith("_")}
    assert {name.replace("_", "-") for name in from_site} <= {*locked, "markdown-it", "certifi"}
    assert len(locked) <= 25


def test_no_line_names_a_key_that_lives_long():
    assert not re.search(r"AWS_ACCESS_KEY|AWS_SECRET|AWS_SESSION|arn:aws|(?<!get-login-)(?<!--)password", FILE.read_text("utf-8"), re.I)  # fmt: skip


@pytest.mark.parametrize("items", [PULL_REQUEST, MAIN, *CUSTOM.values()])
def test_every_variable_that_a_pipeline_uses_is_given_to_it(items: list[dict[str, Any]]):
    given = {variable["name"] for item in items for variable in item.get("variables", [])}
    given |= {"BITBUCKET_BRANCH", "BITBUCKET_PR_DESTINATION_COMMIT"} if items is PULL_REQUEST else set()
    for step in steps_of(items):
        own = {"BITBUCKET_STEP_OIDC_TOKEN", "BITBUCKET_DEPLOYMENT_ENVIRONMENT", "BITBUCKET_BUILD_NUMBER", "REGISTRY"} if "deployment" in step else set()  # fmt: skip
        text = "\n".join(step["script"])
        assert set(re.findall(r"\$\{?(\w+)", text)) <= given | own | set(re.findall(r"\bexport (\w+)=", text))


def test_images_are_pinned_the_runtime_is_named_and_every_step_has_an_end():
    images = [CONFIG["image"], *(step["image"] for step in ALL if "image" in step)]
    assert all(re.fullmatch(r"[a-z/.]+:\d+\.\d+\.\d+[-\w]*(@sha256:[0-9a-f]{64})?", image) for image in images)
    assert CONFIG["options"]["runtime"]["cloud"]["version"] == "3"
    assert all(step["name"] and step["max-time"] <= 60 for step in ALL)
    assert CONFIG["definitions"]["services"]["docker"]["memory"] <= 7128, "of 8 GB, the step itself needs one"


def test_what_steps_leave_behind_is_not_taken_for_a_change(clone: Clone):
    left = {path.replace("**", "x").replace("*", "x") for step in ALL for kept in step.get("artifacts", {}).get("upload", []) for path in kept["paths"]}  # fmt: skip
    done = subprocess.run(["git", "check-ignore", *left, "build/loantap-api.tar"], cwd=clone.folder, capture_output=True, text=True, check=False)  # fmt: skip
    assert left <= set(done.stdout.split()), "put these into .gitignore"


def test_what_jira_sends_starts_a_pipeline_that_there_is():
    text = (ROOT / "deploy" / "runbook.md").read_text("utf-8")
    bodies = [json.loads(body) for body in re.findall(r"```json\n(\{.*?\n\})\n```", text, re.S)]
    started = [body for body in bodies if "target" in body]
    assert started
    for body in started:
        target = body["target"]
        assert (target["type"], target["ref_type"], target["selector"]["type"]) == ("pipeline_ref_target", "branch", "custom")  # fmt: skip
        known = {variable["name"] for item in CUSTOM[target["selector"]["pattern"]] for variable in item.get("variables", [])}  # fmt: skip
        assert {variable["key"] for variable in body.get("variables", [])} <= known


def test_the_page_tells_of_every_pipeline_and_variable():
    names = (*CUSTOM, "AWS_ROLE_ARN", "AWS_REGION", "REGISTRY", "LOANTAP_SMOKE_KEY", "LOANTAP_SMOKE", "RUN_OPTIONS", CONFIG["image"])  # fmt: skip
    assert [name for name in names if f"`{name}`" not in PAGE] == []
    assert FILE.read_text("utf-8").count("--project=LT") == 1, "the page says to change it there"
