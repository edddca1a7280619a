"""Values that stand in several files and have to go together: the service, its image, the templates, the pipelines, the pages."""

import inspect
import re
from typing import Any

import pytest
import yaml
from template_support import of_kind, rendered, template

from loantap.settings import project_root
from loantap_deploy import commands as deploy
from loantap_serving.api import connection, server
from loantap_serving.api.app import BATCH_BYTES, SINGLE_BYTES
from loantap_serving.api.connection import WAITING
from loantap_serving.api.openapi import describe
from loantap_serving.api.validation import BATCH_BRACKETS, MOST_ROWS, SINGLE_BRACKETS
from loantap_serving.commands import dashboard, serve

ROOT = project_root()
STACK = rendered("foundation.yml") | rendered("service.yml")
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
PIPELINES = yaml.safe_load((ROOT / "bitbucket-pipelines.yml").read_text("utf-8"))
IDENTITY = 3600  # seconds for which AWS lends a role to who does not ask for longer


def page(name: str) -> str:
    """Return a page of the project as one line."""
    return " ".join((ROOT / name).read_text("utf-8").split())


def one(kind: str) -> dict[str, Any]:
    """Return the properties of the one resource of a kind."""
    (found,) = of_kind(STACK, f"AWS::{kind}").values()
    return found


def attributes(kind: str, name: str) -> dict[str, str]:
    """Return attributes of the load balancer or its target group."""
    return {each["Key"]: each["Value"] for each in one(f"ElasticLoadBalancingV2::{kind}")[name]}


def container() -> dict[str, Any]:
    """Return the container of the service."""
    (found,) = of_kind(STACK, "AWS::ECS::TaskDefinition")["ApiTask"]["ContainerDefinitions"]
    return dict(found)


def stage(image: str) -> str:
    """Return the part of the Dockerfile that makes an image."""
    return DOCKERFILE.partition(f"FROM runtime AS {image}\n")[2].partition("\nFROM ")[0]


def default(command: Any, option: str) -> Any:
    """Return what a command takes where an option is not given."""
    return inspect.signature(command).parameters[option].default


def seconds(words: str) -> int:
    """Return the seconds of a time such as 15s."""
    return int(words.removesuffix("s"))


BALANCER = int(attributes("LoadBalancer", "LoadBalancerAttributes")["idle_timeout.timeout_seconds"])


def test_the_service_keeps_an_idle_connection_longer_than_the_load_balancer() -> None:
    assert connection.IDLE >= BALANCER + 10, (
        "the load balancer would send a request into a connection that closes, and answer 502"
    )


def test_what_is_in_flight_is_answered_before_a_task_is_ended() -> None:
    delay = int(attributes("TargetGroup", "TargetGroupAttributes")["deregistration_delay.timeout_seconds"])
    assert min(delay, container()["StopTimeout"]) >= server.NOTICE + server.DRAIN + 5


def test_one_port_leads_to_the_service() -> None:
    port = default(serve.api, "port")
    assert port == default(server.serve, "port")
    assert re.findall(r"EXPOSE (\d+)", stage("api")) == re.findall(r"127\.0\.0\.1:(\d+)", stage("api")) == [str(port)]
    assert [each["ContainerPort"] for each in container()["PortMappings"]] == [port]
    assert [each["ContainerPort"] for each in one("ECS::Service")["LoadBalancers"]] == [port]
    assert one("ElasticLoadBalancingV2::TargetGroup")["Port"] == port
    way_in = of_kind(STACK, "AWS::EC2::SecurityGroupIngress")["ApiFromLoadBalancer"]
    (way_out,) = of_kind(STACK, "AWS::EC2::SecurityGroup")["LoadBalancerSecurityGroup"]["SecurityGroupEgress"]
    assert {rule[end] for rule in (way_in, way_out) for end in ("FromPort", "ToPort")} == {port}
    assert f"at http://127.0.0.1:{port} " in page("docs/api.md")


def test_one_port_leads_to_the_dashboard() -> None:
    port = str(default(dashboard.dashboard, "port"))
    assert re.findall(r"EXPOSE (\d+)", stage("dashboard")) == re.findall(r"127\.0\.0\.1:(\d+)", stage("dashboard")) == [port]  # fmt: skip


def test_the_command_and_the_service_have_the_same_defaults() -> None:
    for option in ("host", "port", "threads", "notice"):
        assert default(serve.api, option) == default(server.serve, option), option


def test_docker_and_ecs_ask_whether_the_process_lives_in_the_same_way() -> None:
    asked = container()["HealthCheck"]
    told = dict(re.findall(r"--(interval|timeout|start-period|retries)=(\S+)", stage("api")))
    assert (asked["Interval"], asked["Timeout"], asked["StartPeriod"], asked["Retries"]) == (
        seconds(told["interval"]), seconds(told["timeout"]), seconds(told["start-period"]), int(told.get("retries", 3)),
    )  # fmt: skip
    within = int(re.search(r"timeout=(\d+)\)", asked["Command"][-1])[1])
    assert within < asked["Timeout"] < asked["Interval"]
    assert one("ECS::Service")["HealthCheckGracePeriodSeconds"] >= asked["StartPeriod"]


