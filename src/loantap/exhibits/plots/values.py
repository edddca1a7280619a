"""What a figure tells where the pointer rests: the value of each point and bar, as titles in its SVG."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from html import escape

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PathCollection
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.dates import DateLocator, num2date
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, StrMethodFormatter

_MOST = 400  # points of one kind: more are a cloud, which nobody reads one by one
_POINT = re.compile(r"<(?P<tag>use) (?P<rest>[^>]*)/>")
_SHAPE = re.compile(r"<(?P<tag>use|path(?= d=)) (?P<rest>[^>]*)/>")  # a path with an id is a pattern for others


@contextmanager
def told(figure: Figure) -> Iterator[dict[str, list[str]]]:
    """Yield what each line of points, scatter and bar of a figure tells, by the id that it has in an SVG meanwhile.

    The texts of an artist are in the order in which its points are drawn. Afterwards the figure is as it was.
    """
    texts: dict[str, list[str]] = {}
    ids: list[tuple[Artist, str | None]] = []
    for panel, axes in enumerate(figure.axes):
        for place, (kind, artist, values) in enumerate(_artists(axes)):
            ids.append((artist, artist.get_gid()))
            artist.set_gid(f"{kind}-{panel}-{place}")
            texts[f"{kind}-{panel}-{place}"] = values
    try:
        yield texts
    finally:
        for artist, name in ids:
            artist.set_gid(name)


def titled(svg: str, texts: dict[str, list[str]]) -> str:
    """Return the SVG with each text as the title of its mark; an artist with more or fewer marks than texts gets none."""
    parts = re.split(r'(?=<g id=")', svg)
    for place, part in enumerate(parts):
        name = part.removeprefix('<g id="').partition('"')[0]
        pattern = _POINT if name.startswith("points-") else _SHAPE
        if name in texts and len(pattern.findall(part)) == len(texts[name]):
            for text in texts[name]:  # a mark that has its title is no match for the next one
                title = escape(text, quote=False).replace("\\", r"\\")
                part = pattern.sub(rf"<\g<tag> \g<rest>><title>{title}</title></\g<tag>>", part, count=1)
            parts[place] = part
    return "".join(parts)


def _artists(axes: Axes) -> Iterator[tuple[str, Artist, list[str]]]:
    """Yield the kind of each artist that has values, the artist, and the texts of its marks."""
    if not (len(axes.get_xticks()) and len(axes.get_yticks())):
        return  # without ticks an axis does not say in what its values are
    caps = {cap for one in axes.containers if isinstance(one, ErrorbarContainer) for cap in one.lines[1]}
    for line in axes.lines:
        if line not in caps and str(line.get_marker()).strip().lower() not in ("", "none"):
            yield from _points(axes, "points", line, np.asarray(line.get_xydata(), dtype=float))
    for spots in axes.collections:
        if isinstance(spots, PathCollection):
            yield from _points(axes, "spots", spots, np.ma.filled(np.ma.asarray(spots.get_offsets()), np.nan))
    for bars in axes.containers:
        if isinstance(bars, BarContainer):
            for bar in bars.patches:
                box = bar.get_bbox()
                ends = box.intervalx if bars.orientation == "horizontal" else box.intervaly
                if np.isfinite(box.get_points()).all():
                    at = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
                    yield "bar", bar, [_text(axes, *at, bar=(bars.orientation == "horizontal", ends))]


def _points(axes: Axes, kind: str, artist: Artist, points: np.ndarray) -> Iterator[tuple[str, Artist, list[str]]]:
    known = [(float(x), float(y)) for x, y in points if np.isfinite([x, y]).all()]
    if 0 < len(known) <= _MOST:
        yield kind, artist, [_text(axes, x, y) for x, y in known]


def _text(axes: Axes, x: float, y: float, bar: tuple[bool, Iterable[float]] | None = None) -> str:
    """Say the name and the value of a point, or its two values where no axis has names; of a bar whether it lies, and its ends."""
    across = bar[0] if bar else _names(axes.yaxis) is not None
    of, by, place = (axes.xaxis, axes.yaxis, y) if across else (axes.yaxis, axes.xaxis, x)
    ends = [end for end in bar[1] if end] if bar else [x if across else y]  # a bar from 0 has one end to tell
    value = " to ".join(dict.fromkeys(_shown(of, end) for end in ends or [0.0]))
    names = _names(by)
    if names is None:
        return "\n".join([_led(by.get_label_text(), _shown(by, place)), _led(of.get_label_text(), value)])
    near = min(names, key=lambda tick: abs(tick - place), default=np.inf)
    return _led(names[near] if abs(near - place) < 0.5 else of.get_label_text(), value)  # not every month has a tick


def _led(name: str, value: str) -> str:
    return f"{' '.join(name.split())}: {value}" if name else value


def _names(axis: Axis) -> dict[float, str] | None:
    """Return the names on an axis by their places; None where it is one of numbers (ticks of ratios are written out, too)."""
    formatter = axis.get_major_formatter()
    # Matplotlib makes a partial function of what `set_xticks(places, names)` was told.
    if axis.get_scale() != "linear" or not isinstance(getattr(formatter, "func", None), partial):
        return None
    return {float(place): formatter(place, at) for at, place in enumerate(axis.get_majorticklocs())}


def _shown(axis: Axis, value: float) -> str:
    formatter = axis.get_major_formatter()
    if isinstance(formatter, FuncFormatter) and formatter(value, 0).endswith("%"):
        return f"{round(100 * value, 1) + 0.0:.1f}%"
    if isinstance(axis.get_major_locator(), DateLocator):
        return num2date(value).strftime("%Y-%m")
    if isinstance(formatter, StrMethodFormatter):
        return str(formatter(value, 0))
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value + 0.0:.3g}"
