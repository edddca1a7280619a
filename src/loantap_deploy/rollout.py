"""Bring a service to a revision of its task definition, and back if it does not stand."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from loantap.errors import DeployError
from loantap_deploy import aws
from loantap_deploy.stack import Environment


@dataclass(frozen=True)
class Patience:
    """How long a rollout may take, how often it is looked at, and how long AWS may not know yet what it was told, in seconds."""

    limit: float = 900.0
    pause: float = 5.0
    settle: float = 30.0


@dataclass(frozen=True)
class Service:
    """A service of ECS.

    Attributes:
        environment: Where it is.
        cluster: Its cluster.
        name: Its name.
        patience: How long its rollouts may take.
        say: Takes a line about what goes on.
    """

    environment: Environment
    cluster: str
    name: str
    patience: Patience
    say: Callable[[str], None]

    def look(self) -> dict[str, Any]:
        """Return what ECS says of it; raises DeployError if there is no such service."""
        with aws.answers(f"ECS: looking at service {self.name}"):
            found = self.environment.client("ecs").describe_services(cluster=self.cluster, services=[self.name])
        active = [each for each in found["services"] if each["status"] == "ACTIVE"]
        if not active:
            raise DeployError(
                f"ECS: expected the service {self.name} in {self.cluster}, found none that is active. Update the stack "
                f"{self.environment.stack}."
            )
        return active[0]

    def update(self, definition: str) -> str:
        """Tell the service to run this revision, and return the deployment's id; what runs goes on until the new tasks are healthy."""
        with aws.answers(f"ECS: updating service {self.name}"):
            told = self.environment.client("ecs").update_service(
                cluster=self.cluster, service=self.name, taskDefinition=definition
            )
        return primary_of(told["service"])["id"]

    def wait(self, deployment: str, short: str) -> int:
        """Wait until the service runs what a deployment brings, and nothing else; return how many tasks it wants.

        Args:
            deployment: Its id.
            short: What it brings, for messages.

        Raises DeployError if ECS gave up, if another deployment took its place, or if it takes too long.
        """
        began, told = time.monotonic(), ""
        while True:
            service = self.look()
            primary = primary_of(service)
            ours = next((each for each in service["deployments"] if each["id"] == deployment), None)
            # AWS may answer with what was before the update, for a while.
            if ours is None and time.monotonic() - began < self.patience.settle:
                time.sleep(self.patience.pause)
                continue
            if ours is None or ours.get("rolloutState") == "FAILED":
                why = (ours or {}).get("rolloutStateReason") or _event(service)
                raise DeployError(f"ECS: service {self.name} did not come up with {short}: {why}")
            if ours is not primary:
                raise DeployError(
                    f"ECS: another deployment took the place of {short}: {primary['taskDefinition'].rpartition('/')[2]}."
                )
            # A service that is told to run more tasks, or to run any at all, makes no new deployment of it.
            wanted = service["desiredCount"]
            all_run = primary["runningCount"] >= wanted and len(service["deployments"]) == 1
            if all_run and primary.get("rolloutState") == "COMPLETED":
                return wanted
            state = f"{primary['runningCount']} of {primary['desiredCount']} tasks of {short} run"
            state += f", {failed} failed" if (failed := primary.get("failedTasks")) else ""
            if state != told:
                told = state
                self.say(f"{state} after {time.monotonic() - began:.0f} s")
            if time.monotonic() - began > self.patience.limit:
                raise DeployError(
                    f"ECS: expected service {self.name} to be stable with {short} within {self.patience.limit:.0f} s, but {state}. "
                    f"ECS says: {_event(service)}"
                )
            time.sleep(self.patience.pause)


def primary_of(service: dict[str, Any]) -> dict[str, Any]:
    """Return the deployment that a service is to come to."""
    return next(each for each in service["deployments"] if each["status"] == "PRIMARY")


def _event(service: dict[str, Any]) -> str:
    events = service.get("events") or [{"message": "nothing"}]
    return events[0]["message"]
