"""The house style as rules: each takes one file's text, or the paths of all files, and yields what
is wrong with it.

Laws: a rule is a pure function of what it is given, so that `test_tidy` can show that it is able to
fail; it judges what a linter doesn't know about this project. What a linter can check belongs in
pyproject.toml, and which files are judged in `test_tidy`.
"""

import ast
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePath
from typing import Final

LONGEST_FILE: Final = 400
LONGEST_FUNCTION: Final = 70
FULLEST_FOLDER: Final = 20
OURS: Final = frozenset({"benchmarks", "exchange", "gateway", "migrations", "persistence", "tests"})

FORBIDDEN_NAMES: Final = frozenset(
    {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
)
# The brackets keep each pattern from finding itself here.
_UNFINISHED: Final = re.compile(r"\bTOD[O]\b|FIXM[E]|\bXX[X]\b|NotImplementedErro[r]")
_SKIPPED: Final = re.compile(r"mark\.(skip|xfail)\b")
_MACHINE: Final = re.compile(r"(?<![\w.])/(root|work|home)/\w|[A-Z]:\\+Users")
_REGISTRY: Final = re.compile(
    r"pyp[i]\.org|pythonhoste[d]\.org|registry\.(npmjs|yarnpkg)"
    r'|"resolved": *"http|--(extra-)?index-url\s*[= ]\s*\S*:'
)

# What the core may stand on: pure parts of the standard library and two containers.
PURE_IMPORTS: Final = frozenset(
    {
        "__future__",
        "bisect",
        "collections",
        "dataclasses",
        "enum",
        "exchange",
        "functools",
        "hashlib",
        "heapq",
        "itertools",
        "msgspec",
        "operator",
        "re",
        "sortedcontainers",
        "struct",
        "types",
        "typing",
        "typing_extensions",
        "zlib",
    }
)
_IMPURE_CALLS: Final = frozenset({"float", "hash", "id", "input", "open", "print", "round"})
_SET_CALLS: Final = frozenset({"set", "frozenset"})
# These give the same answer in whatever order they are fed.
_ORDERLESS: Final = frozenset(
    {"all", "any", "frozenset", "len", "max", "min", "set", "sorted", "sum"}
)

Rule = Callable[[str], Iterator[str]]
TreeRule = Callable[[Iterable[str]], Iterator[str]]


def short_file(text: str) -> Iterator[str]:
    """A file of at most `LONGEST_FILE` lines: above that it is two concepts."""
    if (lines := text.count("\n")) > LONGEST_FILE:
        yield f"{lines} lines, more than {LONGEST_FILE}"


def short_functions(text: str) -> Iterator[str]:
    """Functions of at most `LONGEST_FUNCTION` lines."""
    for node in _nodes(text):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"line {node.lineno}: {node.name} has {lines} lines"


def says_what_it_is(text: str) -> Iterator[str]:
    """A docstring in every module."""
    if ast.get_docstring(_tree(text)) is None:
        yield "no module docstring"


def finished(text: str) -> Iterator[str]:
    """No note of work left undone, no stub, no test that doesn't run."""
    yield from _matches(text, _UNFINISHED)
    yield from _matches(text, _SKIPPED)


def portable(text: str) -> Iterator[str]:
    """No path of one machine and no address of a package registry."""
    yield from _matches(text, _MACHINE)
    yield from _matches(text, _REGISTRY)


def pure_imports(text: str) -> Iterator[str]:
    """Nothing imported that has I/O, a clock, randomness or an event loop."""
    for line, module in _imports(_tree(text)):
        if module.split(".")[0] not in PURE_IMPORTS:
            yield f"line {line}: imports {module}"


def whole_numbers(text: str) -> Iterator[str]:
    """No float: no literal, no true division, no call that makes one; nor an address-made hash."""
    for node in _nodes(text):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield f"line {node.lineno}: the literal {node.value}"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield f"line {node.lineno}: true division"
        elif isinstance(node, ast.Call) and _called(node) in _IMPURE_CALLS:
            yield f"line {node.lineno}: a call of {_called(node)}()"


def no_set_order(text: str) -> Iterator[str]:
    """No walk over a set, whose order differs from process to process."""
    tree = _tree(text)
    names = _set_names(tree)
    for node in ast.walk(tree):
        walked: list[ast.expr] = []
        if isinstance(node, ast.For | ast.comprehension):
            walked = [node.iter]
        elif isinstance(node, ast.Starred):
            walked = [node.value]
        elif isinstance(node, ast.Call) and _called(node) in {"list", "tuple", "iter", "enumerate"}:
            walked = node.args[:1]
        for expression in walked:
            if _is_set(expression, names) and not _is_orderless(tree, node):
                yield f"line {expression.lineno}: walks a set"


def no_hidden_import(text: str) -> Iterator[str]:
    """No module of ours imported for types alone: it is a dependency all the same, and hidden so
    that a circle can stay.
    """
    for node in _nodes(text):
        if isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING":
            for line, module in _imports(node):
                if module.split(".")[0] in OURS | {""}:
                    yield f"line {line}: imports {module} for types alone"


def roomy_folders(paths: Iterable[str]) -> Iterator[str]:
    """At most `FULLEST_FOLDER` files in a folder: above that nobody finds the one they look for.

    Steps of the schema are found by their number, and stay where they are for ever.
    """
    counts = Counter(str(PurePath(path).parent) for path in paths)
    del counts["migrations/versions"]
    for folder, count in sorted(counts.items()):
        if count > FULLEST_FOLDER:
            yield f"{folder} holds {count} files, more than {FULLEST_FOLDER}"


def rooms_with_a_door(paths: Iterable[str]) -> Iterator[str]:
    """A folder of code is a package; its `__init__.py` says what the room is for, as every module
    does (`says_what_it_is`). Folders of tests are none (pytest imports them by path).
    """
    known = {PurePath(path) for path in paths}
    code = {path.parent for path in known if path.suffix == ".py"}
    for folder in sorted(code):
        is_room = bool(folder.parts) and folder.parts[0] in OURS - {"tests"}
        if is_room and folder / "__init__.py" not in known:
            yield f"{folder} has no __init__.py"


EVERY_PYTHON_FILE: Final[tuple[Rule, ...]] = (
    short_file,
    short_functions,
    says_what_it_is,
    finished,
    no_hidden_import,
)
THE_CORE: Final[tuple[Rule, ...]] = (pure_imports, whole_numbers, no_set_order)


@functools.lru_cache(maxsize=1)
def _tree(text: str) -> ast.Module:
    """Parse a file once for all the rules that judge it, one after another."""
    return ast.parse(text)


@functools.lru_cache(maxsize=1)
def _nodes(text: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(_tree(text)))


def _matches(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    if not pattern.search(text):
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if found := pattern.search(line):
            yield f"line {number}: {found.group()}"


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each module that is imported, with its line; a relative one is "."."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "."


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _set_names(tree: ast.AST) -> frozenset[str]:
    """Names and attributes that the file annotates as sets or assigns one to."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            written = ast.unparse(node.annotation).removeprefix("Final[")
            if re.match(r"(set|frozenset|AbstractSet|Set|MutableSet)\b", written):
                names.add(node.arg if isinstance(node, ast.arg) else _last_name(node.target))
        elif isinstance(node, ast.Assign) and _is_set(node.value, frozenset()):
            names.update(_last_name(target) for target in node.targets)
    return frozenset(names - {""})


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_set(node: ast.expr, names: frozenset[str]) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Call):
        return _called(node) in _SET_CALLS
    if isinstance(node, ast.BinOp):
        return _is_set(node.left, names) or _is_set(node.right, names)
    return _last_name(node) in names


def _is_orderless(tree: ast.AST, walk: ast.AST) -> bool:
    """Tell whether a comprehension only feeds a call that doesn't mind the order."""
    for node in ast.walk(tree):
        if isinstance(node, ast.SetComp) and walk in node.generators:
            return True
        if isinstance(node, ast.Call) and _called(node) in _ORDERLESS:
            for argument in node.args:
                match argument:
                    case ast.GeneratorExp(generators=fed) | ast.ListComp(generators=fed):
                        if walk in fed:
                            return True
    return False
