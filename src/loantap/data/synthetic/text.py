"""Free text: employers and jobs, loan titles, addresses. All synthetic, built column-wise with Arrow."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loantap.data.synthetic import words
from loantap.data.synthetic.plan import Plan

Integers = NDArray[np.integer]
MILITARY_STATES = ("AA", "AE", "AP")
ONE_OF_A_KIND = 0.37  # share of other job titles that no second loan has
RECURRING_SHARE = 0.115  # different recurring titles, as a share of the other titles
RECURRING_POWER = 1.9  # how steeply they fall in frequency; the commonest stays below the published ones
FREE_TEXT_MONTHS = 14  # how blurred the end of free-text loan titles is
FREE_TEXT_NUMBERS = 220  # half of the free titles end in one of so many numbers, which sets how many differ


def pick(choices: Sequence[str | None], index: Integers) -> pa.Array:
    """Return `choices[index]` as Arrow strings."""
    return pa.array(choices, pa.large_string()).take(pa.array(index))


def join(*parts: pa.Array | str) -> pa.Array:
    """Return the parts joined row by row."""
    strings = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in (*parts, "")]
    return pc.binary_join_element_wise(*strings)


def digits(numbers: Integers, width: int) -> pa.Array:
    """Return whole numbers as strings, zeros in front up to `width`."""
    return pc.utf8_lpad(pa.array(numbers).cast(pa.large_string()), width, "0")


def scatter(parts: Sequence[tuple[Integers, pa.Array]]) -> pa.Array:
    """Return one array from (rows, values) parts that together cover every row once."""
    rows = np.concatenate([part for part, _ in parts])
    return pa.concat_arrays([values for _, values in parts]).take(pa.array(np.argsort(rows, kind="stable")))


def restyle(text: pa.Array, style: Integers) -> pa.Array:
    """Return the text as it is (0), in lower case (1), or with the space that applicants leave behind (2)."""
    return pc.choose(pa.array(style), text, pc.utf8_lower(text), join(text, " "))


def job_title(number: Integers) -> pa.Array:
    """Return the job titles and employers with these numbers; the lowest numbers are plain professions."""
    plain = (*words.ROLES, *(role.lower() for role in words.ROLES))
    rest = np.maximum(number - len(plain), 0)
    place = rest // 2

    roles, ranks, departments = len(words.ROLES), len(words.RANKS), len(words.DEPARTMENTS) + 1
    job = join(
        pick(words.RANKS, place // roles % ranks),
        " ",
        pick(words.ROLES, place % roles),
        pick(("", *(f" {name}" for name in words.DEPARTMENTS)), place // (roles * ranks) % departments),
    )
    job = restyle(job, place // (roles * ranks * departments) % 3)

    names, forms = len(words.SURNAMES), len(words.COMPANY_FORMS)
    employer = join(
        pick(words.SURNAMES, place % names),
        pick(("", *(f" & {name}" for name in words.SURNAMES)), place // (names * forms) % (names + 1)),
        " ",
        pick(words.COMPANY_FORMS, place // names % forms),
    )
    employer = restyle(employer, place // (names * forms * (names + 1)) % 3)
    kind = np.where(number < len(plain), 0, 1 + rest % 2)
    return pc.choose(pa.array(kind), pick(plain, np.minimum(number, len(plain) - 1)), job, employer)


def employment_titles(
    code: Integers, titles: Sequence[str | None], *, first_row: int, table_rows: int, rng: np.random.Generator
) -> pa.Array:
    """Return emp_title: the published titles by code, a synthetic one for the level "", null for None."""
    other = np.flatnonzero(code == titles.index(""))
    recurring = max(1, int(RECURRING_SHARE * table_rows))
    number = (recurring * rng.random(len(other)) ** RECURRING_POWER).astype(np.int64)
    single = rng.random(len(other)) < ONE_OF_A_KIND
    number[single] = recurring + first_row + np.flatnonzero(single)
    named = np.flatnonzero(code != titles.index(""))
    return scatter([(named, pick(titles, code[named])), (other, job_title(number))])


def loan_titles(
    purpose: Integers,
    issued: Integers,
    purposes: Sequence[str],
    menus: Sequence[Sequence[str | None]],
    plan: Plan,
    rng: np.random.Generator,
) -> pa.Array:
    """Return the loan title: each purpose's menu in exact numbers, free text ("" in the menu) on the older loans."""
    time = issued + FREE_TEXT_MONTHS * rng.standard_normal(len(purpose))
    order = np.lexsort((time, purpose))
    starts = np.searchsorted(purpose[order], np.arange(len(purposes) + 1))
    parts: list[tuple[Integers, pa.Array]] = []
    for code, (name, menu) in enumerate(zip(purposes, menus, strict=True)):
        rows = order[starts[code] : starts[code + 1]]
        counts = plan.take_titles(name, len(rows))
        free = menu.index("")
        old, new = rows[: counts[free]], rng.permutation(rows[counts[free] :])
        named = np.delete(np.arange(len(menu)), free)
        parts += [
            (new, pick(menu, np.repeat(named, counts[named]))),
            (old, free_title(name.replace("_", " "), len(old), rng)),
        ]
    return scatter(parts)


