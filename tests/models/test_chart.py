"""Pictures: files that are what their names say, the same each time."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from sentiserve.errors import BadInputError
from sentiserve.models.bench import Result
from sentiserve.models.chart import check_picture, draw

TIMES = "\N{MULTIPLICATION SIGN} as fast"
FIRST = Result(
    name="float",
    format="onnx",
    model="0" * 16,
    median_ms=61.04,
    p99_ms=80.0,
    latency_ratio=1.0,
    texts_per_second=42.1,
    throughput_ratio=1.0,
    disk_mb=500.0,
    memory_mb=600.0,
    equal_labels=100.0,
    largest_difference=0.0,
    macro_recall=None,
    calibration_error=None,
    matmul_share=None,
)
OTHER = replace(
    FIRST,
    name="int8 for $5 <cheap>",
    median_ms=22.31,
    latency_ratio=2.74,
    texts_per_second=1219.4,
    throughput_ratio=28.96,
)


def words(svg: Path) -> list[str]:
    texts = ET.parse(svg).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(text.itertext()).strip() for text in texts]


def test_an_svg_names_every_bundle_with_its_figures(tmp_path: Path) -> None:
    draw([FIRST, OTHER], "2 cores, 128 texts", tmp_path / "speed.svg")
    said = words(tmp_path / "speed.svg")
    assert {"float", "61.0", "42.1"} <= set(said)
    assert {"int8 for $5 <cheap>", f"22.3 (2.74{TIMES})", f"1,219 (28.96{TIMES})"} <= set(said)
    assert "2 cores, 128 texts" in said


def test_long_names_lose_their_middle_and_the_titles_keep_apart(tmp_path: Path) -> None:
    svg = tmp_path / "speed.svg"
    draw([FIRST, replace(OTHER, name="hf:my-team/" + "long-" * 40 + "name@v2")], "2 cores", svg)
    assert "hf:my-team/long-l\N{HORIZONTAL ELLIPSIS}-long-long-name@v2" in words(svg)
    assert max(map(len, words(svg))) < 60
    left, right = map(float, re.findall(r'x="(\S+)".*is better\)', svg.read_text()))
    assert right - left > 230, "points, which the left title needs"


def test_a_name_that_the_font_lacks_is_no_warning(tmp_path: Path) -> None:
    draw([replace(FIRST, name="\u6a21\u578b")], "2 cores", tmp_path / "speed.png")
    assert (tmp_path / "speed.png").exists()


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_same_figures_give_the_same_file(tmp_path: Path, suffix: str) -> None:
    once, again = tmp_path / f"once{suffix}", tmp_path / f"again{suffix}"
    for path in (once, again):
        draw([FIRST, OTHER], "2 cores", path)
    assert once.read_bytes() == again.read_bytes()


def test_a_png_is_one(tmp_path: Path) -> None:
    draw([FIRST], "2 cores", tmp_path / "speed.PNG")
    with Image.open(tmp_path / "speed.PNG") as image:
        image.verify()
        assert image.format == "PNG"


def test_a_name_that_is_no_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"must end in one of \.svg \.png"):
        check_picture(tmp_path / "speed.gif")


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="there is no directory .*elsewhere"):
        check_picture(tmp_path / "elsewhere" / "speed.svg")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "speed.svg").mkdir()
    for path in (tmp_path / "speed.svg", Path("/proc/speed.svg"), tmp_path / f"{'a' * 300}.svg"):
        with pytest.raises(BadInputError, match=f"{path}: "):
            check_picture(path)


def test_looking_whether_a_picture_can_be_written_leaves_no_trace(tmp_path: Path) -> None:
    old = tmp_path / "old.svg"
    old.write_text("a picture")
    for path in (old, tmp_path / "new.svg"):
        check_picture(path)
    assert [file.name for file in tmp_path.iterdir()] == ["old.svg"]
    assert old.read_text() == "a picture"
