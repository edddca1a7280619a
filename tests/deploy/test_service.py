"""A deployment against AWS and a registry on loopback: what it does, what a second one does, and how it goes back."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from ecs_support import Aws
from registry_support import COMMIT, image_file

from loantap.errors import DeployError, InputError
from loantap_deploy import rollout
from loantap_deploy import service as module
from loantap_deploy.images import read_image
from loantap_deploy.rollout import Patience
from loantap_deploy.service import Deployment
from loantap_deploy.stack import Environment

Deploy = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def alive(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The smoke test passes; the addresses that it was given."""
    asked: list[str] = []

    def smoke(url: str, *, key: str | None) -> str:
        assert key == "key of the test"
        asked.append(url)
        return "well"

    monkeypatch.setattr(module, "smoke_test", smoke)
    return asked


@pytest.fixture
def deploy(account: Aws, tmp_path: Path) -> Deploy:
    """Deploy an image of this content, and return the lines that were said."""

    def run(content: str = "new", component: str = "api", limit: float = 60, push_only: bool = False, **how: bool) -> list[str]:  # fmt: skip
        said: list[str] = []
        image = read_image(image_file(tmp_path / "image.tar", component, content=content))
        deployment = Deployment(
            Environment("staging"),
            image,
            said.append,
            patience=Patience(limit, 0.01),
            smoke_key="key of the test",
            **how,
        )
        account.front.calls.clear()
        deployment.push_only() if push_only else deployment.run()
        assert (deployment.changed > 0) == bool(account.front.changes)
        return said

    return run


