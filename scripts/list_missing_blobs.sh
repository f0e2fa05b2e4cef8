#!/usr/bin/env bash
# Which blobs of a user are missing on which of the configured servers.
#
#   scripts/list_missing_blobs.sh PUBKEY [CONFIG] [-json] [-v] [-o DIR]
#
# PUBKEY: hex or npub, or $BLOSSOM_PUBKEY. CONFIG: config/config.yaml. -json prints JSON; -o writes
# a file per server, with lines "hash source inferred", for scripts/equalize_server.sh. A secret key
# in $NOSTR_SECRET_KEY signs the requests. -v is taken and changes nothing.
set -euo pipefail
. "$(dirname "$0")/program.sh"

pubkey= config= options=()
while [ $# -gt 0 ]; do
    case $1 in
    -json | --json) options+=(--json) ;;
    -v | --verbose) ;;
    -o | --output-dir) options+=(--output-dir "${2:?"$1 needs a folder"}"); shift ;;
    -o=* | --output-dir=*) options+=(--output-dir "${1#*=}") ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) printf 'what is "%s"? See %s --help\n' "$1" "$0" >&2; exit 1 ;;
    *) if [ -z "$pubkey" ]; then pubkey=$1; else config=$1; fi ;;
    esac
    shift
done
pubkey=${pubkey:-${BLOSSOM_PUBKEY:-}}
[ -n "$pubkey" ] || { printf 'whose blobs? See %s --help\n' "$0" >&2; exit 1; }
exec "$espalier" missing "$pubkey" --config "${config:-config/config.yaml}" "${options[@]}"
