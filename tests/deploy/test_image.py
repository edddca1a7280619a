"""The images are really built, and run as a container would be: another root, read-only, not as root."""

import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import boto3
import pytest
from absences import absent
from clone_support import new_clone
from image_support import BASE, ROOT, Image, asked, built, container, missing, ran
from moto.server import ThreadedMotoServer

from loantap import __version__
from loantap.model.persistence import load_model
from loantap.scoring.application import score_application

pytestmark = pytest.mark.image
MB = 1_000_000


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    if wanting := missing():
        absent(wanting)


@pytest.fixture(scope="module")
def api() -> Iterator[Image]:
    with built("api") as image:
        yield image


@pytest.fixture(scope="module")
def dashboard() -> Iterator[Image]:
    with built("dashboard") as image:
        yield image


@pytest.fixture(scope="module")
def report() -> Iterator[Image]:
    with built("report") as image:
        yield image


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def get(address: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(address, data, {"Content-Type": "application/json"} | headers), timeout=10) as answer:
        return answer.status, answer.read()


def awaited(address: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            get(address)
        except (URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def test_an_image_says_what_it_is(api: Image):
    said = api.config["config"]
    assert said["User"] == "10001:10001"
    assert list(said["ExposedPorts"]) == ["8000/tcp"]
    assert said["Healthcheck"]["Test"][0] == "CMD"
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in said["Labels"].items()}
    assert labels["title"] == "loantap-api"
    assert labels["version"] == __version__
    assert labels["revision"].removesuffix("+changes") == asked("git", "rev-parse", "HEAD")


def test_the_next_commit_is_named_although_it_changes_nothing_that_is_inside(report: Image, tmp_path: Path):
    """With all layers of the image before in buildah's cache: see the Dockerfile. test_image_files.py holds the other two to the same."""
    clone = new_clone(tmp_path, osv="")
    asked("env", f"BASE={BASE}", clone.folder / "deploy/build_image.sh", "report")
    archive = clone.folder / "build/loantap-report.tar"
    said = json.loads(asked("skopeo", "inspect", "--config", f"docker-archive:{archive}"))["config"]
    archive.unlink()  # a gigabyte, and pytest keeps its folders
    commit = clone.git("rev-parse", "HEAD")
    assert said["Labels"]["org.opencontainers.image.revision"] == commit
    assert f"LOANTAP_COMMIT={commit}" in said["Env"]


@pytest.mark.parametrize(("target", "most"), [("api", 450), ("report", 1450)])
def test_the_packages_of_an_image_stay_within_bounds(target: str, most: int, request: pytest.FixtureRequest):
    """What is copied into it, with the bytecode that the build writes; the base is not ours."""
    files = (request.getfixturevalue(target).root / "opt/loantap").rglob("*")
    assert sum(path.lstat().st_size for path in files if "__pycache__" not in path.parts) < most * MB


@pytest.mark.parametrize("target", ["api", "dashboard", "report"])
def test_no_tool_of_the_build_is_left(target: str, request: pytest.FixtureRequest):
    root = request.getfixturevalue(target).root
    assert not [path for path in (root / "build", root / "root/.cache", root / "opt/loantap/bin/pip") if path.exists()]
    packages = next((root / "opt/loantap/lib").glob("python3*")) / "site-packages"
    assert not [
        path.name for path in packages.iterdir() if path.name.startswith(("pip-", "pytest", "mypy-", "jupyterlab"))
    ]
    assert (packages / "pandas").is_dir()
    assert not list(packages.rglob("tests"))
    assert not [name for name in ("gcc", "cc", "make", "git") if (root / "usr/bin" / name).exists()]


@pytest.mark.parametrize("target", ["api", "dashboard", "report"])
def test_nothing_of_loans_models_or_secrets_is_inside(target: str, request: pytest.FixtureRequest):
    root = request.getfixturevalue(target).root
    held = {str(path.relative_to(root / "app")) for path in (root / "app").rglob("*") if path.is_file()}
    outside = {name for name in held if not name.startswith(("lib/", "notebooks/", "reports/", "data/reference/"))}
    assert outside <= {"_quarto.yml", "data/README.md", "loantap.yml", "bin/monthly"}
    assert not [path for path in (root / "srv/loantap").rglob("*") if path.is_file()]
    assert not [name for name in held if name.endswith((".parquet", ".skops", ".env", ".csv.gz"))]


def test_what_lies_beside_the_project_stays_outside(tmp_path: Path):
    """The same rules, on a project with decoys, and everything copied that they let through."""
    decoys = [
        ".env", "keys.txt", "data/raw/loans.csv", "data/interim/x.parquet", "runs/r/data/loans.parquet", "models/champion.json",
        "watch/2016-05/watchlist.csv", "src/loantap/.env", "notebooks/.ipynb_checkpoints/01.ipynb", "deploy/staging.env",
        "src/loantap/__pycache__/x.pyc", "build/loantap-api.tar", "tests/x.py",
    ]  # fmt: skip
    right = ["src/loantap/cli/run.py", "data/reference/claims.yml", "notebooks/01_ingest.ipynb", "_quarto.yml"]
    for name in (*decoys, *right):
        path = tmp_path / "context" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    shutil.copy(ROOT / ".dockerignore", tmp_path / "context")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    asked("buildah", "build", "--file", tmp_path / "Dockerfile", "--tag", "localhost/decoys", tmp_path / "context")
    holder = asked("buildah", "from", "localhost/decoys")
    try:
        root = Path(asked("buildah", "mount", holder))
        assert sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()) == sorted(right)
    finally:
        asked("buildah", "rm", holder)
        asked("buildah", "rmi", "localhost/decoys")