def test_a_deployment_brings_the_image_into_use(account: Aws, deploy: Deploy, alive: list[str]):
    said = deploy()
    assert account.front.changes == ["ecr:CreateRepository", "ecs:RegisterTaskDefinition", "ecs:UpdateService", "ssm:PutParameter"]  # fmt: skip
    assert [line.partition(":")[0] for line in said if " tasks of " not in line] == ["Repository", "Image", "Task definition", "Service", "Service", "Smoke test", "Record"]  # fmt: skip
    (repository,) = account.client("ecr").describe_repositories()["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    image = account.image_that_runs()
    assert image.startswith(f"{repository['repositoryUri']}@sha256:")
    assert account.recorded() == {"/loantap/staging/api-image": image}
    assert alive == ["http://127.0.0.1:9"]


def test_nothing_but_the_image_differs_in_the_new_revision(account: Aws, deploy: Deploy):
    before = account.definition("loantap-staging-api:1")
    deploy()
    after = account.definition("loantap-staging-api")
    assert after["containerDefinitions"][1]["image"] != "former"
    for each in (before, after):
        each["containerDefinitions"][1]["image"] = ""
        for name in ("taskDefinitionArn", "revision"):
            each.pop(name)
    assert after == before
    tags = account.client("ecs").describe_task_definition(taskDefinition="loantap-staging-api", include=["TAGS"])["tags"]  # fmt: skip
    assert tags == [{"key": "owner", "value": "risk"}]


def test_a_second_deployment_changes_nothing(account: Aws, deploy: Deploy, alive: list[str]):
    deploy()
    said = deploy()
    assert account.front.changes == []
    assert sum("nothing to do" in line for line in said) == 4
    assert len(alive) == 2, "it is asked all the same"


def test_a_dry_run_says_it_all_and_does_nothing(account: Aws, deploy: Deploy):
    said = deploy(dry_run=True)
    assert account.front.changes == []
    assert [line.partition(":")[0] for line in said if "would" in line] == ["Repository", "Image", "Task definition", "Service", "Service", "Record"]  # fmt: skip
    deploy()
    assert [line for line in deploy(dry_run=True) if "would" in line] == []
    assert account.front.changes == []
    assert [line.partition(":")[0] for line in deploy("newer", dry_run=True) if "would" in line] == ["Image", "Task definition", "Service", "Service", "Record"]  # fmt: skip


def test_another_build_of_the_same_commit_is_another_image(account: Aws, deploy: Deploy):
    deploy("built on monday")
    first = account.image_that_runs()
    deploy("built on a newer base")
    assert account.image_that_runs() != first


def test_a_service_that_never_comes_up_goes_back(account: Aws, deploy: Deploy):
    deploy("good")
    good = account.image_that_runs()
    account.rollouts.fate = lambda arn: "stuck" if arn.endswith(":3") else "up"
    with pytest.raises(DeployError, match=r"(?s)expected service api to be stable .* within 0 s.*The service runs loantap-staging-api:2 again, and is stable"):  # fmt: skip
        deploy("bad", limit=0.2)
    assert account.image_that_runs() == good
    assert account.service.deployments[0]["rolloutState"] == "COMPLETED"
    assert account.recorded() == {"/loantap/staging/api-image": good}


def test_what_ecs_takes_back_by_itself_is_said(account: Aws, deploy: Deploy):
    account.rollouts.fate = lambda arn: "given up" if arn.endswith(":2") else "up"
    with pytest.raises(DeployError, match=r"(?s)did not come up with loantap-staging-api:2: circuit breaker.*runs loantap-staging-api:1 again"):  # fmt: skip
        deploy()
    assert account.image_that_runs() == "former"
    assert account.recorded() == {}


def test_a_service_that_stands_and_does_not_answer_goes_back(account: Aws, deploy: Deploy, monkeypatch: pytest.MonkeyPatch):  # fmt: skip
    def smoke(url: str, *, key: str | None) -> str:
        raise DeployError(f"{url}/v1/score: expected an answer of the service, but it answered 500.")

    monkeypatch.setattr(module, "smoke_test", smoke)
    with pytest.raises(DeployError, match=r"(?s)it answered 500.*The service runs loantap-staging-api:1 again"):
        deploy()
    assert account.image_that_runs() == "former"
    assert account.recorded() == {}


def test_a_way_back_that_fails_too_is_said(account: Aws, deploy: Deploy):
    account.rollouts.fate = lambda arn: "stuck"
    with pytest.raises(
        DeployError, match=r"(?s)Going back to loantap-staging-api:1 failed too.*Look at the service now"
    ):
        deploy(limit=0.1)


def test_another_deployment_that_takes_its_place_is_left_alone(account: Aws, deploy: Deploy):
    account.rollouts.fate = lambda arn: "taken" if arn.endswith(":2") else "up"
    with pytest.raises(DeployError, match=r"(?s)another deployment took the place of loantap-staging-api:2: loantap-staging-api:999.*left alone"):  # fmt: skip
        deploy()
    assert account.front.changes.count("ecs:UpdateService") == 1, "it must not undo somebody else's deployment"


def test_a_deployment_in_the_middle_of_another_one_is_refused(account: Aws, deploy: Deploy):
    account.rollouts.looks = 1000
    with pytest.raises(DeployError, match="expected service api to be stable"):
        deploy("first", limit=0)
    account.client("ecs").update_service(
        cluster="loantap-staging", service="api", taskDefinition="loantap-staging-api:2"
    )
    with pytest.raises(DeployError, match="in the middle of another deployment, of loantap-staging-api:2"):
        deploy("second")


def break_off(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deploy, and end that when the service was told."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("loantap_deploy.rollout.time.sleep", killed)
        with pytest.raises(KeyboardInterrupt):
            deploy()


def fail(url: str, *, key: str | None) -> str:
    """Fail a smoke test in a way that nobody foresaw."""
    raise RuntimeError("nobody foresaw this")


def test_one_that_was_broken_off_is_taken_up_again(account: Aws, deploy: Deploy, monkeypatch: pytest.MonkeyPatch):
    break_off(deploy, monkeypatch)
    deploy()
    assert account.front.changes == ["ssm:PutParameter"]
    assert account.image_that_runs() != "former"


def test_one_that_was_broken_off_and_fails_goes_back_to_what_ran_before(account: Aws, deploy: Deploy, monkeypatch: pytest.MonkeyPatch):  # fmt: skip
    break_off(deploy, monkeypatch)
    account.rollouts.fate = lambda arn: "stuck" if arn.endswith(":2") else "up"
    with pytest.raises(DeployError, match="The service runs loantap-staging-api:1 again"):
        deploy(limit=0.1)


def test_a_service_that_wants_no_task_is_not_asked(account: Aws, deploy: Deploy, alive: list[str]):
    account.service.desired_count = 0
    assert any("raise MinTasks" in line for line in deploy())
    assert alive == []


def test_a_service_is_not_asked_before_the_tasks_that_it_was_told_to_run_do(
    account: Aws, deploy: Deploy, alive: list[str], monkeypatch: pytest.MonkeyPatch
):
    """A new number of tasks is no new deployment: what ECS says of the rollout stays COMPLETED."""
    deploy()
    (deployment,) = account.service.deployments
    deployment["runningCount"] = 0
    asked: list[int] = []

    def sleep(_: float) -> None:
        asked.append(len(alive))
        deployment["runningCount"] += 1

    monkeypatch.setattr(rollout.time, "sleep", sleep)
    deploy()
    assert asked == [1, 1], "twice it was waited, and only the first deployment had asked by then"
    assert len(alive) == 2


def test_a_report_is_registered_for_the_next_month(account: Aws, deploy: Deploy):
    deploy(component="report")
    assert account.front.changes == ["ecr:CreateRepository", "ecs:RegisterTaskDefinition", "ssm:PutParameter"]
    image = account.definition("loantap-staging-report")["containerDefinitions"][1]["image"]
    assert account.recorded() == {"/loantap/staging/report-image": image}
    deploy(component="report")
    assert account.front.changes == []


def test_the_first_image_is_recorded_for_the_stack_and_a_later_one_is_not(account: Aws, deploy: Deploy):
    account.client("cloudformation").delete_stack(StackName="loantap-staging")
    deploy("first", push_only=True)
    recorded = account.recorded()
    assert set(recorded) == {"/loantap/staging/api-image"}
    deploy("second", push_only=True)
    assert account.recorded() == recorded, "an update of the stack would bring an image into use that nobody tried"


def test_without_a_stack_nothing_is_begun(account: Aws, deploy: Deploy):
    account.client("cloudformation").delete_stack(StackName="loantap-staging")
    with pytest.raises(InputError, match="expected the stack loantap-staging, found none"):
        deploy()
    assert account.front.changes == []


def test_a_repository_whose_tags_can_be_moved_is_refused(account: Aws, deploy: Deploy):
    account.client("ecr").create_repository(repositoryName="loantap/api")
    with pytest.raises(DeployError, match="expected immutable tags, found MUTABLE"):
        deploy()


@pytest.mark.parametrize("operation", ["ecr:CreateRepository", "ecs:RegisterTaskDefinition", "ecs:UpdateService", "ssm:PutParameter"])  # fmt: skip
def test_what_is_denied_is_named_and_a_second_run_goes_on(operation: str, account: Aws, deploy: Deploy):
    account.front.refuse(operation, "AccessDeniedException", times=1)
    with pytest.raises(DeployError, match=rf"AccessDeniedException.*Let the role do {operation.partition(':')[2]}"):
        deploy()
    deploy()
    assert account.image_that_runs() != "former"
    assert set(account.recorded()) == {"/loantap/staging/api-image"}


def test_throttling_that_passes_is_waited_for(account: Aws, deploy: Deploy):
    account.front.refuse("ecs:UpdateService", "ThrottlingException", times=2)
    deploy()
    assert account.front.calls.count("ecs:UpdateService") == 3


def test_an_image_that_the_registry_does_not_take_leaves_the_service_alone(account: Aws, deploy: Deploy):
    scan = {"scanOnPush": True}
    account.client("ecr").create_repository(repositoryName="loantap/api", imageTagMutability="IMMUTABLE", imageScanningConfiguration=scan)  # fmt: skip
    from moto.backends import get_backend

    repository = get_backend("ecr")["123456789012"]["eu-central-1"].repositories["loantap/api"]
    repository.uri = "127.0.0.1:9/loantap/api"
    with pytest.raises(DeployError, match=r"127.0.0.1:9/loantap/api:0.1.0-0123456789ab-[0-9a-f]{8}: skopeo could not"):
        deploy()
    assert account.front.changes == []
    assert account.image_that_runs() == "former"


def test_no_password_is_said(account: Aws, deploy: Deploy):
    said = "\n".join(deploy())
    assert "auth-token" not in said
    assert COMMIT[:12] in said


def test_a_dry_run_after_one_that_was_broken_off_does_nothing(account: Aws, deploy: Deploy, alive: list[str], monkeypatch: pytest.MonkeyPatch):  # fmt: skip
    break_off(deploy, monkeypatch)
    account.rollouts.fate = lambda arn: "stuck"
    assert sum("nothing to do" in line for line in deploy(dry_run=True)) == 3
    assert account.front.changes == alive == []


def test_one_that_came_up_alone_and_does_not_answer_goes_back_to_what_is_recorded(account: Aws, deploy: Deploy, monkeypatch: pytest.MonkeyPatch):  # fmt: skip
    deploy("good")
    good = account.image_that_runs()
    with monkeypatch.context() as patch:
        patch.setattr("loantap_deploy.rollout.time.sleep", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            deploy("bad")
    for _ in range(5):
        account.rollouts.look(account.service)
    monkeypatch.setattr(module, "smoke_test", fail)
    with pytest.raises(DeployError, match=r"(?s)RuntimeError: nobody foresaw this.*The service runs loantap-staging-api:4 again"):  # fmt: skip
        deploy("bad")
    assert account.image_that_runs() == good
    assert account.recorded() == {"/loantap/staging/api-image": good}


def test_where_there_is_nothing_to_go_back_to_it_is_said(account: Aws, deploy: Deploy, monkeypatch: pytest.MonkeyPatch):
    deploy()
    monkeypatch.setattr(module, "smoke_test", fail)
    with pytest.raises(DeployError, match="There is nothing to go back to: loantap-staging-api:2 is what runs"):
        deploy()
    assert account.front.changes == []


def test_a_failure_that_nobody_foresaw_is_taken_back_too(account: Aws, deploy: Deploy, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "smoke_test", fail)
    with pytest.raises(DeployError, match=r"(?s)RuntimeError: nobody foresaw this.*runs loantap-staging-api:1 again"):
        deploy()
    assert account.image_that_runs() == "former"


def test_who_breaks_it_off_is_told_what_goes_on(account: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("loantap_deploy.rollout.time.sleep", killed)
    with pytest.raises(KeyboardInterrupt):
        Deployment(Environment("staging"), read_image(image_file(tmp_path / "i.tar")), said.append).run()
    assert "left on its way to loantap-staging-api:2, which goes on by itself. Run it again" in said[-1]


def test_an_answer_that_is_older_than_the_update_decides_nothing(account: Aws, deploy: Deploy, monkeypatch: pytest.MonkeyPatch):  # fmt: skip
    before, looked = rollout.Service.look, []
    stale: list[dict[str, Any]] = []

    def look(self: rollout.Service) -> dict[str, Any]:
        looked.append(1)
        found = before(self)
        stale.append(deepcopy(found))
        return stale[0] if len(looked) == 2 else found  # the first after the update

    monkeypatch.setattr(rollout.Service, "look", look)
    deploy()
    assert account.image_that_runs() != "former"
    assert len(looked) > 3


def test_a_revision_that_is_there_is_not_registered_again(account: Aws, deploy: Deploy):
    account.front.refuse("ecs:UpdateService", "AccessDeniedException", times=1)
    with pytest.raises(DeployError, match="Let the role do UpdateService") as refused:
        deploy()
    assert "Going back" not in str(refused.value), "nothing was touched"
    deploy()
    assert "ecs:RegisterTaskDefinition" not in account.front.changes
    assert account.service.task_definition.endswith("api:2")


def test_a_repository_that_scans_nothing_is_refused(account: Aws, deploy: Deploy):
    account.client("ecr").create_repository(repositoryName="loantap/api", imageTagMutability="IMMUTABLE")
    with pytest.raises(DeployError, match="expected that images are scanned on push"):
        deploy()
