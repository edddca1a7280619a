"""Publishing a report to S3, with failures in the middle."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from report_support import BUCKET, Front, make_run, read_site, s3_server, second_run, words_of

from loantap.cli import deploy_report
from loantap.deploy import aws
from loantap.deploy.report import Published, publish_report
from loantap.deploy.report_files import read_report
from loantap.deploy.shelf import Bucket, environment_bucket
from loantap.errors import DeployError

TEMPLATE = """
Resources:
  Reports: {Type: AWS::S3::Bucket, Properties: {BucketName: reports-of-staging}}
Outputs:
  ReportBucket: {Value: !Ref Reports}
"""


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Front, str]]:
    front = Front()
    with s3_server(front) as address:
        yield front, address


@pytest.fixture
def front(served: tuple[Front, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    """An S3 with an empty bucket and no faults; boto3 does not wait between its attempts."""
    front, address = served
    for name, value in (("ENDPOINT_URL", address), ("ACCESS_KEY_ID", "testing"), ("SECRET_ACCESS_KEY", "testing"), ("DEFAULT_REGION", "us-east-1")):  # fmt: skip
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    front.fault, front.after = Front.fault, Front.after
    aws.client("s3").create_bucket(Bucket=BUCKET)
    front.keys.clear()
    yield front
    front.fault, front.after = Front.fault, Front.after
    client = aws.client("s3")
    for name in Bucket(BUCKET).sizes(""):
        client.delete_object(Bucket=BUCKET, Key=name)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return make_run(tmp_path / "first")


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return second_run(tmp_path / "second")


def publish(run: Path) -> Published:
    return publish_report(read_report(run), Bucket(BUCKET))


def seen(start: str = "latest/index.html") -> set[str]:
    return words_of(read_site(Bucket(BUCKET), start))
