"""Tasks of the monthly job's kind that run once."""

from typing import Any

from loantap.errors import DeployError
from loantap_deploy.environment import Environment, Say


def start_task(environment: Environment, *, command: list[str], whole: bool, say: Say) -> str:
    """Start a command in the monthly job's place, among its files, and return its task.

    Args:
        environment: Where.
        command: What runs there; the monthly job if empty.
        whole: Whether it is the monthly job; only that counts as this month's run.
        say: Takes a line about what goes on.

    Raises DeployError if it cannot be started.
    """
    values, family = environment.values(), f"loantap-{environment.name}-report"
    network = {
        "subnets": [values["private-subnet-a"], values["private-subnet-b"]],
        "securityGroups": [values["report-security-group"]],
        "assignPublicIp": "DISABLED",
    }
    started = environment.client("ecs").run_task(
        cluster=f"loantap-{environment.name}",
        taskDefinition=family,
        launchType="FARGATE",
        startedBy=f"loantap-deploy-{'task' if whole else 'run'}",
        overrides={"containerOverrides": [{"name": "report", "command": command}]} if command else {},
        networkConfiguration={"awsvpcConfiguration": network},
    )
    if not started["tasks"]:
        reasons = ", ".join(failure.get("reason", "no reason") for failure in started.get("failures", []))
        raise DeployError(f"ECS: running {family}: no task was started: {reasons}. Run it again when that is mended.")
    arn: str = started["tasks"][0]["taskArn"]
    say(
        f"Task {arn.rpartition('/')[2]} was started; its log is the group /loantap/{environment.name}/report in CloudWatch."
    )
    return arn


def wait_for_task(environment: Environment, arn: str, *, limit: float, pause: float = 10) -> int:
    """Wait for a task's end and return its exit code; raises DeployError if it did not come to one of its own within `limit` seconds."""
    from botocore.exceptions import WaiterError

    ecs, place, short = (
        environment.client("ecs"),
        {"cluster": f"loantap-{environment.name}", "tasks": [arn]},
        arn.rpartition("/")[2],
    )
    attempts = {"Delay": pause, "MaxAttempts": max(1, int(limit / pause))}
    try:
        ecs.get_waiter("tasks_stopped").wait(**place, WaiterConfig=attempts)
    except WaiterError as error:
        raise DeployError(
            f"ECS: expected task {short} to end within {limit:.0f} s, it did not ({error.kwargs['reason']}). It goes on: look at its "
            "log before you start another one."
        ) from error
    (task,) = ecs.describe_tasks(**place)["tasks"]
    return _exit_code(task, short)


def _exit_code(task: dict[str, Any], short: str) -> int:
    codes = [each.get("exitCode") for each in task.get("containers", []) if each.get("name") == "report"]
    if not codes or codes[0] is None:
        raise DeployError(
            f"ECS: task {short} stopped before it could end: {task.get('stoppedReason', 'no reason is given')}."
        )
    return int(codes[0])
