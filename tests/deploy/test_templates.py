"""The templates as such: clean for their checkers, with nothing of an account or a place in them, and what they make."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from absences import absent
from access_support import ALL, FOUNDATION, NETWORK, REGISTRY, REPORT, SERVICE
from moto.events.models import EventPattern
from template_support import FOLDER, TEMPLATES, of_kind, rendered, template

SIZES = ("staging", "production")
# Fargate takes these GB with so many 1024ths of a core.
FARGATE = {512: range(1, 5), 1024: range(2, 9), 2048: range(4, 17), 4096: range(8, 31), 8192: range(16, 61, 4)}


# ---------------------------------------------------------------- As texts


def test_the_linter_of_cloudformation_finds_nothing() -> None:
    words = [str(Path(sys.executable).with_name("cfn-lint")), *(str(FOLDER / name) for name in TEMPLATES)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_checkov_finds_nothing_but_what_is_explained_and_each_exception_is_needed() -> None:
    own = Path(sys.prefix) / "deploy-tools" / "bin" / "checkov"
    program = str(own) if own.is_file() else shutil.which("checkov")
    if not program:
        absent("checkov")
    words = [program, "--framework", "cloudformation", "--directory", FOLDER, "--output", "json", "--skip-download"]
    # Whoever asks all the same finds nobody: a proxy where nothing listens.
    nobody = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://127.0.0.1:9")
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=os.environ | nobody)
    found = json.loads(done.stdout)["results"]
    assert [f"{one['resource']}: {one['check_id']} {one['check_name']}" for one in found["failed_checks"]] == []
    assert found["parsing_errors"] == []
    assert {one["file_path"].lstrip("/") for one in found["passed_checks"]} == set(TEMPLATES)
    resources = [(name, key, one) for name in TEMPLATES for key, one in template(name)["Resources"].items()]
    skips = [(name, key, skip) for name, key, one in resources for skip in one.get("Metadata", {}).get("checkov", {}).get("skip", ())]  # fmt: skip
    used = {(one["file_path"].lstrip("/"), one["resource"].split(".")[1], one["check_id"]) for one in found["skipped_checks"]}  # fmt: skip
    assert used == {(name, key, skip["id"]) for name, key, skip in skips}
    assert all(len(skip["comment"].split()) >= 8 for _, _, skip in skips)


@pytest.mark.parametrize("name", [*TEMPLATES, "staging.json", "production.json"])
def test_nothing_of_an_account_a_region_or_a_partition_is_written_down(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    # CloudFront's lists live in one region, wherever the rest is; and the end of a UUID of AWS' own is no account.
    text = text.replace("us-east-1", "").replace("658327ea-f89d-4fab-a63d-7e88639e58f6", "")
    assert re.findall(r"(?<!\d)\d{12}(?!\d)", text) == []
    assert re.findall(r"\b(?:af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-\d\b", text) == []
    assert re.findall(r"arn:aws[a-z-]*:", text) == []
    assert len(text) < 0.85 * 51_200, "CloudFormation takes larger ones from a bucket only"


@pytest.mark.parametrize("environment", SIZES)
def test_sizes_are_parameters_with_values_that_the_template_and_fargate_take(environment: str) -> None:
    known, given = template("service.yml")["Parameters"], json.loads((FOLDER / f"{environment}.json").read_text("utf-8"))  # fmt: skip
    assert given["Environment"] == environment
    assert {name for name, facts in known.items() if "Default" not in facts} - given.keys() == {"ApiDigest", "ReportDigest"}  # fmt: skip
    for name, value in given.items():
        assert value in [str(one) for one in known[name].get("AllowedValues", [value])], name
        assert re.fullmatch(known[name].get("AllowedPattern", ".*"), value), name
    for part in ("Api", "Report"):
        assert int(given[f"{part}Memory"]) / 1024 in FARGATE[int(given[f"{part}Cpu"])]
    assert 1 <= int(given["MinTasks"]) <= int(given["MaxTasks"])
    assert environment == "staging" or given["AllowSynthetic"] == "no"


def test_every_value_that_is_read_from_parameter_store_is_put_there() -> None:
    put = {one["Name"] for stack in (FOUNDATION, REPORT) for one in of_kind(stack, "AWS::SSM::Parameter").values()}
    read = set(re.findall(r"\{\{resolve:ssm:([^}]+)\}\}", json.dumps([SERVICE, REPORT])))
    asked = re.findall(r'values\["([a-z-]+)"\]', "".join(path.read_text("utf-8") for path in (FOLDER.parents[1] / "src/loantap_deploy").glob("*.py")))  # fmt: skip
    read |= {f"/loantap/staging/{name}" for name in asked}
    assert read == put, "nothing is read that nobody puts there, and nothing put there that nobody reads"
    assert not any("Fn::ImportValue" in json.dumps(template(name)) for name in TEMPLATES)


# ---------------------------------------------------------------- What is kept, encrypted, closed


def test_what_loses_data_when_it_is_deleted_is_kept() -> None:
    kept = {"AWS::EFS::FileSystem", "AWS::KMS::Key", "AWS::S3::Bucket", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup", "AWS::ECR::Repository"}  # fmt: skip
    names = ("foundation.yml", "report.yml", "registry.yml")
    found = [one for name in names for one in template(name)["Resources"].values() if one["Type"] in kept]
    assert {one["Type"] for one in found} == kept
    assert {(one["DeletionPolicy"], one["UpdateReplacePolicy"]) for one in found} == {("RetainExceptOnCreate", "Retain")}  # fmt: skip
    assert not any(one["Type"] in kept for one in SERVICE.values()), "who deploys can delete nothing that holds data"


@pytest.mark.parametrize(
    ("kind", "place"),
    [("EFS::FileSystem", "KmsKeyId"), ("Logs::LogGroup", "KmsKeyId"), ("SNS::Topic", "KmsMasterKeyId"), ("SQS::Queue", "KmsMasterKeyId"), ("SecretsManager::Secret", "KmsKeyId")],
)  # fmt: skip
def test_all_that_can_be_is_encrypted_with_the_environments_own_key(kind: str, place: str) -> None:
    assert {one[place] for one in of_kind(FOUNDATION, f"AWS::{kind}").values()} == {"Key.Arn"}
    assert of_kind(FOUNDATION, "AWS::KMS::Key")["Key"]["EnableKeyRotation"] is True


def test_no_bucket_is_public_and_the_report_keeps_former_versions() -> None:
    buckets = of_kind(FOUNDATION, "AWS::S3::Bucket") | of_kind(REPORT, "AWS::S3::Bucket")
    for bucket in buckets.values():
        assert list(bucket["PublicAccessBlockConfiguration"].values()) == [True] * 4
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert buckets["ReportBucket"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert not any("ExpirationInDays" in rule for rule in buckets["ReportBucket"]["LifecycleConfiguration"]["Rules"])


def test_images_cannot_be_moved_are_scanned_and_end_after_half_a_year() -> None:
    repositories = of_kind(REGISTRY, "AWS::ECR::Repository")
    for one in repositories.values():
        assert (one["ImageTagMutability"] == "IMMUTABLE") == (one["RepositoryName"] != "loantap/cache")
        (rule,) = json.loads(one["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
        assert rule["selection"]["countNumber"] == (180 if one["ImageTagMutability"] == "IMMUTABLE" else 7)
    (scanning,) = of_kind(REGISTRY, "AWS::ECR::RegistryScanningConfiguration").values()
    assert (scanning["ScanType"], scanning["Rules"][0]["ScanFrequency"]) == ("ENHANCED", "CONTINUOUS_SCAN")
    assert scanning["Rules"][0]["RepositoryFilters"][0]["Filter"] == "loantap/*"


# ---------------------------------------------------------------- Network, load balancer, report


def test_the_network_gives_no_machine_a_public_address_and_tasks_a_way_out() -> None:
    subnets = of_kind(NETWORK, "AWS::EC2::Subnet")
    assert {subnet["MapPublicIpOnLaunch"] for subnet in subnets.values()} == {False}
    tables = {one["SubnetId"]: one["RouteTableId"] for one in of_kind(NETWORK, "AWS::EC2::SubnetRouteTableAssociation").values()}  # fmt: skip
    out = {one["RouteTableId"]: one for one in of_kind(NETWORK, "AWS::EC2::Route").values()}
    assert tables.keys() == subnets.keys()
    for name, table in tables.items():
        way = {"GatewayId": "InternetGateway"} if name.startswith("Public") else {"NatGatewayId": "NatGateway"}
        assert out[table] == {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"} | way
    assert of_kind(NETWORK, "AWS::EC2::VPCEndpoint")["S3Endpoint"]["RouteTableIds"] == [tables["PrivateSubnetA"]]


def test_who_speaks_to_whom() -> None:
    groups = of_kind(FOUNDATION, "AWS::EC2::SecurityGroup")
    out = {name: {(rule["ToPort"], rule.get("DestinationSecurityGroupId", rule.get("CidrIp"))) for rule in group["SecurityGroupEgress"]} for name, group in groups.items()}  # fmt: skip
    tasks = {(443, "0.0.0.0/0"), (2049, "FilesSecurityGroup")}
    assert out == {
        "LoadBalancerSecurityGroup": {(8000, "ApiSecurityGroup")}, "ApiSecurityGroup": tasks, "ReportSecurityGroup": tasks, "FilesSecurityGroup": {(-1, "127.0.0.1/32")},
    }  # fmt: skip
    ways_in = {(one["GroupId"], one["SourceSecurityGroupId"]) for one in of_kind(FOUNDATION, "AWS::EC2::SecurityGroupIngress").values()}  # fmt: skip
    assert ways_in == {("ApiSecurityGroup", "LoadBalancerSecurityGroup"), ("FilesSecurityGroup", "ApiSecurityGroup"), ("FilesSecurityGroup", "ReportSecurityGroup")}  # fmt: skip
    assert [name for name, group in groups.items() if "SecurityGroupIngress" in group] == ["LoadBalancerSecurityGroup"]
    (rule,) = of_kind(rendered("foundation.yml", WarehouseCidr="10.9.0.0/24"), "AWS::EC2::SecurityGroupEgress").values()
    assert (rule["GroupId"], rule["CidrIp"], rule["FromPort"]) == ("ReportSecurityGroup", "10.9.0.0/24", 5432)


def test_the_load_balancer_speaks_modern_tls_and_sends_http_on() -> None:
    listeners = {one["Port"]: one for one in of_kind(FOUNDATION, "AWS::ElasticLoadBalancingV2::Listener").values()}
    assert listeners.keys() == {80, 443}
    assert listeners[443]["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
    assert listeners[80]["DefaultActions"][0]["RedirectConfig"]["Protocol"] == "HTTPS"
    (balancer,) = of_kind(FOUNDATION, "AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    assert balancer["Scheme"] == "internal"
    assert of_kind(FOUNDATION, "AWS::Route53::RecordSet") == {}
    (record,) = of_kind(rendered("foundation.yml", HostedZoneId="Z123"), "AWS::Route53::RecordSet").values()
    assert record["AliasTarget"]["DNSName"] == "LoadBalancer.DNSName"


def test_the_report_is_read_by_https_from_the_readers_addresses_only_and_asks_nobody_else() -> None:
    (site,) = of_kind(rendered("report.yml", ReportAccess="readers"), "AWS::CloudFront::Distribution").values()
    settings = site["DistributionConfig"]
    assert (settings["WebACLId"], settings["DefaultRootObject"], settings["IPV6Enabled"]) == ("readers", "index.html", False)  # fmt: skip
    assert settings["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert settings["Origins"][0]["OriginAccessControlId"] == "ReportSiteAccess"
    acl = of_kind(rendered("report-access.yml"), "AWS::WAFv2::WebACL")["Acl"]
    assert (acl["DefaultAction"], [rule["Action"] for rule in acl["Rules"]]) == ({"Block": {}}, [{"Allow": {}}])
    (headers,) = of_kind(REPORT, "AWS::CloudFront::ResponseHeadersPolicy").values()
    words = headers["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]  # fmt: skip
    assert "default-src 'self'" in words
    assert "frame-ancestors 'none'" in words
    assert "http" not in words


# ---------------------------------------------------------------- The service and the monthly task

TASKS = of_kind(SERVICE, "AWS::ECS::TaskDefinition")


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_closed(name: str) -> None:
    (container,) = TASKS[name]["ContainerDefinitions"]
    assert (container["User"], container["ReadonlyRootFilesystem"], container["Privileged"]) == ("10001:10001", True, False)  # fmt: skip
    assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    assert re.fullmatch(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/loantap/(api|report)@\w+Digest", container["Image"])  # fmt: skip
    mounts = {mount["ContainerPath"]: mount["ReadOnly"] for mount in container["MountPoints"]}
    assert mounts == {"/tmp": False, "/srv/loantap": name == "ApiTask"}
    files = TASKS[name]["Volumes"][1]["EFSVolumeConfiguration"]
    assert (files["TransitEncryption"], files["AuthorizationConfig"]["IAM"]) == ("ENABLED", "ENABLED")
    assert not any(re.search("KEY|SECRET|PASSWORD|TOKEN", one["Name"]) for one in container["Environment"])


def test_what_the_monthly_task_is_told() -> None:
    stack = rendered("service.yml", SourcesFile="/x", Snapshots="table:live", MlflowServer="https://m", SourcesSecret="arn")  # fmt: skip
    (container,) = of_kind(stack, "AWS::ECS::TaskDefinition")["ReportTask"]["ContainerDefinitions"]
    told = {one["Name"]: one["Value"] for one in container["Environment"]}
    assert (told["LOANTAP_SOURCES"], told["LOANTAP_SNAPSHOTS"], told["MLFLOW_TRACKING_URI"], told["LOANTAP_ALLOW_SYNTHETIC"]) == ("/x", "table:live", "https://m", "no")  # fmt: skip
    assert {one["Name"]: one["ValueFrom"] for one in container["Secrets"]} == {name: f"arn:{name}::" for name in ("WAREHOUSE_PASSWORD", "DATABRICKS_TOKEN")}  # fmt: skip
    (bare,) = of_kind(rendered("service.yml"), "AWS::ECS::TaskDefinition")["ReportTask"]["ContainerDefinitions"]
    assert {one["Name"] for one in bare["Environment"]} == {"LOANTAP_MODELS", "LOANTAP_REPORT_BUCKET", "LOANTAP_ALLOW_SYNTHETIC"}  # fmt: skip
    assert bare["Secrets"] == []
    (bucket,) = of_kind(REPORT, "AWS::S3::Bucket").values()
    (here,) = TASKS["ReportTask"]["ContainerDefinitions"]
    assert {"Name": "LOANTAP_REPORT_BUCKET", "Value": bucket["BucketName"]} in here["Environment"]


def test_a_deployment_that_fails_goes_back_and_never_leaves_fewer_tasks() -> None:
    (service,) = of_kind(SERVICE, "AWS::ECS::Service").values()
    assert service["DeploymentConfiguration"] == {
        "MinimumHealthyPercent": 100, "MaximumPercent": 200, "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}, "Alarms": {"AlarmNames": ["ErrorsAlarm"], "Enable": True, "Rollback": True},
    }  # fmt: skip
    assert "DesiredCount" not in service, "an update would undo what scaling came to"
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    (none,) = of_kind(rendered("service.yml", MinTasks="0"), "AWS::ECS::Service").values()
    assert none["DesiredCount"] == 0
    (target,) = of_kind(SERVICE, "AWS::ApplicationAutoScaling::ScalableTarget").values()
    assert (target["MinCapacity"], target["MaxCapacity"], target["ResourceId"]) == (2, 6, "service/loantap-staging/Service.Name")  # fmt: skip


def test_the_monthly_task_runs_on_the_first_of_a_month_and_is_tried_again() -> None:
    (schedule,) = of_kind(SERVICE, "AWS::Scheduler::Schedule").values()
    assert schedule["ScheduleExpression"].split()[2] == "1"
    target = schedule["Target"]
    assert target["EcsParameters"]["TaskDefinitionArn"] == "ReportTask", "this very revision"
    assert "Input" not in target, "the image says what is run"
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
    assert target["DeadLetterConfig"] == {"Arn": "{{resolve:ssm:/loantap/staging/dead-letters}}"}


# ---------------------------------------------------------------- Who is told of what

ALARMS = {name: alarm for stack in (FOUNDATION, SERVICE) for name, alarm in of_kind(stack, "AWS::CloudWatch::Alarm").items()}  # fmt: skip


@pytest.mark.parametrize("name", ALARMS)
def test_each_alarm_says_what_it_means_and_is_told(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == alarm["OKActions"]
    assert alarm["AlarmActions"] in (["Alarms"], ["{{resolve:ssm:/loantap/staging/alarms}}"])
    assert len(alarm["AlarmDescription"].split()) > 8
    assert alarm["TreatMissingData"] == ("breaching" if name in ("NobodyAnswersAlarm", "OverdueAlarm") else "notBreaching")  # fmt: skip
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= (86_400 if alarm["Period"] < 3600 else 604_800), "CloudWatch's limit"  # fmt: skip


def test_errors_of_tasks_of_the_load_balancer_and_between_them_are_told() -> None:
    metrics = {alarm["MetricName"] for alarm in ALARMS.values()}
    assert {"HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count", "TargetConnectionErrorCount"} <= metrics
    first = of_kind(rendered("service.yml", MinTasks="0"), "AWS::CloudWatch::Alarm")
    assert set(of_kind(SERVICE, "AWS::CloudWatch::Alarm")) - set(first) == {"NobodyAnswersAlarm", "LoadBalancerErrorsAlarm"}  # fmt: skip


def matches(rule: str, event: dict[str, Any]) -> bool:
    (one,) = [one for one in of_kind(FOUNDATION, "AWS::Events::Rule").values() if one["Name"] == f"loantap-staging-{rule}"]  # fmt: skip
    return EventPattern.load(json.dumps(one["EventPattern"])).matches_event(event)


def stopped(**detail: Any) -> dict[str, Any]:
    """The event of a task that stopped; of its list of one container only that one, into which EventBridge looks and moto does not."""
    usual = {"clusterArn": "Cluster.Arn", "group": "family:loantap-staging-report", "lastStatus": "STOPPED", "startedBy": "chronos-schedule/m"}  # fmt: skip
    return {"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": usual | detail}


@pytest.mark.parametrize(
    ("ended", "failed"),
    [({"exitCode": 0}, False), ({"exitCode": 1}, True), ({"exitCode": 137}, True), ({"reason": "CannotPullContainerError"}, True)],
)  # fmt: skip
def test_a_monthly_task_that_fails_is_told_and_one_that_succeeds_is_counted(ended: dict[str, Any], failed: bool) -> None:  # fmt: skip
    assert matches("monthly-failed", stopped(containers=ended)) is failed
    assert matches("monthly-succeeded", stopped(containers=ended)) is not failed
    for other in ({"group": "service:api"}, {"lastStatus": "RUNNING"}, {"clusterArn": "another"}):
        assert not matches("monthly-failed", stopped(containers=ended, **other))
        assert not matches("monthly-succeeded", stopped(containers=ended, **other))


def test_a_run_that_succeeded_gives_a_sign_of_life_each_day_for_32_days() -> None:
    machine = of_kind(FOUNDATION, "AWS::StepFunctions::StateMachine")["Overdue"]["Definition"]
    name, left, days, said = machine["StartAt"], 0, 0, []
    while machine["States"][name]["Type"] != "Succeed":
        state = machine["States"][name]
        if state["Type"] == "Task":
            said.append(days)
        elif state["Type"] == "Wait":
            days += state["Seconds"] / 86400
        elif "Result" in state:
            left = state["Result"]["left"]
        elif "Parameters" in state:
            assert state["Parameters"] == {"left.$": "States.MathAdd($.left, -1)"}
            left -= 1
        going_on = state["Type"] != "Choice" or left > state["Choices"][0]["NumericGreaterThan"]
        name = (state.get("Next") or state["Choices"][0]["Next"]) if going_on else state["Default"]
    assert said == list(range(32))
    metric = machine["States"]["Say"]["Parameters"]
    alarm = ALARMS["OverdueAlarm"]
    assert (metric["Namespace"], metric["MetricData"][0]["MetricName"], metric["MetricData"][0]["Dimensions"]) == (alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"])  # fmt: skip


@pytest.mark.parametrize(
    ("detail", "tells"),
    [({}, True), ({"severity": "MEDIUM"}, False), ({"fixAvailable": "NO"}, False), ({"status": "CLOSED"}, False), ({"severity": "CRITICAL"}, True)],
)  # fmt: skip
def test_a_finding_in_an_image_that_a_newer_package_ends_is_told(detail: dict[str, str], tells: bool) -> None:
    image = {"type": "AWS_ECR_CONTAINER_IMAGE", "details": {"awsEcrContainerImage": {"repositoryName": "loantap/api"}}}
    usual = {"status": "ACTIVE", "severity": "HIGH", "fixAvailable": "YES", "resources": image}
    assert matches("findings", {"source": "aws.inspector2", "detail-type": "Inspector2 Finding", "detail": usual | detail}) is tells  # fmt: skip


def test_every_rule_tells_the_topic_or_counts() -> None:
    targets = {one["Name"]: one["Targets"][0]["Arn"] for one in of_kind(FOUNDATION, "AWS::Events::Rule").values()}
    assert set(targets.values()) == {"Alarms", "Overdue"}
    assert sum(map(len, (of_kind(stack, "AWS::SNS::Topic") for stack in ALL.values()))) == 1
