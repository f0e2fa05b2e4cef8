#!/usr/bin/env bash
# Uploads a file and prints its descriptor.
#
#   scripts/upload_file.sh FILE [SERVER_URL]
#
# SERVER_URL: $BLOSSOM_SERVER, else http://localhost:8080. The secret key is in $NOSTR_SECRET_KEY.
set -euo pipefail
. "$(dirname "$0")/request.sh"

case ${1:-} in
-h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
'') printf 'which file? See %s --help\n' "$0" >&2; exit 1 ;;
esac
file=$1 url=${2:-$default_server} url=${url%/}/upload
header=$("$(dirname "$0")/gen_auth_header.sh" PUT "$url" "$file" "$(basename "$file")")
# Without a type the server looks at the bytes.
type=$(file --brief --mime-type -- "$file" 2>/dev/null) || type=
request PUT "$url" "$header" -H "Content-Type:${type:+ $type}" -H 'Expect:' -T "$file"