def test_what_is_asked_for_health_is_a_path_of_the_service() -> None:
    group = one("ElasticLoadBalancingV2::TargetGroup")
    inside = re.search(r"http://[^/]+(/\w+)", container()["HealthCheck"]["Command"][-1])[1]
    assert {group["HealthCheckPath"], inside} <= describe(secured=True)["paths"].keys()
    assert group["HealthCheckTimeoutSeconds"] < group["HealthCheckIntervalSeconds"]


def test_what_is_mounted_is_where_the_image_looks() -> None:
    for task in of_kind(STACK, "AWS::ECS::TaskDefinition").values():
        (each,) = task["ContainerDefinitions"]
        for mount in each["MountPoints"]:
            assert re.search(rf'(mkdir -p|VOLUME \[").*{mount["ContainerPath"]}', DOCKERFILE), mount["ContainerPath"]
        (models,) = [given["Value"] for given in each["Environment"] if given["Name"] == "LOANTAP_MODELS"]
        assert f" {models} " in DOCKERFILE


def test_what_a_task_is_told_is_read_by_somebody() -> None:
    every = rendered("service.yml", SourcesFile="x", Snapshots="x", MlflowServer="x")
    tasks = of_kind(every, "AWS::ECS::TaskDefinition").values()
    told = {given["Name"] for task in tasks for each in task["ContainerDefinitions"] for given in each["Environment"] + each["Secrets"]}  # fmt: skip
    readers = [ROOT / "deploy" / "monthly.sh", *(ROOT / "src").rglob("*.py")]
    texts = "".join(path.read_text("utf-8") for path in readers)
    assert len(told) >= 7
    assert {name for name in told if name not in texts} == set()


@pytest.mark.parametrize(
    "words",
    [
        f"for {server.NOTICE:g} s (`--notice`) callers are still let in",
        f"answered whole (for up to {server.DRAIN:g} s)",
        f"has to arrive within {connection.ARRIVAL} s",
        f"has to be taken within {connection.LEAVING} s",
        f"A connection is kept for {connection.IDLE} s without a request",
        f"`deploy/ecs` does after {BALANCER} s",
        f"{connection.CONNECTIONS} connections may be open",
        f"one application (up to {SINGLE_BYTES >> 10} KiB)",
        f"{SINGLE_BYTES >> 10} KiB for all but batches",
        f'of 1 to {MOST_ROWS:,} in `{{"applications": [...]}}` (up to {BATCH_BYTES >> 20} MiB)',
        f"more than {SINGLE_BRACKETS} of `{{` and `[` ({BATCH_BRACKETS:,} in a batch)",
        f"bodies of {WAITING >> 20} MiB in all wait",
        f"of all bodies that wait, {WAITING >> 20} MiB at most are",
        f"headers of more than {connection.HEADER_BYTES >> 10} KiB",
    ],
)
def test_the_page_of_the_service_tells_its_limits(words: str) -> None:
    assert words in page("docs/api.md")


def test_the_smallest_task_holds_the_worst_that_the_service_lets_in() -> None:
    worst = int(re.search(r"took (\d+) MB at most", page("docs/api.md"))[1])
    assert worst < 0.9 * min(template("service.yml")["Parameters"]["ApiMemory"]["AllowedValues"])


def test_tests_run_on_the_python_that_images_have() -> None:
    task = of_kind(STACK, "AWS::ECS::TaskDefinition")["ApiTask"]["ContainerDefinitions"][0]
    assert f"USER {task['User']}" in DOCKERFILE
    # On Fargate a volume belongs to root, unless the image names its path: then it has the rights that the path has in the image.
    assert 'VOLUME ["/tmp"]' in DOCKERFILE
    image, base = PIPELINES["image"], re.search(r"ARG BASE=.*/(python:\S+)", DOCKERFILE)[1]
    minor, suite = re.fullmatch(r"python:(3\.\d+)\.\d+-(\w+)", image).groups()
    assert base == f"python:{minor}-slim-{suite}"
    assert f"The steps run in `{image}`" in page("docs/pipelines.md")
    assert f"suite=${{SUITE:-{suite}}}" in page("deploy/debian_base.sh")
    assert f"--python-version {minor} " in page("Makefile")


def test_a_deployment_and_its_way_back_fit_into_a_step_and_its_identity() -> None:
    limit = default(deploy.deploy, "time_limit")
    assert f"`--time-limit` ({limit:g} s)" in page("deploy/runbook.md")
    steps = [each["step"] for each in PIPELINES["definitions"]["steps"]]
    (step,) = [step for step in steps if step["name"] == "Deploy to staging"]
    assert 2 * limit + 600 <= min(60 * step["max-time"], IDENTITY)
    assert "MaxSessionDuration" not in page("deploy/ecs/pipeline-access.yml")
