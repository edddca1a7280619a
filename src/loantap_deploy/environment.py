"""An environment as Parameter Store, the registry and its service describe it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from loantap.errors import DeployError, InputError
from loantap_deploy import aws

Say = Callable[[str], None]


@dataclass(frozen=True)
class Environment:
    """An environment, such as staging, in a region; None for where boto3 looks."""

    name: str
    region: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """Return boto3's client of a service, the same each time."""
        if service not in self._clients:
            self._clients[service] = aws.client(service, self.region)
        return self._clients[service]

    def values(self) -> dict[str, str]:
        """Return what the foundation left in Parameter Store; raises InputError where there is none."""
        path = f"/loantap/{self.name}"
        pages = list(self.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path))
        found = {each["Name"].rpartition("/")[2]: each["Value"] for page in pages for each in page["Parameters"]}
        if not found:
            raise InputError(
                f"expected the stack loantap-{self.name} with its values under {path}, found none. deploy/runbook.md says how it is made."
            )
        return found

    def digest(self, component: str, commit: str) -> str:
        """Return the digest of the newest image of a commit, or of the image of a tag COMMIT-BUILD; raises InputError without one."""
        repository = f"loantap/{component}"
        paginator = self.client("ecr").get_paginator("describe_images")
        images = [image for page in paginator.paginate(repositoryName=repository) for image in page["imageDetails"]]

        def is_wanted(tag: str) -> bool:
            return tag == commit if "-" in commit else tag.startswith(f"{commit[:12]}-")

        found = [image for image in images if any(map(is_wanted, image.get("imageTags", ())))]
        if not found:
            raise InputError(
                f"expected an image of {commit} in {repository}, found none. The pipeline of main pushes one of each commit; they are kept "
                "for half a year. The pipeline `images` builds it again."
            )
        return max(found, key=lambda image: image["imagePushedAt"])["imageDigest"]

    def start_tasks(self, least: int, say: Say) -> int:
        """Have the service run at least so many tasks, wait for them, and return how many it wants.

        Scaling by work does not: a service without tasks has no work.
        """
        from botocore.exceptions import WaiterError

        ecs, place = self.client("ecs"), {"cluster": f"loantap-{self.name}", "service": "api"}
        found = ecs.describe_services(cluster=place["cluster"], services=[place["service"]])["services"]
        if not found:
            raise DeployError(f"ECS: expected the service api in {place['cluster']}, found none.")
        if found[0]["desiredCount"] >= least:
            return int(found[0]["desiredCount"])
        say(f"Service: {found[0]['desiredCount']} tasks are wanted, {least} are started")
        ecs.update_service(**place, desiredCount=least)
        try:
            ecs.get_waiter("services_stable").wait(cluster=place["cluster"], services=[place["service"]])
        except WaiterError as error:
            raise DeployError(f"ECS: {least} tasks of the service api did not become ready: {error}") from error
        return least
