"""The runbook against what it speaks of: parameters and alarms. Its links and commands: tests/test_documents.py."""

import json
import re
import subprocess

from access_support import FOUNDATION, SERVICE
from template_support import of_kind, template

from loantap.settings import project_root

PAGE = (project_root() / "deploy" / "runbook.md").read_text("utf-8")


def test_parameters_of_stacks_are_those_of_the_templates() -> None:
    file = re.search(r"\.parameters\.json\" <<'END'\n(.*?)\n +END\n", PAGE, re.S)
    given = {one.partition("=")[0] for one in json.loads(file[1])}
    known = template("foundation.yml")["Parameters"]
    assert {name for name, facts in known.items() if "Default" not in facts} == given
    every = {name for stack in ("foundation", "service") for name in template(f"{stack}.yml")["Parameters"]}
    assert set(re.findall(r"`(\w+)(?:=[\w/.]+)?`", PAGE)) >= {"SourcesFile", "SourcesSecret", "DropBucket", "WarehouseCidr", "WarehousePort", "HostedZoneId", "MlflowServer", "AllowSynthetic"}  # fmt: skip
    assert set(re.findall(r"--set (\w+)=", PAGE)) <= every | {"NAME"}
    for name in ("registry.yml", "pipeline-access.yml", "report.yml", "report-access.yml"):
        for line in re.findall(rf"{name} --parameter-overrides (.*)", PAGE):
            assert set(re.findall(r"(\w+)=", line)) <= set(template(name)["Parameters"])
            assert set(re.findall(r"(\w+)=", line)) >= {key for key, facts in template(name)["Parameters"].items() if "Default" not in facts}  # fmt: skip


def test_what_a_person_writes_on_the_way_is_no_change_of_the_project() -> None:
    """Else the next image would be one that cannot be pushed; and secrets do not belong into a repository."""
    written = ["keys.txt", "sources-secret.json", "staging.parameters.json", "vault.json"]
    assert all(name.removeprefix("staging") in PAGE for name in written)
    done = subprocess.run(["git", "check-ignore", *written], cwd=project_root(), capture_output=True, text=True, check=False)  # fmt: skip
    assert done.stdout.split() == written


def test_every_alarm_is_explained_and_no_other() -> None:
    alarms = [one["AlarmName"] for stack in (FOUNDATION, SERVICE) for one in of_kind(stack, "AWS::CloudWatch::Alarm").values()]  # fmt: skip
    rules = [one["Name"] for one in of_kind(FOUNDATION, "AWS::Events::Rule").values()]
    made = {name.removeprefix("loantap-staging-") for name in (*alarms, *rules)} - {"monthly-succeeded"}
    section = PAGE.partition("## Alarms")[2].partition("## Capacity")[0]
    told = {name for line in re.findall(r"^\| (`.*?) \|", section, re.M) for name in re.findall(r"`([a-z-]+)`", line)}
    assert told == made
    assert f"{len(alarms)} alarms" in PAGE


def test_the_way_back_after_a_deletion_is_told_with_what_is_kept() -> None:
    assert "--enable-termination-protection" in PAGE
    assert "--import-existing-resources" in PAGE
