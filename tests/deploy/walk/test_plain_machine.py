"""The page for a plain machine, typed into one that has nothing but Debian's packages.

A root of mmdebstrap with the packages that the page names, in namespaces of its own: its ports are
nobody else's, and loopback is all of its network. What is typed are the page's own lines, with a
local name for `exchange.example`; what they lead to is traded with through Caddy, whose versions of
TLS are read off by handshakes.

Law: packages are fetched before, by the machine's own ways to them; so this is long form alone.
What the page says of systemd isn't tried here (`test_machines.py` has the units verified).
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.image.buildah import CERTIFICATES, ROOT, needed
from tests.lengths import IS_LONG
from tests.loopback.guard import environment
from tests.server_process import ADMIN_EMAIL, ADMIN_PASSWORD

PAGE: Final = (ROOT / "docs" / "operations" / "deploy.md").read_text("utf-8")
SECTION: Final = PAGE.partition("## A plain machine\n")[2].partition("\n## ")[0]
INSTALL, SYSTEMD, BY_HAND = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
[SETTINGS] = re.findall(r"```\n(DATA_DIR=.*?)```", SECTION, re.DOTALL)
SITE: Final = "localhost"
BUNDLE: Final = CERTIFICATES / "ca-certificates.crt"
SECONDS: Final = 1_800
# Both phases: a root of its own, with the machine's names and whom it believes.
_ENTER: Final = f"""
set -eu
root=$1; shift
mount --bind "$root" "$root"
mount --types proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --types tmpfs tmpfs "$root/dev/shm"
mount --bind {BUNDLE} "$root{BUNDLE}"
cp /etc/resolv.conf "$root/etc/resolv.conf"
exec chroot "$root" /usr/bin/env --ignore-environment --chdir=/srv/probity \
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"
"""
_FETCH: Final = """
python3 -m venv /srv/fetch
/srv/fetch/bin/pip download --quiet --dest /srv/wheels ./probity-*.whl
"""
_BEFORE: Final = """
set -eu
ip link set lo up
export PIP_NO_INDEX=1 PIP_FIND_LINKS=/srv/wheels
"""
_SETTINGS: Final = """
install --owner root --group probity --mode 0640 /dev/null /etc/probity/probity.env
key=$(openssl rand -base64 32)
sed "s|BACKUP_KEY=.*|BACKUP_KEY=$key|" /srv/probity.env > /etc/probity/probity.env
"""
_AFTER: Final = f"""
export SSL_CERT_FILE=/root/.local/share/caddy/pki/authorities/local/root.crt
until [ -s $SSL_CERT_FILE ]; do sleep 1; done
for port in 8081 8082; do
  until curl --silent --fail --output /dev/null http://127.0.0.1:$port/ready; do sleep 1; done
done
said() {{ if "$@" >>/srv/said 2>&1; then echo "SAID $what yes"; else echo "SAID $what no"; fi; }}
what=home said curl --silent --fail --retry 20 --retry-all-errors https://{SITE}/
for version in tls1 tls1_1 tls1_2 tls1_3; do
  what=$version said openssl s_client -connect {SITE}:443 -servername {SITE} -$version \\
    -cipher DEFAULT@SECLEVEL=0 -brief </dev/null
done
for path in metrics ready health; do what=$path said curl --silent --fail https://{SITE}/$path; done
echo '{ADMIN_PASSWORD}' | as_probity user create --email {ADMIN_EMAIL} --admin --password-stdin
what=backup said as_probity backup
export PROBITY_ADMIN_EMAIL={ADMIN_EMAIL} PROBITY_ADMIN_PASSWORD='{ADMIN_PASSWORD}'
what=smoke said /opt/probity/bin/probity smoke https://{SITE}
for port in 8081 8082; do
  what=gateway-$port said sh -c \\
    "curl --silent --fail http://127.0.0.1:$port/api/v1/markets?status=VOID | grep smoke-"
done
what=doctor said as_probity doctor --production
what=verify said as_probity verify
cat /srv/said
"""


def in_root(root: Path, script: str, *more: str) -> "subprocess.CompletedProcess[str]":
    """Run a script in the root, in namespaces of its own; what it leaves running ends with it."""
    return subprocess.run(
        [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"),
            *(*more, "sh", "-c", _ENTER, "sh", str(root), "sh", "-c", script),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def make_root(folder: Path) -> Path:
    """Make a machine of the packages that the page names, with the wheel and `deploy/` in it."""
    [line] = re.findall(r"^apt-get install --yes (.+)$", INSTALL, re.MULTILINE)
    include = ",".join([*line.split(), "ca-certificates", "iproute2"])
    root = folder / "root"
    done = subprocess.run(
        ["mmdebstrap", "--variant=minbase", f"--include={include}", "bookworm", str(root)],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    here = root / "srv" / "probity"
    here.mkdir(parents=True)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(here)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment()},
        check=True,
        capture_output=True,
    )
    shutil.copytree(ROOT / "deploy", here / "deploy")
    (root / "srv" / "probity.env").write_text(at_the_site(SETTINGS), "utf-8")
    return root


def at_the_site(text: str) -> str:
    return text.replace("exchange.example", SITE)


def test_the_page_starts_the_same_with_systemd_and_without() -> None:
    for port in ("8081", "8082"):
        assert f"probity-gateway@{port}" in SYSTEMD
        assert f"PORT={port} as_probity gateway" in BY_HAND
    assert "as_probity serve" in BY_HAND
    assert 'READERS="127.0.0.1:8081 127.0.0.1:8082"' in BY_HAND


def test_what_is_typed_leads_to_a_trade_over_tls(tmp_path_factory: pytest.TempPathFactory) -> None:
    if not IS_LONG:
        pytest.skip("a machine is made in the long form alone: PROBITY_LONG_TESTS=1")
    needed("mmdebstrap", "unshare")
    root = make_root(tmp_path_factory.mktemp("machine"))
    try:
        fetched = in_root(root, _FETCH)
        assert fetched.returncode == 0, fetched.stdout + fetched.stderr
        script = "\n".join((_BEFORE, INSTALL, _SETTINGS, at_the_site(BY_HAND), _AFTER))
        done = in_root(root, script, "--net")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    said = dict(re.findall(r"^SAID (\S+) (yes|no)$", done.stdout, re.MULTILINE))
    assert said == {
        **dict.fromkeys(("home", "tls1_2", "tls1_3", "backup", "smoke", "doctor", "verify"), "yes"),
        **dict.fromkeys(("gateway-8081", "gateway-8082"), "yes"),
        **dict.fromkeys(("tls1", "tls1_1", "metrics", "ready", "health"), "no"),
    }, done.stdout[-6_000:] + done.stderr[-2_000:]
