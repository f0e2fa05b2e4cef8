#!/usr/bin/env bash
# Brings to one server the blobs that it lacks.
#
#   scripts/equalize_server.sh SERVER_URL LIST [-o BASE] [-v] [-n]
#
# LIST: a file that scripts/list_missing_blobs.sh -o has written. The URLs that failed go to BASE
# (errors.log), all that was said to debug_BASE beside it. -n, --dry-run: say what would be done. The
# secret key is in $NOSTR_SECRET_KEY. -v is taken and changes nothing.
set -euo pipefail
. "$(dirname "$0")/program.sh"

server= list= log=errors.log dry=()
while [ $# -gt 0 ]; do
    case $1 in
    -o) log=${2:?"-o needs a file name"}; shift ;;
    -v | --verbose) ;;
    -n | --dry-run) dry=(--dry-run) ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) printf 'what is "%s"? See %s --help\n' "$1" "$0" >&2; exit 1 ;;
    *) if [ -z "$server" ]; then server=$1; else list=$1; fi ;;
    esac
    shift
done
[ -n "$list" ] || { printf 'which server, and which list? See %s --help\n' "$0" >&2; exit 1; }
repair=("$espalier" repair --server "$server" --list "$list")
[ ${#dry[@]} -eq 0 ] || exec "${repair[@]}" "${dry[@]}"
"${repair[@]}" --error-log "$log" 2>&1 | tee "$(dirname "$log")/debug_$(basename "$log")"
