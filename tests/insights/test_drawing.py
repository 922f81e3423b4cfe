"""How figures are drawn: colours, letters, escapes."""

import re
from xml.etree import ElementTree as ET

import pytest

from sentiserve.insights.drawing.dress import FAINT, GROUND, HUES, INK, LINE
from sentiserve.insights.drawing.lettering import shortened, width
from sentiserve.insights.drawing.markup import shown, tag
from sentiserve.insights.figures import stylesheet

LIGHT, DARK = (
    dict(re.findall(r"--sv-([\w-]+): (#\w{6});", part))
    for part in stylesheet().split("@media (prefers-color-scheme: dark)")
)


def luminance(colour: str) -> float:
    """Relative luminance, by WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio, by WCAG 2.2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_everything_stands_out_from_its_ground(theme: dict[str, str]) -> None:
    """Shapes by 3 to 1 and words by 4.5 to 1, as WCAG 2.2 asks."""
    for hue in HUES:
        assert contrast(theme[hue], theme["ground"]) >= 3
        assert (
            contrast(theme[f"on-{hue}" if f"on-{hue}" in theme else "on-other"], theme[hue]) >= 4.5
        )
    for words in ("ink", "faint"):
        assert contrast(theme[words], theme["ground"]) >= 4.5


def test_without_a_stylesheet_the_colours_are_those_of_the_light() -> None:
    """A picture opened alone, or in a notebook, looks the same."""
    alone = {**HUES, "ground": GROUND, "ink": INK, "faint": FAINT, "line": LINE}
    assert alone == {name: LIGHT[name] for name in alone}


def test_every_class_has_its_style() -> None:
    """Each colour of labels and of the words on them."""
    for hue in HUES:
        assert f".sv-{hue} {{" in stylesheet()
        assert f".sv-on-{hue} {{" in stylesheet()


def test_text_and_values_are_escaped_and_names_are_ours() -> None:
    """Whatever is put in comes out of a parser again."""
    text = """<a href='x'>&"'&amp;"""
    parsed = ET.fromstring(str(tag("p", text, class_=text, aria_label=None)))
    assert (parsed.text, parsed.attrib) == (text, {"class": text})


@pytest.mark.parametrize("bad", [*"\x00\x1b\x7f\x85\ufffe\u202e\u2066", "\ud800"])
def test_what_cannot_be_shown_is_left_out(bad: str) -> None:
    """Control characters, halves of pairs, and what turns the direction of what follows."""
    assert shown(f"a{bad}b") == "ab"


@pytest.mark.parametrize("good", ["مرحبا", "日本語", "नमस्ते", "👩‍👩‍👧", "a\u200cb", "Ünï", "\t\n"])
def test_what_people_write_stays(good: str) -> None:
    """Any script, joiners and combined emoji."""
    assert shown(good) == good


def test_heaps_of_marks_do_not_cover_the_lines_around() -> None:
    """No script puts twenty of them on a letter."""
    assert shown("a" + "\u0300" * 20 + "b") == "a" + "\u0300" * 6 + "b"


@pytest.mark.parametrize("name", ["short", "W" * 50, "il" * 50, "日本語" * 20, "👍" * 30, ""])
def test_a_shortened_name_fits(name: str) -> None:
    """By its letters' own widths, not by their number."""
    cut = shortened(name, 120)
    assert width(cut) <= 120
    assert cut == name or width(cut) > 90


def test_a_name_is_one_line() -> None:
    """Whatever white space is in it."""
    assert shortened("a\n b\t c", 200) == "a b c"
