import hashlib
import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from loantap.errors import InputError, MissingToolError, SourceError
from loantap.settings import how_to_add
from loantap_sources.connectors.config import read_config
from loantap_sources.connectors.open import open_source

s3fs = pytest.importorskip("s3fs")
moto_server = pytest.importorskip("moto.server")

BUCKET = "loantap-drops"
KEY = "hunter2-secret-key"
OLD = b"NO,AMT\n1,10\n"
NEW = b"NO,AMT\n1,10\n2,20\n"
FILE = """
sources:
  loans: {kind: db2, folder: "s3://${LT_BUCKET}/in/", pattern: "*/X_*.csv", settle_seconds: 0, key: NO, columns: {loan_amnt: AMT}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def point_to(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("LT_BUCKET", BUCKET)
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[s3fs.S3FileSystem]:
    point_to(monkeypatch, server)
    system = s3fs.S3FileSystem()
    system.mkdir(BUCKET)
    yield system
    system.rm(BUCKET, recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def take(tmp_path: Path):
    def taken(text: str = FILE):
        (tmp_path / "loantap.yml").write_text(text)
        config = read_config(tmp_path / "loantap.yml")
        (tmp_path / "staging").mkdir()
        brought = open_source("loans", config.sources["loans"], config, staging=tmp_path / "staging")
        keys = pa.concat_tables(brought.tables)["NO"].to_pylist()
        return keys, brought.facts, brought.notes

    return taken


def test_the_last_drop_of_a_bucket_is_taken(bucket, take):
    bucket.pipe({f"{BUCKET}/in/2014/X_1.csv": OLD, f"{BUCKET}/in/2015/X_1.csv": NEW, f"{BUCKET}/in/2015/X_2.csv": OLD})
    keys, facts, notes = take()
    assert keys == ["1", "2", "1"]
    assert notes == []
    assert (facts["location"], facts["drop"]) == (f"s3://{BUCKET}/in/", "2015")
    assert facts["files"][0] == {
        "file": f"{BUCKET}/in/2015/X_1.csv",
        "size": len(NEW),
        "sha256": hashlib.sha256(NEW).hexdigest(),
        "rows": 2,
    }


@pytest.mark.fault("file half copied")
def test_a_drop_that_its_manifest_does_not_vouch_for_is_passed_over(bucket, take):
    manifest = {"rows": 2, "sha256": hashlib.sha256(NEW).hexdigest()}
    for year, data in {"2014": NEW, "2015": NEW[:-5]}.items():
        bucket.pipe(f"{BUCKET}/in/{year}/X_1.csv", data)
        bucket.pipe(f"{BUCKET}/in/{year}/X_1.csv.manifest.json", json.dumps(manifest).encode())
    keys, facts, notes = take(FILE.replace("*.csv", "*").replace("key:", "manifest: required, key:"))
    assert keys == ["1", "2"]
    assert facts["drop"] == "2014"
    assert "drop 2015 is not complete and was passed over: X_1.csv has another sha256" in notes[0]


def test_an_upload_of_today_is_seen(bucket, take):
    bucket.pipe(f"{BUCKET}/in/2014/X_1.csv", OLD)
    assert bucket.glob(f"{BUCKET}/in/*/X_*.csv") == [f"{BUCKET}/in/2014/X_1.csv"]
    other = s3fs.S3FileSystem(skip_instance_cache=True)
    other.pipe(f"{BUCKET}/in/2015/X_1.csv", NEW)
    assert take()[1]["drop"] == "2015"


def test_an_empty_bucket_is_said(bucket, take):
    with pytest.raises(InputError, match=rf"s3://{BUCKET}/in/: expected files that match"):
        take()


def test_a_bucket_that_is_not_there_is_said(bucket, take, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LT_BUCKET", "no-such-bucket")
    with pytest.raises((InputError, SourceError), match="s3://no-such-bucket/in/: "):
        take()


@pytest.mark.fault("server that does not answer, or not in time")
def test_a_server_that_does_not_answer_is_said_without_a_secret(take, monkeypatch: pytest.MonkeyPatch):
    point_to(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(SourceError, match=rf"s3://{BUCKET}/in/: the folder cannot be read") as caught:
        take()
    assert KEY not in str(caught.value)


@pytest.mark.fault("wrong password or token")
def test_credentials_that_are_not_there_are_said(server: str, take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    point_to(monkeypatch, server)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(SourceError, match="the folder cannot be read"):
        take()


def test_without_s3fs_its_extra_is_named(take, monkeypatch: pytest.MonkeyPatch):
    point_to(monkeypatch, "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(importlib.import_module("fsspec.registry")._registry, "s3", raising=False)
    with pytest.raises(MissingToolError, match=re.escape(how_to_add("s3"))):
        take()
