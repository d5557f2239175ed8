# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes a kernel of the lab's own for the lab host, where Debian's lacks what is
# to be shown: kernels/NAME.config says what is in it, and Debian's source is what
# it is made from. Sourced by boot.sh and build.sh, after base.sh and initrd.sh.

# kernel_known HERE NAME
kernel_known() {
        [ -e "$1/kernels/$2.config" ] || {
                echo "There is no kernel \"$2\": $1/kernels has $(cd "$1/kernels" && echo *)." >&2
                return 1
        }
}

# kernel_path HERE NAME
# Prints where the kernel belongs, as base_path does for the base. It is the same
# for all suites.
kernel_path() {
        local key
        key=$(cd "$1" && cat packages.kernel kernel.sh initrd.sh "kernels/$2.config" inside/host-init | sha256sum)
        echo "${USHER_LAB_CACHE:-/var/cache/usher-lab}/kernel-$2-${key:0:16}"
}

# kernel_keep HERE NAME
# Makes it if it is not there. Two suites may want the same one at once.
kernel_keep() {
        local cache=${USHER_LAB_CACHE:-/var/cache/usher-lab} kernel
        kernel=$(kernel_path "$1" "$2")
        (
                flock 7
                ! touch -c "$kernel" || [ ! -d "$kernel" ] || exit 0
                echo "building the kernel into $kernel" >&2
                kernel_build "$1" "$2" "$kernel"
                # Those of older trees, as with the base.
                find "$cache" -maxdepth 1 -name 'kernel-*' -mtime +7 -exec rm -rf {} +
        ) 7>"$cache/lock-kernel"
}

# kernel_build HERE NAME KERNEL
# Makes the folder KERNEL with `vmlinux` and `initrd.cpio`, as the base has them;
# this initrd brings the kernel's modules along, and lays them over the disk.
kernel_build() {
        local here=$1 name=$2 kernel=$3 work builder release
        work=$(mktemp -d "$kernel.XXXXXX")
        builder=$work/builder
        # shellcheck disable=SC2064 # the value of now
        trap "rm -rf '$work'" EXIT
        # shellcheck disable=SC2154 # base.sh sets base_suite
        suite_debian "$base_suite" "$(suite_packages "$base_suite" "$here/packages.kernel" | paste -sd,)" "$builder" \
                --variant=extract
        kernel_compile "$builder" "$here/kernels/$name.config" >&2
        release=$(cat "$builder/linux/include/config/kernel.release")

        chroot "$builder" /usr/bin/strip --strip-debug /linux/vmlinux
        install -m 0644 -t "$work" "$builder/linux/vmlinux"
        initrd_make "$builder" "$release" "$here/inside/host-init" "$work/initrd.cpio" virtio_pci virtio_blk ext4
        mkdir -p "$work/stage/overlay/usr/lib/modules"
        cp -a "$builder/lib/modules/$release" "$work/stage/overlay/usr/lib/modules/"
        rm -f "$work/stage/overlay/usr/lib/modules/$release"/{build,source}
        initrd_pack "$work/stage" "$work/modules.cpio"
        cat "$work/modules.cpio" >>"$work/initrd.cpio"

        rm -rf "$builder" "$work/stage" "$work/modules.cpio"
        chmod 0755 "$work"
        mv "$work" "$kernel"
        trap - EXIT
}

# kernel_compile BUILDER CONFIG
# Kconfig drops silently what it cannot have, and then the kernel would be another.
kernel_compile() {
        local builder=$1 config=$2 linux=$1/linux line
        mkdir "$linux"
        tar -xf "$builder"/usr/src/linux-source-*.tar.xz -C "$linux" --strip-components=1
        install -m 0644 "$config" "$linux/lab.config"
        kernel_make "$builder" KCONFIG_ALLCONFIG=lab.config allnoconfig
        while read -r line; do
                if ! grep -qxF "$line" "$linux/.config"; then
                        echo "The kernel would not have $line of $config." >&2
                        return 1
                fi
        done < <(grep '^CONFIG_' "$config")
        kernel_make "$builder" -j"$(nproc)" vmlinux modules
        kernel_make "$builder" INSTALL_MOD_STRIP=1 modules_install
}

# kernel_make BUILDER ARGUMENT…
# These programs have their usual names by an alternative, which would have had to
# be set up. PWD is of this machine, and the kernel's tools/ believe it.
kernel_make() {
        local builder=$1
        shift
        env -C / PWD=/ chroot "$builder" /usr/bin/make -s -C /linux AWK=gawk LEX=flex YACC=bison \
                KBUILD_BUILD_USER=lab KBUILD_BUILD_HOST=lab "$@"
}
