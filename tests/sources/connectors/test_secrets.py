from pathlib import Path

import pytest
from sqlalchemy import make_url

from loantap.errors import InputError
from loantap_sources.connectors.secrets import HIDDEN, Secrets, read_secrets, secrets_in

AWKWARD = "a@b:c/d'e\"f%41#g?h&i=j+k l;m}n\\o"


def filled(text: str, *, in_url: bool = False, **values: str) -> str:
    return Secrets(values).fill(text, where="sources.x.url", in_url=in_url)


def test_a_reference_stands_for_its_value():
    assert filled("${A}/x/${B}", A="a", B="${A}") == "a/x/${A}"


def test_a_default_stands_for_what_is_not_set_or_empty():
    assert filled("${A:-x y}${B:-z}${C:-}", B="") == "x yz"
    assert filled("${A:-x}", A="a") == "a"


def test_a_name_that_is_not_set_is_named():
    with pytest.raises(InputError, match=r"sources.x.url.*environment variable NOPE.*not set"):
        filled("${NOPE}")


@pytest.mark.parametrize("text", ["${my-name}", "${A", "${}", "${ A }", "${1A}", "${A:?x}"])
def test_a_reference_of_another_form_is_refused(text: str):
    with pytest.raises(InputError, match="another form"):
        filled(text, A="a")


@pytest.mark.parametrize("user", ["user", "${USER}", "${USER:-me}", "us@corp", "u$er"])
def test_a_password_of_any_signs_comes_out_right(user: str):
    url = make_url(
        filled(f"postgresql+psycopg://{user}:${{PW}}@host:5432/db?x=a@b", in_url=True, PW=AWKWARD, USER="u@:/")
    )
    assert (url.password, url.host, url.port, url.database) == (AWKWARD, "host", 5432, "db")


def test_a_user_of_any_signs_comes_out_right():
    assert make_url(filled("postgresql://${USER}@host/db", in_url=True, USER=AWKWARD)).username == AWKWARD


def test_an_option_of_any_signs_comes_out_right():
    url = make_url(filled("mssql+pyodbc://host/db?driver=x&odbc_connect=${ODBC}", in_url=True, ODBC=AWKWARD))
    assert url.query == {"driver": "x", "odbc_connect": AWKWARD}


def test_a_path_and_a_whole_url_are_left_as_they_are():
    assert filled("sqlite:///${DIR}/a.db", in_url=True, DIR="/x y/z") == "sqlite:////x y/z/a.db"
    assert filled("${URL}", in_url=True, URL="postgresql://u:p%40@h/d") == "postgresql://u:p%40@h/d"


@pytest.mark.parametrize("secret", [AWKWARD, "hunter word+@x", "two  spaces", "line\nbreak", "Grün & blau"])
def test_a_secret_is_taken_out_in_every_form(secret: str):
    secrets = Secrets({})
    secrets.hide(secret)
    url = make_url("postgresql://u@h/d").set(password=secret, query={"password": secret})
    for text in (secret, repr(secret), str([secret]), url.render_as_string(hide_password=False), f"PWD={{{secret}}}"):
        shown = secrets.redacted(f"before {text} after")
        assert HIDDEN in shown
        assert secret[:3] not in shown
        assert shown.startswith("before ")
        assert shown.endswith(" after")


def test_a_longer_secret_is_taken_out_whole():
    secrets = Secrets({})
    secrets.hide("abc", "abcdef", None, "")
    assert secrets.redacted("xabcdefx abc\n y") == "x***x *** y"


def test_nothing_hidden_changes_nothing():
    assert Secrets({}).redacted(ValueError("as it\nis")) == "as it is"


def test_a_printed_secret_shows_names_only():
    secrets = Secrets({"TOKEN": "hunter2"})
    secrets.hide("hunter2")
    assert repr(secrets) == "Secrets(TOKEN)"
    assert "hunter2" not in repr(Secrets({f"N{i}": "hunter2" for i in range(50)}))


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".env").write_text("LT_A=file\nLT_B=file\n", encoding="utf-8")
    monkeypatch.setenv("LT_A", "environment")
    monkeypatch.delenv("LT_B", raising=False)
    values = read_secrets(tmp_path).values
    assert (values["LT_A"], values["LT_B"]) == ("environment", "file")


def test_the_file_holds_passwords_of_any_signs(tmp_path: Path):
    (tmp_path / ".env").write_text(
        '\ufeffLT_A=p@ss:w/rd%#x\nexport LT_B=\'it is $x ${LT_A} # all\'\nLT_C="a\\"b"\n# LT_D=no\nLT_E\n',
        encoding="utf-8",
    )
    values = read_secrets(tmp_path).values
    assert [values.get(f"LT_{name}") for name in "ABCDE"] == [
        "p@ss:w/rd%#x",
        "it is $x ${LT_A} # all",
        'a"b',
        None,
        None,
    ]


def test_no_file_is_no_error(tmp_path: Path):
    assert "PATH" in read_secrets(tmp_path).values


def test_a_file_that_is_no_text_is_refused(tmp_path: Path):
    (tmp_path / ".env").write_bytes(b"LT_A=h\xfcnter\n")
    with pytest.raises(InputError, match=r"\.env: expected UTF-8") as caught:
        read_secrets(tmp_path)
    assert "nter" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("postgresql://u:pw@h/d", "pw"),
        ("postgresql://u@corp:pw@h/d", "pw"),
        ("postgresql://:pw@h/d", "pw"),
        ("postgresql://u:p%40w@h/d", "p@w"),
        ("postgresql://${U:-me}:pw@h/d", "pw"),
        ("postgresql://h/d?user=u&password=pw&x=y", "pw"),
        ("mssql+pyodbc://?odbc_connect=DRIVER%3DX%3BPWD%3Dpw%3BUID%3Du", "pw"),
        ("mssql+pyodbc://?odbc_connect=DRIVER%3DX%3BPWD%3D%7Bp%3Bw%7D", "p;w"),
        ("DSN=x;UID=u;Pwd = pw ;X=y", "pw"),
        ("DSN=x;PWD={p;w}}x};X=y", "p;w}x"),
        ("DSN=x;PWD={${PW}};X=y", "${PW}"),
        ("DSN=x;PWD=${PW}tail", "${PW}tail"),
        ("x://h?access_token=pw", "pw"),
        ("x://h?AuthToken=pw", "pw"),
        ("x://h?api_key=pw", "pw"),
        ("x://h?client_secret=pw", "pw"),
    ],
)
def test_passwords_and_tokens_are_found_wherever_they_stand(text: str, found: str):
    assert found in secrets_in(text)


@pytest.mark.parametrize(
    "text", ["sqlite:///a@b.db", "postgresql://u@h:5432/d", "DSN=x;UID=u", "https://h:443/x", "${URL}"]
)
def test_nothing_is_found_where_nothing_is(text: str):
    assert secrets_in(text) == []
