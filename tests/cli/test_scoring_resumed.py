"""A scoring that was stopped goes on where it was, and does no work twice."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sentiserve.errors import BadInputError
from sentiserve.scoring import Scoring
from sentiserve.testing.fakes import FakeModel
from sentiserve.types import Sentiment

ROWS = 1_000
TEXTS = [f"Text number {i}." for i in range(ROWS)]


class Stopped(FakeModel):
    """Somebody presses Ctrl-C during its third batch."""

    def predict(self, texts: Sequence[str]) -> list[Sentiment]:
        if len(self.batches) == 2:
            raise KeyboardInterrupt
        return super().predict(texts)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "in.csv"
    file.write_text("text\n" + "".join(f"{text}\n" for text in TEXTS))
    return file


@pytest.fixture
def target(source: Path) -> Path:
    """The output of a scoring that was stopped after two batches."""
    file = source.with_name("out.csv")
    with pytest.raises(KeyboardInterrupt):
        Scoring(source, file, Stopped()).run()
    assert not file.exists()
    assert partial(file).exists()
    return file


def partial(target: Path) -> Path:
    return target.with_name(target.name + ".partial")


def asked(model: FakeModel) -> list[str]:
    return [text for batch in model.batches for text in batch]


def uninterrupted(source: Path) -> bytes:
    file = source.with_name("whole.csv")
    assert Scoring(source, file, FakeModel()).run() == (ROWS, 0)
    return file.read_bytes()


def resume(source: Path, target: Path) -> list[str]:
    """The texts that it takes to finish; the output is as if nothing had happened."""
    model = FakeModel()
    assert Scoring(source, target, model).run() == (ROWS, 0)
    assert target.read_bytes() == uninterrupted(source)
    assert not partial(target).exists()
    return asked(model)


def test_no_row_is_predicted_twice(source: Path, target: Path) -> None:
    stopped = Stopped()
    with pytest.raises(KeyboardInterrupt):
        Scoring(source, source.with_name("other.csv"), stopped).run()
    done = asked(stopped)
    assert 0 < len(done) < ROWS
    assert done + resume(source, target) == TEXTS


def test_a_line_that_was_torn_is_scored_anew(source: Path, target: Path) -> None:
    content = partial(target).read_bytes()
    done = content.count(b"\n") - 1  # without the header
    partial(target).write_bytes(content[:-5])
    assert resume(source, target) == TEXTS[done - 1 :]


def test_a_header_that_was_torn_starts_anew(source: Path, target: Path) -> None:
    partial(target).write_bytes(partial(target).read_bytes()[:10])
    assert resume(source, target) == TEXTS


def test_progress_begins_where_it_was(source: Path, target: Path) -> None:
    done: list[int] = []
    Scoring(source, target, FakeModel()).run(done.append)
    assert done[0] > 0
    assert done[-1] == ROWS
    assert done == sorted(done)


def test_the_work_on_another_input_is_not_taken_over(source: Path, target: Path) -> None:
    before = partial(target).read_bytes()
    source.write_text("text\nSomething else entirely.\n")
    model = FakeModel()
    with pytest.raises(BadInputError, match=r"out\.csv\.partial is of another input.* remove it"):
        Scoring(source, target, model).run()
    assert not model.batches
    assert partial(target).read_bytes() == before


def test_the_work_of_another_model_is_not_taken_over(source: Path, target: Path) -> None:
    model = FakeModel()
    model._info = replace(model.info, id="another")
    with pytest.raises(BadInputError, match="another input or model"):
        Scoring(source, target, model).run()
    assert not model.batches


def test_a_failing_model_leaves_what_was_scored(source: Path, tmp_path: Path) -> None:
    file, model = tmp_path / "out.csv", FakeModel()
    model.error = RuntimeError("out of order")
    with pytest.raises(RuntimeError, match="out of order"):
        Scoring(source, file, model).run()
    assert not file.exists()
    assert resume(source, file) == TEXTS


def test_two_runs_at_once_do_not_mix(source: Path, target: Path) -> None:
    class Meanwhile(FakeModel):
        """Starts the same scoring while it is asked itself."""

        def predict(self, texts: Sequence[str]) -> list[Sentiment]:
            with pytest.raises(BadInputError, match="another run is writing"):
                Scoring(source, target, FakeModel()).run()
            return super().predict(texts)

    assert Scoring(source, target, Meanwhile()).run() == (ROWS, 0)
    assert target.read_bytes() == uninterrupted(source)


def test_a_damaged_partial_file_is_named_with_what_to_do(source: Path, target: Path) -> None:
    lines = partial(target).read_bytes().splitlines(keepends=True)
    lines[5] = b"{damaged\n"
    partial(target).write_bytes(b"".join(lines))
    with pytest.raises(BadInputError, match="remove it to start anew"):
        Scoring(source, target, FakeModel()).run()


def test_a_table_without_texts_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id;text\n1;hello\n")
    model = FakeModel()
    with pytest.raises(BadInputError, match="no column 'text'; it has 'id;text'; separate"):
        Scoring(tmp_path / "in.csv", tmp_path / "out.csv", model).run()
    assert model.batches == []


def test_a_directory_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(BadInputError, match="is a directory"):
        Scoring(tmp_path / "in.csv", tmp_path / "out.csv", FakeModel())
