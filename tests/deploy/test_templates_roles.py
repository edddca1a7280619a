"""What the tasks, what starts them and the schedule may do."""

from typing import Any

import pytest
from access_support import AWS, ENVIRONMENT, NETWORK, ROLES, TASKS, UNBOUND, WAREHOUSE, cluster
from template_support import ACCOUNT, REGION, allows, of_kind, rendered, role_policies, statements


@pytest.mark.parametrize("role", ROLES)
def test_a_role_names_each_action_and_each_resource(role: str) -> None:
    for statement in statements(ROLES[role]):
        assert not any("*" in action or "?" in action for action in statement["Action"]), statement
        if "*" in statement["Resource"]:
            assert set(statement["Action"]) <= UNBOUND.keys(), statement
        # Of services whose names are shared by all, a wildcard stands for a part of a name that is the project's own.
        assert all("*" not in resource or "loantap" in resource or resource in ("*", "ReportBucket.Arn/*") for resource in statement["Resource"])  # fmt: skip


@pytest.mark.parametrize("resources", [ENVIRONMENT, NETWORK], ids=["environment", "network"])
def test_a_service_takes_on_a_role_for_this_account_only(resources: dict[str, dict[str, Any]]) -> None:
    for role in of_kind(resources, "AWS::IAM::Role").values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"].keys() == {"Service"}
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


def test_the_service_may_open_its_files_to_read_and_nothing_else() -> None:
    (statement,) = statements(ROLES["ApiRole"])
    assert statement["Action"] == ["elasticfilesystem:ClientMount"]
    point = f"arn:aws:elasticfilesystem:{AWS}:access-point"
    files = f"arn:aws:elasticfilesystem:{AWS}:file-system/Files"
    assert allows(ROLES["ApiRole"], "elasticfilesystem:ClientMount", files, {"elasticfilesystem:AccessPointArn": f"{point}/ApiFiles"})  # fmt: skip
    assert not allows(ROLES["ApiRole"], "elasticfilesystem:ClientMount", files, {"elasticfilesystem:AccessPointArn": f"{point}/ReportFiles"})  # fmt: skip
    assert not allows(ROLES["ApiRole"], "elasticfilesystem:ClientMount", files)


def test_the_monthly_task_writes_its_files_and_its_report_and_deletes_no_report() -> None:
    actions = {action for statement in statements(ROLES["ReportRole"]) for action in statement["Action"]}
    assert actions == {
        "elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite", "s3:GetObject", "s3:ListBucket", "s3:PutObject",
    }  # fmt: skip
    assert allows(ROLES["ReportRole"], "s3:PutObject", "ReportBucket.Arn/latest/index.html")
    assert not allows(ROLES["ReportRole"], "s3:PutObject", "AccessLog.Arn/report/x")


@pytest.mark.parametrize(
    ("role", "own", "other"),
    [("ApiStartRole", ("api", "ApiKeys", "ApiLog.Arn"), ("report", WAREHOUSE, "ReportLog.Arn")),
     ("ReportStartRole", ("report", WAREHOUSE, "ReportLog.Arn"), ("api", "ApiKeys", "ApiLog.Arn"))],
)  # fmt: skip
def test_what_starts_a_task_reads_its_image_its_secret_and_writes_its_log(
    role: str, own: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    for (component, secret, log), right in ((own, True), (other, False)):
        image = f"arn:aws:ecr:{AWS}:repository/loantap/{component}"
        for action in ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
            assert allows(ROLES[role], action, image) is right
        assert allows(ROLES[role], "secretsmanager:GetSecretValue", secret) is right
        assert allows(ROLES[role], "logs:PutLogEvents", log) is right
    assert not allows(ROLES[role], "ecr:PutImage", f"arn:aws:ecr:{AWS}:repository/loantap/{own[0]}")


def test_the_key_opens_secrets_for_the_service_only_through_their_store() -> None:
    assert allows(ROLES["ApiStartRole"], "kms:Decrypt", "Key.Arn", {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"})  # fmt: skip
    assert not allows(ROLES["ApiStartRole"], "kms:Decrypt", "Key.Arn")
    assert not allows(ROLES["ApiStartRole"], "kms:Decrypt", "Key.Arn", {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"})  # fmt: skip


def test_without_a_warehouse_no_secret_is_read() -> None:
    roles = role_policies(rendered("loantap.yml", Environment="staging"))
    assert not any("secretsmanager:GetSecretValue" in one["Action"] for one in statements(roles["ReportStartRole"]))


def test_exported_files_are_read_from_one_bucket_and_left_as_they_are() -> None:
    role = role_policies(rendered("loantap.yml", Environment="staging", DropBucket="exports"))["ReportRole"]
    assert allows(role, "s3:GetObject", "arn:aws:s3:::exports/db2/CONTRACTS_1.csv")
    assert allows(role, "s3:ListBucket", "arn:aws:s3:::exports")
    assert not allows(role, "s3:PutObject", "arn:aws:s3:::exports/db2/CONTRACTS_1.csv")
    assert not allows(role, "s3:GetObject", "arn:aws:s3:::exports-of-others/x")


def test_the_schedule_runs_the_monthly_task_and_nothing_else() -> None:
    role = ROLES["ScheduleRole"]
    here = {"ecs:cluster": "Cluster.Arn"}
    family = f"arn:aws:ecs:{AWS}:task-definition/loantap-staging"
    assert allows(role, "ecs:RunTask", f"{family}-report", here)
    assert allows(role, "ecs:RunTask", f"{family}-report:12", here)
    assert not allows(role, "ecs:RunTask", f"{family}-report:12", cluster("production"))
    assert not allows(role, "ecs:RunTask", f"{family}-api:12", here)
    for name, right in (("report", True), ("report-start", True), ("api", False), ("deploy", False)):
        assert allows(role, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/loantap-staging-{name}-{REGION}", TASKS) is right  # fmt: skip
    actions = {action for statement in statements(role) for action in statement["Action"]}
    assert actions == {"ecs:RunTask", "iam:PassRole", "sqs:SendMessage", "kms:Decrypt", "kms:GenerateDataKey"}