def free_title(purpose: str, rows: int, rng: np.random.Generator) -> pa.Array:
    """Return titles that applicants might have typed for a purpose."""
    number = rng.integers(0, 2 * FREE_TEXT_NUMBERS, rows)
    text = join(
        pick(words.TITLE_STARTS, rng.integers(0, len(words.TITLE_STARTS), rows)),
        f" {purpose} ",
        pick(words.TITLE_ENDS, rng.integers(0, len(words.TITLE_ENDS), rows)),
        pick(("", *map(str, range(FREE_TEXT_NUMBERS))), np.where(number < FREE_TEXT_NUMBERS, number + 1, 0)),
    )
    return pc.utf8_trim_whitespace(text)


def addresses(pincode: pa.Array, state: pa.Array, rng: np.random.Generator) -> pa.Array:
    """Return addresses that end in state and pincode: two lines with CRLF between, military ones by state."""
    ending = join(state, " ", pincode)
    military = np.flatnonzero(pc.is_in(state, pa.array(MILITARY_STATES, pa.large_string())).to_numpy(False))
    civil = np.setdiff1d(np.arange(len(state)), military)
    return scatter(
        [
            (civil, civil_addresses(ending.take(pa.array(civil)), rng)),
            (military, military_addresses(ending.take(pa.array(military)), rng)),
        ]
    )


def civil_addresses(ending: pa.Array, rng: np.random.Generator) -> pa.Array:
    """Return house, street and town in front of each ending."""
    rows = len(ending)

    def word(choices: Sequence[str]) -> pa.Array:
        return pick(choices, rng.integers(0, len(choices), rows))

    width = rng.integers(3, 6, rows)
    number = digits((rng.random(rows) * 10.0**width).astype(np.int64), 3)
    unit = digits(rng.integers(0, 1000, rows), 3)
    no_unit = pa.repeat(pa.scalar("", pa.large_string()), rows)
    unit = pc.choose(pa.array(rng.integers(0, 4, rows)), join(" Apt. ", unit), join(" Suite ", unit), no_unit, no_unit)
    surname = word(words.SURNAMES)
    town = pc.choose(
        pa.array(rng.integers(0, 4, rows)),
        join("New ", word(words.FIRST_NAMES)),
        join(surname, word(words.CITY_ENDINGS)),
        join(surname, word(words.CITY_ENDINGS)),
        join("Port ", surname),
    )
    street = word((*words.FIRST_NAMES, *words.SURNAMES))
    return join(number, " ", street, " ", word(words.STREETS), unit, "\r\n", town, ", ", ending)


def military_addresses(ending: pa.Array, rng: np.random.Generator) -> pa.Array:
    """Return ships, units and boxes in front of each ending."""
    rows = len(ending)
    surname = pick(words.SURNAMES, rng.integers(0, len(words.SURNAMES), rows))
    unit, box = (digits(rng.integers(0, 10_000, rows), 4) for _ in range(2))
    place = pc.choose(
        pa.array(rng.integers(0, 4, rows)),
        join("USNS ", surname, "\r\nFPO "),
        join("USCGC ", surname, "\r\nFPO "),
        join("Unit ", unit, " Box ", box, "\r\nDPO "),
        join("PSC ", unit, ", Box ", box, "\r\nAPO "),
    )
    return join(place, ending)
