#!/bin/sh
# Installs what `make test-clients` drives (irssi, WeeChat, tmux, and fail2ban's own test of a filter) where it is
# missing: Debian and its relatives. There fail2ban, once installed, also starts by itself, and looks after sshd.
# Exit status: 0 all is there, 1 it is not.
set -eu

fail() {
    echo "install-clients: $*" >&2
    exit 1
}

# The packages whose programs are not there, each with a space in front.
missing() {
    command -v irssi >/dev/null || printf ' irssi'
    command -v weechat >/dev/null || printf ' weechat-curses'
    command -v tmux >/dev/null || printf ' tmux'
    command -v fail2ban-regex >/dev/null || printf ' fail2ban'
}

packages=$(missing)
[ -n "$packages" ] || exit 0

command -v apt-get >/dev/null ||
    fail "missing:$packages. There is no apt-get here, so install them in this system's own way" \
        "(with Homebrew: brew install irssi weechat tmux fail2ban), and run this again."

# Without a terminal sudo can't ask for a password, and must not wait for one.
if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif ! command -v sudo >/dev/null; then
    fail "missing:$packages. Run this as root, or as somebody who may use sudo."
elif [ -t 0 ]; then
    as_root="sudo"
else
    as_root="sudo -n"
fi

echo "install-clients: installing$packages" >&2
# Unquoted on purpose: both are lists of words.
$as_root apt-get update --quiet ||
    fail "the lists of packages could not be fetched (apt-get says why, above)."
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends $packages ||
    fail "could not install$packages (apt-get says why, above)."

packages=$(missing)
[ -z "$packages" ] || fail "installed, but still not to be found:$packages. Look at PATH."
