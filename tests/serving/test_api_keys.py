"""Keys of the scoring service, and how often their holders may ask."""

import hashlib
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from api_support import client_of, problem

from loantap.errors import InputError
from loantap_serving.api.app import ApiSettings
from loantap_serving.api.keys import make_key, read_keys
from loantap_serving.api.limits import Buckets


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_a_key_is_random_and_only_its_hash_is_kept(keys_file: Path):
    key, other = make_key(keys_file, "branch"), make_key(keys_file, "app")
    text = keys_file.read_text()
    assert len(key) == 43
    assert key != other
    assert key not in text
    assert f"branch:{hashlib.sha256(key.encode()).hexdigest()}\n" in text
    assert stat.S_IMODE(keys_file.stat().st_mode) == 0o600
    keys = read_keys(keys_file)
    assert (keys.holder(key), keys.holder(other)) == ("branch", "app")
    assert [keys.holder(wrong) for wrong in ("", key[:-1], key + "x", "branch", "é\ud800")] == [None] * 5


def test_every_hash_is_compared_in_constant_time(keys_file: Path, monkeypatch):
    import hmac

    compared: list[bytes] = []
    key = make_key(keys_file, "first")
    make_key(keys_file, "second")
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: compared.append(other) or one == other)
    assert read_keys(keys_file).holder(key) == "first"
    assert len(compared) == 2


def test_a_name_has_one_key_and_plain_letters(keys_file: Path):
    make_key(keys_file, "branch")
    with pytest.raises(InputError, match="'branch' has a key"):
        make_key(keys_file, "branch")
    for name in ("", "a b", "a:b", "x" * 65, "a\n"):
        with pytest.raises(InputError, match="expected a name"):
            make_key(keys_file, name)


def test_comments_and_former_keys_stay_when_one_is_added(keys_file: Path):
    first = make_key(keys_file, "branch")
    keys_file.write_text("# the branch in the high street\n" + keys_file.read_text())
    make_key(keys_file, "app")
    assert keys_file.read_text().startswith("# the branch")
    assert read_keys(keys_file).holder(first) == "branch"


def test_who_makes_keys_at_the_same_time_loses_none(keys_file: Path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: make_key(keys_file, f"n{number}"), range(24)))
    keys = read_keys(keys_file)
    assert [keys.holder(key) for key in made] == [f"n{number}" for number in range(24)]


def test_a_link_its_mode_and_the_bytes_of_the_file_stay(keys_file: Path, tmp_path: Path):
    make_key(keys_file, "branch")
    keys_file.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(keys_file)
    former = "# Zürich\r\n".encode() + keys_file.read_bytes().rstrip(b"\n")
    keys_file.write_bytes(former)
    make_key(link, "app")
    assert link.is_symlink()
    assert keys_file.read_bytes().startswith(former + b"\napp:")
    assert stat.S_IMODE(keys_file.stat().st_mode) == 0o640
    assert set(read_keys(link).hashes) == {"branch", "app"}
    assert {path.name for path in tmp_path.iterdir()} == {"keys", "link"}


def test_a_name_behind_a_space_has_a_key_too(keys_file: Path):
    keys_file.write_text(" a:" + "0" * 64 + "\n")
    with pytest.raises(InputError, match="'a' has a key"):
        make_key(keys_file, "a")


@pytest.mark.parametrize("use", [read_keys, lambda path: make_key(path, "a")])
def test_what_is_no_file_of_keys_is_said_and_stays(tmp_path: Path, use: Callable[[Path], object]):
    with pytest.raises(InputError, match="expected a file of keys, but: Is a directory"):
        use(tmp_path)
    latin = tmp_path / "latin"
    latin.write_bytes(b"# Z\xfcrich\n")
    with pytest.raises(InputError, match="in UTF-8"):
        use(latin)
    wrong = tmp_path / "wrong"
    wrong.write_text("a\n")
    with pytest.raises(InputError, match=r"line 1: expected NAME:SHA256"):
        use(wrong)
    assert (latin.read_bytes(), wrong.read_text()) == (b"# Z\xfcrich\n", "a\n")


