#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/packages.sh [--output FOLDER] [deb] [rpm] [arch] [nix]
#
# Builds packages from the committed sources (without a repository, from those that lie there) and checks them, as far as a Debian
# can: rpmbuild and makepkg are Debian's, so that what they depend on is not looked at, and NixOS' module meets a stub of nixpkgs.
# Without a name all are built. The Debian package stays in FOLDER, if one is named, and in FOLDER/later a later version of it, for
# an upgrade. Install tests/install-packages.sh's packages first. The last line says "N passed, N failed".

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
# shellcheck source=suites.sh
. "$here/suites.sh"

# outcome WHAT COMMAND…
outcome() {
        local what=$1
        shift
        if "$@"; then
                echo "ok - $what"
                passed=$((passed + 1))
        else
                echo "not ok - $what"
                failed=$((failed + 1))
        fi
}

# quietly COMMAND…
# What it said is of interest only if it failed.
quietly() {
        "$@" >"$work/log" 2>&1 || {
                tail -n 40 "$work/log"
                return 1
        }
}

# without_qemu COMMAND…
# As on a host that has no more than what the package is built of.
without_qemu() {
        # shellcheck disable=SC2016 # for the shell inside
        unshare --mount sh -c '
                for program in qemu-system-x86_64 qemu-img; do
                        [ ! -e "/usr/bin/$program" ] || mount --bind /dev/null "/usr/bin/$program" || exit
                done
                exec "$@"' sh "$@"
}

# deb_builds
# As the README says, so with the unit tests that belong to it.
deb_builds() {
        mkdir "$work/deb"
        cp -a "$work/usher" "$work/deb/"
        (cd "$work/deb/usher" && quietly without_qemu dpkg-buildpackage -b -us -uc)
}

# later_deb_builds
# Compiled anew is only what knows the version.
later_deb_builds() {
        (
                cd "$work/deb/usher" &&
                        sed -i "s/^\(  version: '.*\)',$/\1+later',/" meson.build &&
                        sed -i '1s/)/+later)/' debian/changelog &&
                        rm debian/debhelper-build-stamp &&
                        DEB_BUILD_OPTIONS=nocheck quietly dpkg-buildpackage -b -nc -us -uc
        )
}

deb_pleases_lintian() {
        quietly lintian --allow-root --fail-on error,warning "$work"/deb/usher_*.changes
}

# deb_has PATH…
# The paths end like this: where units go differs between Debian's releases.
deb_has() {
        local path
        dpkg-deb --contents "$work"/deb/usher_*.deb >"$work/contents"
        for path in "$@"; do
                grep -q -- "$path\$" "$work/contents" || {
                        echo "$path is not in the package"
                        return 1
                }
        done
}

# spares_guests
# As needrestart.conf reads the files beside it, and needrestart asks what they say of a service.
spares_guests() {
        perl -e '
                %nrconf = (override_rc => {});
                eval do { local(@ARGV, $/) = $ARGV[0]; <> };
                die $@ if $@;
                ($re) = keys %{$nrconf{override_rc}};
                exit !("usher-guest\@win10.service" =~ /$re/ && "usherd.service" !~ /$re/ && $nrconf{override_rc}->{$re} eq "0")' \
                "$top/packaging/needrestart/usher.conf"
}

# purge_spares_others
# The script with its paths below a folder of ours: of two of each kind, one is the administrator's.
purge_spares_others() {
        local root=$work/purge
        mkdir -p "$root"/var/lib/usher/guests/win10 "$root"/var/log/usher "$root"/etc/usher/guests "$root"/run
        touch "$root"/var/lib/usher/{ledger,qemu.facts,notes.new} "$root"/var/log/usher/win10.console.log{,.1,.kept} \
                "$root"/var/lib/usher/guests/win10/{nvram.fd,nvram-secure.qcow2,nvram-pinned-own-keys.fd.new} \
                "$root"/var/lib/usher/guests/win10/{nvram-backup.fd,nvram.qcow2.old,disk.raw.new} "$root"/etc/usher/guests/win10.guest
        sed -E "s#(^|[ \"])/(etc|var|run|dev)/#\1$root/\2/#g; s/^#DEBHELPER#//" "$top/debian/usher.postrm" >"$work/postrm"
        sh "$work/postrm" purge 2>/dev/null && sh "$work/postrm" purge 2>/dev/null || return 1
        find "$root" -type f -printf '%f\n' | sort >"$work/left"
        diff - "$work/left" <<'EOF'
disk.raw.new
notes.new
nvram-backup.fd
nvram.qcow2.old
win10.console.log.kept
EOF
}

