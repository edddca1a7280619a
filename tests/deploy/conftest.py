"""An account of AWS, by moto, with the foundation of staging; what is asked of it is noted."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws
from moto.backends import get_backend
from moto.cloudformation.models import CloudFormationBackend
from moto.cloudformation.responses import CloudFormationResponse
from template_support import ACCOUNT, REGION, template

from loantap_deploy.environment import Environment

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Account:
    """What was asked of it, such as ecs:RunTask; `fails` says of which change sets CloudFormation goes back, and why."""

    calls: list[str] = field(default_factory=list)
    fails: Callable[[dict[str, str]], str] = lambda parameters: ""
    sent: list[dict[str, Any]] = field(default_factory=list)

    @property
    def changes(self) -> list[str]:
        """Return what was asked that changes something."""
        return [call for call in self.calls if not call.partition(":")[2].startswith(("Describe", "Get", "List"))]

    def client(self, service: str) -> Any:
        """Return a client of it."""
        return boto3.client(service, region_name=REGION)

    def digests(self) -> dict[str, str]:
        """Return the digests that the service stack has."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName="loantap-staging-service")["Stacks"]
        return {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account with the values of the foundation, and two builds of a commit."""
    for name, value in (("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", REGION)):
        monkeypatch.setenv(name, value)
    found = Account()
    asked, executed = BaseClient._make_api_call, CloudFormationBackend.execute_change_set

    def note(self: Any, operation: str, given: dict[str, Any]) -> Any:
        found.calls.append(f"{self.meta.service_model.service_name}:{operation}")
        found.sent.append(given)
        return asked(self, operation, given)

    def execute(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
        change = self.change_sets[change_set_name]
        if reason := found.fails(change.parameters):
            change.stack.status = "UPDATE_ROLLBACK_COMPLETE"
            change.stack._add_stack_event("UPDATE_FAILED", resource_status_reason=reason)
        else:
            executed(self, change_set_name, stack_name)
            change.stack.parameters = dict(
                change.stack.stack_parameters
            )  # moto would go on comparing with the first ones

    with (
        mock_aws(),
        # AWS makes a change set that failed where nothing changes; moto refuses it before it comes so far.
        patch.object(CloudFormationResponse, "_validate_different_update", lambda *_: None),
        patch.object(CloudFormationBackend, "execute_change_set", execute),
    ):
        _foundation(found)
        monkeypatch.setattr(BaseClient, "_make_api_call", note)
        yield found


@pytest.fixture
def staging(account: Account) -> Environment:
    """The environment in it."""
    return Environment("staging")


def _foundation(found: Account) -> None:
    for one in template("foundation.yml")["Resources"].values():
        if one["Type"] == "AWS::SSM::Parameter":
            name = one["Properties"]["Name"]["Fn::Sub"].replace("${Environment}", "staging")
            found.client("ssm").put_parameter(Name=name, Value=f"https://{name}"[:60], Type="String")
    ec2 = found.client("ec2")
    subnet, group = ec2.describe_subnets()["Subnets"][0]["SubnetId"], ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]  # fmt: skip
    for name, value in (("private-subnet-a", subnet), ("private-subnet-b", subnet), ("report-security-group", group)):
        found.client("ssm").put_parameter(Name=f"/loantap/staging/{name}", Value=value, Type="String", Overwrite=True)
    for component in ("api", "report"):
        repository = f"loantap/{component}"
        found.client("ecr").create_repository(repositoryName=repository)
        for build in (7, 8):
            manifest = {"schemaVersion": 2, "config": {}, "layers": [{"digest": f"{component}{build}"}]}
            found.client("ecr").put_image(repositoryName=repository, imageManifest=json.dumps(manifest), imageTag=f"{COMMIT[:12]}-{build}", imageManifestMediaType="application/vnd.oci.image.manifest.v1+json")  # fmt: skip
            get_backend("ecr")[ACCOUNT][REGION].repositories[repository].images[-1].image_pushed_at = build
    found.client("ecs").create_cluster(clusterName="loantap-staging")
