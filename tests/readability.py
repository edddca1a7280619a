"""How a page of the report reads: its paragraphs, the length of its sentences, how easy they are, and names that are no words."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

# What a reader of sentences does not read: cells, code, formulas, what is folded, the way around the site.
SKIPPED = ("script", "style", "table", "pre", "math", "details", "nav", "header", "footer", "svg")
BLOCKS = ("p", "li", "dd", "figcaption")
_END = re.compile(r"(?<=[.!?])[”’\"')\]]*\s+(?=[“‘\"'(\[]?[A-Z0-9])")
_WORD = re.compile(r"[^\s]*[A-Za-z0-9][^\s]*")
_RAW_NAME = re.compile(r"(?<![\w/.-])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![\w/-])")
_VOWELS = re.compile(r"[aeiouy]+")


@dataclass
class Block:
    """A paragraph, list item, definition or caption: its text, what of it is code left out, and where it links.

    `own` is the text that is no link to somewhere else than the glossary.
    """

    tag: str
    text: str = ""
    own: str = ""
    links: list[str] = field(default_factory=list)


class _Blocks(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.skipped = self.code = 0
        self.elsewhere = False
        self.open: list[Block] = []
        self.found: list[Block] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.skipped += tag in SKIPPED
        self.code += tag == "code"
        if self.skipped:
            return
        named = {name: value or "" for name, value in attrs}
        if tag in BLOCKS:
            self.open.append(Block("heading" if "callout-title" in named.get("class", "") else tag))
        if tag == "a" and self.open:
            self.open[-1].links.append(named.get("href", ""))
            self.elsewhere = "glossary.html#" not in named.get("href", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS and not self.skipped and self.open:
            block = self.open.pop()
            block.text = " ".join(block.text.split())
            self.found += [block] if block.text else []
        self.skipped -= tag in SKIPPED
        self.code -= tag == "code"
        self.elsewhere &= tag != "a"

    def handle_data(self, data: str) -> None:
        if self.open and not self.skipped:
            self.open[-1].text += "code" if self.code else data
            self.open[-1].own += "" if self.code or self.elsewhere else data


def blocks(page: str) -> list[Block]:
    """Return what is read as sentences in the main part of an HTML page, in its order; code is the word 'code'."""
    parser = _Blocks()
    parser.feed(page.split("<main", 1)[-1].split("</main>", 1)[0])
    return parser.found


def sentences(page: str) -> list[str]:
    """Return the sentences of an HTML page."""
    return [sentence for block in blocks(page) for sentence in _END.split(block.text) if _WORD.search(sentence)]


def words_per_sentence(texts: list[str]) -> float:
    """Return the mean number of words, numbers among them."""
    return sum(len(_WORD.findall(text)) for text in texts) / len(texts)


def flesch_reading_ease(texts: list[str]) -> float:
    """Return Flesch's reading ease of sentences: 60 to 70 is plain English, below 30 very hard (Flesch 1948)."""
    # Numbers lengthen a sentence; how long its words are, words alone tell.
    words = [word for text in texts for word in _WORD.findall(text) if re.search("[A-Za-z]", word)]
    return 206.835 - 1.015 * words_per_sentence(texts) - 84.6 * sum(map(syllables, words)) / len(words)


def syllables(word: str) -> int:
    """Return about how many syllables a word has: groups of vowels, without a silent e."""
    count = 0
    for part in re.findall(r"[a-zà-ÿ]+", word.lower().removesuffix("’s").removesuffix("'s")):
        groups = len(_VOWELS.findall(part))
        silent = part.endswith(("e", "es", "ed")) and not part.endswith(
            ("le", "ted", "ded", "ses", "ces", "ges", "xes", "zes", "ches", "shes")
        )
        count += max(groups - (silent and groups > 1), 1)
    return max(count, 1)


def raw_names(page: str) -> list[str]:
    """Return names with an underscore that stand in sentences, and not as code."""
    return [name for block in blocks(page) for name in _RAW_NAME.findall(block.text)]


def unlinked(page: str, terms: dict[str, str]) -> list[str]:
    """Return the terms whose first use on a page is not linked to the glossary.

    Args:
        page: HTML.
        terms: The pattern of each term, by its anchor in the glossary.
    """
    lacking = []
    for anchor, pattern in terms.items():
        # A caption sums up its figure, and a heading what follows; the words around them explain.
        read = [block for block in blocks(page) if block.tag not in ("figcaption", "heading")]
        uses = [block for block in read if re.search(pattern, " ".join(block.own.split()), re.I)]
        if uses and f"glossary.html#{anchor}" not in uses[0].links:
            lacking.append(anchor)
    return lacking


def out_of_order(names: list[str]) -> list[str]:
    """Return names that stand behind one that comes later in the alphabet."""
    keys = [(re.sub(r"[^a-z ]", "", name.lower().replace("é", "e")), name) for name in names]
    return [second[1] for first, second in pairwise(keys) if second[0] < first[0]]


# Words that a reader outside statistics may not know, and their entries in the glossary.
TERMS = {
    "f2": r"\bF2\b",
    "odds-ratio": r"\bodds ratios?\b",
    "cramers-v": r"\bCramér.s V\b",
    "calibration": r"\bcalibrat(ed|ion)\b",
    "roc-auc": r"\bROC-AUC\b",
    "data-leakage": r"\bdata leakage\b",
    "smote": r"\bSMOTE\b",
    "holm": r"\bHolm\b",
    "confidence-interval": r"\bconfidence intervals?\b",
    "default-rate": r"\bdefault rates?\b",
    "dti": r"\bdebt-to-income\b|\bDTI\b",
    "expected-profit": r"\bexpected profit\b",
    "verdict": r"\bverdicts?\b",
    "frontier": r"\bfrontier\b",
    "four-fifths": r"\bfour[ -]fifths\b",
    "out-of-time": r"\bout-of-time\b",
    "synthetic-data": r"\bsynthetic (data|loans|snapshots)\b",
}
