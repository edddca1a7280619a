"""What Bitbucket Pipelines may do: what a deployment needs, and nothing that it does not, or in the other environment."""

import json
from collections.abc import Iterator

import pytest
from access_support import AWS, ENVIRONMENT, PIPELINE, ROLES, TASKS, UNBOUND, UUIDS, cluster
from template_support import ACCOUNT, REGION, allows, conditions_hold, of_kind, rendered, statements

ISSUER = "api.bitbucket.org/2.0/workspaces/lenders/pipelines-config/identity/oidc"
DEPLOY = ROLES["DeployRole"]


def needed(environment: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """What `loantap deploy`, `deploy task` and `deploy report` ask of AWS in an environment, besides what is unbound or shared."""
    bucket = f"arn:aws:s3:::loantap-{environment}-report-{ACCOUNT}-{REGION}"
    yield "cloudformation:DescribeStacks", f"arn:aws:cloudformation:{AWS}:stack/loantap-{environment}/{UUIDS['staging']}", {}  # fmt: skip
    yield "ecs:DescribeServices", f"arn:aws:ecs:{AWS}:service/loantap-{environment}/api", {}
    yield "ecs:UpdateService", f"arn:aws:ecs:{AWS}:service/loantap-{environment}/api", {}
    for revision in ("", ":7"):
        yield (
            "ecs:RunTask",
            f"arn:aws:ecs:{AWS}:task-definition/loantap-{environment}-report{revision}",
            cluster(environment),
        )
    for family in ("api", "report"):
        definition = f"arn:aws:ecs:{AWS}:task-definition/loantap-{environment}-{family}:7"
        yield "ecs:TagResource", definition, {"ecs:CreateAction": "RegisterTaskDefinition"}
    yield "ecs:DescribeTasks", f"arn:aws:ecs:{AWS}:task/loantap-{environment}/0123456789abcdef", {}
    yield "logs:GetLogEvents", f"arn:aws:logs:{AWS}:log-group:/loantap/{environment}/report:log-stream:task/report/0123", {}  # fmt: skip
    for component in ("api", "report"):
        image = f"arn:aws:ssm:{AWS}:parameter/loantap/{environment}/{component}-image"
        yield "ssm:GetParameter", image, {}
        yield "ssm:PutParameter", image, {}
        for role in (component, f"{component}-start"):
            yield "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/loantap-{environment}-{role}-{REGION}", TASKS
    yield "s3:ListBucket", bucket, {}
    yield "s3:GetObject", f"{bucket}/latest/index.html", {}
    yield "s3:PutObject", f"{bucket}/latest/index.html", {}


SHARED = [
    (f"ecr:{action}", f"arn:aws:ecr:{AWS}:repository/loantap/{component}")
    for component in ("api", "report", "dashboard")
    for action in (
        "BatchCheckLayerAvailability", "BatchGetImage", "CompleteLayerUpload", "CreateRepository", "DescribeRepositories", "GetDownloadUrlForLayer", "InitiateLayerUpload", "PutImage", "UploadLayerPart",
    )
]  # fmt: skip


@pytest.mark.parametrize(("action", "resource", "known"), list(needed("staging")))
def test_the_pipeline_may_do_what_a_deployment_needs(action: str, resource: str, known: dict[str, str]) -> None:
    assert allows(DEPLOY, action, resource, known)


@pytest.mark.parametrize(("action", "resource", "known"), list(needed("production")))
def test_the_pipeline_of_staging_does_not_reach_production(action: str, resource: str, known: dict[str, str]) -> None:
    assert not allows(DEPLOY, action, resource, known)


@pytest.mark.parametrize(("action", "resource"), SHARED)
def test_the_pipeline_may_push_images_of_the_project_and_no_others(action: str, resource: str) -> None:
    assert allows(DEPLOY, action, resource)
    assert not allows(DEPLOY, action, resource.replace("loantap/", "payroll/"))


def test_the_pipeline_has_no_permission_that_no_deployment_needs() -> None:
    used = {action for action, _, _ in needed("staging")} | {action for action, _ in SHARED} | UNBOUND.keys()
    assert {action for statement in statements(DEPLOY) for action in statement["Action"]} == used


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("cloudformation:DeleteStack", f"arn:aws:cloudformation:{AWS}:stack/loantap-staging/1"),
        ("cloudformation:UpdateStack", f"arn:aws:cloudformation:{AWS}:stack/loantap-staging/1"),
        ("ecr:BatchDeleteImage", f"arn:aws:ecr:{AWS}:repository/loantap/api"),
        ("ecr:DeleteRepository", f"arn:aws:ecr:{AWS}:repository/loantap/api"),
        ("ecr:PutImageTagMutability", f"arn:aws:ecr:{AWS}:repository/loantap/api"),
        ("ecs:DeleteService", f"arn:aws:ecs:{AWS}:service/loantap-staging/api"),
        ("ecs:DeregisterTaskDefinition", f"arn:aws:ecs:{AWS}:task-definition/loantap-staging-api:1"),
        ("ecs:TagResource", f"arn:aws:ecs:{AWS}:task-definition/loantap-staging-api:7"),
        ("ecs:ExecuteCommand", f"arn:aws:ecs:{AWS}:task/loantap-staging/0123"),
        ("elasticfilesystem:DeleteFileSystem", f"arn:aws:elasticfilesystem:{AWS}:file-system/fs-1"),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/loantap-staging-api-{REGION}"),
        ("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/loantap-staging-deploy-{REGION}"),
        ("kms:Decrypt", f"arn:aws:kms:{AWS}:key/1"),
        ("logs:DeleteLogGroup", f"arn:aws:logs:{AWS}:log-group:/loantap/staging/report:*"),
        ("s3:DeleteBucket", f"arn:aws:s3:::loantap-staging-report-{ACCOUNT}-{REGION}"),
        ("s3:DeleteObject", f"arn:aws:s3:::loantap-staging-report-{ACCOUNT}-{REGION}/index.html"),
        ("s3:DeleteObjectVersion", f"arn:aws:s3:::loantap-staging-report-{ACCOUNT}-{REGION}/index.html"),
        ("s3:PutBucketPolicy", f"arn:aws:s3:::loantap-staging-report-{ACCOUNT}-{REGION}"),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{AWS}:secret:loantap/staging/api-keys-AbCdEf"),
        ("ssm:DeleteParameter", f"arn:aws:ssm:{AWS}:parameter/loantap/staging/api-image"),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/loantap-staging-report-{REGION}"),
    ],
)
def test_the_pipeline_deletes_nothing_reads_no_secret_and_gives_itself_no_rights(action: str, resource: str) -> None:
    assert not allows(DEPLOY, action, resource, TASKS | cluster("staging"))


