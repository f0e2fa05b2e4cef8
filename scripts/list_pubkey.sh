#!/usr/bin/env bash
# Prints the blobs of a user as a server lists them.
#
#   scripts/list_pubkey.sh PUBKEY [SERVER_URL]
#
# PUBKEY: hex or npub. SERVER_URL: $BLOSSOM_SERVER, else http://localhost:8080. A secret key in
# $NOSTR_SECRET_KEY signs the request.
set -euo pipefail
. "$(dirname "$0")/program.sh"
. "$(dirname "$0")/request.sh"

case ${1:-} in
-h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
'') printf 'whose blobs? See %s --help\n' "$0" >&2; exit 1 ;;
esac
url=${2:-$default_server} url=${url%/}/list/$("$espalier" auth --hex "$1")
header=
[ -z "$ESPALIER_NSEC" ] || header=$("$(dirname "$0")/gen_auth_header.sh" GET "$url")
request GET "$url" "$header"
