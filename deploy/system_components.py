"""Add the system's packages to a list of components: system_components.py CYCLONEDX-FILE ROOT."""

import json
import platform
import re
import sys
from pathlib import Path
from urllib.parse import quote


def component(name: str, version: str, purl: str) -> dict[str, str]:
    """What CycloneDX says of a package."""
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def debian(paragraph: str) -> dict[str, str]:
    """The component that a paragraph of dpkg's status describes."""
    fields = dict(re.findall(r"^(\w+): (.*)$", paragraph, re.MULTILINE))
    name, version = fields["Package"], fields["Version"]
    purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={fields['Architecture']}"
    return component(name, version, purl)


file, root = map(Path, sys.argv[1:])
bom = json.loads(file.read_text())
python = platform.python_version()
bom["components"].append(component("python", python, f"pkg:generic/python@{python}"))
paragraphs = (root / "var/lib/dpkg/status").read_text().strip().split("\n\n")
bom["components"] += map(debian, paragraphs)
file.write_text(json.dumps(bom, indent=2) + "\n")
