"""What the floors contract can't see: the doors between features, sizes, and words that have one place only."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

SOURCE = Path(__file__).parents[2] / "src" / "oneinbox"
PUBLIC = {"service", "schemas", "events", "errors"}
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40


def modules() -> Iterator[tuple[str, str]]:
    """Every module of ours: its path below the package, and its text."""
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).as_posix(), path.read_text(encoding="utf-8")


def feature_of(module: str) -> str | None:
    """The feature a dotted module name lies in."""
    return module.split(".")[2] if module.startswith("oneinbox.features.") else None


def test_features_meet_only_at_their_doors() -> None:
    graph = grimp.build_graph("oneinbox")
    through_the_wall = [
        (importer, imported)
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if feature_of(importer)
        and feature_of(imported) not in (None, "context", feature_of(importer))
        and imported.split(".")[3:4]
        and imported.split(".")[3] not in PUBLIC
    ]
    assert through_the_wall == []


def test_files_stay_readable() -> None:
    long = {name: lines for name, text in modules() if (lines := len(text.splitlines())) > MAX_FILE_LINES}
    assert long == {}


def test_functions_stay_readable() -> None:
    long = [
        f"{name}:{node.lineno} {node.name} {node.end_lineno - node.lineno + 1}"
        for name, text in modules()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert long == []


def test_every_module_says_what_lives_in_it() -> None:
    silent = [name for name, text in modules() if text.strip() and not ast.get_docstring(ast.parse(text))]
    assert silent == []


@pytest.mark.parametrize(
    ("pattern", "allowed", "why"),
    [
        (r"\.commit\(", r"^app/", "only app commits"),
        (r"os\.environ|os\.getenv", r"^app/settings\.py$", "only settings read the environment"),
        (
            r"\bprovider\s*(==|!=)|match\s+\w*\.?provider\b",
            r"^(adapters/|app/wiring\.py$)",
            "a vendor is a folder, not a branch",
        ),
        (r"\btime\.sleep\(", r"^$", "nothing sleeps for luck"),
        (r"\bTODO\b|\bFIXME\b|\bXXX\b", r"^$", "nothing is left for later in the code"),
        (
            r"\btime\.(time|monotonic)\(|datetime\.now\(|datetime\.utcnow\(",
            r"^(kit/|app/|cli/)",
            "the call path is given its time",
        ),
    ],
)
def test_words_that_have_one_place(pattern: str, allowed: str, why: str) -> None:
    elsewhere = [
        f"{name}:{number} {line.strip()}"
        for name, text in modules()
        if not re.search(allowed, name)
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert elsewhere == [], why


def test_rooms_have_telling_names() -> None:
    vague = {"utils", "helpers", "common", "manager", "base", "misc"}
    assert [p.as_posix() for p in SOURCE.rglob("*") if p.stem in vague] == []


def test_nothing_tracked_names_this_machine() -> None:
    root = SOURCE.parents[1]
    hosts = "|".join(("py" + "pi.org", "python" + "hosted.org", "deb" + ".debian.org", "npm" + "js.org"))
    pattern = re.compile(rf"{hosts}|(?<![\w.-])/(work|root|farm)/[A-Za-z.]")
    named = [
        f"{path.relative_to(root)}:{number}"
        for folder in ("src", "docs", "tests", ".ci")
        for path in sorted((root / folder).rglob("*"))
        if path.suffix in {".py", ".md", ".toml", ".xml", ".ini", ".sh", ".mako"} and path.is_file()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert named == []
