"""What roles may do, and who may speak to things: asked as IAM would be."""

import json
from typing import Any

import pytest
from access_support import (  # fmt: skip
    ALL,
    AWS,
    BUCKET,
    FOUNDATION,
    PIPELINE,
    REGISTRY,
    REPORT,
    ROLES,
    SERVICE,
    TASKS,
    UUIDS,
    WAREHOUSE,
    cluster,
)
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from template_support import ACCOUNT, REGION, allows, conditions_hold, of_kind, rendered, role_policies, statements

ISSUER = "api.bitbucket.org/2.0/workspaces/lenders/pipelines-config/identity/oidc"
# Actions that AWS binds to no resource, or to none of ours.
UNBOUND = {
    "ecr:GetAuthorizationToken", "ecs:RegisterTaskDefinition", "ecs:DescribeTaskDefinition", "ecs:DeregisterTaskDefinition", "cloudwatch:PutMetricData",
    "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies", "application-autoscaling:DescribeScheduledActions",
}  # fmt: skip


def actions(role: str) -> set[str]:
    return {action for statement in statements(ROLES[role]) for action in statement["Action"]}


def role_arn(name: str, environment: str = "staging") -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/loantap-{environment}-{name}-{REGION}"


# ---------------------------------------------------------------- All roles


@pytest.mark.parametrize("role", ROLES)
def test_a_role_names_each_action_and_each_resource(role: str) -> None:
    for statement in statements(ROLES[role]):
        assert not any("*" in action or "?" in action for action in statement["Action"]), statement
        if "*" in statement["Resource"]:
            assert set(statement["Action"]) <= UNBOUND, statement
        # A wildcard stands for a part of a name that is the project's own.
        own = ("loantap", "FlowLog", "scalable-target", "ecs.application-autoscaling")
        assert all("*" not in one or one == "*" or any(word in one for word in own) for one in statement["Resource"])


@pytest.mark.parametrize("stack", ["network", "foundation"])
def test_a_service_takes_on_a_role_for_this_account_only(stack: str) -> None:
    for role in of_kind(ALL[stack], "AWS::IAM::Role").values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"].keys() == {"Service"}
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


# ---------------------------------------------------------------- Tasks, and what starts them


def mounts(role: str, point: str | None, action: str = "ClientMount") -> bool:
    known = {"elasticfilesystem:AccessPointArn": f"arn:aws:elasticfilesystem:{AWS}:access-point/{point}"} if point else {}  # fmt: skip
    return allows(ROLES[role], f"elasticfilesystem:{action}", f"arn:aws:elasticfilesystem:{AWS}:file-system/Files", known)  # fmt: skip


def test_the_service_reads_its_files_and_the_monthly_task_writes_them_and_its_report() -> None:
    assert actions("ApiRole") == {"elasticfilesystem:ClientMount"}
    assert (mounts("ApiRole", "ApiFiles"), mounts("ApiRole", "ReportFiles"), mounts("ApiRole", None)) == (True, False, False)  # fmt: skip
    assert mounts("ReportRole", "ReportFiles", "ClientWrite")
    assert actions("ReportRole") == {"elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite", "s3:GetObject", "s3:ListBucket", "s3:PutObject"}  # fmt: skip
    assert allows(ROLES["ReportRole"], "s3:PutObject", f"{BUCKET}/latest/index.html")
    assert not allows(ROLES["ReportRole"], "s3:PutObject", "AccessLog.Arn/report/x")


@pytest.mark.parametrize(
    ("role", "own", "other"),
    [("ApiStartRole", ("api", "ApiKeys", "ApiLog.Arn"), ("report", WAREHOUSE, "ReportLog.Arn")), ("ReportStartRole", ("report", WAREHOUSE, "ReportLog.Arn"), ("api", "ApiKeys", "ApiLog.Arn"))],
)  # fmt: skip
def test_what_starts_a_task_reads_its_image_its_secret_and_writes_its_log(role: str, own: Any, other: Any) -> None:
    for (component, secret, log), right in ((own, True), (other, False)):
        assert allows(ROLES[role], "ecr:BatchGetImage", f"arn:aws:ecr:{AWS}:repository/loantap/{component}") is right
        assert allows(ROLES[role], "secretsmanager:GetSecretValue", secret) is right
        assert allows(ROLES[role], "logs:PutLogEvents", log) is right
    through = {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}
    assert allows(ROLES[role], "kms:Decrypt", "Key.Arn", through) is (role == "ApiStartRole")
    assert not allows(ROLES[role], "kms:Decrypt", "Key.Arn")