def test_the_service_scores_as_the_saved_model_does(
    api: Image, model_folder: Path, application: dict[str, Any], port: int
):
    command = [*api.config["config"]["Cmd"], "--port", str(port)]
    check = [word.replace(":8000/", f":{port}/") for word in api.config["config"]["Healthcheck"]["Test"][1:]]
    assert ran(api, *check)[0] == 1, "nobody answers yet"
    with container(api, command, mounts={model_folder: "/srv/loantap/models"}) as running:
        address = f"http://127.0.0.1:{port}"
        awaited(f"{address}/ready")
        assert ran(api, *check)[0] == 0
        scored = json.loads(get(f"{address}/v1/score", application)[1])
        uids = running.inner.uids()
        assert (uids.real, uids.effective, uids.saved) == (10001, 10001, 10001)
        assert running.stop(within=10) == 0
    expected = score_application(load_model(model_folder), application)
    assert scored["probability_of_default"] == pytest.approx(expected.probability_of_default, abs=1e-12)


def test_the_service_asks_for_keys_that_its_environment_names(
    api: Image, model_folder: Path, application: dict[str, Any], port: int, tmp_path: Path
):
    from loantap_serving.api.keys import make_key

    key = make_key(tmp_path / "keys", "branch")
    command = [*api.config["config"]["Cmd"], "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    hashes = (tmp_path / "keys").read_text()
    with container(api, command, mounts={model_folder: "/srv/loantap/models"}, LOANTAP_API_KEYS=hashes):
        awaited(f"{address}/ready")
        with pytest.raises(URLError, match="401"):
            get(f"{address}/v1/score", application)
        assert get(f"{address}/v1/score", application, **{"X-API-Key": key})[0] == 200


def test_nothing_can_be_written_but_below_tmp(api: Image):
    code, said = ran(api, "sh", "-c", "touch /tmp/x && touch /app/x /opt/loantap/x /srv/loantap/x /etc/x")
    assert code == 1
    assert said.count("Read-only file system") == 4


def test_a_service_without_a_model_says_how_to_get_one(api: Image):
    code, said = ran(api, *api.config["config"]["Cmd"])
    assert code == 2
    assert "expected a promoted model, there is none" in said


def test_the_dashboard_answers_and_ends(dashboard: Image, model_folder: Path, port: int):
    command = [*dashboard.config["config"]["Cmd"], "--port", str(port), "--model", "/srv/loantap/models"]
    with container(dashboard, command, mounts={model_folder: "/srv/loantap/models"}) as running:
        awaited(f"http://127.0.0.1:{port}/_stcore/health")
        assert b"<title>" in get(f"http://127.0.0.1:{port}/")[1]
        assert running.inner.uids().real == 10001
        assert running.stop(within=15) == 0


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """What is mounted at /srv/loantap: a folder that the image's user may write to."""
    folder = tmp_path / "share"
    folder.mkdir()
    os.chown(folder, 10001, 10001)
    return folder


@pytest.mark.long
def test_the_monthly_job_publishes_and_keeps_the_champion_that_a_small_run_cannot_beat(report: Image, share: Path):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    try:
        keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "eu-central-1"}
        s3 = boto3.client("s3", endpoint_url=address, aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1")  # fmt: skip
        s3.create_bucket(Bucket="reports")
        code, said = ran(
            report, "/app/bin/monthly", "--rows", "3000", mounts={share: "/srv/loantap"},
            AWS_ENDPOINT_URL=address, LOANTAP_REPORT_BUCKET="reports", LOANTAP_ALLOW_SYNTHETIC="yes", **keys,
        )  # fmt: skip
        latest = s3.get_object(Bucket="reports", Key="latest/index.html")["Body"].read().decode()
        held = [entry["Key"] for entry in s3.list_objects_v2(Bucket="reports")["Contents"]]
    finally:
        server.stop()
    assert code == 1, said
    assert "the champion stays what it was" in said
    assert "no live loans are watched" in said
    assert "MLflow: run " in said
    assert (share / "runs/mlflow.db").stat().st_uid == 10001
    (run,) = (share / "runs").glob("monthly-*")
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["status"] == "done"
    assert manifest["git_commit"].removesuffix("+changes") == asked("git", "rev-parse", "HEAD")
    assert (run / "report/loantap-insights.pdf").stat().st_uid == 10001
    assert not (share / "models/champion.json").exists()
    assert f"runs/{manifest['run_id']}/" in latest
    assert [key for key in held if key.endswith("loantap-insights.pdf")]
    assert not [key for key in held if "parquet" in key or "quarantine" in key]


def test_the_monthly_job_ends_when_it_is_told_to(report: Image, share: Path):
    with container(report, ["/app/bin/monthly", "--rows", "3000"], mounts={share: "/srv/loantap"}) as running:
        deadline = time.monotonic() + 60
        while not list(share.glob("runs/*/manifest.json")) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert running.stop(within=15) != 0
    assert json.loads(next(share.glob("runs/*/manifest.json")).read_text())["status"] != "done"
