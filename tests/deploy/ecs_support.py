"""AWS on loopback: moto behind something that counts calls and can refuse, and services of ECS that really roll out, or do not.

moto registers task definitions and services but its deployments stand still, so `Rollouts` moves them as ECS does.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs
from uuid import uuid4

import boto3
from moto.backends import get_backend
from moto.ecr.models import Repository
from moto.ecs.models import EC2ContainerServiceBackend, Service
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

REGION, ACCOUNT = "eu-central-1", "123456789012"
READS = ("Describe", "Get", "List")


@dataclass
class Front:
    """What stands before moto.

    Attributes:
        calls: The operations that were asked for, such as ecs:UpdateService, in their order.
        faults: By operation, what is answered instead of doing it: a code, and how often (the rest is done).
    """

    calls: list[str] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=dict)
    _moto: Any = field(default_factory=lambda: DomainDispatcherApplication(create_backend_app))

    def refuse(self, operation: str, code: str, times: int = 99) -> None:
        """Answer an operation with an error so many times."""
        self.faults[operation] = [code] * times

    @property
    def changes(self) -> list[str]:
        """Return the operations that change something."""
        return [call for call in self.calls if not call.partition(":")[2].startswith(READS)]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Answer one request."""
        operation = self._operation(environ)
        self.calls.append(operation)
        if waiting := self.faults.get(operation):
            code = waiting.pop(0)
            body = json.dumps({"__type": code, "message": f"refused, as the test asks: {operation}"})
            start_response("400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")])
            return [body.encode()]
        return self._moto(environ, start_response)

    @staticmethod
    def _operation(environ: dict[str, Any]) -> str:
        service = environ.get("HTTP_AUTHORIZATION", "").split("/")[3:4]
        target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        if not target:
            form = environ.get("wsgi.input")
            body = form.read(int(environ.get("CONTENT_LENGTH") or 0)) if form else b""
            environ["wsgi.input"] = _Again(body)
            target = parse_qs(body.decode("utf-8", "replace")).get("Action", ["?"])[0]
        return f"{service[0] if service else '?'}:{target}"


class _Silent(MotoRequestHandler):
    def log(self, *_: Any, **__: Any) -> None:
        """Say nothing."""


class _Again:
    """A body that was read, to be read again."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        taken, self._body = (self._body, b"") if size < 0 else (self._body[:size], self._body[size:])
        return taken


@dataclass
class Rollouts:
    """How ECS would go on with a service that is to run another revision.

    Attributes:
        looks: How many looks a rollout takes.
        fate: Says what becomes of a revision: "up", "stuck" (it never comes up), "given up" (ECS goes back by itself), or "taken"
            (somebody else deploys meanwhile).
    """

    looks: int = 2
    fate: Callable[[str], str] = lambda arn: "up"

    def update(self, service: Service, definition: str) -> None:
        """Begin a rollout."""
        old = [each | {"status": "ACTIVE"} for each in service.deployments if each["taskDefinition"] != definition]
        self._deployment(service, definition, old[:1])

    def look(self, service: Service) -> None:
        """Move on by one look."""
        primary = service.deployments[0]
        if primary["rolloutState"] == "COMPLETED":
            return
        primary["looks"] += 1
        fate = self.fate(primary["taskDefinition"])
        if fate == "stuck" or primary["looks"] < self.looks:
            primary["failedTasks"] = int(fate == "stuck") * primary["looks"]
            return
        if fate == "up":
            # When all run and the former are gone, ECS still takes a while to say that it is done.
            done = len(service.deployments) == 1
            primary |= {"rolloutState": "COMPLETED" if done else "IN_PROGRESS", "runningCount": service.desired_count}
            del service.deployments[1:]
        elif fate == "given up":
            former = service.deployments[1]["taskDefinition"]
            failed = primary | {
                "status": "ACTIVE",
                "rolloutState": "FAILED",
                "rolloutStateReason": "circuit breaker: tasks failed to start",
            }
            self._deployment(service, former, [failed])
        elif fate == "taken":
            self._deployment(
                service, f"{primary['taskDefinition'].rpartition(':')[0]}:999", [primary | {"status": "ACTIVE"}]
            )

    def _deployment(self, service: Service, definition: str, others: list[dict[str, Any]]) -> None:
        service.task_definition = definition
        fresh = {
            "id": f"ecs-svc/{uuid4().hex}", "status": "PRIMARY", "taskDefinition": definition, "desiredCount": service.desired_count,
            "runningCount": 0, "pendingCount": 0, "failedTasks": 0, "rolloutState": "IN_PROGRESS", "looks": 0,
        }  # fmt: skip
        service.deployments = [fresh, *others]


@dataclass
class Aws:
    """AWS as a deployment finds it.

    Attributes:
        front: What counts and refuses.
        rollouts: What becomes of rollouts.
    """

    front: Front
    rollouts: Rollouts

    def client(self, service: str) -> Any:
        """Return a client that the front does not count."""
        return boto3.client(service, region_name=REGION)

    @property
    def service(self) -> Service:
        """Return the service as it is now."""
        return get_backend("ecs")[ACCOUNT][REGION].services["loantap-staging:api"]

    def definition(self, family_or_arn: str) -> dict[str, Any]:
        """Return a revision, or the newest of a family."""
        return self.client("ecs").describe_task_definition(taskDefinition=family_or_arn)["taskDefinition"]

    def image_that_runs(self) -> str:
        """Return the image of the service's revision."""
        return self.definition(self.service.task_definition)["containerDefinitions"][1]["image"]

    def recorded(self) -> dict[str, str]:
        """Return what is recorded for the template."""
        found = self.client("ssm").describe_parameters()["Parameters"]
        return {
            each["Name"]: self.client("ssm").get_parameter(Name=each["Name"])["Parameter"]["Value"] for each in found
        }


