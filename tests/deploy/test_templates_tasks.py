"""The service and the monthly task, as CloudFormation would read them."""

import json
from typing import Any

import pytest
from moto.events.models import EventPattern
from template_support import ACCOUNT, REGION, of_kind, rendered

STACK = rendered("loantap.yml", Environment="production")


def container(task: str, stack: dict[str, dict[str, Any]] = STACK) -> dict[str, Any]:
    """Return the one container of a task definition."""
    (found,) = of_kind(stack, "AWS::ECS::TaskDefinition")[task]["ContainerDefinitions"]
    assert isinstance(found, dict)
    return found


def environment(task: str, stack: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the plain environment of a task."""
    return {one["Name"]: one["Value"] for one in container(task, stack)["Environment"]}


@pytest.mark.parametrize("task", ["ApiTask", "ReportTask"])
def test_a_task_is_nobody_and_changes_nothing_but_what_is_mounted(task: str) -> None:
    definition = of_kind(STACK, "AWS::ECS::TaskDefinition")[task]
    one = container(task)
    assert (definition["RequiresCompatibilities"], definition["NetworkMode"]) == (["FARGATE"], "awsvpc")
    assert (one["User"], one["ReadonlyRootFilesystem"], one["Privileged"]) == ("10001:10001", True, False)
    assert one["LinuxParameters"] == {"InitProcessEnabled": True, "Capabilities": {"Drop": ["ALL"]}}
    tmp, files = one["MountPoints"]
    assert (tmp["ContainerPath"], files["ContainerPath"]) == ("/tmp", "/srv/loantap")
    assert files["ReadOnly"] is (task == "ApiTask")
    volumes = {volume["Name"]: volume for volume in definition["Volumes"]}
    assert "EFSVolumeConfiguration" not in volumes[tmp["SourceVolume"]]
    assert volumes[files["SourceVolume"]]["EFSVolumeConfiguration"] == {
        "FilesystemId": "Files",
        "TransitEncryption": "ENABLED",
        "AuthorizationConfig": {"AccessPointId": task.replace("Task", "Files"), "IAM": "ENABLED"},
    }
    options = one["LogConfiguration"]["Options"]
    assert options["mode"] == "non-blocking"
    assert options["awslogs-group"] == task.replace("Task", "Log")


def test_files_belong_to_the_user_of_the_images() -> None:
    points = of_kind(STACK, "AWS::EFS::AccessPoint")
    assert points.keys() == {"ApiFiles", "ReportFiles"}
    for point in points.values():
        assert point["PosixUser"] == {"Uid": "10001", "Gid": "10001"}
        made = point["RootDirectory"]["CreationInfo"]
        assert (made["OwnerUid"], made["OwnerGid"], made["Permissions"]) == ("10001", "10001", "0750")
        assert point["RootDirectory"]["Path"] == "/loantap"


def test_a_secret_is_never_plain_environment() -> None:
    secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:warehouse-AbCdEf"
    stack = rendered(
        "loantap.yml",
        SourcesSecret=secret,
        SourcesFile="/srv/loantap/loantap.yml",
        Snapshots="table:live",
        MlflowServer="https://mlflow.example.com",
    )
    assert container("ApiTask", stack)["Secrets"] == [{"Name": "LOANTAP_API_KEYS", "ValueFrom": "ApiKeys"}]
    assert container("ReportTask", stack)["Secrets"] == [
        {"Name": name, "ValueFrom": f"{secret}:{name}::"} for name in ("WAREHOUSE_PASSWORD", "DATABRICKS_TOKEN")
    ]
    assert environment("ApiTask", stack) == {"LOANTAP_MODELS": "/srv/loantap/models"}
    assert environment("ReportTask", stack) == {
        "LOANTAP_MODELS": "/srv/loantap/models",
        "LOANTAP_REPORT_BUCKET": "ReportBucket",
        "LOANTAP_ALLOW_SYNTHETIC": "no",
        "LOANTAP_SOURCES": "/srv/loantap/loantap.yml",
        "LOANTAP_SNAPSHOTS": "table:live",
        "MLFLOW_TRACKING_URI": "https://mlflow.example.com",
    }
    assert of_kind(stack, "AWS::SecretsManager::Secret")["ApiKeys"].keys() == {"Name", "Description", "KmsKeyId"}


def test_what_is_not_given_is_not_in_the_environment() -> None:
    assert environment("ReportTask", STACK).keys() == {"LOANTAP_MODELS", "LOANTAP_REPORT_BUCKET", "LOANTAP_ALLOW_SYNTHETIC"}  # fmt: skip
    assert container("ReportTask")["Secrets"] == []


# ---------------------------------------------------------------- The service


def test_a_deployment_that_fails_goes_back_and_never_leaves_fewer_tasks() -> None:
    (service,) = of_kind(STACK, "AWS::ECS::Service").values()
    assert service["DeploymentConfiguration"] == {
        "MinimumHealthyPercent": 100,
        "MaximumPercent": 200,
        "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
    }
    assert "DesiredCount" not in service, "an update would undo what scaling came to"
    assert service["EnableExecuteCommand"] is False
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"] == {
        "AssignPublicIp": "DISABLED",
        "SecurityGroups": ["ApiSecurityGroup"],
        "Subnets": ["PrivateSubnetA", "PrivateSubnetB"],
    }


def test_tasks_are_added_by_work_between_the_limits() -> None:
    (target,) = of_kind(STACK, "AWS::ApplicationAutoScaling::ScalableTarget").values()
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 6)
    assert target["ResourceId"] == "service/Cluster/Service.Name"
    (policy,) = of_kind(STACK, "AWS::ApplicationAutoScaling::ScalingPolicy").values()
    tracked = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracked["PredefinedMetricSpecification"] == {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
    assert tracked["TargetValue"] == 60


def test_groups_let_out_what_is_needed_only() -> None:
    groups = of_kind(STACK, "AWS::EC2::SecurityGroup")
    out = {
        name: {(rule["ToPort"], rule.get("DestinationSecurityGroupId", rule.get("CidrIp"))) for rule in group["SecurityGroupEgress"]}
        for name, group in groups.items()
    }  # fmt: skip
    tasks = {(443, "0.0.0.0/0"), (2049, "FilesSecurityGroup")}
    assert out == {
        "LoadBalancerSecurityGroup": {(8000, "ApiSecurityGroup")},
        "ApiSecurityGroup": tasks,
        "ReportSecurityGroup": tasks,
        "FilesSecurityGroup": {(-1, "127.0.0.1/32")},
    }
    assert of_kind(STACK, "AWS::EC2::SecurityGroupEgress") == {}
    (rule,) = of_kind(rendered("loantap.yml", WarehouseCidr="10.9.0.0/24"), "AWS::EC2::SecurityGroupEgress").values()
    assert (rule["GroupId"], rule["CidrIp"], rule["FromPort"]) == ("ReportSecurityGroup", "10.9.0.0/24", 5432)


def test_a_record_of_the_name_is_made_where_the_zone_is_known() -> None:
    assert of_kind(STACK, "AWS::Route53::RecordSet") == {}
    known = rendered("loantap.yml", HostedZoneId="Z123", DomainName="scores.example.com")
    (record,) = of_kind(known, "AWS::Route53::RecordSet").values()
    assert (record["HostedZoneId"], record["Name"], record["AliasTarget"]["DNSName"]) == ("Z123", "scores.example.com", "LoadBalancer.DNSName")  # fmt: skip


# ---------------------------------------------------------------- The monthly task


def test_the_monthly_task_is_the_latest_of_its_family_on_the_first_of_a_month() -> None:
    (schedule,) = of_kind(rendered("loantap.yml", Environment="production", Timezone="Europe/Berlin"), "AWS::Scheduler::Schedule").values()  # fmt: skip
    assert schedule["ScheduleExpression"].split()[2] == "1"
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    target = schedule["Target"]
    assert target["Arn"] == "Cluster.Arn"
    ecs = target["EcsParameters"]
    assert ecs["TaskDefinitionArn"] == f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/loantap-production-report"
    assert ecs["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    assert "Input" not in target, "the image says what is run"
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
    assert target["DeadLetterConfig"] == {"Arn": "DeadLetters.Arn"}


@pytest.mark.parametrize(
    ("ended", "tells"),
    [
        ({"exitCode": 0}, False),
        ({"exitCode": 1}, True),
        ({"exitCode": 137, "reason": "OutOfMemoryError"}, True),
        ({"reason": "CannotPullContainerError"}, True),
    ],
)
def test_a_monthly_task_that_fails_is_told(ended: dict[str, Any], tells: bool) -> None:
    (rule,) = of_kind(STACK, "AWS::Events::Rule").values()
    pattern = EventPattern.load(json.dumps(rule["EventPattern"]))
    event: Any = {
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "detail": {
            "clusterArn": "Cluster.Arn",
            "group": "family:loantap-production-report",
            "lastStatus": "STOPPED",
            "containers": ended,  # a list of one; EventBridge looks into lists, moto does not
        },
    }
    assert pattern.matches_event(event) is tells
    for other in ({"group": "service:api"}, {"lastStatus": "RUNNING"}, {"clusterArn": "another"}):
        assert not pattern.matches_event(event | {"detail": event["detail"] | other})
    assert rule["Targets"][0]["Arn"] == "Alarms"
