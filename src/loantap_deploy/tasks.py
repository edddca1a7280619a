"""Task definitions of ECS, and tasks that run once."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from loantap.errors import DeployError
from loantap_deploy import aws
from loantap_deploy.stack import Component, Environment

# What ECS adds to a definition when it registers it, and does not take back.
_ADDED = (
    "taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt", "registeredBy", "deregisteredAt",
    "deleteRequestedAt",
)  # fmt: skip


@dataclass(frozen=True)
class Definition:
    """A revision of a task definition.

    Attributes:
        arn: Its name, with the revision.
        content: What ECS says of it.
        tags: Its tags.
    """

    arn: str
    content: dict[str, Any]
    tags: list[dict[str, str]]

    @property
    def short(self) -> str:
        """Return family:revision."""
        return self.arn.rpartition("/")[2]

    def image(self, container: str) -> str:
        """Return the image of a container; raises DeployError if there is no such container."""
        for each in self.content["containerDefinitions"]:
            if each["name"] == container:
                return each["image"]
        raise DeployError(
            f"{self.short}: expected a container {container}, found none. Is it of deploy/ecs/loantap.yml?"
        )

    def with_image(self, container: str, image: str) -> dict[str, Any]:
        """Return what registers the same definition with another image of a container."""
        kept = {name: value for name, value in self.content.items() if name not in _ADDED}
        changed = [
            each | {"image": image} if each["name"] == container else each for each in kept["containerDefinitions"]
        ]
        return kept | {"containerDefinitions": changed} | ({"tags": self.tags} if self.tags else {})


def read_definition(environment: Environment, name: str) -> Definition:
    """Return a revision, or the newest active one of a family."""
    with aws.answers(f"ECS: reading task definition {name.rpartition('/')[2]}"):
        found = environment.client("ecs").describe_task_definition(taskDefinition=name, include=["TAGS"])
    content = found["taskDefinition"]
    # CloudFormation's own tags cannot be given by others.
    tags = [tag for tag in found.get("tags", []) if not tag["key"].lower().startswith("aws:")]
    return Definition(content["taskDefinitionArn"], content, tags)


def register(environment: Environment, former: Definition, container: Component, image: str) -> Definition:
    """Register a definition that differs from the former one in the image of a container only."""
    with aws.answers(f"ECS: registering task definition {former.short.partition(':')[0]}"):
        made = environment.client("ecs").register_task_definition(**former.with_image(container, image))
    content = made["taskDefinition"]
    return Definition(content["taskDefinitionArn"], content, made.get("tags", []))


def run_task(
    environment: Environment,
    *,
    command: list[str],
    say: Callable[[str], None],
    limit: float,
    pause: float = 10,
    unseen: float = 60,
) -> int:
    """Run a command in the monthly task's place, among its files; wait for its end, and return its exit code.

    Args:
        environment: Where.
        command: What runs there; the monthly job if empty.
        say: Takes a line about what goes on.
        limit: Seconds after which nobody waits any longer; the task goes on.
        pause: Seconds between two looks.
        unseen: Seconds for which AWS may not answer, or not know it yet.

    Raises DeployError if it cannot be started, did not run to an end of its own, or takes too long.
    """
    cluster, family, subnets, group = environment.output(
        "Cluster", "ReportTaskFamily", "TaskSubnets", "TaskSecurityGroup"
    )
    overrides = {"containerOverrides": [{"name": "report", "command": command}]} if command else {}
    network = {"subnets": subnets.split(","), "securityGroups": [group], "assignPublicIp": "DISABLED"}
    ecs, doing = environment.client("ecs"), f"ECS: running {family}"
    with aws.answers(doing):
        started = ecs.run_task(
            cluster=cluster,
            taskDefinition=family,
            launchType="FARGATE",
            count=1,
            startedBy="loantap-deploy",
            overrides=overrides,
            networkConfiguration={"awsvpcConfiguration": network},
        )
    if not started["tasks"]:
        reasons = ", ".join(failure.get("reason", "no reason") for failure in started.get("failures", []))
        raise DeployError(f"{doing}: ECS started no task: {reasons}. Run it again when that is mended.")
    arn = started["tasks"][0]["taskArn"]
    say(f"Task {arn.rpartition('/')[2]} of {family} was started; its log is the group of that name in CloudWatch.")
    began, state = time.monotonic(), ""
    seen = began
    while True:
        task, problem = _look(ecs, cluster, arn)
        now = time.monotonic()
        if task is not None:
            seen = now
            if task["lastStatus"] != state:
                state = task["lastStatus"]
                say(f"{state} after {now - began:.0f} s")
            if state == "STOPPED":
                return _exit_code(task, doing)
        elif now - seen > unseen:
            raise DeployError(
                f"{doing}: the task {arn.rpartition('/')[2]} was started, and cannot be looked at{problem}\nIt goes on. Start no other one "
                "before you know what became of it: its log tells."
            )
        if now - began > limit:
            raise DeployError(
                f"{doing}: expected an end within {limit:.0f} s, it is {state or 'not seen yet'}. It goes on; look at its log."
            )
        time.sleep(pause)


def _look(ecs: Any, cluster: str, arn: str) -> tuple[dict[str, Any] | None, str]:
    """Return a task, or None with what AWS said: it may not know a new one yet, or be busy."""
    try:
        with aws.answers(f"ECS: looking at task {arn.rpartition('/')[2]}"):
            found = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
    except DeployError as error:
        return None, f": {error}"
    return (found[0], "") if found else (None, ": ECS knows it not.")


def _exit_code(task: dict[str, Any], doing: str) -> int:
    codes = [each.get("exitCode") for each in task.get("containers", []) if each.get("name") == "report"]
    if not codes or codes[0] is None:
        raise DeployError(
            f"{doing}: the task stopped before it could end: {task.get('stoppedReason', 'no reason is given')}."
        )
    return codes[0]
