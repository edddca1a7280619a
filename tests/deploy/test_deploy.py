"""`loantap deploy`: the commands that it gives AWS, and what it makes of the answers. What CloudFormation does with them, moto only hints at."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from access_support import ROLES
from conftest import COMMIT, Account
from template_support import statements, template
from typer.testing import CliRunner

from loantap.cli.app import app
from loantap.errors import DeployError, InputError
from loantap.settings import project_root
from loantap_deploy import rollout
from loantap_deploy.environment import Environment
from loantap_deploy.rollout import Deployment
from loantap_deploy.stack import template_parameters

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse", "ignore:No Moto CloudFormation support")
STACK = "cloudformation:{}ChangeSet".format


class Service:
    """What stands in for the service: it answers, or does not."""

    def __init__(self) -> None:
        self.answers, self.asked = True, []

    def __call__(self, url: str, *, key: str | None, pause: float) -> str:
        self.asked.append((url, key))
        if not self.answers:
            raise DeployError(f"{url}: expected an answer of the service, but it answered 500.")
        return "model m scored the example with 0.2000"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    found = Service()
    monkeypatch.setattr(rollout, "smoke_test", found)
    return found


def deploy(environment: Environment, commit: str = COMMIT, *, dry_run: bool = False, **settings: str) -> list[str]:
    said: list[str] = []
    Deployment(environment, commit, settings, said.append, key="k", pause=0.01, limit=5).run(dry_run=dry_run)
    return said


def digest(account: Account, component: str, build: int) -> str:
    images = account.client("ecr").describe_images(repositoryName=f"loantap/{component}", imageIds=[{"imageTag": f"{COMMIT[:12]}-{build}"}])  # fmt: skip
    return images["imageDetails"][0]["imageDigest"]


def test_the_first_deployment_makes_the_stack_with_the_sizes_of_its_file(account: Account, staging: Environment, service: Service):  # fmt: skip
    said = deploy(staging)
    assert account.digests()["ApiDigest"] == digest(account, "api", 8), "the newest build of the commit"
    assert account.digests()["ReportDigest"] == digest(account, "report", 8)
    assert (account.digests()["Environment"], account.digests()["ApiCpu"], account.digests()["MinTasks"]) == ("staging", "512", "1")  # fmt: skip
    made = next(sent for sent in account.sent if "ChangeSetType" in sent)
    assert (made["ChangeSetType"], made["OnStackFailure"]) == ("CREATE", "DELETE")
    assert made["RoleARN"].endswith("service-stack-role")
    assert "Smoke test: model m scored" in said[-1]
    assert service.asked == [("https:///loantap/staging/url", "k")]


def test_an_update_changes_the_digests_and_what_is_set_and_leaves_the_rest(account: Account, staging: Environment, service: Service):  # fmt: skip
    deploy(staging, f"{COMMIT[:12]}-7", Timezone="Europe/Berlin")
    deploy(staging, f"{COMMIT[:12]}-8", MaxTasks="4")
    sent = next(sent for sent in account.sent if sent.get("ChangeSetType") == "UPDATE")["Parameters"]
    given = {each["ParameterKey"] for each in sent if "ParameterValue" in each}
    assert given == {"Environment", "ApiDigest", "ReportDigest", "MaxTasks"}
    assert all(each["UsePreviousValue"] for each in sent if each["ParameterKey"] not in given)
    assert (account.digests()["Timezone"], account.digests()["MaxTasks"]) == ("Europe/Berlin", "4")


def test_a_second_time_changes_nothing_and_asks(account: Account, staging: Environment, service: Service):
    deploy(staging)
    account.calls.clear()
    said = deploy(staging)
    assert account.changes == [STACK("Create"), STACK("Delete")]
    assert said[0].endswith("nothing to change")
    assert len(service.asked) == 2


def test_a_dry_run_says_what_would_change_and_drops_its_plan(account: Account, staging: Environment, service: Service):
    deploy(staging, f"{COMMIT[:12]}-7")
    before = account.digests()
    account.calls.clear()
    said = deploy(staging, dry_run=True)
    assert account.changes == [STACK("Create"), STACK("Delete")]
    assert account.digests() == before
    assert all("would" in line for line in said)


def test_a_change_that_does_not_become_stable_is_told_with_its_first_reason(account: Account, staging: Environment, service: Service):  # fmt: skip
    deploy(staging, f"{COMMIT[:12]}-7")
    account.fails = lambda parameters: "ECS Deployment Circuit Breaker was triggered"
    with pytest.raises(DeployError, match=r"Circuit Breaker was triggered\nCloudFormation went back"):
        deploy(staging)
    assert len(service.asked) == 1, "what went back by itself is not asked"


def test_a_service_that_does_not_answer_gets_its_former_images_again(account: Account, staging: Environment, service: Service):  # fmt: skip
    deploy(staging, f"{COMMIT[:12]}-7", MaxTasks="3")
    before = account.digests()
    account.calls.clear()
    service.answers = False
    with pytest.raises(DeployError, match=r"answered 500.\nThe former images run again"):
        deploy(staging, f"{COMMIT[:12]}-8", MaxTasks="4")
    assert account.changes == [STACK("Create"), STACK("Execute")] * 2
    assert account.digests() == before


def test_a_way_back_that_fails_too_is_said(account: Account, staging: Environment, service: Service):
    deploy(staging, f"{COMMIT[:12]}-7")
    service.answers = False
    account.fails = lambda parameters: "no capacity" if parameters["ApiDigest"] == digest(account, "api", 7) else ""
    with pytest.raises(DeployError, match=r"answered 500.\nGoing back failed too: .*no capacity"):
        deploy(staging)


@pytest.mark.parametrize(("again", "words"), [(False, "nothing to go back to"), (True, "nothing is taken back")])
def test_where_there_is_nothing_to_go_back_to_it_is_said(again: bool, words: str, account: Account, staging: Environment, service: Service):  # fmt: skip
    if again:
        deploy(staging)
    service.answers = False
    with pytest.raises(DeployError, match=words):
        deploy(staging)


def test_tasks_are_started_where_there_were_none_and_not_asked_before(account: Account, staging: Environment, service: Service):  # fmt: skip
    said = deploy(staging, MinTasks="0")
    assert "no task" in said[-1]
    assert not service.asked
    account.calls.clear()
    said = deploy(staging, MinTasks="2")
    assert "ecs:UpdateService" in account.changes
    assert len(service.asked) == 1
    (found,) = account.client("ecs").describe_services(cluster="loantap-staging", services=["api"])["services"]
    assert found["desiredCount"] == 2


def test_who_deploys_needs_the_rights_that_the_template_gives_and_asks_for_no_others(account: Account, staging: Environment, service: Service):  # fmt: skip
    deploy(staging, f"{COMMIT[:12]}-7", MinTasks="0")
    account.fails = lambda parameters: "it failed" if parameters["MinTasks"] == "2" else ""
    with pytest.raises(DeployError):
        deploy(staging, MinTasks="2")
    account.client("cloudformation").delete_stack(StackName="loantap-staging-service")
    account.fails = lambda parameters: ""
    deploy(staging, MinTasks="0")
    deploy(staging, MinTasks="1", dry_run=True)
    deploy(staging, MinTasks="1")
    allowed = {action for one in statements(ROLES["DeployRole"]) for action in one["Action"]}
    assert {call for call in account.calls if call != "cloudformation:DeleteStack"} <= allowed


@pytest.mark.parametrize(
    ("commit", "settings", "words"),
    [
        ("f" * 40, {}, "an image of f+ in loantap/api"),
        (COMMIT, {"MinTask": "2"}, "--set MinTask: expected a parameter"),
        (COMMIT, {"Environment": "production"}, "--set Environment: expected a parameter"),
    ],
)
def test_what_is_not_there_changes_nothing(commit: str, settings: dict[str, str], words: str, account: Account, staging: Environment):  # fmt: skip
    with pytest.raises(InputError, match=words):
        deploy(staging, commit, **settings)
    assert account.changes == []


def test_an_environment_without_a_foundation_is_named(account: Account):
    with pytest.raises(InputError, match="expected the stack loantap-production"):
        deploy(Environment("production"))


def test_two_deployments_at_once_are_refused(account: Account, staging: Environment, service: Service, monkeypatch: pytest.MonkeyPatch):  # fmt: skip
    monkeypatch.setattr(rollout.ServiceStack, "_status", lambda self: ("UPDATE_IN_PROGRESS", {}))
    with pytest.raises(DeployError, match="another deployment is on its way"):
        deploy(staging)
    assert account.changes == []


@pytest.mark.parametrize("name", ["service.yml", "foundation.yml"])
def test_parameters_are_read_as_cloudformation_reads_them(name: str):
    text = (project_root() / "deploy" / "ecs" / name).read_text("utf-8")
    assert template_parameters(text) == list(template(name)["Parameters"])


# ---------------------------------------------------------------- The command line


def command(*words: str, **environment: Any) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "LOANTAP_HOME": str(project_root())
    }
    return subprocess.run([Path(sys.executable).with_name("loantap"), "deploy", *words], env=own | environment, capture_output=True, text=True, check=False)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "expected --environment staging or production"),
        (["--environment", "staging", "--set", "MinTasks"], "expected --set NAME=VALUE"),
        (["run", "--environment", "staging"], "expected a command of loantap after --"),
        (["report", "nowhere", "--to", "x", "--bucket", "y"], "expected one of --environment, --bucket and --to"),
    ],
)
def test_wrong_options_end_with_2_and_say_what_is_right(words: list[str], expected: str):
    done = command(*words)
    assert (done.returncode, expected in done.stderr) == (2, True), done.stderr


def test_options_reach_the_deployment_and_the_present_commit_is_the_default(monkeypatch: pytest.MonkeyPatch):
    found: list[Deployment] = []
    monkeypatch.setattr(Deployment, "run", lambda self, *, dry_run: found.append(self))
    monkeypatch.setenv("LOANTAP_SMOKE_KEY", "secret")
    said = CliRunner().invoke(app, ["deploy", "--environment", "staging", "--set", "MinTasks=0", "--time-limit", "60"], env={"LOANTAP_SMOKE": "no"})  # fmt: skip
    assert said.exit_code == 0, said.output
    (one,) = found
    head = subprocess.run(
        ["git", "-C", project_root(), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    assert (one.commit, one.settings, one.smoke, one.key, one.limit) == (head.stdout.strip(), {"MinTasks": "0"}, False, "secret", 60)  # fmt: skip


def test_without_boto3_credentials_or_region_what_to_do_is_said(tmp_path: Path):
    (tmp_path / "boto3.py").write_text("raise ImportError")
    words = ["--environment", "staging", "--commit", COMMIT]
    bare = {"AWS_CONFIG_FILE": "/none", "AWS_SHARED_CREDENTIALS_FILE": "/none", "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    without = command(*words, PYTHONPATH=path)
    assert (without.returncode, "boto3 is not installed. Get it with" in without.stderr) == (2, True)
    assert "the region (AWS_REGION)" in command(*words, **bare).stderr
    assert (
        "Expected credentials of AWS, found none" in command(*words, **(bare | {"AWS_REGION": "eu-central-1"})).stderr
    )
