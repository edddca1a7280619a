"""The roles of the templates with their policies, for an environment called staging."""

from template_support import ACCOUNT, REGION, rendered, role_policies

AWS = f"{REGION}:{ACCOUNT}"
UUIDS = {
    name: str(number) * 8 + "-0000-0000-0000-000000000000"
    for number, name in enumerate(("workspace", "repository", "staging", "production"))
}
WAREHOUSE = f"arn:aws:secretsmanager:{AWS}:secret:warehouse-AbCdEf"
TASKS = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
# Actions that AWS binds to no resource.
UNBOUND = {
    "ecr:GetAuthorizationToken": "a token is for the whole registry of the account",
    "ecs:RegisterTaskDefinition": "AWS binds it to no family; what a definition may do is bound by iam:PassRole",
    "ecs:DescribeTaskDefinition": "AWS binds it to no family; a definition holds no secret",
}
NETWORK = rendered("network.yml")
ENVIRONMENT = rendered("loantap.yml", Environment="staging", SourcesSecret=WAREHOUSE)
PIPELINE = rendered(
    "pipeline-access.yml",
    Environment="staging",
    Workspace="lenders",
    WorkspaceUuid=UUIDS["workspace"],
    RepositoryUuid=UUIDS["repository"],
    EnvironmentUuid=UUIDS["staging"],
)
ROLES = role_policies(NETWORK) | role_policies(ENVIRONMENT) | role_policies(PIPELINE)


def cluster(environment: str) -> dict[str, str]:
    """Return what is known of a request that is about the cluster of an environment."""
    return {"ecs:cluster": f"arn:aws:ecs:{AWS}:cluster/loantap-{environment}"}
