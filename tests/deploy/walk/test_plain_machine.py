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
INSTALL, SYSTEMD, BY_HAND, FIRST = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
[UPGRADE] = re.findall(
    r"```sh\n(.*?)```", PAGE.partition("## Upgrade\n")[2].partition("\n## ")[0], re.DOTALL
)
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
trap 'cat /srv/said' EXIT
ip link set lo up
export PIP_NO_INDEX=1 PIP_FIND_LINKS=/srv/wheels
"""
_SETTINGS: Final = """
install --owner root --group probity --mode 0640 /dev/null /etc/probity/probity.env
key=$(openssl rand -base64 32)
sed "s|BACKUP_KEY=.*|BACKUP_KEY=$key|" /srv/probity.env > /etc/probity/probity.env
"""
# What comes after it, with a password that isn't asked for, and whom only this machine believes.
_AFTER: Final = f"""
root_of_caddy=/root/.local/share/caddy/pki/authorities/local/root.crt
for _ in $(seq 300); do [ -s $root_of_caddy ] && break; sleep 1; done
install --mode 0644 $root_of_caddy /srv/root.crt
export SSL_CERT_FILE=/srv/root.crt
for port in 8081 8082; do
  curl --silent --fail --output /dev/null --retry 120 --retry-delay 1 --retry-all-errors \\
    http://127.0.0.1:$port/ready
done
said() {{ if "$@" >>/srv/said 2>&1; then echo "SAID $what yes"; else echo "SAID $what no"; fi; }}
what=home said curl --silent --fail --retry 20 --retry-all-errors https://{SITE}/
for version in tls1 tls1_1 tls1_2 tls1_3; do
  what=$version said openssl s_client -connect {SITE}:443 -servername {SITE} -$version \\
    -cipher DEFAULT@SECLEVEL=0 -brief </dev/null
done
for path in metrics ready health; do what=$path said curl --silent --fail https://{SITE}/$path; done
what=readers said curl --silent --fail https://{SITE}:8443/api/v1/markets
what=readers-metrics said curl --silent --fail https://{SITE}:8443/metrics
echo '{ADMIN_PASSWORD}' | probity user create --email {ADMIN_EMAIL} --admin --password-stdin
what=backup said probity backup
export PROBITY_ADMIN_EMAIL={ADMIN_EMAIL} PROBITY_ADMIN_PASSWORD='{ADMIN_PASSWORD}'
what=smoke said probity smoke https://{SITE}
unset PROBITY_ADMIN_EMAIL PROBITY_ADMIN_PASSWORD
for port in 8081 8082; do
  what=gateway-$port said sh -c \\
    "curl --silent --fail http://127.0.0.1:$port/api/v1/markets?status=VOID | grep smoke-"
done
what=doctor said probity doctor --production
what=verify said probity verify
what=owners said sh -c '[ -z "$(find /var/lib/probity /var/backups/probity ! -user probity)" ]'
"""
# What systemd does when the page restarts a unit, and the market that `smoke --market` is given.
_BEFORE_UPGRADE: Final = f"""
token=$(curl --silent --fail https://{SITE}/api/v1/auth/login \\
  --header 'content-type: application/json' \\
  --data '{{"email": "{ADMIN_EMAIL}", "password": "{ADMIN_PASSWORD}"}}' \\
  | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"]["accessToken"])')
what=market said curl --silent --fail https://{SITE}/api/v1/markets \\
  --header "authorization: Bearer $token" --header 'content-type: application/json' \\
  --data '{{"slug": "smoke", "question": "Does it trade?", "category": "smoke",
            "closeTime": "2099-01-01T00:00:00Z"}}'
systemctl() {{
  port=${{2#probity-gateway@}} role=gateway
  if [ "$2" = probity ]; then port=8080 role=serve; fi
  for process in /proc/[0-9]*; do
    tr '\\0' ' ' <$process/cmdline 2>/dev/null | grep --quiet "/bin/probity $role" || continue
    [ $role = serve ] || tr '\\0' '\\n' <$process/environ | grep --quiet "^PORT=$port$" || continue
    kill -TERM ${{process#/proc/}}
    while [ -n "$(tr '\\0' ' ' <$process/cmdline 2>/dev/null)" ]; do sleep 0.2; done
  done
  PORT=$port probity $role >>/var/log/probity-$port.log 2>&1 &
}}
"""
_END: Final = """
what=upgraded said sh -c '[ $(readlink /opt/probity) = /opt/probity-2 ]'
for port in 8080 8081 8082; do
  what=ready-$port said curl --silent --fail http://127.0.0.1:$port/ready
done
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
        assert f"PORT={port} probity gateway" in BY_HAND
        assert f"systemctl restart probity-gateway@{port} && ready {port}\n" in UPGRADE
    assert "probity serve" in BY_HAND
    assert 'READERS="127.0.0.1:8081 127.0.0.1:8082"' in BY_HAND


def test_the_page_ends_in_a_trade() -> None:
    """What `_AFTER` types: the password comes from a pipe there, and the site is another."""
    assert [line.partition("  #")[0].strip() for line in FIRST.splitlines()] == [
        "probity user create --email you@exchange.example --admin",
        "probity backup",
        "probity doctor --production",
        "probity smoke https://exchange.example --admin-email you@exchange.example",
    ]


def test_what_is_typed_leads_to_a_trade_over_tls(tmp_path_factory: pytest.TempPathFactory) -> None:
    if not IS_LONG:
        pytest.skip("a machine is made in the long form alone: PROBITY_LONG_TESTS=1")
    needed("mmdebstrap", "unshare")
    root = make_root(tmp_path_factory.mktemp("machine"))
    try:
        fetched = in_root(root, _FETCH)
        assert fetched.returncode == 0, fetched.stdout + fetched.stderr
        upgrade = f"upgrade() {{\nset -e\n{at_the_site(UPGRADE)}}}\nupgrade >>/srv/said 2>&1"
        script = "\n".join(
            (
                *(_BEFORE, INSTALL, _SETTINGS, at_the_site(BY_HAND), _AFTER),
                *(_BEFORE_UPGRADE, upgrade, _END),
            )
        )
        done = in_root(root, script, "--net")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    said = dict(re.findall(r"^SAID (\S+) (yes|no)$", done.stdout, re.MULTILINE))
    assert said == {
        **dict.fromkeys(("home", "tls1_2", "tls1_3", "backup", "smoke", "doctor", "verify"), "yes"),
        **dict.fromkeys(("gateway-8081", "gateway-8082", "owners", "market", "upgraded"), "yes"),
        **dict.fromkeys(("ready-8080", "ready-8081", "ready-8082"), "yes"),
        **dict.fromkeys(("tls1", "tls1_1", "metrics", "ready", "health"), "no"),
        "readers": "yes",
        "readers-metrics": "no",
    }, done.stdout[-6_000:] + done.stderr[-2_000:]
