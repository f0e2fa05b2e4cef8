#!/usr/bin/env bash
# Prints the Authorization header of a request to a Blossom server, signed by $NOSTR_SECRET_KEY.
#
#   scripts/gen_auth_header.sh [-h HASH] METHOD URL [BODY_FILE] [FILE_NAME]
#
# What the token is for follows from METHOD and URL; the blob that it names is HASH (-h, --hash),
# else the one that a DELETE's URL or the JSON of a mirror's BODY_FILE names, else BODY_FILE itself.
# It lives for a day, or until $BLOSSOM_EXPIRATION (unix seconds).
set -euo pipefail
. "$(dirname "$0")/program.sh"

hash=
while [ $# -gt 0 ]; do
    case $1 in
    -h | --hash) hash=${2:?"$1 needs a hash"}; shift ;;
    --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --) shift; break ;;
    -*) printf 'what is "%s"? See %s --help\n' "$1" "$0" >&2; exit 1 ;;
    *) break ;;
    esac
    shift
done
[ $# -ge 2 ] || { printf 'which method, and which URL? See %s --help\n' "$0" >&2; exit 1; }
method=$1 url=$2 body=${3:-} name=${4:-}
path=${url#*://} path=/${path#*/} path=${path%%[?#]*}

# The last hash in a text.
last_hash() { grep -oE '[0-9a-fA-F]{64}' | tail -n 1 || true; }

case $method:$path in
DELETE:*) verb=delete; hash=${hash:-$(last_hash <<<"$path")} ;;
*/list | */list/*) verb=list body= ;;
*/media) verb=media ;;
*/mirror) verb=upload; hash=${hash:-$([ -z "$body" ] || last_hash <"$body")} body= ;;
*/upload) verb=upload ;;
*) verb="get" ;;
esac
what=("$verb")
if [ -n "$hash" ]; then
    what+=(--hash "$hash")
elif [ -n "$body" ]; then
    what+=(--file "$body")
fi
[ -z "$name" ] || what+=(--content "Upload $name")
lifetime=86400
[ -z "${BLOSSOM_EXPIRATION:-}" ] || lifetime=$((BLOSSOM_EXPIRATION - $(date +%s)))
exec "$espalier" auth "${what[@]}" --lifetime "$lifetime"
