"""What the templates make, as far as moto goes: really made, on loopback."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer
from template_support import ACCOUNT, FOLDER, OUTPUTS, REGION

# moto's CloudFormation knows no CloudFront, and would show no output at all for want of this one.
UNKNOWN_TO_MOTO = ('"https://${ReportSite.DomainName}"', '"https://site.example.net"')


@dataclass(frozen=True)
class Cloud:
    """An AWS on loopback.

    Attributes:
        endpoint: Its address.
    """

    endpoint: str

    def client(self, service: str) -> Any:
        """Return boto3's client of a service in it."""
        words = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        return boto3.client(service, region_name=REGION, endpoint_url=self.endpoint, **words)

    def create(self, stack: str, file: str, **parameters: str) -> dict[str, str]:
        """Make a stack and return its outputs."""
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=stack,
            TemplateBody=(FOLDER / file).read_text("utf-8").replace(*UNKNOWN_TO_MOTO),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        made = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        assert made["StackStatus"] == "CREATE_COMPLETE"
        return {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}

    def create_environment(self, network: dict[str, str], **parameters: str) -> dict[str, str]:
        """Make the stack loantap-production in a network that is there, with the sizes of its file."""
        for component in ("api", "report"):
            self.client("ssm").put_parameter(
                Name=f"/loantap/production/{component}-image", Value=image(component), Type="String", Overwrite=True
            )
        sizes = dict(one.split("=", 1) for one in json.loads((FOLDER / "production.json").read_text("utf-8")))
        own = {
            "VpcId": network["VpcId"],
            "PrivateSubnetA": network["PrivateSubnetA"],
            "PrivateSubnetB": network["PrivateSubnetB"],
            "LoadBalancerSubnetA": network["PrivateSubnetA"],
            "LoadBalancerSubnetB": network["PrivateSubnetB"],
            "ClientCidr": "10.20.0.0/16",
            "Certificate": self.client("acm").request_certificate(DomainName="scores.example.com")["CertificateArn"],
            "DomainName": "scores.example.com",
            "ReportAccess": f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/readers/1",
            "AlarmEmail": "somebody@example.com",
        }
        return self.create("loantap-production", "loantap.yml", **(sizes | own | parameters))


def image(component: str) -> str:
    """Return the name of an image as a deployment records it."""
    return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/loantap/{component}@sha256:{'0' * 64}"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """An AWS on loopback that holds nothing."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    requests.post(f"{endpoint}/moto-api/reset", timeout=10).raise_for_status()  # moto keeps its state in the process
    try:
        yield Cloud(endpoint)
    finally:
        server.stop()


@pytest.fixture
def network(cloud: Cloud) -> dict[str, str]:
    """The network that the template makes in it."""
    return cloud.create("loantap-network", "network.yml")


@pytest.mark.filterwarnings("ignore:Tried to parse")  # moto says which kinds it does not know; they are looked at below
def test_an_empty_account_comes_to_a_service_with_the_images_that_were_recorded(
    cloud: Cloud, network: dict[str, str]
) -> None:
    outputs = cloud.create_environment(network)
    assert outputs.keys() >= OUTPUTS
    assert (outputs["Cluster"], outputs["Service"], outputs["Url"]) == ("loantap-production", "api", "https://scores.example.com")  # fmt: skip
    assert outputs["TaskSubnets"].split(",") == [network["PrivateSubnetA"], network["PrivateSubnetB"]]
    ecs = cloud.client("ecs")
    for component, family in (("api", outputs["TaskFamily"]), ("report", outputs["ReportTaskFamily"])):
        assert family == f"loantap-production-{component}"
        (container,) = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]["containerDefinitions"]
        assert (container["name"], container["image"]) == (component, image(component))
    (service,) = ecs.describe_services(cluster=outputs["Cluster"], services=[outputs["Service"]])["services"]
    assert service["taskDefinition"].endswith("task-definition/loantap-production-api:1")
    check_groups(cloud.client("ec2"), outputs["TaskSecurityGroup"], network["VpcId"])
    check_balancer(cloud.client("elbv2"))
    logs = cloud.client("logs").describe_log_groups(logGroupNamePrefix="/loantap/production/")["logGroups"]
    assert [(one["logGroupName"], one["retentionInDays"]) for one in logs] == [("/loantap/production/api", 365), ("/loantap/production/report", 365)]  # fmt: skip
    assert outputs["ReportBucket"] == f"loantap-production-report-{ACCOUNT}-{REGION}"
    (files,) = cloud.client("efs").describe_file_systems()["FileSystems"]
    assert (files["FileSystemId"], files["Encrypted"], files["NumberOfMountTargets"]) == (outputs["FileSystem"], True, 2)  # fmt: skip


