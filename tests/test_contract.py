"""What the harness says to peers is valid by the contract's schema, whatever the spec."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.model.case import Scenario
from harness.peer import contract
from harness.peer.schema import PATH, problem
from harness.pipeline import ROOT, load_specs
from harness.run.commands import client_command, script_command

SPECS = load_specs()


@pytest.mark.parametrize("scenario", SPECS.scenarios(), ids=lambda s: s.key)
def test_every_command_of_every_scenario(scenario: Scenario) -> None:
    asked = ("2001:db8::1", 7)
    lines = [client_command(scenario, "c1", asked)]
    if scenario.server:
        lines.append(script_command(scenario, scenario.server, "x1", *asked))
    for line in lines:
        assert line.endswith(b"}\n")
        assert len(line) < contract.MAX_LINE
        command = json.loads(line)
        assert (command["address"], command["port"], command["id"][0] in "cx") == (*asked, True)
        assert problem("command", command) == ""


def test_the_site() -> None:
    members = {"id": "s1", "service": "http", "transport": "tcp", "address": "::1", "port": 0, "site": SPECS.site}
    assert problem("command", json.loads(contract.command("serve", **members))) == ""


def test_the_examples_of_the_page_are_valid() -> None:
    """The first conversation on the contract page, with what it leaves out by dots put in."""
    page = (ROOT / "peers" / "README.md").read_text()
    block = page[page.index("    → ") : page.index("## Rules for every line")].replace(" ... ,", "")
    for part in block.replace("\n       ", "").split("\n"):
        arrow, _, text = part.strip().partition(" ")
        if arrow in ("→", "←"):
            value = json.loads(text)
            assert problem("command" if arrow == "→" else "event", value) == "", text


def test_every_member_of_the_page_is_in_the_schema() -> None:
    schema = PATH.read_text()
    page = (ROOT / "peers" / "README.md").read_text()
    for word in ("script", "serve", "ask", "stop", "flush", "load", "half-closed", "quiet", "accepted", "through", "keep", "writes", "etag"):
        assert f'"{word}"' in schema
        assert f"`{word}`" in page


def test_the_schema_is_a_schema() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(json.loads(Path(PATH).read_text()))
