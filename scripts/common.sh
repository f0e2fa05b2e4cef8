# Read by the other scripts, not run by itself: where the project lies, and how they speak.
# shellcheck shell=bash
script_path=$(realpath "$0")
script_name=$(basename "$(dirname "$script_path")")/$(basename "$script_path")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s: %s\n' "$script_name" "$*"; }

die() {
    printf '%s: %s\n' "$script_name" "$*" >&2
    exit 1
}

# need PROGRAM…: every one of them must be there.
need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || die "$program is missing (scripts/setup installs it)"
    done
}

# Our own sources below these folders, one per line.
sources() {
    find "$@" -name node_modules -prune -o \
        -type f \( -name '*.h' -o -name '*.cpp' \) -print | sort
}

# configure PRESET [cmake arguments…]
configure() {
    local preset=$1
    shift
    local launcher=()
    ! command -v ccache >/dev/null || launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
    local told
    told=$(cmake --preset "$preset" "${launcher[@]}" "$@" 2>&1) || {
        printf '%s\n' "$told" >&2
        die "FAILED: cmake --preset $preset"
    }
}

# How many test cases passed and failed, by doctest's own summaries in a ctest log: "P F".
cases_in() {
    sed -n 's/^\[doctest\] test cases: *[0-9]* | *\([0-9]*\) passed | *\([0-9]*\) failed.*/\1 \2/p' "$1" |
        awk '{ passed += $1; failed += $2 } END { print passed + 0, failed + 0 }'
}
