"""Theil-Sen trends in SQL: the window of months that ends with the last one known, the median of the slopes of its pairs."""

from collections.abc import Iterator

from sqlglot import exp

from loantap.data.columns import KEY
from loantap.watchlist.settings import Settings
from loantap.watchlist.signals import MIN_KNOWN, MIN_KNOWN_HALF

LONGEST = 24  # months of a window, of which each names all others
_MEASURES = {"dti": "dti", "revol_util": "util"}


def window_columns(settings: Settings) -> Iterator[str]:
    """Yield the months of a window, oldest first, as dti_w1 ...: it ends where the value was last known, `carry` months ago at most."""
    for name in _MEASURES:
        for place in range(1, settings.window + 1):
            back = settings.window - place
            ends = " ".join(f"WHEN {name}_{age} IS NOT NULL THEN {name}_{back + age}" for age in range(settings.carry))
            held = f"{name}_{back + settings.carry}"
            yield f"CASE {ends} ELSE {held} END AS {name}_w{place}" if ends else f"{held} AS {name}_w{place}"


def trends(settings: Settings) -> Iterator[tuple[str, exp.Select]]:
    """Yield the steps from `levels` to `slopes`: trend and acceleration of each measure, by loan."""
    window, half = settings.window, (settings.window + 1) // 2
    places = range(1, window + 1)
    yield "filled", exp.select(KEY, *(_filled(name, place, window) for name in _MEASURES for place in places), dialect="duckdb").from_("levels").where("is_live")  # fmt: skip
    pairs = exp.values(
        [(one, other) for one in places for other in places if one < other], alias="pair", columns=["i", "j"]
    )
    values = {name: [" ".join(f"WHEN {place} THEN {name}_f{place}" for place in places)] for name in _MEASURES}
    slopes = [f"(CASE j {text[0]} END - CASE i {text[0]} END) / (j - i) AS {name}" for name, text in values.items()]
    yield "pairs", exp.select(KEY, "i", "j", *slopes, dialect="duckdb").from_("filled").join(pairs, join_type="cross")
    made = []
    for name, called in _MEASURES.items():
        earlier, later = (_median(f"CASE WHEN {side} THEN {name} END", MIN_KNOWN_HALF) for side in (f"j <= {half}", f"i > {window - half}"))  # fmt: skip
        made += [f"{_median(name, MIN_KNOWN)} AS {called}_trend", f"{later} - {earlier} AS {called}_acceleration"]
    yield "slopes", exp.select(KEY, *made, dialect="duckdb").from_("pairs").group_by(KEY)


def _median(slope: str, known: int) -> str:
    """Return the median of the slopes where so many months are known, and hence all their pairs."""
    return f"CASE WHEN COUNT({slope}) >= {known * (known - 1) // 2} THEN MEDIAN({slope}) END"


def _filled(name: str, place: int, window: int) -> str:
    """Return a month of the window, where it is not known and lies between known ones on the line between them."""

    def nearest(others: range) -> tuple[str, str]:
        value = f"COALESCE({', '.join(f'{name}_w{other}' for other in others)})"
        return value, f"CASE {' '.join(f'WHEN {name}_w{other} IS NOT NULL THEN {other}' for other in others)} END"

    own = f"{name}_w{place}"
    if place in (1, window):
        return f"{own} AS {name}_f{place}"
    (low, start), (high, end) = nearest(range(place - 1, 0, -1)), nearest(range(place + 1, window + 1))
    return f"COALESCE({own}, {low} + ({high} - {low}) * ({place} - {start}) / ({end} - {start})) AS {name}_f{place}"
