"""An image built without a Docker engine, and what is made of it run: buildah, chroot, a namespace.

What a registry of images would give is made of packages instead: `BASE` is Debian's minbase with
its Python (mmdebstrap), `NODE` is that with the Node.js of our lock file. Everything lies in one
folder, which goes when the last test of it is over.

Laws: packages come from the registries that the machine is set up for, so this is a place of the
tests that leaves it, and nothing but the programs that build do. A container has the image's root
read-only, the image's account without a capability, and no file of ours but its volume.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from tests.server_process import POLL_SECONDS

ROOT: Final = Path(__file__).parents[3]
CERTIFICATES: Final = Path("/etc/ssl/certs")
BUILD_SECONDS: Final = 3_600
RUN_SECONDS: Final = 120
VERSION: Final = "9.8.7-test"
COMMIT: Final = "0123456789abcdef"
_BASE: Final = "localhost/probity-test-base:1"
_NODE: Final = "localhost/probity-test-node:1"
_IMAGE: Final = "localhost/probity-test:1"
_NODE_STEPS: Final = (
    "python3 -m venv /opt/node"
    " && /opt/node/bin/pip install --quiet --require-hashes --requirement /opt/node.lock"
    " && for name in node npm npx; do ln -s /opt/node/bin/$name /usr/local/bin/; done"
)
# A container's namespace as an engine makes it: the root that nobody writes to, /tmp in memory, and
# the volume; then the image's account, which is all that is left.
_ENTER: Final = """
set -eu
root=$1 data=$2; shift 2
mount --bind "$root" "$root"
mount --bind "$data" "$root/data"
mount --bind /dev "$root/dev"
mount --types tmpfs --options size=64m tmpfs "$root/dev/shm"
mount --types proc proc "$root/proc"
mount --types tmpfs tmpfs "$root/tmp"
mount --options remount,bind,ro "$root"
exec chroot "$root" /usr/bin/env --chdir=/data --ignore-environment "$@"
"""


def needed(*names: str) -> None:
    """Skip a test, with the reason, where these programs aren't all there, or root isn't."""
    for name in names:
        if shutil.which(name) is None:
            pytest.skip(f"no {name} here: apt-get install buildah mmdebstrap")
    if os.geteuid() != 0:
        pytest.skip("an image is built and entered by root here")


class Image:
    """What `deploy/Dockerfile` comes to, and its configuration as a registry would tell it."""

    def __init__(self, folder: Path) -> None:
        self._buildah = (
            *("buildah", "--storage-driver", "vfs"),
            *("--root", str(folder / "store"), "--runroot", str(folder / "run")),
        )
        self._folder = folder
        self.root = Path()
        self.configuration: dict[str, Any] = {}

    @classmethod
    @contextlib.contextmanager
    def built(cls) -> Iterator["Image"]:
        """Yield an image, built in a folder on a disk, which is taken away again."""
        with tempfile.TemporaryDirectory(prefix="probity-image-", dir="/var/tmp") as folder:
            made = cls(Path(folder))
            try:
                made.build()
                yield made
            finally:
                made.take_down()

    def build(self) -> None:
        """Make both bases and the image, and lay its root out below the folder."""
        tar = self._folder / "base.tar"
        include = "python3,python3-venv,ca-certificates"
        self._do("mmdebstrap", "--variant=minbase", f"--include={include}", "bookworm", str(tar))
        empty = self._ask("from", "scratch")
        self._ask("add", "--quiet", empty, str(tar), "/")
        self._ask("commit", "--quiet", "--rm", empty, _BASE)
        tar.unlink()
        node = self._ask("from", _BASE)
        self._ask("copy", "--quiet", node, str(ROOT / "requirements-node.lock"), "/opt/node.lock")
        self._ask("run", *self._trust(), node, "sh", "-euc", _NODE_STEPS)
        trusted = f"NODE_EXTRA_CA_CERTS={CERTIFICATES / 'ca-certificates.crt'}"
        self._ask("config", "--env", trusted, node)
        self._ask("commit", "--quiet", "--rm", node, _NODE)
        arguments = {"BASE": _BASE, "NODE": _NODE, "VERSION": VERSION, "COMMIT": COMMIT}
        self._ask(
            *("bud", "--quiet", "--format", "docker", *self._trust()),
            *(f"--build-arg={name}={value}" for name, value in arguments.items()),
            *("--ignorefile", str(ROOT / "deploy" / "Dockerfile.dockerignore")),
            *("--file", str(ROOT / "deploy" / "Dockerfile"), "--tag", _IMAGE, str(ROOT)),
        )
        said = json.loads(self._ask("inspect", "--type", "image", _IMAGE))
        self.configuration = said["Docker"]["config"]
        self.root = Path(self._ask("mount", self._ask("from", _IMAGE)))

    def take_down(self) -> None:
        """Unmount what is mounted, so that the folder can go."""
        self._ask("unmount", "--all")
        self._ask("rm", "--all")

    @property
    def environment(self) -> dict[str, str]:
        """What the image says of the environment."""
        return dict(line.split("=", 1) for line in self.configuration["Env"])

    @property
    def account(self) -> tuple[str, str]:
        """The ids of the user and the group that it runs as."""
        user, _, group = self.configuration["User"].partition(":")
        return user, group

    def found(self, *patterns: str) -> list[str]:
        """Return the paths in its root that fit any of these patterns."""
        return sorted(
            f"/{path.relative_to(self.root)}"
            for pattern in patterns
            for path in self.root.glob(pattern)
        )

    def command(self, data: Path, settings: Mapping[str, str], *words: str) -> list[str]:
        """Return what runs these words in a container of its own."""
        user, group = self.account
        environment = {**self.environment, **settings}
        return [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"),
            *("sh", "-c", _ENTER, "sh", str(self.root), str(data)),
            *(f"{name}={value}" for name, value in environment.items()),
            *("setpriv", "--reuid", user, "--regid", group, "--clear-groups"),
            *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", *words),
        ]

    def run(self, data: Path, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        """Run a program in a container to its end; what it says is text."""
        return subprocess.run(
            self.command(data, settings, *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_SECONDS,
        )

    @contextlib.contextmanager
    def started(
        self, data: Path, log: Path, words: Sequence[str], **settings: str
    ) -> Iterator[psutil.Process]:
        """Yield the first process of a container, which is given SIGTERM and has to end with 0."""
        with log.open("ab") as out:
            shell = subprocess.Popen(
                self.command(data, settings, *words),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        try:
            first = _first_of(shell)
            yield first
            first.send_signal(signal.SIGTERM)
            assert shell.wait(60) == 0, log.read_text("utf-8", "replace")[-4_000:]
        finally:
            if shell.poll() is None:
                # The other account has lost the wish to end with its parent.
                for child in psutil.Process(shell.pid).children(recursive=True):
                    child.kill()
                shell.kill()
                shell.wait()

    def _trust(self) -> tuple[str, ...]:
        """What a step needs to believe whom this machine believes."""
        return ("--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro")

    def _ask(self, *words: str) -> str:
        return self._do(*self._buildah, *words).strip()

    def _do(self, *words: str) -> str:
        done = subprocess.run(
            words,
            env={**os.environ, "BUILDAH_ISOLATION": "chroot"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD_SECONDS,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout[-4_000:]}\n{done.stderr[-4_000:]}"
        return done.stdout


def _first_of(shell: "subprocess.Popen[bytes]") -> psutil.Process:
    """Return the first process of a container's namespace, as soon as there is one."""
    deadline = time.monotonic() + RUN_SECONDS
    while not (children := psutil.Process(shell.pid).children()):
        assert shell.poll() is None
        assert time.monotonic() < deadline
        time.sleep(POLL_SECONDS)
    return children[0]
