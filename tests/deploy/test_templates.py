"""The templates as such: clean for their checkers, with nothing of an account or a place in them, and sizes that AWS has."""

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
from template_support import FOLDER, TEMPLATES, of_kind, rendered, template

from loantap.settings import project_root

SIZES = ("staging.json", "production.json")
# Fargate takes these GB with so many 1024ths of a core.
FARGATE = {512: range(1, 5), 1024: range(2, 9), 2048: range(4, 17), 4096: range(8, 31), 8192: range(16, 61, 4)}


@pytest.fixture(scope="module")
def checkov() -> dict[str, Any]:
    """What checkov says of the templates; it is kept from asking anybody."""
    own = Path(sys.prefix) / "deploy-tools" / "bin" / "checkov"
    program = str(own) if own.is_file() else shutil.which("checkov") or ""
    if not program:
        absent("checkov")
    words = [
        program,
        "--framework",
        "cloudformation",
        "--directory",
        str(FOLDER),
        "--output",
        "json",
        "--skip-download",
    ]
    # Whoever asks all the same finds nobody: a proxy where nothing listens.
    nobody = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://127.0.0.1:9")
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=os.environ | nobody)
    assert done.stdout, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_the_linter_of_cloudformation_finds_nothing() -> None:
    words = [str(Path(sys.executable).with_name("cfn-lint")), *(str(FOLDER / name) for name in TEMPLATES)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_checkov_finds_nothing_but_what_is_explained(checkov: dict[str, Any]) -> None:
    failed = [f"{one['file_path']} {one['resource']}: {one['check_id']} {one['check_name']}" for one in checkov["results"]["failed_checks"]]  # fmt: skip
    assert failed == []
    assert checkov["results"]["parsing_errors"] == []
    assert checkov["summary"]["passed"] > 100
    assert {one["file_path"].lstrip("/") for one in checkov["results"]["passed_checks"]} == set(TEMPLATES)


def test_each_exception_is_explained_in_words() -> None:
    for name in TEMPLATES:
        for resource, skip in exceptions(name):
            assert len(skip["comment"].split()) >= 8, f"{name}: {resource}: {skip}"


def test_each_exception_is_still_needed(checkov: dict[str, Any]) -> None:
    used = {(one["file_path"].lstrip("/"), one["resource"].split(".")[1], one["check_id"]) for one in checkov["results"]["skipped_checks"]}  # fmt: skip
    assert used == {(name, resource, skip["id"]) for name in TEMPLATES for resource, skip in exceptions(name)}
    assert "checkov:skip" not in "".join((FOLDER / name).read_text("utf-8") for name in TEMPLATES)


def exceptions(name: str) -> list[tuple[str, dict[str, str]]]:
    """Return the checks that a template's resources are excepted from, with the reasons."""
    found = template(name)["Resources"].items()
    return [(key, skip) for key, one in found for skip in one.get("Metadata", {}).get("checkov", {}).get("skip", ())]


@pytest.mark.parametrize("name", [*TEMPLATES, *SIZES])
def test_nothing_of_an_account_a_region_or_a_partition_is_written_down(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    # CloudFront's lists live in one region, wherever the rest is; and the end of a UUID of AWS' own is no account.
    text = text.replace("us-east-1", "").replace("658327ea-f89d-4fab-a63d-7e88639e58f6", "")
    assert re.findall(r"(?<!\d)\d{12}(?!\d)", text) == []
    assert re.findall(r"\b(?:af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-\d\b", text) == []
    assert re.findall(r"arn:aws[a-z-]*:", text) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_can_be_sent_as_it_is(name: str) -> None:
    assert (FOLDER / name).stat().st_size < 51_200, "CloudFormation takes larger ones from a bucket only"


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_parameters_of_the_template_with_values_that_it_takes(name: str) -> None:
    known = template("loantap.yml")["Parameters"]
    for parameter, value in sizes(name).items():
        facts = known[parameter]
        assert value in [str(one) for one in facts.get("AllowedValues", [value])], parameter
        assert re.fullmatch(facts.get("AllowedPattern", ".*"), value), parameter
        if facts["Type"] == "Number":
            assert int(value) >= facts.get("MinValue", 0), parameter


@pytest.mark.parametrize("name", SIZES)
def test_sizes_go_together(name: str) -> None:
    given = sizes(name)
    environment = name.removesuffix(".json")
    assert given["Environment"] == environment
    for component in ("Api", "Report"):
        assert given[f"{component}Image"] == f"/loantap/{environment}/{component.lower()}-image"
        assert int(given[f"{component}Memory"]) / 1024 in FARGATE[int(given[f"{component}Cpu"])]
    assert 1 <= int(given["MinTasks"]) <= int(given["MaxTasks"])


def test_every_size_that_is_offered_goes_with_some_other() -> None:
    known = template("loantap.yml")["Parameters"]
    for component in ("Api", "Report"):
        cpus = known[f"{component}Cpu"]["AllowedValues"]
        memories = [memory / 1024 for memory in known[f"{component}Memory"]["AllowedValues"]]
        assert all(any(memory in FARGATE[cpu] for memory in memories) for cpu in cpus)
        assert all(any(memory in FARGATE[cpu] for cpu in cpus) for memory in memories)
        assert known[f"{component}Memory"]["Default"] / 1024 in FARGATE[known[f"{component}Cpu"]["Default"]]


def test_only_sizes_are_in_the_files_of_sizes() -> None:
    known = template("loantap.yml")["Parameters"]
    given = {name: sizes(name) for name in SIZES}
    assert given["staging.json"].keys() == given["production.json"].keys()
    # What is of an account has no default and is not in the files: whoever deploys has to say it.
    left = {name for name, facts in known.items() if "Default" not in facts} - given["staging.json"].keys()
    assert left == {
        "VpcId", "PrivateSubnetA", "PrivateSubnetB", "LoadBalancerSubnetA", "LoadBalancerSubnetB", "ClientCidr", "Certificate",
        "DomainName", "ReportAccess", "AlarmEmail",
    }  # fmt: skip


def test_a_production_that_answers_from_synthetic_loans_is_not_what_the_file_makes() -> None:
    assert sizes("production.json")["AllowSynthetic"] == "no"


def sizes(name: str) -> dict[str, str]:
    """Return a file of sizes in the form that `aws cloudformation deploy --parameter-overrides` takes: a list of Name=value."""
    read = json.loads((FOLDER / name).read_text("utf-8"))
    assert all(isinstance(one, str) and re.fullmatch(r"[A-Za-z]+=\S+", one) for one in read), name
    return dict(one.split("=", 1) for one in read)


def test_what_loses_data_when_it_is_deleted_is_kept() -> None:
    kept = {"AWS::EFS::FileSystem", "AWS::KMS::Key", "AWS::S3::Bucket", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup"}  # fmt: skip
    found = [one for one in template("loantap.yml")["Resources"].values() if one["Type"] in kept]
    assert {one["Type"] for one in found} == kept
    assert all(
        (one["DeletionPolicy"], one["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain") for one in found
    )


def test_the_task_and_the_image_agree() -> None:
    dockerfile = (project_root() / "deploy" / "Dockerfile").read_text("utf-8")
    task = of_kind(rendered("loantap.yml"), "AWS::ECS::TaskDefinition")["ApiTask"]["ContainerDefinitions"][0]
    assert json.dumps(task["HealthCheck"]["Command"][1:]) in dockerfile
    assert f"USER {task['User']}" in dockerfile
    # On Fargate a volume belongs to root, unless the image names its path: then it has the rights that the path has in the image.
    assert 'VOLUME ["/tmp"]' in dockerfile
