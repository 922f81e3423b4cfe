"""The templates as files, for those without Node: ``python -m deploy.aws.templates``."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

DIRECTORY = Path(__file__).parent / "templates"


def synthesized() -> dict[str, Any]:
    """Each template, by the name of its stack."""
    from deploy.aws.__main__ import build  # which starts Node

    with TemporaryDirectory() as directory:
        assembly = build(directory).synth()
        return {stack.stack_name: stack.template for stack in assembly.stacks}


def written(template: dict[str, Any]) -> str:
    """A resource a line: changes can be read, and it is short enough to be sent as it is."""
    sections = []
    for section, content in template.items():
        if isinstance(content, dict):
            lines = (f"{json.dumps(key)}: {_short(value)}" for key, value in content.items())
            sections.append(f"{json.dumps(section)}: {{\n" + ",\n".join(lines) + "\n}")
        else:
            sections.append(f"{json.dumps(section)}: {_short(content)}")
    return "{\n" + ",\n".join(sections) + "\n}\n"


def _short(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    DIRECTORY.mkdir(exist_ok=True)
    for name, template in synthesized().items():
        (DIRECTORY / f"{name}.json").write_text(written(template))
