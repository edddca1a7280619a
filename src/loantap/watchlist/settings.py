"""The thresholds of early warning: `data/reference/early_warning.yml`, which says what each setting means, checked."""

from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from loantap.errors import InputError
from loantap.settings import reference_dir

FILE_NAME = "early_warning.yml"
SIGNALS = (
    "dti", "revol_util", "dti_trend", "util_trend", "dti_acceleration", "util_acceleration", "probability_change", "payment_shortfall",
    "inquiries",
)  # fmt: skip
_Share = Annotated[float, Field(ge=0.01, le=1)]
_Fraction = Annotated[float, Field(ge=0, le=1)]


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Thresholds(_Checked):
    """Where a signal counts: one point above `amber`, two above `red`."""

    amber: float
    red: float

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.amber >= self.red:
            raise ValueError(f"expected amber below red, got {self.amber:g} and {self.red:g}")
        return self


def _within(low: float, high: float) -> AfterValidator:
    def check(value: Thresholds) -> Thresholds:
        if value.amber < low or value.red > high:
            raise ValueError(f"expected thresholds within {low:g} to {high:g}, got {value.amber:g} and {value.red:g}")
        return value

    return AfterValidator(check)


_Level = Annotated[Thresholds, _within(1, 1000)]
_Trend = Annotated[Thresholds, _within(0.01, 100)]
_Part = Annotated[Thresholds, _within(0.001, 1)]


class SignalThresholds(_Checked):
    """Thresholds by signal; units as in `signals`."""

    dti: _Level
    revol_util: _Level
    dti_trend: _Trend
    util_trend: _Trend
    dti_acceleration: _Trend
    util_acceleration: _Trend
    probability_change: _Part
    payment_shortfall: _Part
    inquiries: Annotated[Thresholds, _within(1, 100)]

    def of(self, signal: str) -> Thresholds:
        """Return the thresholds of one of SIGNALS."""
        return getattr(self, signal)


class BacktestSettings(_Checked):
    """What the back-test evaluates by: the horizon in months, when an alert comes late, and the budgets of alerts."""

    horizon: int = Field(ge=1, le=24)
    early_days: int = Field(ge=1, le=90)
    alerts_per_1000: float = Field(ge=1, le=1000)
    red_per_1000: float = Field(ge=1, le=1000)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        red, alerts = self.red_per_1000, self.alerts_per_1000
        if red > alerts:
            raise ValueError(f"expected red_per_1000 no larger than alerts_per_1000, got {red:g} and {alerts:g}")
        return self


class DeliverySettings(_Checked):
    """By how much, as shares, a month may fall short of the one before; more is refused as incomplete."""

    loans: _Share
    balance: _Share
    arrears: _Share
    known: _Share


class ActingSettings(_Checked):
    """The share of its expected loss that acting on a loan saves: assumptions, to be replaced by the lender's own experience."""

    performing: _Fraction
    in_default: _Fraction
    from_probability: _Share

    @property
    def words(self) -> str:
        """The assumptions in a sentence."""
        return (
            f"Acting is assumed to save {self.performing:.0%} of the expected loss of a performing loan and {self.in_default:.0%} "
            "of that of a loan in default. These shares are assumptions: nothing here shows them."
        )


class Scenario(_Checked):
    """What the odds of default of each month are multiplied by, and how much the scenario counts; both are assumptions."""

    odds: float = Field(ge=0.1, le=10)
    weight: _Fraction


class LossSettings(_Checked):
    """Thresholds of stages, and scenarios.

    The 12-month probability has risen significantly if it is `relative` times what the application let expect and `absolute` more; both
    are asked, so that a small probability that doubles is no alarm.
    """

    relative: float = Field(ge=1, le=10)
    absolute: float = Field(ge=0, le=0.5)
    backstop_days: int = Field(ge=1, le=90)
    better: Scenario
    base: Scenario
    worse: Scenario

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        scenarios = (self.better, self.base, self.worse)
        odds, weights = ([getattr(one, name) for one in scenarios] for name in ("odds", "weight"))
        if odds != sorted(odds):
            raise ValueError("expected odds that rise from better to worse, got {:g}, {:g} and {:g}".format(*odds))
        if abs(sum(weights) - 1) > 1e-9:
            raise ValueError("expected weights that add up to 1, got {:g}, {:g} and {:g}".format(*weights))
        return self


class Settings(_Checked):
    """All that a watchlist depends on besides the panel and the model."""

    window: int = Field(ge=5, le=24)
    carry: int = Field(ge=0, le=12)
    probation: int = Field(ge=1, le=24)
    floors: Annotated[Thresholds, _within(1, 89)]
    delivery: DeliverySettings
    signals: SignalThresholds
    amber_points: int = Field(ge=1, le=18)
    red_points: int = Field(ge=1, le=19)
    backtest: BacktestSettings
    acting: ActingSettings
    expected_loss: LossSettings

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.amber_points >= self.red_points:
            raise ValueError(f"expected amber_points below red_points, got {self.amber_points} and {self.red_points}")
        return self

    def with_points(self, amber_points: int, red_points: int) -> "Settings":
        """Return the same with other points."""
        return self.model_copy(update={"amber_points": amber_points, "red_points": red_points})

    def stricter(self, factor: float) -> "Settings":
        """Return the same with all thresholds of signals times a factor, above 1 for fewer alerts; floors stay as they are."""
        limits = {name: self.signals.of(name) for name in SIGNALS}
        scaled = {name: Thresholds(amber=one.amber * factor, red=one.red * factor) for name, one in limits.items()}
        return self.model_copy(update={"signals": self.signals.model_copy(update=scaled)})


def read_settings(path: Path | None = None) -> Settings:
    """Read the settings; by default `data/reference/early_warning.yml`.

    Raises InputError for a file that is absent or no YAML, and for a setting that is missing, unknown or out of bounds, by name.
    """
    path = path or reference_dir() / FILE_NAME
    try:
        return Settings.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except FileNotFoundError:
        raise InputError(f"{path}: expected the settings of early warning, found no file.") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: expected YAML, but: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(_in_words(one["loc"], one["msg"], one["input"]) for one in error.errors())
        help_ = f"Mend the file; {FILE_NAME} of the project says what each setting means."
        raise InputError(f"{path}: {wrong}. {help_}") from error


def _in_words(place: tuple[int | str, ...], message: str, value: object) -> str:
    name = ".".join(map(str, place)) or "settings"
    if message.startswith("Value error, "):  # raised above, with the value
        return f"{name}: {message.removeprefix('Value error, ')}"
    return f"{name}: {message[0].lower()}{message[1:]}" + ("" if isinstance(value, dict) else f", got {value!r}")
