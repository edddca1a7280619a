"""An image in a file, and in a registry: read, named, and moved by skopeo, which needs no engine."""

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from loantap.errors import DeployError, InputError, MissingToolError

_LABEL = "org.opencontainers.image."
_TRIES = 3
_ARCHITECTURE = "amd64"  # X86_64 in deploy/ecs/loantap.yml


@dataclass(frozen=True)
class Image:
    """An image in a file.

    Attributes:
        source: What skopeo calls it.
        component: What it is for: api, dashboard or report.
        version: The project's version.
        commit: The commit that it was built from.
        config: The digest of its configuration, which holds those of its layers: the same wherever the image is.
    """

    source: str
    component: str
    version: str
    commit: str
    config: str

    @property
    def tag(self) -> str:
        """Return the tag of this very image; another build of the same commit, on a newer base say, has another one."""
        return f"{self.version}-{self.commit[:12]}-{self.config.removeprefix('sha256:')[:8]}"


def read_image(path: Path) -> Image:
    """Return what an image's file says of it.

    Raises InputError for a file that is none, and for an image that this project did not build, or not from a commit.
    """
    source = f"{_form(path)}:{path}"
    manifest = json.loads(_skopeo("inspect", "--raw", source))
    if "config" not in manifest:
        raise InputError(f"{path}: expected one image, found a list of several. Build one: make image TARGET=api")
    config = json.loads(_skopeo("inspect", "--config", source))
    labels = config.get("config", {}).get("Labels") or {}
    component = labels.get(_LABEL + "title", "").removeprefix("loantap-")
    version, commit = labels.get(_LABEL + "version", ""), labels.get(_LABEL + "revision", "")
    if component not in ("api", "dashboard", "report") or not re.fullmatch(r"[0-9]+(\.[0-9a-z]+)*", version):
        raise InputError(
            f"{path}: expected an image with the labels of deploy/Dockerfile, found title {component or 'none'!r} and version "
            f"{version or 'none'!r}. Build one: make image TARGET=api"
        )
    if not re.fullmatch("[0-9a-f]{40}", commit):
        raise InputError(
            f"{path}: expected an image that was built from a commit, found {commit or 'none'!r}. Commit the changes, then build "
            f"it again: make image TARGET={component}"
        )
    if config.get("architecture") != _ARCHITECTURE:
        raise InputError(
            f"{path}: expected an image for {_ARCHITECTURE}, on which the tasks run, found one for {config.get('architecture')}. Build "
            f"it again: make image TARGET={component} PLATFORM=linux/{_ARCHITECTURE}"
        )
    return Image(source, component, version, commit, manifest["config"]["digest"])


@dataclass(frozen=True)
class Repository:
    """A repository of a registry, and how to log in there.

    Attributes:
        uri: Such as 1234.dkr.ecr.eu-central-1.amazonaws.com/loantap/api.
        login: What the registry wants to see, in base64; never shown.
    """

    uri: str
    login: str = field(repr=False)

    def find(self, image: Image) -> str | None:
        """Return the digest under which the repository holds an image, or None; raises DeployError if it cannot be asked."""
        with self._logged_in() as authfile:
            try:
                raw = _skopeo(
                    "inspect",
                    "--raw",
                    "--retry-times",
                    str(_TRIES),
                    "--authfile",
                    authfile,
                    f"docker://{self.uri}:{image.tag}",
                )
            except DeployError as error:
                if "manifest unknown" in str(error) or "name unknown" in str(error):
                    return None
                raise
        if json.loads(raw).get("config", {}).get("digest") != image.config:
            raise DeployError(
                f"{self.uri}:{image.tag}: expected the image {image.config}, found another one under its name. Find out who pushed it."
            )
        return f"sha256:{hashlib.sha256(raw).hexdigest()}"

    def push(self, image: Image) -> str:
        """Push an image and return its digest there; raises DeployError."""
        with self._logged_in() as authfile:
            said = Path(authfile).with_name("digest")
            words = ["copy", "--quiet", "--retry-times", str(_TRIES), "--authfile", authfile, "--digestfile", str(said)]
            _skopeo(*words, image.source, f"docker://{self.uri}:{image.tag}")
            return said.read_text("utf-8").strip()

    @contextmanager
    def _logged_in(self) -> Iterator[str]:
        # In a file that only this user may read, since everybody sees a command line.
        with TemporaryDirectory(prefix="loantap-") as folder:
            path = Path(folder) / "auth.json"
            path.write_text(json.dumps({"auths": {self.uri.partition("/")[0]: {"auth": self.login}}}), "utf-8")
            yield str(path)


def _form(path: Path) -> str:
    """Return skopeo's name of an archive's form; both Docker's and buildah's are known by a file within."""
    if not path.is_file():
        raise InputError(f"{path}: expected the file of an image, found none. Build one: make image TARGET=api")
    try:
        with tarfile.open(path) as archive:
            names = archive.getnames()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(
            f"{path}: expected the file of an image, but: {error}. Build one: make image TARGET=api"
        ) from None
    if "manifest.json" in names:
        return "docker-archive"
    if "oci-layout" in names:
        return "oci-archive"
    raise InputError(f"{path}: expected the file of an image, found another archive. Build one: make image TARGET=api")


def _skopeo(*words: Any) -> bytes:
    program = shutil.which("skopeo")
    if program is None:
        raise MissingToolError("skopeo is not installed. Get it with: apt-get install skopeo (or brew install skopeo)")
    done = subprocess.run([program, *words], capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        text = re.findall(r'msg="((?:[^"\\]|\\.)*)"', said)
        raise DeployError(
            f"{words[-1]}: skopeo could not {words[0]} it: {text[-1] if text else said}. Mend that, then run it again; "
            "what is done is not done twice."
        )
    return done.stdout
