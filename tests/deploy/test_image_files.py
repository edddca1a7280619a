"""What images are made of, and how they are pushed, without building any."""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from urllib.request import urlopen

import pytest
from absences import absent

from loantap.settings import project_root

ROOT = project_root()


def test_the_linter_of_dockerfiles_finds_nothing():
    words = [str(Path(sys.executable).with_name("hadolint")), "--no-color", str(ROOT / "deploy" / "Dockerfile")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_image_is_told_its_commit_by_a_step_that_no_cache_can_stand_in_for():
    _, *stages = (ROOT / "deploy" / "Dockerfile").read_text("utf-8").split("\nFROM runtime AS ")
    assert [stage.split()[0] for stage in stages] == ["api", "dashboard", "report"]
    for stage in stages:
        before, told = re.split(r"ARG VERSION\nARG COMMIT\nRUN .*\$\{VERSION.*\$\{COMMIT.*\n", stage)
        assert "${" not in before
        assert {"${VERSION}", "${COMMIT}"} <= set(told.replace('"', " ").split())


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "deploy").glob("*.sh")))
def test_a_script_is_one(script: str):
    path = ROOT / "deploy" / script
    assert path.stat().st_mode & 0o111, "it is called by its name"
    done = subprocess.run(["sh", "-n", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_target_that_there_is_not_is_refused():
    done = subprocess.run([ROOT / "deploy" / "build_image.sh", "web"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "expected api, dashboard or report, got 'web'\n")


def test_only_what_is_named_may_come_into_an_image():
    lines = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert lines[0] == "*", "everything is left out but what is named"
    assert {line[1:].split("/")[0] for line in lines if line[0] == "!"} <= {
        "README.md", "_quarto.yml", "data", "deploy", "loantap.yml", "notebooks", "pyproject.toml", "reports", "requirements", "src",
    }  # fmt: skip


@pytest.mark.parametrize(("image", "most"), [("api", 450), ("dashboard", 700), ("report", 1450)])
def test_the_packages_of_an_image_stay_within_bounds(image: str, most: int):
    """In MB, as this environment has them, without bytecode and the packages' own tests, which the image leaves out."""
    text = (ROOT / "requirements" / f"image-{image}.lock").read_text("utf-8")
    total = 0
    for name in re.findall(r"^([a-z0-9][\w.-]*)(?:\[[^\]]*\])?==[^;\n]*\\$", text, re.M | re.I):
        files = [Path(str(file.locate())) for file in distribution(name).files or () if not {"__pycache__", "tests"} & set(file.parts)]  # fmt: skip
        total += sum(path.stat().st_size for path in files if path.is_file())
    assert 100e6 < total < most * 1e6


# ---------------------------------------------------------------- Pushing, with the real skopeo into a real registry


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Debian's registry of images on loopback, to which a program whose home this is may speak without TLS."""
    if lacking := [name for name in ("docker-registry", "skopeo") if shutil.which(name) is None]:
        absent(" and ".join(lacking))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    (tmp_path / "registry.yml").write_text(f"version: 0.1\nlog: {{accesslog: {{disabled: true}}}}\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/store}}}}\nhttp: {{addr: '{address}'}}\n")  # fmt: skip
    (tmp_path / ".config" / "containers").mkdir(parents=True)
    (tmp_path / ".config" / "containers" / "registries.conf").write_text(
        f'[[registry]]\nlocation = "{address}"\ninsecure = true\n'
    )
    with subprocess.Popen(["docker-registry", "serve", tmp_path / "registry.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:  # fmt: skip
        for _ in range(400):
            try:
                urlopen(f"http://{address}/v2/", timeout=2).close()
                break
            except OSError:
                time.sleep(0.05)
        yield address
        server.terminate()


def push(folder: Path, registry: str, revision: str, architecture: str = "amd64") -> subprocess.CompletedProcess[str]:
    """Write a small image as `docker save` does, where the script looks for it, and push it."""
    project = folder / "project"
    (project / "deploy").mkdir(parents=True)
    (project / "build").mkdir()
    shutil.copy(ROOT / "deploy" / "push_images.sh", project / "deploy")
    (folder / "layer").mkdir()
    with tarfile.open(folder / "layer.tar", "w") as layer:
        layer.add(folder / "layer", "x")
    said = {"architecture": architecture, "os": "linux", "config": {"Labels": {"org.opencontainers.image.revision": revision}}, "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256((folder / 'layer.tar').read_bytes()).hexdigest()}"]}}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(said))
    (folder / "manifest.json").write_text(json.dumps([{"Config": "config.json", "RepoTags": ["localhost/loantap-api:1"], "Layers": ["layer.tar"]}]))  # fmt: skip
    with tarfile.open(project / "build" / "loantap-api.tar", "w") as archive:
        for name in ("manifest.json", "config.json", "layer.tar"):
            archive.add(folder / name, name)
    words = [project / "deploy" / "push_images.sh", registry, "17", "api"]
    return subprocess.run(words, capture_output=True, text=True, check=False, env=os.environ | {"HOME": str(folder)})


def test_an_image_is_pushed_under_its_commit_and_build(tmp_path: Path, registry: str):
    done = push(tmp_path, registry, "0123456789abcdef" * 2 + "01234567")
    assert (done.returncode, done.stdout) == (0, f"{registry}/loantap/api:0123456789ab-17\n"), done.stderr
    tags = json.load(urlopen(f"http://{registry}/v2/loantap/api/tags/list", timeout=5))["tags"]
    assert tags == ["0123456789ab-17"]


@pytest.mark.parametrize(
    ("revision", "architecture", "words"),
    [("0" * 40 + "+changes", "amd64", "expected an image of a commit"), ("", "amd64", "expected an image of a commit"), ("0" * 40, "arm64", "expected an image for amd64")],
)  # fmt: skip
def test_an_image_of_no_commit_or_for_another_machine_is_not_pushed(revision: str, architecture: str, words: str, tmp_path: Path):  # fmt: skip
    if shutil.which("skopeo") is None:
        absent("skopeo")
    done = push(tmp_path, "127.0.0.1:9", revision, architecture)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
