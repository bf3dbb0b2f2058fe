# shellcheck shell=bash
# What the scripts beside this file share: installing Debian packages without side effects, stages, waiting.
# Sourced, never run.

# A user's PATH lacks these on Debian, and nft, tcpdump and keepalived live there.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# What a script says when it cannot go on: one sentence, and exit 1.
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Runs a command as root, through sudo where that is needed.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Ends the script unless root is reachable without a question that nobody would answer.
# $1 says what root is needed for.
require_root() {
    [ "$(id -u)" -eq 0 ] && return
    command -v sudo >/dev/null || die "$1: run this as root, or install sudo"
    if [ -t 0 ]; then
        sudo -v || die "$1: sudo refused"
    else
        sudo -n true 2>/dev/null || die "$1: sudo asks for a password and there is no terminal to type it on: run this as root"
    fi
}

# Keeps Debian from starting services as they are installed; takes that back with `allow_service_starts`.
# An existing policy is the machine's own and stays.
POLICY=/usr/sbin/policy-rc.d
POLICY_IS_OURS=no
forbid_service_starts() {
    [ -e "$POLICY" ] && return
    POLICY_IS_OURS=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
    as_root chmod 755 "$POLICY"
}
allow_service_starts() {
    [ "$POLICY_IS_OURS" = yes ] || return 0
    as_root rm -f "$POLICY"
    POLICY_IS_OURS=no
}

# Installs the packages of which a command is missing. Arguments: COMMAND:PACKAGE or COMMAND:PACKAGE:UNIT,UNIT.., one a command.
# The units are services that the package would start now and at every boot, and does not.
install_missing() {
    local entry command package services packages=() units=() more
    for entry in "$@"; do
        IFS=: read -r command package services <<<"$entry"
        command -v "$command" >/dev/null && continue
        packages+=("$package")
        IFS=, read -r -a more <<<"$services"
        units+=("${more[@]}")
    done
    [ ${#packages[@]} -eq 0 ] && return
    command -v apt-get >/dev/null ||
        die "these Debian packages, or their likes, are needed and there is no apt-get here to install them: ${packages[*]}"
    require_root "installing ${packages[*]}"
    printf 'installing: %s\n' "${packages[*]}"

    local log
    log=$(mktemp)
    trap allow_service_starts EXIT
    forbid_service_starts
    # A third party's broken package source fails the update but need not fail the installation.
    as_root apt-get -q update >"$log" 2>&1 || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${packages[@]}" >>"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        die "apt-get could not install ${packages[*]} (its output is in $log)"
    }
    rm -f "$log"
    allow_service_starts
    trap - EXIT
    if [ ${#units[@]} -gt 0 ] && command -v systemctl >/dev/null; then
        as_root systemctl --quiet disable "${units[@]}" >/dev/null 2>&1 || true
    fi
}

# Waits until a command succeeds, at most $1 seconds; fails when it never did.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}

# Makes a crate of the election alone: it is pure, and builds in seconds where vipd as a whole needs a minute. $1: where.
election_alone() {
    rm -rf "$1/src"
    mkdir -p "$1/src"
    cp -r src/election "$1/src/"
    cp Cargo.lock "$1/"
    printf 'pub mod election;\n' >"$1/src/lib.rs"
    cat >"$1/Cargo.toml" <<EOF
[package]
name = "election"
edition = "2024"

[dependencies]
vrrp-packet = { path = "$PWD/packet" }

[dev-dependencies]
proptest = { version = "1", default-features = false, features = ["std"] }

[workspace]
EOF
}
