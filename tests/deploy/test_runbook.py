"""The runbook against what it speaks of: parameters, alarms, permissions. Its links and commands: tests/test_documents.py."""

import json
import re
import subprocess

from access_support import ENVIRONMENT, ROLES
from template_support import of_kind, statements, template

from loantap.settings import project_root

PAGE = (project_root() / "deploy" / "runbook.md").read_text("utf-8")
BLOCKS = [text for _, kind, text in re.findall(r"^( *)```(\w*)\n(.*?)^\1```$", PAGE, re.S | re.M) if not kind]
LINES = [line.strip() for block in BLOCKS for line in block.replace("\\\n", " ").splitlines()]


def test_parameters_of_stacks_are_those_of_the_template() -> None:
    known = template("loantap.yml")["Parameters"]
    file = re.search(r"\.parameters\.json\" <<'END'\n(.*?)\n +END\n", PAGE, re.S)
    assert file
    given = dict(one.split("=", 1) for one in json.loads(file[1]))
    needed = {name for name, facts in known.items() if "Default" not in facts}
    assert needed - given.keys() == {"Environment", "ApiImage", "ReportImage"}, "those are in the files of sizes"
    assert given.keys() <= known.keys()
    for name in ("SourcesFile", "SourcesSecret", "DropBucket", "WarehouseCidr", "WarehousePort", "HostedZoneId", "MlflowServer", "AllowSynthetic"):  # fmt: skip
        assert f"`{name}" in PAGE
        assert name in known
    for line in (line for line in LINES if "pipeline-access.yml" in line):
        names = set(re.findall(r"(\w+)=", line.partition("--parameter-overrides")[2]))
        assert names == {name for name, facts in template("pipeline-access.yml")["Parameters"].items() if "Default" not in facts}  # fmt: skip


def test_what_a_person_writes_on_the_way_is_no_change_of_the_project() -> None:
    """Else the next image would be one that cannot be deployed; and secrets do not belong into a repository."""
    names = set(re.findall(r"[\w.-]+\.json\b|keys\.txt", "\n".join(LINES).replace("$ENVIRONMENT", "staging")))
    written = {name for name in names if not list((project_root() / "deploy").rglob(name))}
    assert {"keys.txt", "sources-secret.json", "staging.parameters.json", "first.json", "vault.json"} <= written
    asked = ["git", "check-ignore", *sorted(written)]
    done = subprocess.run(asked, cwd=project_root(), capture_output=True, text=True, check=False)
    assert done.stdout.split() == sorted(written)


def test_every_alarm_is_explained_and_no_other() -> None:
    alarms = [one["AlarmName"] for one in of_kind(ENVIRONMENT, "AWS::CloudWatch::Alarm").values()]
    rules = [one["Name"] for one in of_kind(ENVIRONMENT, "AWS::Events::Rule").values()]
    made = {name.removeprefix("loantap-staging-") for name in (*alarms, *rules)}
    section = PAGE.partition("## Alarms")[2].partition("## Capacity")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", section, re.M)) == made
    assert len(made) == 7


def test_permissions_are_those_that_the_pipeline_has() -> None:
    section = PAGE.partition("## What a deployment may do")[2].partition("## What was not seen")[0]
    told = set(re.findall(r"`([a-z0-9]+:[A-Za-z]+)`", section))
    assert told == {action for statement in statements(ROLES["DeployRole"]) for action in statement["Action"]}