def test_exported_files_are_read_from_one_bucket_and_without_a_warehouse_no_secret() -> None:
    bare = role_policies(rendered("foundation.yml", Environment="staging", DropBucket="exports"))
    assert allows(bare["ReportRole"], "s3:GetObject", "arn:aws:s3:::exports/db2/CONTRACTS_1.csv")
    assert not allows(bare["ReportRole"], "s3:PutObject", "arn:aws:s3:::exports/db2/CONTRACTS_1.csv")
    assert not any("secretsmanager:GetSecretValue" in one["Action"] for one in statements(bare["ReportStartRole"]))


def test_the_schedule_runs_the_monthly_task_and_nothing_else() -> None:
    role, here = ROLES["ScheduleRole"], {"ecs:cluster": "Cluster.Arn"}
    family = f"arn:aws:ecs:{AWS}:task-definition/loantap-staging"
    assert allows(role, "ecs:RunTask", f"{family}-report:12", here)
    assert not allows(role, "ecs:RunTask", f"{family}-report:12", cluster("production"))
    assert not allows(role, "ecs:RunTask", f"{family}-api:12", here)
    assert [allows(role, "iam:PassRole", role_arn(name), TASKS) for name in ("report", "report-start", "api", "deploy")] == [True, True, False, False]  # fmt: skip
    assert actions("ScheduleRole") == {"ecs:RunTask", "iam:PassRole", "sqs:SendMessage", "kms:Decrypt", "kms:GenerateDataKey"}  # fmt: skip


# ---------------------------------------------------------------- What CloudFormation may do for the service stack

# What AWS says that it may ask for, and does not here: no tags, Lambda, scheduled actions or roles of scaling are in the template.
NOT_ASKED = {
    "application-autoscaling:DeleteScheduledAction", "application-autoscaling:PutScheduledAction", "application-autoscaling:TagResource",
    "application-autoscaling:UntagResource", "lambda:DeleteProvisionedConcurrencyConfig", "lambda:GetProvisionedConcurrencyConfig",
    "lambda:PutProvisionedConcurrencyConfig",
}  # fmt: skip


def handled(kind: str) -> set[str]:
    """Return the actions that AWS' schema of a kind names for making, reading, changing and deleting one."""
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"]
    return {action for name, one in handlers.items() if name != "list" for action in one["permissions"]}


def test_cloudformation_may_do_for_the_service_stack_what_aws_says_it_needs_and_nothing_else() -> None:
    needed = {action for kind in {one["Type"] for one in SERVICE.values()} for action in handled(kind)}
    assert actions("ServiceStackRole") == (needed - NOT_ASKED) | {"ssm:GetParameter", "ssm:GetParameters"}
    assert needed >= NOT_ASKED


def test_the_service_stack_has_the_names_that_its_role_may_touch() -> None:
    role = ROLES["ServiceStackRole"]
    (service,) = of_kind(SERVICE, "AWS::ECS::Service").values()
    assert allows(role, "ecs:UpdateService", f"arn:aws:ecs:{AWS}:service/{service['Cluster']}/{service['ServiceName']}")
    for alarm in of_kind(SERVICE, "AWS::CloudWatch::Alarm").values():
        assert allows(role, "cloudwatch:PutMetricAlarm", f"arn:aws:cloudwatch:{AWS}:alarm:{alarm['AlarmName']}")
    (schedule,) = of_kind(SERVICE, "AWS::Scheduler::Schedule").values()
    assert allows(role, "scheduler:UpdateSchedule", f"arn:aws:scheduler:{AWS}:schedule/default/{schedule['Name']}")
    assert allows(role, "iam:PassRole", schedule["Target"]["RoleArn"], {"iam:PassedToService": "scheduler.amazonaws.com"})  # fmt: skip
    for task in of_kind(SERVICE, "AWS::ECS::TaskDefinition").values():
        for name in ("ExecutionRoleArn", "TaskRoleArn"):
            assert allows(role, "iam:PassRole", task[name], TASKS)
            assert not allows(role, "iam:PassRole", task[name], {"iam:PassedToService": "ec2.amazonaws.com"})
    for other in ("deploy", "cloudformation", "restore"):
        assert not allows(role, "iam:PassRole", role_arn(other), TASKS)
    assert not allows(role, "ecs:UpdateService", f"arn:aws:ecs:{AWS}:service/loantap-production/api")


