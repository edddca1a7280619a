"""The kinds of source, each a model, so that a wrong setting is named before anything is read."""

import codecs
import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from loantap.data.columns import KEY
from loantap_sources.connectors.secrets import is_reference, secrets_in

Scalar = str | int | float | bool
Dates = Literal["iso", "usa", "eur", "del", "month"]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


def check_name(name: str) -> str:
    """Return a name that is fit for a table or column: letters, digits and _, not beginning with a digit, 63 at most."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"expected a name of letters, digits and _ (63 at most), got '{name}'")
    return name


def without_secret(text: str) -> str:
    """Return a URL or connection string; raises ValueError if it holds a password or token in plain."""
    if any(found and not is_reference(found) for found in secrets_in(text)):
        raise ValueError("expected a password or token as ${NAME}, got a literal. Put it into the environment")
    return text


Name = Annotated[str, AfterValidator(check_name)]
Text = Annotated[str, Field(min_length=1)]
Clean = Annotated[Text, AfterValidator(without_secret)]


class Strict(BaseModel):
    """Settings without room for a misspelt one."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


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

    key: Text = KEY
    joins_on: Text = KEY
    cardinality: Literal["one_to_one", "many_to_one"] = "one_to_one"
    columns: dict[Name, Text]
    newest_by: Text | None = None
    dates: Dates = "iso"

    @field_validator("columns", mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        if not all(isinstance(name, str) for name in value) or len(set(value)) < len(value):
            raise ValueError("expected a list of names, each once")
        return {name: name for name in value}

    @field_validator("columns")
    @classmethod
    def _are_names(cls, value: dict[str, str]) -> dict[str, str]:
        if not value:
            raise ValueError("expected at least one column")
        if KEY in value:
            raise ValueError(f"'{KEY}' is the key's name here; declare it under 'key'")
        return value

    @model_validator(mode="after")
    def _each_stands_once(self) -> Self:
        names = [self.joins_on, *self.columns, *(["newest_by"] if self.newest_by else [])]
        if len({name.lower() for name in names}) < len(names):
            raise ValueError("expected each name once, in whatever letters, among columns, joins_on and newest_by")
        return self

    @property
    def wanted(self) -> list[str]:
        """The source's own names of all columns that are read."""
        return list(dict.fromkeys([self.key, *self.columns.values(), *([self.newest_by] if self.newest_by else [])]))


class FileSource(_Source):
    """A file as a run reads it: text, gzipped or not, Parquet, a folder of Parquet files, Excel.

    Attributes:
        path: The file or folder.
        encoding: As Python calls it; told from the file if empty, as are delimiter and decimal.
        delimiter: Between fields.
        decimal: The decimal sign.
        dates: As elsewhere, or how to read 3/4/2015; month reads every form of a month that can be told.
    """

    kind: Literal["file"]
    path: Clean
    encoding: str = ""
    delimiter: str = ""
    decimal: Literal["", ".", ","] = ""
    dates: Dates | Literal["day-first", "month-first"] = "month"  # type: ignore[assignment]  # wider than elsewhere


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
    folder: Clean
    pattern: Text = "*.csv"
    encoding: str = "cp1252"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    header: Literal[True] | Annotated[list[Text], Field(min_length=1)] = True
    nulls: list[str] = ["NULL", "-"]
    settle_seconds: Annotated[float, Field(ge=0, le=600)] = 2.0
    manifest: Literal["optional", "required"] = "optional"

    @field_validator("pattern")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        if value.startswith("/") or ".." in PurePosixPath(value).parts:
            raise ValueError("expected a pattern of files inside the folder")
        return value

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            "".encode(value)
        except (LookupError, ValueError):
            raise ValueError(f"expected a code page such as cp037, cp1252 or utf-8, got '{value}'") from None
        return codecs.lookup(value).name

    @field_validator("delimiter")
    @classmethod
    def _separates(cls, value: str) -> str:
        if not value.isascii() or value.isalnum() or value in '"\r\n\0':
            raise ValueError("expected one sign such as , ; | or a tab, that no number and no quote is written with")
        return value

    @model_validator(mode="after")
    def _signs_differ(self) -> Self:
        if self.delimiter == self.decimal:
            raise ValueError(f"expected a delimiter other than the decimal sign, got '{self.decimal}' for both")
        return self


class _Query(_Source):
    query: Text
    parameters: dict[str, Scalar] = {}
    time_limit: Annotated[float, Field(gt=0)] = 600.0  # seconds


class SqlSource(_Query):
    """A query on a database that SQLAlchemy reaches: `sqlite:///file.db`, `postgresql+psycopg://...`, `mssql+pyodbc://...`."""

    kind: Literal["sql"]
    url: Clean


class OdbcSource(_Query):
    """A query on an ODBC data source: a DSN or a connection string."""

    kind: Literal["odbc"]
    connection: Clean


class DatabricksSource(_Query):
    """A query on a Databricks SQL warehouse.

    Attributes:
        host: The server's name. `http://` is taken for a loopback address only.
        http_path: The warehouse's HTTP path.
        token: `${NAME}` of the environment variable with the access token.
        retries: Attempts at a request that the server could not serve.
    """

    kind: Literal["databricks"]
    host: Clean
    http_path: Clean
    token: str = "${DATABRICKS_TOKEN}"  # noqa: S105 (a reference, not a token)
    retries: Annotated[int, Field(ge=1, le=60)] = 5

    @field_validator("token")
    @classmethod
    def _is_reference(cls, value: str) -> str:
        if not is_reference(value):
            raise ValueError("expected ${NAME} of an environment variable, got a literal. Put it into the environment")
        return value


Source = Annotated[FileSource | Db2Drop | SqlSource | OdbcSource | DatabricksSource, Field(discriminator="kind")]
