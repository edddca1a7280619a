"""What is asked of a thing, whoever asks: of buckets, files, the key and the alarms."""

import json
from typing import Any

import pytest
from access_support import AWS, ENVIRONMENT, ROLES
from template_support import ACCOUNT, allows, statements

# To an encrypted topic EventBridge sends nothing where a condition stands.
EVENTS = {"Service": "events.amazonaws.com"}


def policy(name: str, key: str = "PolicyDocument") -> list[dict[str, Any]]:
    document = ENVIRONMENT[name]["Properties"][key]
    return [document]


@pytest.mark.parametrize(("bucket", "name"), [("ReportBucket", "ReportBucketPolicy"), ("AccessLog", "AccessLogPolicy")])
def test_a_bucket_is_not_spoken_to_in_the_clear(bucket: str, name: str) -> None:
    refused = next(one for one in statements(policy(name)) if one["Effect"] == "Deny")
    assert refused["Principal"] == "*"
    assert refused["Action"] == ["s3:*"]
    assert refused["Resource"] == [f"{bucket}.Arn", f"{bucket}.Arn/*"]
    assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    everybody = [{"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}]}]
    assert allows(everybody + policy(name), "s3:GetObject", f"{bucket}.Arn/x", {"aws:SecureTransport": "true"})
    assert not allows(everybody + policy(name), "s3:GetObject", f"{bucket}.Arn/x", {"aws:SecureTransport": "false"})


@pytest.mark.parametrize("name", ["ReportBucketPolicy", "AccessLogPolicy", "AlarmsPolicy"])
def test_a_bucket_and_the_alarms_let_in_services_of_this_account_only(name: str) -> None:
    for statement in statements(policy(name)):
        if statement["Effect"] == "Allow":
            assert statement["Principal"].keys() == {"Service"}
            assert statement["Principal"] == EVENTS or ACCOUNT in json.dumps(statement["Condition"])


def test_the_report_is_read_by_its_site_and_no_other_distribution() -> None:
    site = {"aws:SecureTransport": "true", "aws:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/ReportSite"}
    found = policy("ReportBucketPolicy")
    assert allows(found, "s3:GetObject", "ReportBucket.Arn/index.html", site)
    assert not allows(found, "s3:GetObject", "ReportBucket.Arn/index.html", site | {"aws:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/Other"})  # fmt: skip
    assert not allows(found, "s3:ListBucket", "ReportBucket.Arn", site)
    assert not allows(found, "s3:PutObject", "ReportBucket.Arn/index.html", site)


def test_files_are_opened_by_tls_and_through_an_access_point_only() -> None:
    found = [ENVIRONMENT["Files"]["Properties"]["FileSystemPolicy"]]
    assert all(one["Effect"] == "Deny" and one["Principal"] == {"AWS": "*"} for one in statements(found))
    files = f"arn:aws:elasticfilesystem:{AWS}:file-system/Files"
    right = {
        "aws:SecureTransport": "true",
        "elasticfilesystem:AccessPointArn": f"arn:aws:elasticfilesystem:{AWS}:access-point/ReportFiles",
    }
    for action in ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"):
        assert allows(ROLES["ReportRole"] + found, action, files, right)
        assert not allows(ROLES["ReportRole"] + found, action, files, right | {"aws:SecureTransport": "false"})
    anybody = [
        {"Statement": [{"Effect": "Allow", "Action": ["elasticfilesystem:ClientRootAccess"], "Resource": ["*"]}]}
    ]
    assert not allows(anybody + found, "elasticfilesystem:ClientRootAccess", files, {"aws:SecureTransport": "true"})


def test_the_key_is_given_to_services_for_what_is_of_this_account_only() -> None:
    first, *services = statements(policy("Key", "KeyPolicy"))
    # AWS demands that somebody may manage the key; the account's root stands for its policies.
    assert (first["Principal"], first["Action"]) == ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, ["kms:*"])
    for statement in services:
        assert statement["Principal"].keys() == {"Service"}
        assert {action.partition(":")[2] for action in statement["Action"]} <= {
            "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "GenerateDataKey*", "ReEncrypt*",
        }  # fmt: skip
        assert statement["Principal"] == EVENTS or ACCOUNT in json.dumps(statement["Condition"])
