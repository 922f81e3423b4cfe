"""What tests read out of a picture."""

from collections.abc import Iterator
from xml.etree import ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "desc", "defs", "pattern", "g", "rect", "path", "text"}
ATTRIBUTES = {
    "aria-labelledby", "class", "d", "fill", "fill-rule", "font-family", "font-size",
    "font-weight", "height", "id", "patternUnits", "role", "rx", "stroke", "stroke-dasharray",
    "stroke-linecap", "stroke-width", "text-anchor", "viewBox", "width", "x", "y",
}  # fmt: skip


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def texts(picture: ET.Element) -> list[str]:
    """The words that are seen."""
    return [element.text or "" for element in picture.iter(f"{SVG}text")]


def tips(picture: ET.Element) -> list[str]:
    """What is told of each part under the pointer."""
    return [element.text or "" for element in picture.iter(f"{SVG}title")][1:]


def strangers(picture: ET.Element) -> Iterator[str]:
    """Elements and attributes that we never draw."""
    for element in picture.iter():
        name = element.tag.removeprefix(SVG)
        if name not in ELEMENTS:
            yield name
        yield from (attribute for attribute in element.attrib if attribute not in ATTRIBUTES)
