#!/usr/bin/env bash
# Has a server fetch a blob from elsewhere, and prints the descriptor of its copy.
#
#   scripts/mirror_hash.sh [-v] [-h HASH] URL [SERVER_URL]
#
# URL: of the blob, with its hash in it, unless -h (--hash) gives that. SERVER_URL:
# $BLOSSOM_SERVER, else http://localhost:8080. The secret key is in $NOSTR_SECRET_KEY. -v shows the
# exchange.
set -euo pipefail
. "$(dirname "$0")/request.sh"

hash= verbose=()
while [ $# -gt 0 ]; do
    case $1 in
    -v | --verbose) verbose=(-v) ;;
    -h | --hash) hash=${2:?"$1 needs a hash"}; shift ;;
    --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --) shift; break ;;
    -*) printf 'what is "%s"? See %s --help\n' "$1" "$0" >&2; exit 1 ;;
    *) break ;;
    esac
    shift
done
[ $# -ge 1 ] || { printf 'which blob? See %s --help\n' "$0" >&2; exit 1; }
source=$1 url=${2:-$default_server} url=${url%/}/mirror
hash=${hash:-$(grep -oE '[0-9a-fA-F]{64}' <<<"${source%%[?#]*}" | tail -n 1)} || {
    printf 'there is no hash in %s: give one with -h\n' "$source" >&2
    exit 1
}
header=$("$(dirname "$0")/gen_auth_header.sh" --hash "$hash" PUT "$url")
request PUT "$url" "$header" "${verbose[@]}" -H 'Content-Type: application/json' \
    --data-raw "{\"url\":\"$(sed 's/["\\]/\\&/g' <<<"$source")\"}"
