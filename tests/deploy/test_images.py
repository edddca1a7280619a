"""Images in files and in a registry."""

import base64
import hashlib
import json
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest
from registry_support import COMMIT, PASSWORD, Registry, image_file

from loantap.errors import DeployError, InputError, MissingToolError
from loantap_deploy import images
from loantap_deploy.images import Image, Repository, read_image


@pytest.fixture
def repository(trusted_registry: Registry) -> Repository:
    """A repository that holds nothing yet."""
    login = base64.b64encode(f"AWS:{PASSWORD}".encode()).decode()
    return Repository(f"{trusted_registry.address}/loantap/images", login)


def test_an_image_says_what_it_is_for_and_has_a_tag_of_its_own(tmp_path: Path):
    image = read_image(image_file(tmp_path / "api.tar"))
    with tarfile.open(tmp_path / "api.tar") as archive:
        name = next(name for name in archive.getnames() if name.endswith(".json") and name != "manifest.json")
    assert image == Image(f"docker-archive:{tmp_path / 'api.tar'}", "api", "0.1.0", COMMIT, f"sha256:{name[:-5]}")
    assert image.tag == f"0.1.0-0123456789ab-{name[:8]}"
    assert read_image(image_file(tmp_path / "other.tar", content="other")).tag != image.tag


def test_both_forms_of_an_archive_are_read_as_the_same_image(tmp_path: Path, repository: Repository):
    docker = read_image(image_file(tmp_path / "docker.tar", "report"))
    subprocess.run(["skopeo", "copy", "-q", docker.source, f"oci-archive:{tmp_path / 'oci.tar'}"], check=True)
    oci = read_image(tmp_path / "oci.tar")
    assert (oci.component, oci.commit, oci.version) == ("report", COMMIT, "0.1.0")
    assert repository.push(oci).startswith("sha256:")


def test_what_was_pushed_is_found_and_nothing_else(tmp_path: Path, repository: Repository):
    image = read_image(image_file(tmp_path / "a.tar", content="found"))
    assert repository.find(image) is None
    digest = repository.push(image)
    assert repository.find(image) == digest
    assert repository.find(read_image(image_file(tmp_path / "b.tar", content="never pushed"))) is None
    raw = subprocess.run(["skopeo", "inspect", "--raw", "--creds", f"AWS:{PASSWORD}", f"docker://{repository.uri}@{digest}"], capture_output=True, check=True).stdout  # fmt: skip
    assert f"sha256:{hashlib.sha256(raw).hexdigest()}" == digest


def test_another_image_under_its_tag_is_not_taken_for_it(tmp_path: Path, repository: Repository):
    image = read_image(image_file(tmp_path / "a.tar", content="ours"))
    theirs = read_image(image_file(tmp_path / "b.tar", content="theirs"))
    subprocess.run(["skopeo", "copy", "-q", "--dest-creds", f"AWS:{PASSWORD}", theirs.source, f"docker://{repository.uri}:{image.tag}"], check=True)  # fmt: skip
    with pytest.raises(DeployError, match="found another one under its name"):
        repository.find(image)


def test_a_registry_that_does_not_know_us_is_said_without_the_password(tmp_path: Path, repository: Repository):
    image = read_image(image_file(tmp_path / "a.tar"))
    wrong = Repository(repository.uri, base64.b64encode(b"AWS:not-the-password").decode())
    for ask in (wrong.find, wrong.push):
        with pytest.raises(DeployError, match="unauthorized") as caught:
            ask(image)
        assert "not-the-password" not in str(caught.value)
        assert wrong.login not in str(caught.value)


def test_the_password_is_on_no_command_line_and_in_no_file_that_others_read(tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch):  # fmt: skip
    seen: list[Path] = []
    run = subprocess.run

    def watched(words: list[str], **named: object) -> object:
        assert repository.login not in " ".join(words)
        assert PASSWORD not in " ".join(words)
        path = Path(words[words.index("--authfile") + 1])
        assert json.loads(path.read_text())["auths"][repository.uri.partition("/")[0]]["auth"] == repository.login
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        seen.append(path)
        return run(words, **named)  # type: ignore[call-overload]

    image = read_image(image_file(tmp_path / "a.tar", content="quiet"))
    monkeypatch.setattr(images.subprocess, "run", watched)
    repository.push(image)
    repository.find(image)
    assert len(seen) == 2
    assert not any(path.exists() for path in seen)


def test_an_image_for_another_machine_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"found one for arm64\..*make image TARGET=api PLATFORM=linux/amd64"):
        read_image(image_file(tmp_path / "a.tar", architecture="arm64"))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"commit": COMMIT + "+changes"}, r"(?s)expected an image that was built from a commit, found '0123.*\+changes'"),
        ({"commit": ""}, "expected an image that was built from a commit, found 'none'"),
        ({"title": "other"}, "found title 'other'"),
        ({"title": ""}, "found title 'none'"),
        ({"version": "latest; rm"}, "version 'latest; rm'"),
    ],
)  # fmt: skip
def test_an_image_of_somebody_else_or_of_no_commit_is_refused(labels: dict[str, str], expected: str, tmp_path: Path):
    with pytest.raises(InputError, match=expected):
        read_image(image_file(tmp_path / "a.tar", **labels))


def test_a_file_that_is_no_image_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="expected the file of an image, found none"):
        read_image(tmp_path / "absent.tar")
    (tmp_path / "text.tar").write_text("no archive")
    with pytest.raises(InputError, match="expected the file of an image, but"):
        read_image(tmp_path / "text.tar")
    with tarfile.open(tmp_path / "other.tar", "w") as archive:
        archive.add(tmp_path / "text.tar", "text")
    with pytest.raises(InputError, match="found another archive"):
        read_image(tmp_path / "other.tar")


def test_a_file_that_breaks_off_is_said(tmp_path: Path):
    path = image_file(tmp_path / "whole.tar")
    (tmp_path / "half.tar").write_bytes(path.read_bytes()[:1500])
    with pytest.raises((DeployError, InputError), match=r"half.tar"):
        read_image(tmp_path / "half.tar")


def test_without_skopeo_how_to_get_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="apt-get install skopeo"):
        read_image(image_file(tmp_path / "a.tar"))
