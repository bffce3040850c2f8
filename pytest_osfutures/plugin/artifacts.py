"""Where evidence goes: files, the report's section and properties, pytest-html and allure."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.evidence import TestEvidence, details_of, facts_of, lines_of
from pytest_osfutures.plugin import options
from pytest_osfutures.plugin.background import EVIDENCE

#: Longest part of a test's id in the name of its folder.
LONGEST_NAME = 100
#: Beginning of the names of properties.
PREFIX = "osfutures."


@dataclass(frozen=True)
class ArtifactSettings:
    """The values of --os-artifacts and --os-artifacts-dir."""

    #: "retain-on-failure", "on" or "off".
    when: str
    directory: Path
    #: Beginning of the ends of names of folders, where all workers run the same tests.
    worker: str

    @classmethod
    def of(cls, config: pytest.Config) -> ArtifactSettings:
        """Return the settings of a run. Raises pytest.UsageError."""
        directory = Path(options.ARTIFACTS_DIR.value(config) or options.ARTIFACTS_FOLDER)
        return cls(
            options.ARTIFACTS.value(config) or "retain-on-failure",
            directory.resolve(),
            getattr(config, "workerinput", {}).get("osfutures_each", ""),
        )

    @property
    def are_off(self) -> bool:
        """True if the cloud is asked nothing."""
        return self.when == "off"


def folder_of(settings: ArtifactSettings, test: str, tries: int = 1) -> Path:
    """Return the folder of one try of a test; no two tests, workers or tries share a folder."""
    plain = re.sub(r"[^\w.-]+", "-", test, flags=re.ASCII).strip("-.")[-LONGEST_NAME:]
    digest = hashlib.sha256(test.encode(errors="replace")).hexdigest()[:8]
    again = f"-rerun{tries - 1}" if tries > 1 else ""
    return settings.directory / f"{plain}-{digest}{settings.worker}{again}"


def remove_files(settings: ArtifactSettings, test: str) -> None:
    """Remove the evidence of an earlier run about a test that runs again."""
    tries = 1
    while (folder := folder_of(settings, test, tries)).is_dir():
        with suppress(OSError):  # written anew, or reported then
            for path in _files(folder):
                path.unlink(missing_ok=True)
            if not any(folder.iterdir()):
                folder.rmdir()
        tries += 1


def remove_properties(item: pytest.Item) -> None:
    """Remove the evidence of an earlier try from the properties of a test."""
    item.user_properties[:] = [
        each for each in item.user_properties if not each[0].startswith(PREFIX)
    ]


def _files(folder: Path) -> list[Path]:
    return [path for when in ("setup", "call", "teardown") for path in folder.glob(f"{when}[-.]*")]


def write_files(folder: Path, test: str, when: str, evidence: TestEvidence) -> str:
    """Write the evidence about one phase of a test; return a line that says where, or why not."""
    lines = [f"{when} of {test}", *lines_of(evidence)]
    texts = {f"{when}.txt": "\n".join(lines)}
    for each in evidence.resources:
        ident = re.sub(r"[^\w-]", "", each.target.id, flags=re.ASCII)
        texts[f"{when}-console-{ident}.log"] = each.console or ""
        texts[f"{when}-fault-{ident}.txt"] = details_of(each)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            if text:
                (folder / name).write_text(text + "\n", encoding="utf-8", errors="replace")
    except OSError as problem:
        return f"no files: {problem}"
    return f"files: {folder}"


class Attachments:
    """The places in the reports of a test that take evidence.

    Args:
        item: the test.
        report: the report of one phase.
    """

    def __init__(self, item: pytest.Item, report: pytest.TestReport) -> None:
        self._item = item
        self._report = report

    def add(self, evidence: TestEvidence, folder: str | None, text: str) -> None:
        """Add the evidence everywhere.

        Args:
            evidence: the evidence.
            folder: a line about the files; None if there are none.
            text: the evidence as text.
        """
        text = "\n".join(filter(None, [text, folder]))
        self._report.sections.append((EVIDENCE, text))
        waits = {f"waiting.{number}": each for number, each in enumerate(evidence.waits, 1)}
        properties = {PREFIX + name: each for name, each in {**waits, **facts_of(evidence)}.items()}
        if folder is not None:
            properties[f"{PREFIX}{self._report.when}"] = folder
        self._add_properties(properties)
        consoles = {
            f"console of {each.target}": each.console for each in evidence.resources if each.console
        }
        name = f"OpenStack evidence of the {self._report.when}"
        self._attach({name: text, **consoles})

    def _add_properties(self, properties: dict[str, str]) -> None:
        """Add properties to the test and to its report.

        Those of the report of the teardown, which copies the test's, go into junit files.
        """
        for found in (self._item.user_properties, self._report.user_properties):
            found[:] = [each for each in found if each[0] not in properties]
            found.extend(properties.items())

    def _attach(self, texts: dict[str, str]) -> None:
        config: Any = self._item.config
        if getattr(config.option, "htmlpath", None):
            from pytest_html import extras

            more = [extras.text(text, name=name) for name, text in texts.items()]
            vars(self._report)["extras"] = [*getattr(self._report, "extras", []), *more]
        if config.pluginmanager.hasplugin("allure_listener"):
            import allure

            for name, text in texts.items():
                allure.attach(text, name, allure.attachment_type.TEXT)
