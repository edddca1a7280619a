"""The service stack of an environment: changed by change sets, which CloudFormation carries out, waits for, and takes back."""

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from loantap.errors import DeployError
from loantap_deploy.environment import Environment

_PAUSE = 10  # seconds between two looks
_NOTHING = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Deployed:
    """What a stack was made from: its template, and its parameters by name."""

    template: str
    parameters: dict[str, str]


def template_parameters(template: str) -> list[str]:
    """Return the names of a template's parameters, read without a parser of CloudFormation's YAML."""
    section = re.search(r"^Parameters:\n((?:(?: .*)?\n)*)", template, re.M)
    return re.findall(r"^  (\w+):", section[1], re.M) if section else []


class ServiceStack:
    """The stack of deploy/ecs/service.yml.

    Args:
        environment: Whose.
        role: What CloudFormation acts as.
        limit: Seconds to wait for an end; CloudFormation goes on after them.
        pause: Seconds between two looks.
    """

    def __init__(self, environment: Environment, role: str, *, limit: float, pause: float = _PAUSE) -> None:
        self._aws, self._role, self._limit, self._pause = environment.client("cloudformation"), role, limit, pause
        self.name = f"loantap-{environment.name}-service"

    def read(self) -> Deployed | None:
        """Return what is deployed, or None; raises DeployError in the middle of a change."""
        status, parameters = self._status()
        if status in ("", "REVIEW_IN_PROGRESS"):  # a change set that would have made it was never carried out
            return None
        if status.endswith("IN_PROGRESS"):
            raise DeployError(
                f"{self.name}: another deployment is on its way ({status}). Wait for its end, then run it again."
            )
        template = self._aws.get_template(StackName=self.name, TemplateStage="Original")["TemplateBody"]
        return Deployed(template, parameters)

    def plan(self, template: str, parameters: list[dict[str, Any]], *, new: bool) -> tuple[str, list[str]] | None:
        """Make a change set and return its id and what it changes; None where there is nothing to change."""
        from botocore.exceptions import WaiterError

        made = self._aws.create_change_set(
            StackName=self.name,
            ChangeSetName=f"loantap-{uuid4().hex}",
            ChangeSetType="CREATE" if new else "UPDATE",
            TemplateBody=template,
            Parameters=parameters,
            RoleARN=self._role,
            **({"OnStackFailure": "DELETE"} if new else {}),  # else nobody could go on from a half-made one
        )["Id"]
        with suppress(WaiterError):
            quick = {"Delay": min(self._pause, 2), "MaxAttempts": 300}
            self._aws.get_waiter("change_set_create_complete").wait(ChangeSetName=made, WaiterConfig=quick)
        found = self._aws.describe_change_set(ChangeSetName=made)
        if found["Status"] != "CREATE_COMPLETE":
            self.drop(made)
            if any(words in found.get("StatusReason", "") for words in _NOTHING):
                return None
            raise DeployError(
                f"CloudFormation: the change of {self.name} cannot be planned: {found.get('StatusReason')}"
            )
        changes = [change["ResourceChange"] for change in found.get("Changes", [])]
        return made, [
            f"{change['Action']} {change['LogicalResourceId']} ({change['ResourceType']})" for change in changes
        ]

    def drop(self, plan: str) -> None:
        """Delete a change set that is not carried out."""
        self._aws.delete_change_set(ChangeSetName=plan)

    def carry_out(self, plan: str) -> None:
        """Carry a change set out and wait; raises DeployError with the first reason where CloudFormation took it back."""
        from botocore.exceptions import WaiterError

        stack = self._aws.describe_change_set(ChangeSetName=plan)["StackId"]
        kind = "create" if self._status()[0] == "REVIEW_IN_PROGRESS" else "update"
        began = self._aws.describe_stack_events(StackName=stack)["StackEvents"][:1]
        self._aws.execute_change_set(ChangeSetName=plan)
        attempts = {"Delay": self._pause, "MaxAttempts": max(1, int(self._limit / max(self._pause, 0.001)))}
        try:
            self._aws.get_waiter(f"stack_{kind}_complete").wait(StackName=stack, WaiterConfig=attempts)
        except WaiterError as error:
            raise DeployError(self._why(stack, began, str(error.kwargs["reason"]))) from error

    def _why(self, stack: str, before: list[dict[str, Any]], reason: str) -> str:
        if "Max attempts" in reason:
            return f"{self.name}: expected an end within {self._limit:.0f} s. CloudFormation goes on, and goes back by itself if it fails: look there."
        events = self._aws.describe_stack_events(StackName=stack)["StackEvents"]
        known = {event["EventId"] for event in before}
        new = events[: next((n for n, event in enumerate(events) if event["EventId"] in known), len(events))]
        failed = [event for event in new if event["ResourceStatus"].endswith("FAILED")]
        first = failed[-1] if failed else {"LogicalResourceId": self.name, "ResourceStatusReason": reason}
        return f"{first['LogicalResourceId']}: {first.get('ResourceStatusReason', reason)}\nCloudFormation went back to what was there before."

    def _status(self) -> tuple[str, dict[str, str]]:
        from botocore.exceptions import ClientError

        try:
            (stack,) = self._aws.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" in error.response["Error"].get("Message", ""):
                return "", {}
            raise
        return stack["StackStatus"], {
            each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])
        }