def check_groups(ec2: Any, report_group: str, vpc: str) -> None:
    """Hold that callers come to the load balancer, it to the service, the tasks to the files, and nobody else anywhere."""
    found = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    by_words = {group["Description"]: group for group in found}
    names = {group["GroupId"]: group["Description"] for group in found}
    lets_in = {
        words: {
            (rule["FromPort"], rule["ToPort"], source)
            for rule in group["IpPermissions"]
            for source in [names[pair["GroupId"]] for pair in rule["UserIdGroupPairs"]]
            + [one["CidrIp"] for one in rule["IpRanges"]]
        }
        for words, group in by_words.items()
    }
    callers, service, monthly, files = "Callers of the scoring service", "Tasks of the scoring service", "The monthly task; nobody speaks to it", "Files of loantap"  # fmt: skip
    assert names[report_group] == monthly
    assert lets_in == {
        callers: {(443, 443, "10.20.0.0/16"), (80, 80, "10.20.0.0/16")},
        service: {(8000, 8000, callers)},
        monthly: set(),
        files: {(2049, 2049, service), (2049, 2049, monthly)},
        "default VPC security group": set(),
    }


def check_balancer(elb: Any) -> None:
    """Hold that the load balancer is internal, speaks modern TLS, sends HTTP on, and asks tasks whether they are ready."""
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    assert balancer["Scheme"] == "internal"
    listeners = {one["Port"]: one for one in elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]}  # fmt: skip
    assert (listeners[443]["Protocol"], listeners[443]["SslPolicy"]) == ("HTTPS", "ELBSecurityPolicy-TLS13-1-2-Res-2021-06")  # fmt: skip
    assert listeners[80]["DefaultActions"][0]["RedirectConfig"] == {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}  # fmt: skip
    assert listeners.keys() == {80, 443}
    (group,) = elb.describe_target_groups()["TargetGroups"]
    assert (group["HealthCheckPath"], group["Matcher"], group["TargetType"], group["Port"]) == ("/ready", {"HttpCode": "200"}, "ip", 8000)  # fmt: skip


@pytest.mark.filterwarnings("ignore:Tried to parse")
def test_before_the_first_model_there_is_a_service_without_tasks(cloud: Cloud, network: dict[str, str]) -> None:
    outputs = cloud.create_environment(network, MinTasks="0")
    (service,) = cloud.client("ecs").describe_services(cluster=outputs["Cluster"], services=["api"])["services"]
    assert service["desiredCount"] == 0


def test_the_network_has_two_zones_one_way_out_and_a_log(cloud: Cloud, network: dict[str, str]) -> None:
    ec2 = cloud.client("ec2")
    names = ["PublicSubnetA", "PublicSubnetB", "PrivateSubnetA", "PrivateSubnetB"]
    assert network.keys() == {"VpcId", *names}
    subnets = {one["SubnetId"]: one for one in ec2.describe_subnets(SubnetIds=[network[name] for name in names])["Subnets"]}  # fmt: skip
    for kind in ("Public", "Private"):
        assert len({subnets[network[f"{kind}Subnet{side}"]]["AvailabilityZone"] for side in "AB"}) == 2
    assert len({one["CidrBlock"] for one in subnets.values()}) == 4
    (endpoint,) = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    assert endpoint["ServiceName"].endswith(".s3")
    assert len(ec2.describe_nat_gateways()["NatGateways"]) == 1
    (log,) = ec2.describe_flow_logs()["FlowLogs"]
    assert (log["ResourceId"], log["TrafficType"]) == (network["VpcId"], "ALL")
