"""Publishing a report to S3, with failures in the middle."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from report_support import BUCKET, Front, make_run, note_report, read_site, s3_server, second_run, words_of

from loantap.errors import DeployError, InputError
from loantap_deploy import aws
from loantap_deploy import report_commands as deploy_report
from loantap_deploy.report import Published, publish_report
from loantap_deploy.report_files import read_report
from loantap_deploy.shelf import Bucket, environment_bucket

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
    for name, value in (("ENDPOINT_URL", address), ("ACCESS_KEY_ID", "testing"), ("SECRET_ACCESS_KEY", "testing"), ("REGION", "us-east-1")):  # fmt: skip
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    front.fault, front.after = Front.fault, Front.after
    aws.client("s3").create_bucket(Bucket=BUCKET)
    front.keys.clear()
    yield front
    front.fault, front.after = Front.fault, Front.after
    client = aws.client("s3")
    for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        client.delete_object(Bucket=BUCKET, Key=found["Key"])


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


def test_each_object_says_what_it_is_and_how_long_it_may_be_kept(front: Front, first: Path):
    path = publish(first).path
    client = aws.client("s3")
    heads = {name: client.head_object(Bucket=BUCKET, Key=name) for name in front.keys}
    types = {name.removeprefix(f"{path}/"): head["ContentType"] for name, head in heads.items()}
    assert types == {
        "index.html": "text/html; charset=utf-8", "latest/index.html": "text/html; charset=utf-8", "about.html": "text/html; charset=utf-8",
        "notebooks/eda.html": "text/html; charset=utf-8", "assets/report.css": "text/css; charset=utf-8", "figures/rate.svg": "image/svg+xml",
        "tables/rate.csv": "text/csv; charset=utf-8", "tables/rate.json": "application/json", "loantap-insights.pdf": "application/pdf",
        "run.json": "application/json",
        "loantap-insights.docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "loantap-tables.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }  # fmt: skip
    fleeting = {name for name, head in heads.items() if head["CacheControl"] == "no-cache"}
    assert fleeting == {"index.html", "latest/index.html", f"{path}/run.json"}
    assert {heads[name]["CacheControl"] for name in heads.keys() - fleeting} == {"max-age=31536000, immutable"}


def test_word_and_excel_say_what_they_are_and_can_be_reached(front: Front, first: Path):
    links = '<a href="loantap-insights.docx">Word</a><a href="loantap-tables.xlsx">Excel</a>'
    page = first / "report" / "index.html"
    page.write_text(page.read_text().replace("</body>", f"{links}</body>"))
    for name in ("loantap-insights.docx", "loantap-tables.xlsx"):
        (first / "report" / name).write_bytes(b"PK")
    path = publish(note_report(first)).path
    office = "application/vnd.openxmlformats-officedocument"
    types = {
        suffix: aws.client("s3").head_object(Bucket=BUCKET, Key=f"{path}/loantap-{suffix}")["ContentType"]
        for suffix in ("insights.docx", "tables.xlsx")
    }
    assert types == {
        "insights.docx": f"{office}.wordprocessingml.document",
        "tables.xlsx": f"{office}.spreadsheetml.sheet",
    }


def test_the_record_then_the_list_then_the_latest_are_written_last(front: Front, first: Path):
    path = publish(first).path
    assert front.keys[-3:] == [f"{path}/run.json", "index.html", "latest/index.html"]
    assert len(front.keys) == 13


def test_a_second_time_uploads_nothing(front: Front, first: Path):
    publish(first)
    front.keys.clear()
    assert not publish(first).changed
    assert front.keys == []


def test_a_reader_sees_the_former_report_whole_after_each_object(front: Front, first: Path, second: Path):
    publish(first)
    views: list[tuple[str, set[str], set[str]]] = []
    lock = threading.Lock()

    def look(key: str) -> None:
        with lock:
            views.append((key, seen(), seen("index.html")))

    front.after = look
    publish(second)
    assert len(views) == 13
    assert all(latest == {"first"} for _, latest, _ in views[:-1])
    assert all(listed == {"first"} for _, _, listed in views[:-2])
    assert views[-2:] == [("index.html", {"first"}, {"first", "second"}), ("latest/index.html", {"second"}, {"first", "second"})]  # fmt: skip


def test_a_reader_who_polls_never_sees_half_a_report(front: Front, first: Path, second: Path):
    publish(first)
    views: list[set[str]] = []
    problems: list[BaseException] = []
    done = threading.Event()

    def poll() -> None:
        try:
            while not done.is_set():
                views.append(seen())
        except BaseException as error:
            problems.append(error)

    reader = threading.Thread(target=poll)
    reader.start()
    try:
        for run in (second, first, second):
            publish(run)
    finally:
        done.set()
        reader.join()
    assert problems == []
    assert views
    assert all(view in ({"first"}, {"second"}) for view in views)


@pytest.mark.parametrize("number", range(1, 14))
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("403 AccessDenied", "AWS answered AccessDenied: as the test asks. Let the role do PutObject"),
        ("503 SlowDown", "AWS answered SlowDown: as the test asks. It was tried 6 times"),
        ("cut", "Check the network and the endpoint"),
    ],
)
def test_a_failure_in_mid_upload_leaves_the_former_report_and_a_second_try_completes_it(
    front: Front, first: Path, second: Path, fault: str, told: str, number: int
):
    publish(first)
    front.keys.clear()
    front.fault = lambda _, tried: fault if tried >= number else None
    with pytest.raises(DeployError) as caught:
        publish(second)
    assert told in str(caught.value)
    assert f"to bucket {BUCKET}" in str(caught.value)
    assert seen() == {"first"}
    assert seen("index.html") == ({"first", "second"} if number == 13 else {"first"})
    front.fault = Front.fault
    front.keys.clear()
    assert publish(second).uploaded <= 10
    assert front.keys[-1] == "latest/index.html"
    assert seen() == {"second"}


@pytest.mark.parametrize("fault", ["503 SlowDown", "500 InternalError", "cut", "lost"])
def test_a_passing_failure_is_tried_again_and_not_seen(front: Front, first: Path, fault: str):
    """Each third write fails once, whatever it is; "lost" is one that was done, and whose answer did not come."""
    front.fault = lambda _, tried: fault if tried % 3 == 0 else None
    assert publish(first).uploaded == 10
    assert len(front.keys) > 13
    assert seen() == {"first"}


def test_what_is_there_is_not_uploaded_again_after_a_failure(front: Front, first: Path):
    front.fault = lambda key, _: "403 AccessDenied" if key.endswith("run.json") else None
    with pytest.raises(DeployError):
        publish(first)
    front.fault = Front.fault
    assert publish(first).uploaded == 0


def test_a_bucket_that_may_not_be_read_is_not_written(front: Front, first: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(DeployError, match="NoSuchBucket"):
        publish_report(read_report(first), Bucket("no-such-bucket"))
    assert front.keys == []


@pytest.mark.long
def test_more_objects_than_one_answer_lists_are_all_seen(front: Front, tmp_path: Path):
    run = make_run(tmp_path / "run")
    for number in range(1_005):
        (run / "report" / "tables" / f"t{number}.csv").write_text("a\n1\n")
    path = publish(note_report(run)).path
    assert len(Bucket(BUCKET).sizes(path)) == 1_005 + 11
    assert not publish(run).changed


@pytest.mark.parametrize("number", [5, *(pytest.param(number, marks=pytest.mark.long) for number in (1, 11, 12, 13))])
def test_a_killed_publisher_leaves_the_former_report_and_another_completes_it(
    front: Front, first: Path, second: Path, number: int
):
    publish(first)
    front.keys.clear()
    process: list[subprocess.Popen[bytes]] = []
    started = threading.Event()

    def kill(_: str, tried: int) -> str | None:
        started.wait(30)
        if tried == number:
            os.kill(process[0].pid, signal.SIGKILL)
            process[0].wait()
        return "cut" if tried >= number else None

    front.fault = kill
    code = "import typer; from loantap_deploy.report_commands import report; typer.run(report)"
    process.append(subprocess.Popen([sys.executable, "-c", code, second, "--bucket", BUCKET]))
    started.set()
    assert process[0].wait(60) == -signal.SIGKILL
    front.fault = Front.fault
    assert seen() == {"first"}
    publish(second)
    assert seen() == {"second"}


def test_an_environment_is_published_to_the_bucket_of_its_stack(
    front: Front, first: Path, capsys: pytest.CaptureFixture[str]
):
    formation = aws.client("cloudformation")
    template = TEMPLATE + "  ReportUrl: {Value: 'https://reports.example.com/'}\n"
    formation.create_stack(StackName="loantap-staging", TemplateBody=template)
    deploy_report.report(first, environment="staging")
    assert capsys.readouterr().out.splitlines()[-1] == "Latest: https://reports.example.com/latest/index.html"
    assert words_of(read_site(Bucket("reports-of-staging"))) == {"first"}


def test_an_environment_without_a_stack_is_named(front: Front):
    with pytest.raises(InputError, match="expected the stack loantap-production, found none"):
        environment_bucket("production")


def test_a_stack_that_says_no_bucket_is_named(front: Front):
    template = TEMPLATE.replace("reports-of-staging", "reports-of-production")
    aws.client("cloudformation").create_stack(StackName="loantap-production", TemplateBody=template)
    with pytest.raises(DeployError, match="loantap-production: expected the outputs ReportUrl, found ReportBucket"):
        environment_bucket("production")