# ---------------------------------------------------------------- What the pipelines may do


def needed(environment: str) -> list[tuple[str, str, dict[str, str]]]:
    """What `loantap deploy` and its commands ask of AWS in an environment."""
    stack, bucket = f"arn:aws:cloudformation:{AWS}:stack/loantap-{environment}-service/1", BUCKET.replace("staging", environment)  # fmt: skip
    names = ("CreateChangeSet", "DeleteChangeSet", "DescribeChangeSet", "DescribeStackEvents", "DescribeStacks", "ExecuteChangeSet", "GetTemplate")  # fmt: skip
    found: list[tuple[str, str, dict[str, str]]] = [(f"cloudformation:{name}", stack, {}) for name in names]
    found += [(f"ssm:{name}", f"arn:aws:ssm:{AWS}:parameter/loantap/{environment}", {}) for name in ("GetParameters", "GetParametersByPath")]  # fmt: skip
    found += [(f"ecs:{name}", f"arn:aws:ecs:{AWS}:service/loantap-{environment}/api", {}) for name in ("DescribeServices", "UpdateService")]  # fmt: skip
    found += [("ecs:RunTask", f"arn:aws:ecs:{AWS}:task-definition/loantap-{environment}-report{end}", cluster(environment)) for end in ("", ":7")]  # fmt: skip
    found += [("ecs:DescribeTasks", f"arn:aws:ecs:{AWS}:task/loantap-{environment}/0123456789abcdef", {})]
    found += [("iam:PassRole", role_arn(name, environment), TASKS) for name in ("report", "report-start")]
    found += [("iam:PassRole", role_arn("cloudformation", environment), {"iam:PassedToService": "cloudformation.amazonaws.com"})]  # fmt: skip
    found += [("s3:ListBucket", bucket, {}), ("s3:GetObject", f"{bucket}/x", {}), ("s3:PutObject", f"{bucket}/x", {})]
    return found


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_pipeline_of_staging_may_do_what_a_deployment_needs_there_and_only_there(environment: str) -> None:
    for action, resource, known in needed(environment):
        assert allows(ROLES["DeployRole"], action, resource, known) is (environment == "staging"), (action, resource)
    assert actions("DeployRole") == {action for action, _, _ in needed("staging")} | {"ecr:DescribeImages"}


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("cloudformation:CreateChangeSet", f"arn:aws:cloudformation:{AWS}:stack/loantap-staging/1"),  # the foundation's
        ("cloudformation:DeleteStack", f"arn:aws:cloudformation:{AWS}:stack/loantap-staging-service/1"),
        ("ecr:PutImage", f"arn:aws:ecr:{AWS}:repository/loantap/api"),
        ("ecs:RunTask", f"arn:aws:ecs:{AWS}:task-definition/loantap-staging-api:1"),
        ("iam:PassRole", role_arn("schedule")),
        ("iam:PassRole", role_arn("deploy")),
        ("iam:PutRolePolicy", role_arn("deploy")),
        ("kms:Decrypt", f"arn:aws:kms:{AWS}:key/1"),
        ("s3:DeleteObject", f"{BUCKET}/index.html"),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{AWS}:secret:loantap/staging/api-keys-AbCdEf"),
    ],
)
def test_the_pipeline_deletes_nothing_reads_no_secret_and_gives_itself_no_rights(action: str, resource: str) -> None:
    assert not allows(ROLES["DeployRole"], action, resource, TASKS | cluster("staging"))
    assert not allows(ROLES["PushRole"], action, resource) or action == "ecr:PutImage"


def test_who_pushes_images_does_nothing_else() -> None:
    push = {f"ecr:{name}" for name in ("BatchCheckLayerAvailability", "BatchGetImage", "CompleteLayerUpload", "GetDownloadUrlForLayer", "InitiateLayerUpload", "PutImage", "UploadLayerPart")}  # fmt: skip
    assert actions("PushRole") == push | {"ecr:GetAuthorizationToken"}
    for action in push:
        assert allows(ROLES["PushRole"], action, f"arn:aws:ecr:{AWS}:repository/loantap/api")
        assert not allows(ROLES["PushRole"], action, f"arn:aws:ecr:{AWS}:repository/payroll/api")