@pytest.mark.parametrize(
    "text", ["branch:abc\n", "branch\n", "b:" + "A" * 64 + "\n", "b:" + "a" * 64 + "\n" + "b:" + "b" * 64]
)
def test_a_line_of_another_form_is_named_by_its_number_only(keys_file: Path, text: str):
    keys_file.write_text("# keys\n" + text)
    with pytest.raises(InputError, match=r"line [23]: expected") as refused:
        read_keys(keys_file)
    assert "a" * 64 not in str(refused.value)
    assert "abc" not in str(refused.value)


def test_a_file_without_keys_would_shut_everybody_out(keys_file: Path):
    with pytest.raises(InputError, match=r"found nothing\. Make one: loantap serve key"):
        read_keys(keys_file)
    keys_file.write_text("# none\n")
    with pytest.raises(InputError, match="expected keys, found none"):
        read_keys(keys_file)


def test_without_a_valid_key_only_health_is_told(model_folder: Path, keys_file: Path, application: dict[str, Any]):
    key = make_key(keys_file, "branch")
    client = client_of(model_folder, ApiSettings(keys=read_keys(keys_file)))
    for path in ("/health", "/ready"):
        assert client.get(path).status_code == 200
    for path in ("/v1/model", "/openapi.json", "/docs", "/metrics", "/nothing"):
        answer = client.get(path)
        assert problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("ApiKey")
    problem(client.post("/v1/score", json=application, headers={"X-API-Key": key[:-1]}), 401)
    assert client.post("/v1/score", json=application, headers={"X-API-Key": key}).status_code == 200
    assert client.get("/openapi.json", headers={"X-API-Key": key}).json["components"]["securitySchemes"]


def test_who_guesses_keys_has_to_wait_and_shuts_nobody_out(model_folder: Path, keys_file: Path):
    key = make_key(keys_file, "branch")
    client = client_of(model_folder, ApiSettings(keys=read_keys(keys_file)))
    answers = [client.get("/v1/model", headers={"X-API-Key": f"guess{i}"}) for i in range(30)]
    assert [answer.status_code for answer in answers[:10]] == [401] * 10
    assert {answer.status_code for answer in answers[11:]} == {429}
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert client.get("/v1/model", headers={"X-API-Key": key}).status_code == 200


def test_the_rate_holds_for_each_key_by_itself(model_folder: Path, keys_file: Path):
    one, other = make_key(keys_file, "one"), make_key(keys_file, "other")
    client = client_of(model_folder, ApiSettings(keys=read_keys(keys_file), rate=0.01))
    assert client.get("/v1/model", headers={"X-API-Key": one}).status_code == 200
    answer = client.get("/v1/model", headers={"X-API-Key": one})
    assert problem(answer, 429)
    assert 1 <= int(answer.headers["Retry-After"]) <= 100
    assert client.get("/v1/model", headers={"X-API-Key": other}).status_code == 200


def test_without_keys_the_rate_holds_for_an_address(model_folder: Path):
    client = client_of(model_folder, ApiSettings(rate=1))
    codes = [client.get("/v1/model", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code for _ in range(4)]
    assert codes == [200, 200, 429, 429]
    assert client.get("/v1/model", environ_base={"REMOTE_ADDR": "192.0.2.2"}).status_code == 200
    assert client.get("/ready", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200


def test_tokens_flow_in_up_to_the_burst():
    now = [0.0]
    buckets = Buckets(2, 3, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    now[0] = 0.5
    assert [buckets.take("a") for _ in range(2)] == [0, 0.5]
    now[0] = 100
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_only_so_many_callers_are_remembered():
    buckets = Buckets(1, 1, most=100)
    for caller in range(1_000):
        buckets.take(str(caller))
    assert len(buckets._buckets) == 100
