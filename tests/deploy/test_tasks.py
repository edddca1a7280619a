"""The monthly task, run now."""

import re
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from ecs_support import Aws
from moto.ecs.models import EC2ContainerServiceBackend, Task
from moto.moto_api import state_manager

from loantap.errors import DeployError
from loantap_deploy.stack import Environment
from loantap_deploy.tasks import read_definition, run_task


@pytest.fixture
def ending(account: Aws) -> Iterator[dict[str, object]]:
    """How the task ends at the third look: its exit code (None: it never began), and the reason."""
    end: dict[str, object] = {"code": 0, "reason": "Essential container in task exited", "looks": 3}
    described, looked = EC2ContainerServiceBackend.describe_tasks, []

    def describe(self: object, cluster: str, tasks: list[str]) -> list[Task]:
        (task,) = described(self, cluster, tasks)  # type: ignore[arg-type]
        looked.append(1)
        task.status = "STOPPED" if len(looked) >= int(str(end["looks"])) else "RUNNING"
        task.stopped_reason = str(end["reason"])
        task.containers[0].name, task.containers[0].exitCode = "report", end["code"]  # type: ignore[assignment]
        return [task]

    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 10**9})  # moto's own way would go on
    with patch.object(EC2ContainerServiceBackend, "describe_tasks", describe):
        yield end
    state_manager.unset_transition("ecs::task")


def run(*command: str, limit: float = 60, unseen: float = 30) -> tuple[int, list[str]]:
    said: list[str] = []
    code = run_task(
        Environment("staging"), command=list(command), say=said.append, limit=limit, pause=0.01, unseen=unseen
    )
    return code, said


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_exit_code_is_the_tasks_own(code: int, account: Aws, ending: dict[str, object]):
    ending["code"] = code
    got, said = run()
    assert got == code
    assert [line.partition(" after")[0] for line in said[1:]] == ["RUNNING", "STOPPED"]
    assert account.front.changes == ["ecs:RunTask"]


@pytest.mark.parametrize("command", [[], ["loantap", "promote", "--rollback"]])
def test_the_command_takes_the_place_of_the_tasks_own(command: list[str], account: Aws, ending: dict[str, object]):
    run(*command)
    (arn,) = account.client("ecs").list_tasks(cluster="loantap-staging")["taskArns"]
    (task,) = account.client("ecs").describe_tasks(cluster="loantap-staging", tasks=[arn])["tasks"]
    overrides = task["overrides"].get("containerOverrides", [])
    assert overrides == ([{"name": "report", "command": command}] if command else [])
    assert task["launchType"] == "FARGATE"
    assert task["taskDefinitionArn"].endswith("loantap-staging-report:1")


def test_a_task_that_never_began_is_an_error(account: Aws, ending: dict[str, object]):
    ending |= {"code": None, "reason": "CannotPullContainerError: not found"}
    with pytest.raises(DeployError, match=r"stopped before it could end: CannotPullContainerError"):
        run()


def test_nobody_waits_for_ever(account: Aws, ending: dict[str, object]):
    ending["looks"] = 10_000
    with pytest.raises(DeployError, match=r"expected an end within 0 s, it is RUNNING\. It goes on"):
        run(limit=0.1)


def test_a_task_that_is_not_seen_yet_is_waited_for(account: Aws, ending: dict[str, object]):
    account.front.refuse("ecs:DescribeTasks", "AccessDeniedException", times=3)
    assert run()[0] == 0
    assert account.front.changes == ["ecs:RunTask"]


@pytest.mark.parametrize("answer", ["nothing", "AccessDeniedException"])
def test_a_task_that_cannot_be_looked_at_is_not_to_be_started_again(
    answer: str, account: Aws, ending: dict[str, object]
):
    if answer == "nothing":
        with (
            patch.object(EC2ContainerServiceBackend, "describe_tasks", lambda *_: []),
            pytest.raises(DeployError) as caught,
        ):
            run(unseen=0.2)
    else:
        account.front.refuse("ecs:DescribeTasks", answer)
        with pytest.raises(DeployError) as caught:
            run(unseen=0.2)
    assert "It goes on. Start no other one" in str(caught.value)


def test_a_task_that_ecs_does_not_start_is_an_error(account: Aws):
    with (
        patch.object(EC2ContainerServiceBackend, "run_task", lambda *_, **__: []),
        pytest.raises(DeployError, match="ECS started no task"),
    ):
        run()


def test_what_is_denied_is_named(account: Aws):
    account.front.refuse("ecs:RunTask", "AccessDeniedException")
    with pytest.raises(DeployError, match="Let the role do RunTask"):
        run()


def test_who_started_it_is_told_in_letters_that_ecs_takes(account: Aws, ending: dict[str, object]):
    run()
    (arn,) = account.client("ecs").list_tasks(cluster="loantap-staging")["taskArns"]
    (task,) = account.client("ecs").describe_tasks(cluster="loantap-staging", tasks=[arn])["tasks"]
    assert re.fullmatch(r"[A-Za-z0-9/_-]{1,36}", task["startedBy"])


def test_tags_of_cloudformation_are_not_given_on(account: Aws):
    ecs = account.client("ecs")
    former = ecs.describe_task_definition(taskDefinition="loantap-staging-api")["taskDefinition"]["taskDefinitionArn"]
    tags = [{"key": "aws:cloudformation:stack-name", "value": "x"}, {"key": "team", "value": "risk"}]
    ecs.tag_resource(resourceArn=former, tags=tags)
    found = read_definition(Environment("staging"), "loantap-staging-api")
    given_on = found.with_image("api", "image")["tags"]
    assert tags[1] in given_on
    assert tags[0] not in given_on


def test_a_container_that_is_not_there_is_said(account: Aws):
    with pytest.raises(DeployError, match="expected a container dashboard, found none"):
        read_definition(Environment("staging"), "loantap-staging-api").image("dashboard")
