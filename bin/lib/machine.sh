# What a machine must have before anything is built: shared by the scripts in bin/ and .ci/.
# Sourced, not run; expects `set -euo pipefail`.

export DEBIAN_FRONTEND=noninteractive

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

need_cargo() {
    have cargo || PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    have cargo || die "no Rust toolchain: install one (https://rustup.rs), then run this again"
}

# The component's name is also cargo's subcommand, as people know it.
need_component() {
    cargo "$1" --version >/dev/null 2>&1 ||
        die "the Rust toolchain lacks $2: add it (rustup component add $2), then run this again"
}

has_libpq() {
    [ -e /usr/include/postgresql/libpq-fe.h ] ||
        { have pg_config && [ -e "$(pg_config --includedir)/libpq-fe.h" ]; }
}

has_postgresql_server() {
    local dir
    for dir in /usr/lib/postgresql/*/bin; do
        [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] && return
    done
    have initdb && have postgres
}

has_fonts() { compgen -G '/usr/share/fonts/*/*/*.[to]tf' >/dev/null; }

# Debian packages for building the program.
missing_for_building() {
    have cc || echo gcc libc6-dev
    has_libpq || echo libpq-dev
}

# Debian packages for running it without a database server elsewhere.
missing_for_serving() {
    has_postgresql_server || echo postgresql
    have setpriv || echo util-linux
}

# Debian packages for testing it.
missing_for_testing() {
    have git || echo git
    have curl || echo curl
    # The tests' own container engine, never the machine's; where it can't be started they say so.
    have dockerd || echo docker.io iptables
    have busybox || echo busybox-static
    have ip || echo iproute2
    have chromium || echo chromium
    have chromedriver || echo chromium-driver
    has_fonts || echo fonts-dejavu-core
}

# Debian packages for breaking it.
missing_for_breaking() {
    have prlimit || echo util-linux
    have pgrep || echo procps
    have dockerd || echo docker.io iptables
    have busybox || echo busybox-static
    have pgbouncer || [ -x /usr/sbin/pgbouncer ] || echo pgbouncer
}

# Debian packages for measuring it.
missing_for_measuring() {
    have wrk || echo wrk
    have pgbench || echo postgresql
}

# Installs the named packages; does nothing, and asks for nothing, when none is named.
install_packages() {
    [ $# -gt 0 ] || return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        have sudo || die "missing: $*; install them as root (apt-get install $*), then run this again"
        as_root=(sudo --preserve-env=DEBIAN_FRONTEND)
    fi
    have apt-get || die "missing: $* (Debian's names); install what this system calls them, then run this again"
    say "installing $*"
    "${as_root[@]}" apt-get update --quiet --quiet
    "${as_root[@]}" apt-get -o Dpkg::Use-Pty=0 install --quiet --quiet --yes --no-install-recommends "$@"
}
