from pathlib import Path

import pytest
from declarations import SECRET, source
from pydantic import ValidationError
from sqlalchemy import create_engine

from loantap.errors import InputError
from loantap_sources.connectors.config import Config


@pytest.mark.parametrize(
    "text",
    [
        source(kind="sql", query="q", url=f"postgresql+psycopg://user:{SECRET}@host/db"),
        source(kind="sql", query="q", url=f"postgresql+psycopg://user@corp:{SECRET}@host/db"),
        source(kind="sql", query="q", url=f"postgresql+psycopg://user:${{A}}{SECRET}@host/db"),
        source(kind="sql", query="q", url=f"postgresql+psycopg://user:${{A:-{SECRET}}}@host/db"),
        source(kind="sql", query="q", url=f"postgresql+psycopg://host/db?user=u&password={SECRET}"),
        source(kind="sql", query="q", url=f"databricks://token:{SECRET}@host?http_path=x"),
        source(kind="sql", query="q", url=f"databricks://host?access_token={SECRET}"),
        source(kind="sql", query="q", url=f"mssql+pyodbc://?odbc_connect=DRIVER%3DX%3BPWD%3D{SECRET}"),
        source(kind="odbc", query="q", connection=f"DSN=x;UID=u;PWD={SECRET}"),
        source(kind="odbc", query="q", connection=f"DSN=x;UID=u;Password = {{{SECRET}}}"),
        source(kind="odbc", query="q", connection=f"DSN=x;PWD=${{A}};AuthToken={SECRET}"),
        source(kind="databricks", query="q", host="h", http_path="p", token=SECRET),
        source(kind="databricks", query="q", host="h", http_path="p", token=f"${{A:-{SECRET}}}"),
        source(kind="databricks", query="q", host=f"https://token:{SECRET}@h", http_path="p"),
        source(kind="databricks", query="q", host="h", http_path=f"p?token={SECRET}"),
        source(kind="db2", folder=f"s3://key:{SECRET}@bucket/x"),
        source(kind="file", path=f"https://user:{SECRET}@host/x.csv"),
        f"warehouse: {{url: 'postgresql://u:{SECRET}@h/d'}}",
    ],
)
def test_a_secret_in_the_file_is_refused_without_showing_it(refusal, text: str):
    assert "got a literal" in refusal(text)


def test_a_secret_as_an_unknown_setting_is_not_shown(refusal):
    assert "password: Extra inputs" in refusal(source(kind="sql", query="q", url="sqlite:///x.db", password=SECRET))


def test_settings_that_are_made_in_a_notebook_show_no_secret_either():
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({"warehouse": {"url": f"postgresql://u:{SECRET}@h/d"}, "tokens": SECRET})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "value"),
    [
        ("postgresql+psycopg://user:${LT_PW}@host/db", "hunter2@:/'%#"),
        ("postgresql+psycopg://host/db?user=u&password=${LT_PW}", "hunter2@:/'%#&x"),
        ("${LT_PW}", "postgresql+psycopg://user:hunter2@host/db"),
        ("${LT_PW}", "postgresql+psycopg://host/db?password=hunter2%26"),
        ("postgresql+psycopg://host/db?options=${LT_PW}", "DSN=x;PWD={hunter2;x}"),
    ],
)
def test_a_secret_of_the_environment_is_never_printed(config, monkeypatch: pytest.MonkeyPatch, url: str, value: str):
    monkeypatch.setenv("LT_PW", value)
    read = config(f'warehouse: {{url: "{url}"}}')
    address = read.address(read.warehouse.url, where="warehouse.url")
    engine = create_engine(address)
    for shown in (repr(read), str(read), repr(read.secrets), repr(address), str(address), f"{address}", repr(engine)):
        assert SECRET not in shown
    assert SECRET in address.render_as_string(hide_password=False)
    assert SECRET not in read.secrets.redacted(address.render_as_string(hide_password=False))


def test_a_password_comes_out_right_whatever_its_signs(config, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LT_PW", "a@b:c/d'e%f#g")
    url = config("").address("postgresql+psycopg://user:${LT_PW}@host/db", where="x")
    assert (url.password, url.host, url.database) == ("a@b:c/d'e%f#g", "host", "db")


@pytest.mark.parametrize("connection", ["DSN=x;PWD=${LT_PW};APP=y", "DSN=x;PWD={${LT_PW}};APP=y"])
def test_the_password_of_an_odbc_connection_is_remembered_whole(
    config, monkeypatch: pytest.MonkeyPatch, connection: str
):
    monkeypatch.setenv("LT_PW", "hunter2;x=y")
    read = config(source(kind="odbc", query="q", connection=connection))
    assert read.connection(connection, where="x") == "DSN=x;PWD={hunter2;x=y};APP=y"  # a semicolon wants braces
    assert read.secrets.redacted("login with hunter2;x=y failed") == "login with *** failed"


def test_a_secret_is_taken_from_the_file_beside(config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LT_PW", raising=False)
    (tmp_path / ".env").write_text("LT_PW=hunter2\n", encoding="utf-8")
    assert config("").address("postgresql+psycopg://u:${LT_PW}@h/d", where="x").password == SECRET


def test_a_name_that_is_not_set_is_said_with_its_place(config):
    with pytest.raises(InputError, match=r"loantap.yml: warehouse.url: .* LT_NOT_SET"):
        config("").address("postgresql+psycopg://u:${LT_NOT_SET}@h/d", where="warehouse.url")


@pytest.mark.parametrize("url", ["hunter2", "postgresql://h:port/hunter2", ""])
def test_what_is_no_url_is_refused_without_showing_it(config, url: str):
    with pytest.raises(InputError, match="database URL") as caught:
        config("").address(url, where="x")
    assert SECRET not in str(caught.value)


def test_relative_places_are_beside_the_file(config, tmp_path: Path):
    read = config("")
    assert read.place("a/b", where="x") == str(tmp_path / "a/b")
    assert read.place("/a/b", where="x") == "/a/b"
    assert read.place("s3://a/b", where="x") == "s3://a/b"
    assert read.address("sqlite:///a.db", where="x").database == str(tmp_path / "a.db")
    assert read.address("sqlite:///:memory:", where="x").database == ":memory:"


def test_a_place_with_a_password_from_the_environment_is_refused(config, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LT_FOLDER", "sftp://user:hunter2@host/x")
    with pytest.raises(InputError, match="without a password") as caught:
        config("").place("${LT_FOLDER}", where="x")
    assert SECRET not in str(caught.value)
