# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Packs the installed project into an archive that the lab host's initrd lays
# over its disk, and does on the way what a Debian package's scripts would do.
# Sourced by build.sh.

# project_pack SUITE OUTPUT BUILDDIR DESTDIR
# Either directory may be empty; without both the archive brings nothing.
project_pack() {
        local suite=$1 output=$2 builddir=$3 destdir=$4 stage
        stage=$(mktemp -d)
        mkdir -p "$stage/overlay"
        if [ -n "$builddir" ] && [ "$suite" != "$(suite_here)" ]; then
                suite_build "$suite" "$builddir-$suite" >&2
                suite_install "$suite" "$builddir-$suite" "$stage/overlay" >&2
        elif [ -n "$builddir" ]; then
                DESTDIR="$stage/overlay" meson install -C "$builddir" --no-rebuild --quiet >&2
        elif [ -n "$destdir" ]; then
                cp -a "$destdir/." "$stage/overlay/"
        fi
        project_merge_usr "$stage/overlay"
        project_enable_units "$stage/overlay"
        initrd_pack "$stage" "$output"
        rm -rf "$stage"
}

# The lab host's /lib and its like are links into /usr: a directory of that
# name in the archive would not go over them.
project_merge_usr() {
        local overlay=$1 dir
        for dir in bin lib lib64 sbin; do
                if [ ! -d "$overlay/$dir" ] || [ -L "$overlay/$dir" ]; then
                        continue
                fi
                mkdir -p "$overlay/usr/$dir"
                cp -a "$overlay/$dir/." "$overlay/usr/$dir/"
                rm -rf "${overlay:?}/$dir"
        done
}

# Enables the units that ask for it, templates aside, as installing a Debian
# package does.
project_enable_units() {
        local overlay=$1 unit target dir
        for unit in "$overlay"/usr/lib/systemd/system/*.{service,socket,path,timer}; do
                case $unit in *@.*) continue ;; esac
                [ -f "$unit" ] || continue
                while read -r target; do
                        dir=$overlay/etc/systemd/system/$target.wants
                        mkdir -p "$dir"
                        ln -sf "/usr/lib/systemd/system/${unit##*/}" "$dir/"
                done < <(sed -n 's/^WantedBy=//p' "$unit" | tr ' ' '\n')
        done
}
