"""The kinds of source, each a model, so that a wrong setting is named before anything is read."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, field_validator

from loantap.data.columns import KEY
from loantap.data.connectors.secrets import is_reference

Scalar = str | int | float | bool
Dates = Literal["iso", "usa", "eur", "del", "month"]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_IN_URL = re.compile(r"://[^/@:]*:(?P<value>[^@]*)@")
_NAMED = re.compile(r"(?i)\b(?:PWD|PASSWORD|ACCESSTOKEN|AUTHTOKEN|TOKEN)\s*=\s*(?P<value>\{[^}]*\}|\$\{[^}]*\}|[^;&]*)")


class Strict(BaseModel):
    """Settings without room for a misspelt one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Source(Strict):
    """What every source declares.

    Attributes:
        key: Its column that names the loan (or what `joins_on` names).
        joins_on: The column of the first source that `key` is compared with.
        cardinality: one_to_one: one row per loan; many_to_one: many loans share a row, such as that of a borrower.
        columns: The columns it brings: codebook name to own name; a list where they are the same.
        newest_by: Of rows with one key and different content, the one with the greatest value here wins.
        dates: How texts write a date: iso (2015-01-31), usa (01/31/2015), eur (31.01.2015), del (20150131), month (Jan-2015).
    """

    key: str = KEY
    joins_on: str = KEY
    cardinality: Literal["one_to_one", "many_to_one"] = "one_to_one"
    columns: dict[str, str]
    newest_by: str | None = None
    dates: Dates = "iso"

    @field_validator("columns", mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        return {name: name for name in value} if isinstance(value, list) else value

    @field_validator("columns")
    @classmethod
    def _are_names(cls, value: dict[str, str]) -> dict[str, str]:
        if not value:
            raise ValueError("expected at least one column")
        for name in value:
            check_name(name)
        if KEY in value:
            raise ValueError(f"'{KEY}' is the key's name here; declare it under 'key'")
        return value

    @property
    def wanted(self) -> list[str]:
        """The source's own names of all columns that are read."""
        return list(dict.fromkeys([self.key, *self.columns.values(), *([self.newest_by] if self.newest_by else [])]))


class FileSource(_Source):
    """A CSV or Parquet file."""

    kind: Literal["file"]
    path: str
    dates: Dates = "month"


class Db2Drop(_Source):
    """A folder of files exported by hand from DB2; the last by name that is complete is taken.

    Attributes:
        folder: A local folder or `s3://bucket/prefix`.
        pattern: Which files, such as `LOANS_*.csv`; with a folder in it (`*/LOANS_*.csv`) all files of one subfolder
            are one drop.
        encoding: The code page: cp037 (EBCDIC), cp1252, utf-8, or another that Python knows.
        delimiter: Between fields.
        decimal: The decimal sign.
        header: Whether the first line names the columns; else their names in order, since DB2's EXPORT writes none.
        nulls: What stands for a missing value, besides nothing.
        settle_seconds: A file whose size changes within this time is still being copied.
        manifest: Whether each file needs a FILE.manifest.json with its rows and sha256.
    """

    kind: Literal["db2"]
    folder: str
    pattern: str = "*.csv"
    encoding: str = "cp1252"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    header: Literal[True] | list[str] = True
    nulls: list[str] = ["NULL", "-"]
    settle_seconds: Annotated[float, Field(ge=0, le=600)] = 2.0
    manifest: Literal["optional", "required"] = "optional"

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise ValueError(f"expected a code page such as cp037, cp1252 or utf-8, got '{value}'") from None
        return value


class _Query(_Source):
    query: str
    parameters: dict[str, Scalar] = {}
    time_limit: Annotated[float, Field(gt=0)] = 600.0  # seconds


class SqlSource(_Query):
    """A query on a database that SQLAlchemy reaches: `sqlite:///file.db`, `postgresql+psycopg://...`, `mssql+pyodbc://...`."""

    kind: Literal["sql"]
    url: str

    @field_validator("url")
    @classmethod
    def _is_clean(cls, value: str) -> str:
        return without_secret(value)


class OdbcSource(_Query):
    """A query on an ODBC data source: a DSN or a connection string."""

    kind: Literal["odbc"]
    connection: str

    @field_validator("connection")
    @classmethod
    def _is_clean(cls, value: str) -> str:
        return without_secret(value)


class DatabricksSource(_Query):
    """A query on a Databricks SQL warehouse.

    Attributes:
        host: The server's name. `http://` is taken for a loopback address only.
        http_path: The warehouse's HTTP path.
        token: `${NAME}` of the environment variable with the access token.
        retries: Attempts at a request that the server could not serve.
    """

    kind: Literal["databricks"]
    host: str
    http_path: str
    token: str = "${DATABRICKS_TOKEN}"  # noqa: S105 (a reference, not a token)
    retries: Annotated[int, Field(ge=1, le=60)] = 5

    @field_validator("token")
    @classmethod
    def _is_reference(cls, value: str) -> str:
        if not is_reference(value):
            raise ValueError("expected ${NAME} of an environment variable, got a literal. Put it into the environment")
        return value


Source = Annotated[FileSource | Db2Drop | SqlSource | OdbcSource | DatabricksSource, Field(discriminator="kind")]


def check_name(name: str) -> str:
    """Return a name that is fit for a table or column: letters, digits and _, not beginning with a digit, 63 at most."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"expected a name of letters, digits and _ (63 at most), got '{name}'")
    return name


def without_secret(text: str) -> str:
    """Return a URL or connection string; raises ValueError if it holds a password or token in plain."""
    if any(not is_reference(found) for found in secrets_in(text)):
        raise ValueError("expected a password or token as ${NAME}, got a literal. Put it into the environment")
    return text


def secrets_in(text: str) -> list[str]:
    """Return the passwords and tokens in a URL or connection string."""
    plain = unquote(text)
    found = [*_IN_URL.finditer(text), *_IN_URL.finditer(plain), *_NAMED.finditer(plain)]
    return [match["value"].strip() for match in found]
