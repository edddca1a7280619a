"""An environment as its stack describes it, and what is recorded of it beside the stack."""

from dataclasses import dataclass, field
from typing import Any, Literal

from loantap.errors import DeployError, InputError
from loantap_deploy import aws

Component = Literal["api", "dashboard", "report"]
_RECORDED = ("api", "report")  # what the template reads; the dashboard runs elsewhere


@dataclass(frozen=True)
class Environment:
    """An environment, such as staging, in a region.

    Attributes:
        name: Its name.
        region: Where it is; None for where boto3 looks.
    """

    name: str
    region: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """Return boto3's client of a service, the same each time."""
        if service not in self._clients:
            self._clients[service] = aws.client(service, self.region)
        return self._clients[service]

    @property
    def stack(self) -> str:
        """Return the stack's name."""
        return f"loantap-{self.name}"

    def outputs(self) -> dict[str, str]:
        """Return the stack's outputs; raises InputError if there is no such stack, DeployError if AWS refuses."""
        with aws.answers(f"CloudFormation: reading stack {self.stack}"):
            try:
                (stack,) = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
            except Exception as error:
                if aws.refused(error, "ValidationError"):  # it says so of a stack that is not there
                    raise InputError(
                        f"expected the stack {self.stack}, found none. deploy/runbook.md says how it is made; images that "
                        "it needs first go there with --push-only."
                    ) from None
                raise
        return {entry["OutputKey"]: entry["OutputValue"] for entry in stack.get("Outputs", [])}

    def output(self, *names: str) -> list[str]:
        """Return outputs by their names; raises DeployError if the stack lacks one."""
        found = self.outputs()
        if lacking := [name for name in names if name not in found]:
            raise DeployError(
                f"{self.stack}: expected the outputs {', '.join(lacking)}, found {', '.join(sorted(found)) or 'none'}. Is the stack "
                "made from deploy/ecs/loantap.yml, and finished?"
            )
        return [found[name] for name in names]

    def recorded(self, component: Component) -> str | None:
        """Return the image in use as it is recorded for the template, or None."""
        name = self._parameter(component)
        with aws.answers(f"SSM: reading {name}"):
            try:
                return self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
            except Exception as error:
                if aws.refused(error, "ParameterNotFound"):
                    return None
                raise

    def record(self, component: Component, image: str) -> None:
        """Record the image in use, so that an update of the stack does not bring back another one."""
        name = self._parameter(component)
        with aws.answers(f"SSM: writing {name}"):
            self.client("ssm").put_parameter(Name=name, Value=image, Type="String", Overwrite=True)

    def _parameter(self, component: Component) -> str:
        return f"/loantap/{self.name}/{component}-image"

    def repository(self, component: Component) -> str | None:
        """Return the URI of a component's repository, or None if there is none.

        Raises DeployError if its tags can be moved, or its images are not scanned.
        """
        name = f"loantap/{component}"
        with aws.answers(f"ECR: reading repository {name}"):
            try:
                (found,) = self.client("ecr").describe_repositories(repositoryNames=[name])["repositories"]
            except Exception as error:
                if aws.refused(error, "RepositoryNotFoundException"):
                    return None
                raise
        if found["imageTagMutability"] != "IMMUTABLE":
            raise DeployError(
                f"ECR: repository {name}: expected immutable tags, found {found['imageTagMutability']}. Set them: "
                f"aws ecr put-image-tag-mutability --repository-name {name} --image-tag-mutability IMMUTABLE"
            )
        if not found.get("imageScanningConfiguration", {}).get("scanOnPush"):
            raise DeployError(
                f"ECR: repository {name}: expected that images are scanned on push, found that they are not. Have them scanned: "
                f"aws ecr put-image-scanning-configuration --repository-name {name} --image-scanning-configuration scanOnPush=true"
            )
        return found["repositoryUri"]

    def make_repository(self, component: Component) -> str:
        """Make a component's repository: tags cannot be moved, and what is pushed is scanned."""
        name = f"loantap/{component}"
        with aws.answers(f"ECR: making repository {name}"):
            made = self.client("ecr").create_repository(
                repositoryName=name,
                imageTagMutability="IMMUTABLE",
                imageScanningConfiguration={"scanOnPush": True},
                encryptionConfiguration={"encryptionType": "AES256"},
            )
        return made["repository"]["repositoryUri"]

    def login(self) -> str:
        """Return what the registry wants to see, in base64."""
        with aws.answers("ECR: logging in"):
            return self.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
