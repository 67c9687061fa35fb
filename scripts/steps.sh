# Sourced by the other scripts: where cargo builds, what it finds there, and how steps are shown.
#
# Each step is one line with the time it took; its output is kept in a file and shown only if it
# fails. The last line of that output is shown while the step runs: always on a terminal, elsewhere once a minute.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null

# Builds outlive the checkout, so that a new clone does not start from nothing.
cache="${XDG_CACHE_HOME:-$HOME/.cache}/backwater"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"
# Where scripts/setup puts it; the bench that counts instructions is built with this path.
export GUNGRAUN_RUNNER="${GUNGRAUN_RUNNER:-$cache/tools/bin/gungraun-runner}"
# Non-login shells often lack the folder where rustup puts cargo.
PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

step_log="$(mktemp)"
trap 'rm -f "$step_log"' EXIT

say_last_line() {
    printf '%4ss  %.70s' "$((SECONDS - begin))" "$(tail -n 1 "$step_log" | tr -d '\r\t')" >&2
}

# step NAME COMMAND [ARGUMENT..]: runs it, ends the script if it fails.
step() {
    local name="$1" begin="$SECONDS" status=0 said="$SECONDS"
    shift
    [[ -t 2 ]] || printf '%-28s ' "$name" >&2
    "$@" >"$step_log" 2>&1 &
    local job=$!
    # Ctrl-C reaches only this shell: commands in the background ignore it.
    trap 'kill "$job" 2>/dev/null; exit 130' INT TERM
    while kill -0 "$job" 2>/dev/null; do
        if [[ -t 2 ]]; then
            printf '\r\033[K%-28s ' "$name" >&2
            say_last_line
        elif ((SECONDS - said >= 60)); then
            say_last_line
            printf '\n%-28s ' "$name" >&2
            said="$SECONDS"
        fi
        sleep 0.5
    done
    wait "$job" || status=$?
    trap - INT TERM
    [[ -t 2 ]] && printf '\r\033[K%-28s ' "$name" >&2
    if ((status)); then
        printf 'FAILED after %ss, exit status %s\n' "$((SECONDS - begin))" "$status" >&2
        cat "$step_log" >&2
        printf '\n%s: step "%s" failed\n' "$0" "$name" >&2
        exit 1
    fi
    printf 'ok %4ss\n' "$((SECONDS - begin))" >&2
}
