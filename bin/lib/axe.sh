# The accessibility checker that the browser journeys put into each page.
# Sourced after machine.sh. Nothing of it is in the repository: npm fetches it once into a cache.

AXE_VERSION=4.14.1
AXE_SHA256=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c

axe_is_whole() { echo "$AXE_SHA256  $1" | sha256sum --check --status 2>/dev/null; }

# Sets PILOTHOUSE_AXE to a file with axe-core. One that is already set is taken as it is.
need_axe() {
    if [ -n "${PILOTHOUSE_AXE:-}" ]; then
        [ -s "$PILOTHOUSE_AXE" ] || die "PILOTHOUSE_AXE names $PILOTHOUSE_AXE, which is missing or empty"
        return
    fi
    local cache="${XDG_CACHE_HOME:-$HOME/.cache}/pilothouse/axe-core-$AXE_VERSION"
    export PILOTHOUSE_AXE="$cache/axe.min.js"
    axe_is_whole "$PILOTHOUSE_AXE" && return
    have npm || install_packages nodejs npm
    say "fetching axe-core $AXE_VERSION"
    fetch_axe "$cache" ||
        die "could not fetch axe-core $AXE_VERSION with npm; the browser tests need it (or PILOTHOUSE_AXE=/path/to/axe.min.js)"
}

fetch_axe() {
    local cache=$1 box
    mkdir -p "$cache" || return
    box=$(mktemp -d "$cache/fetch.XXXXXX") || return
    (
        cd "$box" &&
            npm pack --loglevel=error "axe-core@$AXE_VERSION" >/dev/null &&
            tar -xzf "axe-core-$AXE_VERSION.tgz" package/axe.min.js &&
            { axe_is_whole package/axe.min.js || { echo "axe.min.js is not the file that is expected" >&2; false; }; } &&
            mv package/axe.min.js "$cache/axe.min.js"
    )
    local outcome=$?
    rm -rf -- "$box"
    return $outcome
}