def trusts(stack: dict[str, dict[str, Any]], subject: str, audience: str = UUIDS["workspace"]) -> bool:
    """Whether a step of Bitbucket Pipelines may take on the role that a stack makes for it."""
    (role,) = of_kind(stack, "AWS::IAM::Role").values()
    (statement,) = json.loads(role["AssumeRolePolicyDocument"])["Statement"]
    assert statement["Principal"]["Federated"] in ("Provider", f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}")
    known = {f"{ISSUER}:sub": subject, f"{ISSUER}:aud": f"ari:cloud:bitbucket::workspace/{audience}"}
    return statement["Action"] == "sts:AssumeRoleWithWebIdentity" and conditions_hold(statement["Condition"], known)


@pytest.mark.parametrize(("stack", "environment"), [(PIPELINE, "staging"), (REGISTRY, "images")], ids=["deploy", "push"])  # fmt: skip
def test_only_a_step_of_the_deployment_environment_takes_on_the_role(stack: Any, environment: str) -> None:
    repository, own = f"{{{UUIDS['repository']}}}", f"{{{UUIDS[environment]}}}"
    assert trusts(stack, f"{repository}:{own}:{{1}}")
    assert not trusts(stack, f"{repository}:{own}:{{1}}", audience=UUIDS["repository"])
    for subject in (f"{repository}:{{{UUIDS['production']}}}:{{1}}", f"{repository}:{{1}}", f"{repository}:{own}", f"{{{UUIDS['production']}}}:{own}:{{1}}", ""):  # fmt: skip
        assert not trusts(stack, subject), subject
    assert "Provider" in of_kind(REGISTRY, "AWS::IAM::OIDCProvider")
    assert not of_kind(rendered("registry.yml"), "AWS::IAM::Role"), "without Bitbucket nobody is let in"


# ---------------------------------------------------------------- What is asked of a thing, whoever asks


def policy(name: str, key: str = "PolicyDocument") -> list[dict[str, Any]]:
    return [(FOUNDATION | REPORT)[name]["Properties"][key]]


@pytest.mark.parametrize("bucket", ["ReportBucket", "AccessLog"])
def test_a_bucket_is_spoken_to_by_tls_only(bucket: str) -> None:
    everybody = [{"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}]}]
    for secure in ("true", "false"):
        right = allows(everybody + policy(f"{bucket}Policy"), "s3:GetObject", f"{bucket}.Arn/x", {"aws:SecureTransport": secure})  # fmt: skip
        assert right is (secure == "true")


# To an encrypted topic EventBridge sends nothing where a condition stands.
@pytest.mark.parametrize(("name", "key"), [("ReportBucketPolicy", "PolicyDocument"), ("AccessLogPolicy", "PolicyDocument"), ("AlarmsPolicy", "PolicyDocument"), ("Key", "KeyPolicy")])  # fmt: skip
def test_things_let_in_services_of_this_account_only(name: str, key: str) -> None:
    for statement in statements(policy(name, key)):
        if statement["Effect"] == "Allow" and statement["Principal"] != {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}:
            assert statement["Principal"].keys() == {"Service"}
            assert statement["Principal"] == {"Service": "events.amazonaws.com"} or ACCOUNT in json.dumps(statement["Condition"])  # fmt: skip
            assert "kms:*" not in statement["Action"]


def test_the_report_is_read_by_its_site_and_no_other_distribution() -> None:
    site = {"aws:SecureTransport": "true", "aws:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/ReportSite"}
    found = policy("ReportBucketPolicy")
    assert allows(found, "s3:GetObject", "ReportBucket.Arn/index.html", site)
    assert not allows(found, "s3:GetObject", "ReportBucket.Arn/index.html", site | {"aws:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/Other"})  # fmt: skip
    assert not allows(found, "s3:PutObject", "ReportBucket.Arn/index.html", site)


def test_files_are_opened_by_tls_and_through_an_access_point_only() -> None:
    found, files = policy("Files", "FileSystemPolicy"), f"arn:aws:elasticfilesystem:{AWS}:file-system/Files"
    right = {"aws:SecureTransport": "true", "elasticfilesystem:AccessPointArn": f"arn:aws:elasticfilesystem:{AWS}:access-point/ReportFiles"}  # fmt: skip
    for known, allowed in ((right, True), (right | {"aws:SecureTransport": "false"}, False)):
        assert allows(ROLES["ReportRole"] + found, "elasticfilesystem:ClientWrite", files, known) is allowed
    anybody = [{"Statement": [{"Effect": "Allow", "Action": ["elasticfilesystem:ClientRootAccess"], "Resource": ["*"]}]}]  # fmt: skip
    assert not allows(anybody + found, "elasticfilesystem:ClientRootAccess", files, {"aws:SecureTransport": "true"})
