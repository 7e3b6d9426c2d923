"""The shape of the code: what import-linter cannot see."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from harness.pipeline import ROOT

LANGUAGES = re.compile(r"\b(golang|go|node|nodejs|javascript|rust|java|perl|ruby|zig|gcc|clang|cargo|npm|c11)\b", re.IGNORECASE)
CORE = sorted(p for p in (ROOT / "harness").rglob("*.py") if p.parent.name != "cli")
# English has these words too: "go" as a verb, "node" of a tree.
ENGLISH = re.compile(r"\b(goes|to go|go by|lets? go|go on|goes on)\b", re.IGNORECASE)


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_core_names_no_language(path: Path) -> None:
    """In what the code does: strings and names, docstrings and comments left aside."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(n.body[0].value)
        for n in ast.walk(tree)
        if isinstance(n, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and n.body and isinstance(n.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        words = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            words = ENGLISH.sub("", node.value)
        elif isinstance(node, ast.Name):
            words = node.id
        assert not LANGUAGES.search(words) or words == "node_modules", f"{path.name}:{getattr(node, 'lineno', 0)}: {words[:60]}"


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_opens_with_what_it_owns(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), path
    assert text.count("\n") <= 450, f"{path} is too long to be one thing"


@pytest.mark.parametrize("module", ["harness.cli.main", "harness.launch.choose", "harness.pipeline"])
def test_what_other_systems_import_is_free_of_linux(module: str) -> None:
    """On macOS and Windows there are no namespaces: the modules for them are imported only where there are some."""
    import sys

    words = f"import sys; import {module}; assert 'harness.network.netns' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_readme_shows_both_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert "./parley run" in text
    assert "./parley test" in text


def test_every_cited_path_of_the_pages_exists() -> None:
    for page in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "peers/README.md"):
        home = (ROOT / page).parent
        for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text()):
            if "://" not in target:
                assert (home / target).exists(), f"{page} -> {target}"
