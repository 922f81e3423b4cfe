"""``sentiserve predict``: label and scores of texts."""

import json
from pathlib import Path

import pytest
from processes import Run

from sentiserve.models.bundle import default_bundle, open_bundle
from sentiserve.types import Post

MODEL = open_bundle(default_bundle()).manifest.info
TEXTS = ["What a lovely day", "Never again."]


def test_a_table_has_a_line_for_each_text(cli: Run) -> None:
    ran = cli("predict", *TEXTS)
    assert (ran.status, ran.err) == (0, "")
    header, *lines = ran.out.splitlines()
    assert header.split() == ["label", *MODEL.labels, "text"]
    for line, text in zip(lines, TEXTS, strict=True):
        label, *scores = line.split()[: len(MODEL.labels) + 1]
        assert label == MODEL.labels[scores.index(max(scores))]
        assert line.rstrip().endswith(text)


def test_json_has_a_document_on_each_line(cli: Run) -> None:
    ran = cli("predict", "--json", *TEXTS)
    assert ran.status == 0
    documents = [json.loads(line) for line in ran.out.splitlines()]
    assert [document["text"] for document in documents] == TEXTS
    for document in documents:
        assert set(document) == {"text", "label", "scores", "model", "truncated", "post"}
        ref = Post.of_text(document["text"]).ref
        assert document["post"] == {"platform": "text", "id": ref.id}
        assert document["model"] == MODEL.id
        assert sum(document["scores"].values()) == pytest.approx(1, abs=1e-5)


def test_a_hyphen_reads_a_text_from_each_line_of_standard_input(cli: Run) -> None:
    ran = cli("predict", "--json", "first", "-", "last", stdin="one\ntwo \u2603\r\nthree")
    texts = [json.loads(line)["text"] for line in ran.out.splitlines()]
    assert texts == ["first", "one", "two \u2603", "three", "last"]


def test_a_piped_process_answers_like_any_other(run_process: Run) -> None:
    """Through a real pipe, with characters of several bytes."""
    ran = run_process("predict", "--json", "-", stdin="gute Reise 🚂\n")
    assert (ran.status, ran.err) == (0, "")
    assert json.loads(ran.out)["text"] == "gute Reise 🚂"


@pytest.mark.parametrize("text", ["", "  ", "\t\n"])
def test_a_blank_text_is_refused_in_one_clear_line(cli: Run, text: str) -> None:
    ran = cli("predict", "good", text)
    assert (ran.status, ran.out, ran.err) == (1, "", "sentiserve: text 2: the text is empty\n")


def test_markup_in_a_text_is_printed_as_it_is(cli: Run) -> None:
    assert "[red]not red[/red]" in cli("predict", "[red]not red[/red]").out


def test_a_text_is_needed(cli: Run) -> None:
    ran = cli("predict")
    assert ran.status == 2
    assert "texts" in ran.err.lower()


def test_a_directory_without_a_bundle_is_refused(cli: Run, tmp_path: Path) -> None:
    ran = cli("predict", "text", "--model", tmp_path)
    assert ran.status == 1
    assert ran.err == f"sentiserve: {tmp_path} is no model bundle: it has no bundle.json\n"