@contextmanager
def aws(registry: str, url: str, desired: int = 2) -> Iterator[Aws]:
    """Serve an account that has the stack loantap-staging, with a service that runs a former image.

    Args:
        registry: The address of a registry, which is ECR's.
        url: Where the service would answer.
        desired: How many tasks it wants.
    """
    front, rollouts = Front(), Rollouts()
    made, described, updated = Repository.__init__, EC2ContainerServiceBackend.describe_services, EC2ContainerServiceBackend.update_service  # fmt: skip

    def make(self: Repository, *given: Any, **named: Any) -> None:
        made(self, *given, **named)
        self.uri = f"{registry}/{self.name}"

    def describe(self: Any, cluster: str, names: list[str]) -> Any:
        for service in (found := described(self, cluster, names))[0]:
            rollouts.look(service)
        return found

    def update(self: Any, properties: dict[str, Any]) -> Any:
        definition = properties.get("task_definition")
        service = updated(self, properties)
        if definition and definition != service.deployments[0]["taskDefinition"]:
            rollouts.update(service, self.describe_task_definition(definition).arn)
        return service

    with (
        patch.object(Repository, "__init__", make),
        patch.object(EC2ContainerServiceBackend, "describe_services", describe),
        patch.object(EC2ContainerServiceBackend, "update_service", update),
        served(front) as address,
        patch.dict(
            "os.environ",
            AWS_ENDPOINT_URL=address,
            AWS_REGION=REGION,
            AWS_ACCESS_KEY_ID="testing",
            AWS_SECRET_ACCESS_KEY="testing",
        ),  # fmt: skip
    ):
        found = Aws(front, rollouts)
        _stack(found, url, desired)
        front.calls.clear()
        yield found


@contextmanager
def served(front: Front) -> Iterator[str]:
    """Serve on loopback while the block runs, of an account that is new; yield the address."""
    for name in ("ecr", "ecs", "ssm", "cloudformation", "ec2"):
        get_backend(name).reset()
    server = make_server("127.0.0.1", 0, front, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _stack(found: Aws, url: str, desired: int) -> None:
    ec2 = found.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = ec2.describe_security_groups()["SecurityGroups"][0]
    outputs = {
        "Cluster": "loantap-staging", "Service": "api", "TaskFamily": "loantap-staging-api", "ReportTaskFamily": "loantap-staging-report",
        "Url": url, "TaskSubnets": subnet["SubnetId"], "TaskSecurityGroup": group["GroupId"],
    }  # fmt: skip
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    found.client("cloudformation").create_stack(StackName="loantap-staging", TemplateBody=json.dumps(template))
    ecs = found.client("ecs")
    ecs.create_cluster(clusterName="loantap-staging")
    for component in ("api", "report"):
        ecs.register_task_definition(
            family=f"loantap-staging-{component}", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="512", memory="1024",
            containerDefinitions=[
                {"name": "watcher", "image": "public.example/watcher:1", "cpu": 32, "memory": 64},
                {"name": component, "image": "former", "cpu": 256, "memory": 512, "readonlyRootFilesystem": True, "secrets": [{"name": "LOANTAP_API_KEYS", "valueFrom": "arn:secret"}]},
            ],
            tags=[{"key": "owner", "value": "risk"}],
        )  # fmt: skip
    ecs.create_service(
        cluster="loantap-staging", serviceName="api", taskDefinition="loantap-staging-api", desiredCount=desired
    )
    found.rollouts.update(found.service, f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/loantap-staging-api:1")
    found.service.deployments[0] |= {"rolloutState": "COMPLETED", "runningCount": desired}
