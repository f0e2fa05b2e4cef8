# Read by the scripts that stand for commands of `espalier`, not run by itself: where the program
# is, and how they take a secret key.
# shellcheck shell=bash

# $ESPALIER, else the release build beside this script, else the one in PATH.
espalier=${ESPALIER:-}
beside=$(dirname "${BASH_SOURCE[0]}")/../build/release/bin/espalier
[ -n "$espalier" ] || { [ ! -x "$beside" ] || espalier=$beside; }
[ -n "$espalier" ] || espalier=$(command -v espalier) || {
    printf 'espalier is not built yet: scripts/demo builds it, or set ESPALIER to its path\n' >&2
    exit 1
}

# The Go original's name for it.
[ -n "${ESPALIER_NSEC:-}" ] || export ESPALIER_NSEC=${NOSTR_SECRET_KEY:-}
