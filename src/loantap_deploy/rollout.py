"""A deployment from end to end: digests, change set, tasks, smoke test; the former images again if the service does not answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loantap.errors import DeployError, InputError
from loantap.settings import project_root
from loantap_deploy.environment import Environment, Say
from loantap_deploy.smoke import smoke_test
from loantap_deploy.stack import Deployed, ServiceStack, template_parameters

_OWN = {"Environment", "ApiDigest", "ReportDigest"}


@dataclass(frozen=True)
class Deployment:
    """What is deployed where.

    Attributes:
        environment: Where to.
        commit: Whose images: a hash, or a tag COMMIT-BUILD.
        settings: Parameters of the template that are to change.
        say: Takes a line for each step.
        smoke: Whether the service is asked when it stands.
        key: A key for that; never shown.
        limit: Seconds that a change may take.
        pause: Seconds between two looks.
    """

    environment: Environment
    commit: str
    settings: Mapping[str, str]
    say: Say
    smoke: bool = True
    key: str | None = None
    limit: float = 1200
    pause: float = 10

    def run(self, *, dry_run: bool = False) -> None:
        """Bring the images into use; with `dry_run` only say what would change.

        Raises InputError, with nothing changed, for what is not there; DeployError if a step fails. CloudFormation itself goes back where a
        change fails; where the service then does not answer, what was there before is deployed again.
        """
        folder = project_root() / "deploy" / "ecs"
        template = (folder / "service.yml").read_text("utf-8")
        known = template_parameters(template)
        if strange := sorted(set(self.settings) - set(known) | set(self.settings) & _OWN):
            offered = ", ".join(name for name in known if name not in _OWN)
            raise InputError(f"--set {strange[0]}: expected a parameter of deploy/ecs/service.yml: {offered}.")
        values = self.environment.values()
        wanted = {"Environment": self.environment.name, **self.settings}
        wanted |= {f"{part.title()}Digest": self.environment.digest(part, self.commit) for part in ("api", "report")}
        sizes = json.loads((folder / f"{self.environment.name}.json").read_text("utf-8"))
        stack = ServiceStack(self.environment, values["service-stack-role"], limit=self.limit, pause=self.pause)
        former = stack.read()
        parameters = _parameters(known, wanted, former, sizes)
        plan = stack.plan(template, parameters, new=former is None)
        if plan is None:
            self.say(f"{stack.name}: nothing to change")
        for change in plan[1] if plan else ():
            self.say(f"{stack.name}: {'would ' if dry_run else ''}{change}")
        if dry_run:
            if plan:
                stack.drop(plan[0])
            return
        if plan:
            stack.carry_out(plan[0])
            self.say(f"{stack.name}: done, and stable")
        self._ask(stack, former if plan else None, values["url"], changed=plan is not None)

    def _ask(self, stack: ServiceStack, former: Deployed | None, url: str, *, changed: bool) -> None:
        now = stack.read()
        try:
            tasks = self.environment.start_tasks(int(now.parameters["MinTasks"]) if now else 0, self.say)
            if self.smoke and tasks:
                self.say(f"Smoke test: {smoke_test(url, key=self.key, pause=min(self.pause, 2))}")
            elif self.smoke:
                self.say("Smoke test: none, since the service wants no task; --set MinTasks=2 starts two")
        except DeployError as error:
            if former is None:
                first = "It is the first deployment: there is nothing to go back to."
                raise DeployError(
                    f"{error}\n{first if changed else 'Nothing was changed, so nothing is taken back.'}"
                ) from error
            self.say(f"{stack.name}: going back to what was there before")
            back = [{"ParameterKey": name, "ParameterValue": value} for name, value in former.parameters.items()]
            try:
                if plan := stack.plan(former.template, back, new=False):
                    stack.carry_out(plan[0])
            except DeployError as second:
                raise DeployError(f"{error}\nGoing back failed too: {second}\nLook at the service now.") from second
            raise DeployError(f"{error}\nThe former images run again, and are stable.") from error


def _parameters(
    known: list[str], wanted: Mapping[str, str], former: Deployed | None, sizes: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the parameters of a change: what is wanted, else the present value, else that of the file of sizes, else the template's default."""
    given: list[dict[str, Any]] = []
    for name in known:
        if name in wanted:
            given.append({"ParameterKey": name, "ParameterValue": wanted[name]})
        elif former and name in former.parameters:
            given.append({"ParameterKey": name, "UsePreviousValue": True})
        elif name in sizes:
            given.append({"ParameterKey": name, "ParameterValue": sizes[name]})
    return given
