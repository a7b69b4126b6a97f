"""scripts/install-clients.sh, on systems that are nothing but a directory of programs: none of them can be harmed."""

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.clients

SCRIPT = Path(__file__).parents[2] / "scripts" / "install-clients.sh"
PROGRAMS = {"irssi": "irssi", "weechat": "weechat-curses", "tmux": "tmux", "fail2ban-regex": "fail2ban"}
"""Program to package."""


class System:
    """A directory that is all of the PATH. Its `apt-get` notes what it is told, and installs what it can."""

    def __init__(self, root: Path, user: int = 0) -> None:
        self.programs = root / "bin"
        self.notes = root / "notes"
        self.programs.mkdir()
        self.notes.touch()
        for real in ("sh", "env", "chmod"):
            found = shutil.which(real)
            assert found is not None
            (self.programs / real).symlink_to(found)
        self.add("id", f"echo {user}")

    def add(self, name: str, script: str = "") -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def add_apt(self, provides: str = "irssi weechat tmux fail2ban-regex", status: int = 0) -> None:
        programs = f'for program in {provides}; do : >"{self.programs}/$program"; done; chmod +x "{self.programs}"/*'
        installs = f"case $1 in install) {programs};; esac" if provides else ""
        self.add("apt-get", f'echo "apt-get $*" >>"{self.notes}"\n{installs}\nexit {status}')

    def run(self) -> tuple[int, str]:
        """The status of the script, and what it says."""
        done = subprocess.run(
            ["/bin/sh", str(SCRIPT)],
            env={"PATH": str(self.programs)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert done.stdout == ""
        return done.returncode, done.stderr

    def told(self) -> list[str]:
        return self.notes.read_text().splitlines()


def test_does_nothing_where_all_is_there(tmp_path: Path) -> None:
    system = System(tmp_path)
    system.add_apt(status=100)
    for program in PROGRAMS:
        system.add(program)
    assert system.run() == (0, "")
    assert system.told() == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_installs_what_is_missing(tmp_path: Path, program: str) -> None:
    system = System(tmp_path)
    system.add_apt(provides=program)
    for other in set(PROGRAMS) - {program}:
        system.add(other)
    status, said = system.run()
    assert status == 0, said
    update, install = system.told()
    assert update.startswith("apt-get update")
    assert install.startswith("apt-get install")
    assert [word for word in install.split() if word in PROGRAMS.values()] == [PROGRAMS[program]]


def test_asks_sudo_where_one_is_not_root(tmp_path: Path) -> None:
    system = System(tmp_path, user=1000)
    system.add_apt()
    status, said = system.run()
    assert status == 1
    assert "Run this as root, or as somebody who may use sudo." in said
    assert system.told() == []
    system.add("sudo", f'echo "sudo $1" >>"{system.notes}"\nshift\nexec "$@"')
    status, said = system.run()
    assert status == 0, said
    assert [line.split()[:2] for line in system.told()] == [
        ["sudo", "-n"],
        ["apt-get", "update"],
        ["sudo", "-n"],
        ["apt-get", "install"],
    ]


def test_says_what_to_do_elsewhere(tmp_path: Path) -> None:
    status, said = System(tmp_path).run()
    assert status == 1
    assert said.startswith("install-clients: missing: irssi weechat-curses tmux fail2ban. There is no apt-get here, so")


def test_says_so_when_it_fails(tmp_path: Path) -> None:
    system = System(tmp_path)
    system.add_apt(status=100)
    status, said = system.run()
    assert status == 1
    assert "install-clients: the lists of packages could not be fetched" in said
    system.add_apt(provides="")
    status, said = system.run()
    assert status == 1
    assert "still not to be found: irssi weechat-curses tmux fail2ban" in said