# one_version
# Each package says the version that meson says.
one_version() {
        local version file
        version=$(sed -n "s/^  version: '\(.*\)',/\1/p" "$top/meson.build")
        for file in README.md debian/changelog packaging/usher.spec packaging/PKGBUILD nix/package.nix; do
                grep -qE "^(usher \($version\)|Version: +$version\$|pkgver=$version\$| *version = \"$version\";|.*--prefix=usher-$version/ )" "$top/$file" || {
                        echo "$file has another version than meson.build, $version"
                        return 1
                }
        done
}

check_deb() {
        outcome 'The Debian package is built and its unit tests pass, without QEMU' deb_builds
        outcome 'lintian neither complains nor warns' deb_pleases_lintian
        outcome 'It has programs, manual pages, completions and units' deb_has bin/usherctl \
                libexec/usher/{usherd,usher-bind,usher-launch,usher-lent,usher-nat} \
                man1/usherctl.1.gz man5/usher.guest.5.gz man5/usherd.conf.5.gz man7/usher.hooks.7.gz man8/usherd.8.gz completions/usherctl \
                systemd/system/{usherd.service,usherd.socket,usher-guest@.service,usher-bind@.service,usher.target,usher.slice} \
                systemd/system/{usher-nat.service,usher-nat-dhcp.service,usher-nat@.target} usher/nat.nft \
                lib/systemd/system-generators/usher-generator \
                system.d/org.usher1.conf actions/org.usher1.policy needrestart/conf.d/usher.conf
        outcome 'needrestart leaves guests alone' spares_guests
        outcome 'A purge takes what usher made, and nothing else' purge_spares_others
        [ -n "$output" ] || return 0
        mv "$work"/deb/usher_*.deb "$output/"
        outcome 'A later version is built' later_deb_builds
        mkdir -p "$output/later"
        mv "$work"/deb/usher_*.deb "$output/later/"
}

# rpm_builds
# From the spec in a tarball, as the README says. Fedora's macros stand in packages that Debian has not.
rpm_builds() {
        local version
        version=$(sed -n 's/^Version: *//p' "$top/packaging/usher.spec")
        tar -cz -C "$work" --transform "s|^usher|usher-$version|" -f "$work/usher-$version.tar.gz" usher
        quietly rpmbuild -tb --nodeps --define "_topdir $work/rpm" --define '_unitdir /usr/lib/systemd/system' \
                --define 'meson meson setup build --prefix=/usr --libexecdir=%{_libexecdir} --sysconfdir=/etc --localstatedir=/var' \
                --define 'meson_build meson compile -C build' --define 'meson_install meson install -C build --destdir %{buildroot}' \
                --define 'systemd_post() :' --define 'systemd_preun() :' --define 'systemd_postun_with_restart() :' \
                "$work/usher-$version.tar.gz"
}

check_rpm() {
        outcome 'The RPM package is built, with each file that is installed' rpm_builds
}

# arch_builds
# makepkg does not run as root.
arch_builds() {
        git clone --quiet "$top" "$work/arch"
        chmod 711 "$work"
        chown -R nobody "$work/arch"
        (cd "$work/arch/packaging" && quietly runuser -u nobody -- env HOME="$work/arch" makepkg --nodeps)
}

arch_has_hook() {
        tar -tf "$work"/arch/packaging/usher-*.pkg.tar* | grep -x usr/share/libalpm/hooks/usher-lent.hook >/dev/null
}

check_arch() {
        outcome 'The Arch package is built' arch_builds
        outcome 'It has the hook that keeps pacman from removing it while a guest runs' arch_has_hook
}

# nix_is_golden
# The definition is one of those whose command line the test qemu-golden knows.
nix_is_golden() {
        NIX_STORE_DIR=$work/nix/store NIX_STATE_DIR=$work/nix/state NIX_LOG_DIR=$work/nix/log NIX_CONF_DIR=$work/nix \
                nix-instantiate --eval --strict --json "$top/nix/test.nix" 2>"$work/log" |
                python3 -c 'import json, sys; sys.stdout.write(json.load(sys.stdin))' >"$work/nixos.guest" || {
                cat "$work/log"
                return 1
        }
        diff "$top/tests/unit/core/golden/nixos-wiki.guest" "$work/nixos.guest"
}

check_nix() {
        outcome "NixOS' module makes the guest of the wiki's example" nix_is_golden
}

output=
if [ "${1:-}" = --output ]; then
        mkdir -p "$2"
        output=$(realpath "$2")
        rm -f "$output"/usher_*.deb "$output"/later/usher_*.deb
        shift 2
fi
suite_tree "$work/usher"
outcome 'All packages have one version' one_version
[ $# -gt 0 ] || set -- deb rpm arch nix
for kind in "$@"; do
        "check_$kind"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
