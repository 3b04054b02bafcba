"""The README, the documents, the alerts and the compose file name only commands, settings and files that there are."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperArgument

from api.cli import app
from streams.settings import Settings, env_name

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "docker-compose.yml", "Makefile")),
    *(
        path for path in sorted((ROOT / "docs").glob("*.md")) if path.name != "roadmap.md"
    ),  # what is to come stands there
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
    *sorted((ROOT / "deploy").glob("*.yml")),
]
NOT_SETTINGS = {"TOUCHLINE_CACHE_DIR", "TOUCHLINE_FAILPOINT"}
"""Of the local stack and of the fault tests: no process of a cluster reads them."""


def code(text: str) -> Iterator[str]:
    """Every piece of `code`, and every line of a fenced block without its comment."""
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from (line.partition(" #")[0].strip() for line in block.splitlines())
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def commands() -> list[tuple[str, str]]:
    """(file, command line) of everything that calls `touchline`."""
    found = [
        (path.name, piece.removeprefix(".venv/bin/"))
        for path in TEXTS
        for piece in code(path.read_text())
        if piece.removeprefix(".venv/bin/").startswith("touchline ")
    ]
    assert len(found) > 20
    return sorted(set(found))


def told(line: str) -> list[str]:
    """The words of a command line; what stands for a choice (`a|b`) is its first."""
    return [word.split("|")[0] for word in shlex.split(line.split(",", maxsplit=1)[0])[1:]]


@pytest.mark.parametrize(("where", "line"), commands())
def test_every_command_that_is_named_is_there_with_its_options(where: str, line: str) -> None:
    command: Any = typer.main.get_command(app)
    words = told(line)
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        assert name in command.commands, f"{where}: {line!r}: there is no {name!r}"
        command = command.commands[name]
    options = {option for parameter in command.params for option in parameter.opts}
    for word in words:
        assert not word.startswith("-") or word.split("=")[0] in options, f"{where}: {line!r}: no option {word}"
    if words and not words[0].startswith("-"):
        assert any(isinstance(item, TyperArgument) for item in command.params), f"{where}: {line!r} takes no argument"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_setting_target_module_and_file_that_is_named_is_there(path: Path) -> None:
    text = path.read_text()
    known = {env_name(field) for field in Settings.model_fields} | NOT_SETTINGS
    for name in set(re.findall(r"\bTOUCHLINE_[A-Z0-9_]*[A-Z0-9]\b", text)):
        assert name in known, f"no setting {name}"
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for piece in code(text):
        if made := re.match(r"make ([a-z]+)\b", piece):
            assert made[1] in targets, piece
        if run := re.search(r"python -m ([a-z_.]+)", piece):
            assert importlib.util.find_spec(run[1]) is not None, piece
        if (
            re.fullmatch(r"(?:\.?[\w-]+/)*[\w.-]+\.(?:md|py|sql|yml|yaml|csv|toml)|(?:[a-z_]+/)+", piece)
            and "/" in piece
        ):
            assert (ROOT / piece).exists() or (path.parent / piece).exists(), f"there is no {piece}"
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (path.parent / target).exists(), f"there is no {target}"
