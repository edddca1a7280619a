"""The templates, the stacks that moto makes of them, and what IAM would answer."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import boto3
from cfnlint.decode import cfn_yaml
from moto.server import ThreadedMotoServer

from loantap.settings import project_root

FOLDER = project_root() / "deploy" / "ecs"
TEMPLATES = sorted(FOLDER.glob("*.yml"))
ACCOUNT, REGION = "123456789012", "eu-central-1"
ZEROS = "00000000-0000-0000-0000-000000000000"
# moto's CloudFormation knows no CloudFront, and would refuse to show any output for want of this one.
_UNKNOWN_TO_MOTO = ('"https://${ReportSite.DomainName}"', '"https://site.example.net"')


def template(name: str) -> dict[str, Any]:
    """Return a template with its functions in their long form, such as {"Ref": "Key"}."""
    read: dict[str, Any] = cfn_yaml.load(str(FOLDER / name))
    return read


def properties(name: str, kind: str) -> dict[str, Any]:
    """Return the properties of all resources of a kind by their names in the template."""
    found = template(name)["Resources"].items()
    return {key: value.get("Properties", {}) for key, value in found if value["Type"] == kind}


@dataclass(frozen=True)
class Cloud:
    """An AWS on loopback.

    Attributes:
        endpoint: Its address.
    """

    endpoint: str

    def client(self, service: str) -> Any:
        """Return boto3's client of a service in it."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )

    def create(self, stack: str, file: str, **parameters: str) -> dict[str, str]:
        """Make a stack and return its outputs."""
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=stack,
            TemplateBody=(FOLDER / file).read_text("utf-8").replace(*_UNKNOWN_TO_MOTO),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        made = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        assert made["StackStatus"] == "CREATE_COMPLETE"
        return {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}

    def create_environment(self, environment: str, network: Mapping[str, str], **parameters: str) -> dict[str, str]:
        """Make the stack of an environment in a network that is there."""
        for component in ("api", "report"):
            self.client("ssm").put_parameter(
                Name=f"/loantap/{environment}/{component}-image", Value=image(component), Type="String"
            )
        return self.create(
            f"loantap-{environment}",
            "loantap.yml",
            Environment=environment,
            ApiImage=f"/loantap/{environment}/api-image",
            ReportImage=f"/loantap/{environment}/report-image",
            VpcId=network["VpcId"],
            PrivateSubnetA=network["PrivateSubnetA"],
            PrivateSubnetB=network["PrivateSubnetB"],
            LoadBalancerSubnetA=network["PrivateSubnetA"],
            LoadBalancerSubnetB=network["PrivateSubnetB"],
            ClientCidr="10.20.0.0/16",
            Certificate=self.client("acm").request_certificate(DomainName="scores.example.com")["CertificateArn"],
            DomainName="scores.example.com",
            ReportAccess=f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/readers/{ZEROS}",
            AlarmEmail="somebody@example.com",
            **parameters,
        )

    def policies(self, role: str) -> list[dict[str, Any]]:
        """Return the policies of a role; raises NoSuchEntity without one."""
        iam = self.client("iam")
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
        return [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]


@contextmanager
def cloud() -> Iterator[Cloud]:
    """Start an AWS on loopback that holds nothing."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield Cloud("http://{}:{}".format(*server.get_host_and_port()))
    finally:
        server.stop()


def image(component: str) -> str:
    """Return the name of an image as it is recorded."""
    return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/loantap/{component}@sha256:{'0' * 64}"


def statements(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the statements of policies, their actions and resources as lists."""
    found = [statement for document in documents for statement in listed(document["Statement"])]
    return [one | {name: listed(one[name]) for name in ("Action", "Resource") if name in one} for one in found]


def listed(value: Any) -> list[Any]:
    """Return a list of what may be one thing or several."""
    return value if isinstance(value, list) else [value]


def allows(documents: list[dict[str, Any]], action: str, resource: str, **context: str) -> bool:
    """Return what IAM answers, as far as these policies go: any denial counts, then any permission.

    Args:
        documents: Policies of the one who asks.
        action: Such as "s3:GetObject".
        resource: An ARN.
        context: What is known of the request; for iam__PassedToService read iam:PassedToService.
    """
    known = {key.replace("__", ":"): value for key, value in context.items()}
    effects = [
        statement["Effect"]
        for statement in statements(documents)
        if any(_like(action.lower(), pattern.lower()) for pattern in statement["Action"])
        and any(_like(resource, pattern) for pattern in statement["Resource"])
        and conditions_hold(statement.get("Condition", {}), known)
    ]
    return "Allow" in effects and "Deny" not in effects


def conditions_hold(conditions: dict[str, dict[str, Any]], known: Mapping[str, str]) -> bool:
    """Return whether all conditions of a statement hold; an operator that is not known here is an error."""
    return all(
        any(_OPERATORS[operator](known.get(key), wanted) for wanted in listed(values))
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _like(text: str | None, pattern: str) -> bool:
    return text is not None and fnmatchcase(text, re.sub(r"\[", "[[]", pattern))


_OPERATORS: dict[str, Callable[[str | None, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda value, wanted: value == wanted,
    "Null": lambda value, wanted: (value is None) == (wanted == "true"),
}
