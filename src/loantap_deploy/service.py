"""A deployment from end to end: repository, image, task definition, service, smoke test, record; back if it does not stand.

Every step looks first and does only what is wanting, so a second run changes nothing and a broken one is just run again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from loantap.errors import DeployError
from loantap_deploy.images import Image, Repository
from loantap_deploy.rollout import Patience, Service, primary_of
from loantap_deploy.smoke import smoke_test
from loantap_deploy.stack import Component, Environment
from loantap_deploy.tasks import Definition, read_definition, register

Say = Callable[[str], None]


@dataclass
class Deployment:
    """What is deployed where, and how.

    Attributes:
        environment: Where to.
        image: What.
        say: Takes a line for each step.
        dry_run: Say what would be done, and do nothing.
        smoke: Whether the service is asked when it stands.
        smoke_key: A key for that; never shown.
        patience: How long a rollout may take.
        changed: How many steps did something.
    """

    environment: Environment
    image: Image
    say: Say
    dry_run: bool = False
    smoke: bool = True
    smoke_key: str | None = field(default=None, repr=False)
    patience: Patience = field(default_factory=Patience)
    changed: int = 0

    @property
    def component(self) -> Component:
        """Return what the image is for."""
        return cast(Component, self.image.component)

    def push(self) -> str | None:
        """Bring the image into its repository, and return how it is called there; None if that is not known before it is done."""
        uri = self.environment.repository(self.component)
        if uri is None:
            name = f"loantap/{self.component}"
            uri = self._step(
                f"Repository: make {name}", lambda: self.environment.make_repository(self.component), f"made {name}"
            )
        else:
            self._fine("Repository", uri)
        if uri is None:
            return self._step(f"Image: push {self.image.tag}", lambda: "", "")
        repository = Repository(uri, self.environment.login())
        digest = repository.find(self.image)
        if digest is None:
            digest = self._step(
                f"Image: push {self.image.tag}", lambda: repository.push(self.image), f"pushed {self.image.tag}"
            )
        else:
            self._fine("Image", f"{self.image.tag} is there")
        return digest and f"{uri}@{digest}"

    def push_only(self) -> None:
        """Bring the image there, and record it if none is: a stack can then be made with it."""
        image = self.push()
        if self.component != "dashboard" and self.environment.recorded(self.component) is None:
            self._record(image)

    def run(self) -> None:
        """Bring the image into use.

        Raises InputError, before anything is changed, if there is no stack; DeployError if a step fails: a service that does
        not stand with the new image runs the former one again then.
        """
        outputs = self.environment.output("Cluster", "Service", "TaskFamily", "ReportTaskFamily", "Url")
        cluster, name, family, report_family, url = outputs
        image = self.push()
        if self.component == "report":
            former = read_definition(self.environment, report_family)
            self._definition(former, image, report_family)
        else:
            service = Service(self.environment, cluster, name, self.patience, self.say)
            self._roll_out(service, image, family, url)
        if self.environment.recorded(self.component) != image or image is None:
            self._record(image)
        else:
            self._fine("Record", "the template knows this image")

    def _definition(self, former: Definition, image: str | None, family: str) -> Definition | None:
        if image is not None:
            if former.image(self.component) == image:
                self._fine("Task definition", former.short)
                return former
            newest = read_definition(self.environment, family)
            if newest.with_image(self.component, image) == former.with_image(self.component, image) and newest.image(self.component) == image:  # fmt: skip
                self._fine("Task definition", newest.short)  # of a run that came no further
                return newest
        return self._step(
            f"Task definition: register one after {former.short}",
            lambda: register(self.environment, former, self.component, cast(str, image)),
            lambda made: f"registered {made.short}",
        )

    def _roll_out(self, service: Service, image: str | None, family: str, url: str) -> None:
        before = service.look()
        former = read_definition(self.environment, before["taskDefinition"])
        running = [each["taskDefinition"] for each in before["deployments"]]
        if len(running) > 1 and former.image(self.component) != image:
            raise DeployError(
                f"ECS: service {service.name} is in the middle of another deployment, of {former.short}. Wait for its end, then run "
                "it again."
            )
        definition = self._definition(former, image, family)
        deployment = primary_of(before)["id"]
        if definition is None or before["taskDefinition"] != definition.arn:
            told = f"told to run {definition.short}" if definition else ""
            deployment = self._step(
                f"Service: update {service.name}", lambda: service.update(cast(Definition, definition).arn), told
            )
            if self.dry_run:
                self.say("Service: would wait until it is stable, " + ("ask it for a score, " if self.smoke else "") + "and go back if not")  # fmt: skip
        if self.dry_run or definition is None:
            return
        # One that was broken off has its image already; what ran before it is the other deployment.
        back = next((arn for arn in running if arn != definition.arn), None)
        try:
            self._stand(service, deployment, definition.short, url)
        except Exception as error:
            raise self._gone_back(service, definition, former, back, error) from error
        except BaseException:
            self.say(f"Service: left on its way to {definition.short}, which goes on by itself. Run it again: it sees it through, or goes back.")  # fmt: skip
            raise

    def _stand(self, service: Service, deployment: str, short: str, url: str) -> None:
        wanted = service.wait(deployment, short)
        self.say(f"Service: stable with {short}, {wanted} tasks")
        if self.smoke and wanted:
            self.say(f"Smoke test: {smoke_test(url, key=self.smoke_key)}")
        elif self.smoke:
            self.say("Smoke test: none, since the service wants no task; raise MinTasks of the stack")

    def _gone_back(
        self, service: Service, ours: Definition, former: Definition, back: str | None, error: Exception
    ) -> DeployError:
        said = str(error) if isinstance(error, DeployError) else f"{type(error).__name__}: {error}"
        short = "what ran before"
        try:
            recorded = self.environment.recorded(self.component)
            if back is None and recorded and recorded != ours.image(self.component):
                # It was broken off and has come up since: what is recorded is the last that stood.
                back = register(self.environment, former, self.component, recorded).arn
            if back is None:
                return DeployError(
                    f"{said}\nThere is nothing to go back to: {ours.short} is what runs, and what is recorded."
                )
            short = back.rpartition("/")[2]
            if service.look()["taskDefinition"] not in (ours.arn, back):
                return DeployError(f"{said}\nThat one is left alone.")
            self.say(f"Service: going back to {short}")
            service.wait(service.update(back), short)
        except DeployError as second:
            return DeployError(
                f"{said}\nGoing back to {short} failed too: {second}\nLook at the service now: deploy/runbook.md, Rollback."
            )
        return DeployError(f"{said}\nThe service runs {short} again, and is stable.")

    def _record(self, image: str | None) -> None:
        self._step(
            "Record: note the image for the template",
            lambda: self.environment.record(self.component, cast(str, image)),
            "noted the image for the template",
        )

    def _step(self, todo: str, do: Callable[[], Any], done: str | Callable[[Any], str]) -> Any:
        label, _, what = todo.partition(": ")
        if self.dry_run:
            self.say(f"{label}: would {what}")
            return None
        made = do()
        self.changed += 1
        self.say(f"{label}: {done if isinstance(done, str) else done(made)}")
        return made

    def _fine(self, label: str, what: str) -> None:
        self.say(f"{label}: {what}; nothing to do")
