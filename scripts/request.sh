# Read by the scripts that make one request each, not run by itself.
# shellcheck shell=bash

# Where they go without an argument.
default_server=${BLOSSOM_SERVER:-http://localhost:8080}

# request METHOD URL HEADER [curl arguments…]: prints the answer's body, as readable JSON where there
# is jq; on an error, that goes to stderr together with the status.
request() {
    local method=$1 url=$2 header=$3 answer status
    shift 3
    # The header is no argument of curl: everybody on the machine can read those.
    answer=$(curl -sSL -X "$method" -H @- -w '\n%{http_code}' "$@" "$url" <<<"$header") || exit 1
    status=${answer##*$'\n'} answer=${answer%$'\n'*}
    case $status in
    2??) readable <<<"$answer" ;;
    *) printf 'HTTP %s\n%s\n' "$status" "$answer" >&2; exit 1 ;;
    esac
}

readable() {
    if command -v jq >/dev/null; then jq .; else cat; fi
}
