"""A figure as it is written tells the value of each of its points and bars, and looks as it would without."""

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from test_plots_policy import FIGURES

from loantap.exhibits.plots.marks import ratio_ticks
from loantap.exhibits.plots.style import canvas, house_style, percent, save_svg

NAMES = ["A", "B", "C"]
RATES = [0.05, 0.1234, 0.2]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def titles(tmp_path: Path) -> Callable[[Figure], list[str]]:
    def read(figure: Figure) -> list[str]:
        save_svg(figure, tmp_path / "figure.svg")
        drawn = ElementTree.parse(tmp_path / "figure.svg").getroot()
        marks = [mark for kind in ("use", "path") for mark in drawn.iter(f"{SVG}{kind}")]
        return [title.text or "" for mark in marks for title in mark.iter(f"{SVG}title")]

    return read


def drawn(draw: Callable[[Axes], object]) -> Figure:
    with canvas(height=2) as (figure, axes):
        draw(axes)
    return figure


def test_bars_tell_their_names_and_heights_as_percentages(titles):
    def bars(axes: Axes) -> None:
        axes.bar(range(3), RATES)
        axes.set_xticks(range(3), NAMES)
        percent(axes.yaxis)

    assert titles(drawn(bars)) == ["A: 5.0%", "B: 12.3%", "C: 20.0%"]


def test_a_bar_that_starts_elsewhere_than_at_nothing_tells_both_ends(titles):
    def bars(axes: Axes) -> None:
        axes.barh([0, 1], [-2, 3], left=[4, 0])
        axes.set_yticks([0, 1], NAMES[:2])

    assert titles(drawn(bars)) == ["A: 4 to 2", "B: 3"]


def test_rows_with_intervals_tell_their_values_once_also_when_they_are_shifted(titles):
    def rows(axes: Axes) -> None:
        axes.errorbar(RATES, np.arange(3) + 0.2, xerr=0.01, fmt="o", capsize=2)
        axes.set_yticks(range(3), NAMES)
        percent(axes.xaxis)

    assert titles(drawn(rows)) == ["A: 5.0%", "B: 12.3%", "C: 20.0%"]


def test_points_on_a_line_tell_both_values_and_what_they_measure(titles):
    def line(axes: Axes) -> None:
        axes.plot([1_000, 2_000], RATES[:2], marker="o", label="in the legend")
        axes.legend()
        axes.axhline(0.1)
        axes.set(xlabel="Loan\namount", ylabel="Default rate")
        percent(axes.yaxis)

    assert titles(drawn(line)) == ["Loan amount: 1,000\nDefault rate: 5.0%", "Loan amount: 2,000\nDefault rate: 12.3%"]


def test_dates_are_months(titles):
    def line(axes: Axes) -> None:
        axes.plot(date2num(np.array(["2012-02-15", "2014-08-15"], dtype="datetime64[D]")), [1, 0.5], "o")
        axes.xaxis_date()

    assert titles(drawn(line)) == ["2012-02\n1", "2014-08\n0.5"]


def test_written_out_ticks_of_ratios_are_no_names(titles):
    def forest(axes: Axes) -> None:
        axes.set(xscale="log", xlim=(0.3, 3))
        axes.plot([0.964, 2], [0, 1], "o")
        axes.set_yticks([0, 1], NAMES[:2])
        ratio_ticks(axes, (0.5, 1, 2))

    assert titles(drawn(forest)) == ["A: 0.964", "B: 2"]


def test_a_month_without_a_tick_tells_what_is_measured(titles):
    def months(axes: Axes) -> None:
        axes.plot(range(4), [1, 2, 3, 4], "o")
        axes.set_xticks([0, 3], ["2016-01", "2016-04"])
        axes.set_ylabel("Ratio")

    assert titles(drawn(months)) == ["2016-01: 1", "Ratio: 2", "Ratio: 3", "2016-04: 4"]


def test_each_spot_of_a_scatter_tells_its_value_whatever_its_size(titles):
    def spots(axes: Axes) -> None:
        axes.scatter(RATES, [0, 1, 2], s=[10, 20, 30])
        axes.set_yticks(range(3), NAMES)

    assert titles(drawn(spots)) == ["A: 0.05", "B: 0.123", "C: 0.2"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda axes: (axes.plot([1, 1e7, 2], [1, 1e7, 2], "o"), axes.set(xlim=(0, 3), ylim=(0, 3))),
        lambda axes: axes.plot(np.arange(401), np.arange(401), "o"),
        lambda axes: axes.plot([0, 1], [0, 1]),
        lambda axes: axes.plot([np.nan], [1], "o"),
        lambda axes: (axes.bar([0, 1], [1, 2]), axes.set_yticks([])),
    ],
    ids=["a point outside the canvas", "a cloud", "a line without points", "nothing known", "no ticks"],
)
def test_there_are_no_titles_where_they_could_be_wrong_or_nobody_reads_them(draw, titles):
    assert titles(drawn(draw)) == []


def test_missing_points_shift_no_value(titles):
    def gaps(axes: Axes) -> None:
        axes.plot([0, 1, 2], [0.1, np.nan, 0.3], "o-")
        axes.set_xticks(range(3), NAMES)

    assert titles(drawn(gaps)) == ["A: 0.1", "C: 0.3"]


def test_names_are_text_never_markup(titles):
    def bars(axes: Axes) -> None:
        axes.bar([0, 1], [1, 2])
        axes.set_xticks([0, 1], [r"R&D <b> \1", "<&amp;>"])

    assert titles(drawn(bars)) == [r"R&D <b> \1: 1", "<&amp;>: 2"]


def plain(figure: Figure, path: Path) -> None:
    with house_style():
        figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})


@pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES.keys())
def test_a_figure_is_the_same_each_time_and_looks_as_without_titles(make, tmp_path):
    def written(figure: Figure, way: Callable[[Figure, Path], None]) -> str:
        way(figure, tmp_path / "figure.svg")
        return (tmp_path / "figure.svg").read_text("utf-8")

    figure, bare = make(), make()
    told, untold = written(figure, save_svg), written(bare, plain)
    assert told == written(make(), save_svg)
    assert look(told) == look(untold)
    assert written(figure, plain) == written(bare, plain)


def look(svg: str) -> str:
    """Return an SVG without the names of its groups and without titles."""
    untitled = re.sub(r"><title>.*?</title></(use|path)>", "/>", svg, flags=re.DOTALL)
    return re.sub(r'<g id="[^"]*"', "<g", untitled)
