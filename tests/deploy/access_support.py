"""The templates as they come out for an environment called staging, and the roles in them."""

from template_support import ACCOUNT, REGION, rendered, role_policies

AWS = f"{REGION}:{ACCOUNT}"
UUIDS = {
    name: str(number) * 8 + "-0000-0000-0000-000000000000"
    for number, name in enumerate(("workspace", "repository", "staging", "production", "images"))
}
WAREHOUSE = f"arn:aws:secretsmanager:{AWS}:secret:warehouse-AbCdEf"
BUCKET = f"arn:aws:s3:::loantap-staging-report-{ACCOUNT}-{REGION}"
TASKS = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
_BITBUCKET = {"Workspace": "lenders", "WorkspaceUuid": UUIDS["workspace"], "RepositoryUuid": UUIDS["repository"]}
NETWORK = rendered("network.yml")
REGISTRY = rendered("registry.yml", **_BITBUCKET, EnvironmentUuid=UUIDS["images"])
FOUNDATION = rendered("foundation.yml", Environment="staging", SourcesSecret=WAREHOUSE)
REPORT = rendered("report.yml", Environment="staging")
SERVICE = rendered("service.yml", Environment="staging", SourcesSecret=WAREHOUSE)
PIPELINE = rendered("pipeline-access.yml", Environment="staging", **_BITBUCKET, EnvironmentUuid=UUIDS["staging"])
ALL = {"network": NETWORK, "registry": REGISTRY, "foundation": FOUNDATION, "report": REPORT, "service": SERVICE, "pipeline-access": PIPELINE}  # fmt: skip
ROLES = {name: policies for resources in ALL.values() for name, policies in role_policies(resources).items()}


def cluster(environment: str) -> dict[str, str]:
    """Return what is known of a request that is about the cluster of an environment."""
    return {"ecs:cluster": f"arn:aws:ecs:{AWS}:cluster/loantap-{environment}"}
