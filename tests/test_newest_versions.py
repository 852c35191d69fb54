"""What `make test-newest` installs: everything from its floor upward, nothing below a ceiling."""

from tests.newest_versions import differences, requirements


def test_ceilings_are_left_out_and_the_rest_is_kept() -> None:
    project = {
        "dependencies": ["a>=1,<2", "b[x]>=3.1", "c<4,>=3; python_version < '3.13'"],
        "optional-dependencies": {"one": ["b[x]>=3.1", "d>=1.2,<1.3.4"], "two": ["e"]},
    }
    found = list(requirements(project))
    assert found == ["a>=1", "b[x]>=3.1", "c>=3; python_version < '3.13'", "d>=1.2", "e"]


def test_what_differs_from_the_lock_is_named() -> None:
    lock = "pytest==0.1 \\\n    --hash=sha256:0\nnobody-has-this==1 ; python_version < '3'\n"
    (line,) = differences(lock)
    assert line.startswith("pytest 0.1 -> ")