@pytest.mark.parametrize("role", ["schedule", "deploy", "api-start-us", "administrator"])
def test_the_pipeline_passes_no_other_role(role: str) -> None:
    for name in (f"loantap-staging-{role}-{REGION}", role):
        assert not allows(DEPLOY, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{name}", TASKS)


@pytest.mark.parametrize("service", ["ec2.amazonaws.com", "lambda.amazonaws.com", "scheduler.amazonaws.com"])
def test_the_pipeline_passes_the_roles_of_tasks_to_nothing_but_tasks(service: str) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/loantap-staging-report-{REGION}"
    assert not allows(DEPLOY, "iam:PassRole", role, {"iam:PassedToService": service})
    assert not allows(DEPLOY, "iam:PassRole", role)


def test_the_pipeline_runs_the_monthly_task_in_its_cluster_and_nothing_else() -> None:
    family = f"arn:aws:ecs:{AWS}:task-definition/loantap-staging"
    assert not allows(DEPLOY, "ecs:RunTask", f"{family}-report:1", cluster("production"))
    assert not allows(DEPLOY, "ecs:RunTask", f"{family}-report:1")
    assert not allows(DEPLOY, "ecs:RunTask", f"{family}-api:1", cluster("staging"))


def test_the_roles_that_the_pipeline_passes_are_those_of_the_tasks() -> None:
    passed = {resource for statement in statements(DEPLOY) if statement["Action"] == ["iam:PassRole"] for resource in statement["Resource"]}  # fmt: skip
    tasks = of_kind(ENVIRONMENT, "AWS::ECS::TaskDefinition").values()
    assert passed == {task[role] for task in tasks for role in ("ExecutionRoleArn", "TaskRoleArn")}


def trusts(subject: str, *, audience: str = f"ari:cloud:bitbucket::workspace/{UUIDS['workspace']}") -> bool:
    """Whether a step of Bitbucket Pipelines may take on the role of staging."""
    role = of_kind(PIPELINE, "AWS::IAM::Role")["DeployRole"]
    (statement,) = json.loads(role["AssumeRolePolicyDocument"])["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRoleWithWebIdentity")
    return conditions_hold(statement["Condition"], {f"{ISSUER}:sub": subject, f"{ISSUER}:aud": audience})


def test_a_step_of_the_deployment_environment_takes_on_the_role() -> None:
    assert trusts(f"{{{UUIDS['repository']}}}:{{{UUIDS['staging']}}}:{{{UUIDS['workspace']}}}")


@pytest.mark.parametrize(
    "subject",
    [
        f"{{{UUIDS['repository']}}}:{{{UUIDS['production']}}}:{{1}}",  # another environment
        f"{{{UUIDS['repository']}}}:{{1}}",  # no environment
        f"{{{UUIDS['repository']}}}:{{1}}:{{{UUIDS['staging']}}}:{{1}}",
        f"{{{UUIDS['production']}}}:{{{UUIDS['staging']}}}:{{1}}",  # another repository
        f"{{{UUIDS['repository']}}}:{{{UUIDS['staging']}}}",  # no step
        "",
    ],
)
def test_no_other_step_takes_on_the_role(subject: str) -> None:
    assert not trusts(subject)


def test_another_workspace_does_not_take_on_the_role() -> None:
    subject = f"{{{UUIDS['repository']}}}:{{{UUIDS['staging']}}}:{{1}}"
    assert not trusts(subject, audience=f"ari:cloud:bitbucket::workspace/{UUIDS['repository']}")


def test_two_environments_of_one_account_share_the_provider() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
    second = rendered("pipeline-access.yml", Environment="production", Workspace="lenders", ProviderArn=arn)
    assert "Provider" not in second
    document = json.loads(second["DeployRole"]["Properties"]["AssumeRolePolicyDocument"])
    assert document["Statement"][0]["Principal"] == {"Federated": arn}
    (first,) = of_kind(PIPELINE, "AWS::IAM::OIDCProvider").values()
    assert first == {"Url": f"https://{ISSUER}", "ClientIdList": [f"ari:cloud:bitbucket::workspace/{UUIDS['workspace']}"]}  # fmt: skip
