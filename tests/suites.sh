# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The suites of Debian that usher is built and tried on: the packages that each wants, the mirror that they come from, and a root
# of each to build and test in. Sourced. Roots are kept in $USHER_ROOTS (/var/cache/usher-roots).

suites_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
suites_roots=${USHER_ROOTS:-/var/cache/usher-roots}

# suite_here: the suite of this machine
suite_here() {
        sed -n 's/^VERSION_CODENAME=//p' /etc/os-release
}

# suite_packages SUITE FILE…
# The packages that the files list, one a line. "NAME [SUITE]" counts in that suite alone, "NAME [!SUITE]" in all others.
suite_packages() {
        local suite=$1
        shift
        sed 's/#.*//' "$@" | awk -v suite="$suite" '
                NF == 1 || $2 == "[" suite "]" || ($2 ~ /^\[!/ && $2 != "[!" suite "]") { print $1 }' | sort -u
}

# suite_mirror
# The first of Debian's that apt knows.
suite_mirror() {
        # shellcheck disable=SC2016 # for apt to expand
        apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' | head -n 1
}

# suite_sources SUITE
# Prints the apt sources to use: those of this machine, if it is of that suite,
# for they are known to be reachable; else the mirror that they name.
suite_sources() {
        local file
        if [ -n "${USHER_LAB_MIRROR:-}" ]; then
                echo "$USHER_LAB_MIRROR"
        elif [ "$(suite_here)" = "$1" ]; then
                for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
                        [ ! -s "$file" ] || echo "$file"
                done
        else
                suite_mirror
        fi
}

# suite_debian SUITE PACKAGES ROOT OPTION…
# A Debian with these packages, separated by commas. A mirror may be old. What a crash leaves is thrown away, so dpkg need not
# wait for the disk, which takes most of the time. Some hooks are in the distribution's Python.
suite_debian() {
        local suite=$1 packages=$2 root=$3 sources
        shift 3
        mapfile -t sources < <(suite_sources "$suite")
        PATH=/usr/sbin:/usr/bin:/sbin:/bin mmdebstrap --quiet "$@" \
                --aptopt='APT::Install-Recommends "false"' \
                --aptopt='Acquire::Check-Valid-Until "false"' \
                --aptopt='Acquire::Check-Date "false"' \
                --aptopt='Acquire::Retries "5"' \
                --dpkgopt=force-unsafe-io \
                --include="$packages" "$suite" "$root" "${sources[@]}" </dev/null
}

# suite_root_packages SUITE
# What the tests need, but what looks at the sources alone.
suite_root_packages() {
        suite_packages "$1" "$suites_top"/tests/{packages,lab/packages.outer} | grep -vxE 'clang-format|shellcheck|valgrind'
}

# suite_root SUITE
# Where its root belongs: another list of packages is another root.
suite_root() {
        echo "$suites_roots/$1-$(suite_root_packages "$1" | sha256sum | cut -c1-12)"
}

# suite_root_make SUITE
# Under another name first: half a root is never taken for one.
suite_root_make() {
        local root
        root=$(suite_root "$1")
        mkdir -p "$suites_roots"
        (
                flock 7
                ! touch -c "$root" || [ ! -d "$root" ] || exit 0
                # Those of older trees, unless somebody goes back and forth.
                find "$suites_roots" -maxdepth 1 -name "$1-*" -mtime +7 -exec rm -rf {} +
                rm -rf "$root.new"
                suite_debian "$1" "$(suite_root_packages "$1" | paste -sd,)" "$root.new" --variant=minbase &&
                        mkdir "$root.new/src" "$root.new/build" && mv "$root.new" "$root"
        ) 7>"$suites_roots/$1.lock"
}

# suite_inside SUITE BUILDDIR COMMAND…
# In the suite's root, which is the root of a namespace of its own: tests make others, and enter them again. This tree is /src there,
# to be read, BUILDDIR /build, and the lab's cache where it is here. /run and /tmp are empty at first; /tmp is on the disk, as tests
# make images there. Nothing of the environment comes along: CC or USHER_BUILD mean this machine.
suite_inside() {
        local root builddir cache=${USHER_LAB_CACHE:-/var/cache/usher-lab} tmp status=0
        root=$(suite_root "$1")
        builddir=$(realpath "$2")
        shift 2
        mkdir -p "$cache" "$root/var/cache/usher-lab"
        tmp=$(mktemp -d "$builddir/tmp.XXXXXX")
        chmod 1777 "$tmp"
        # shellcheck disable=SC2016 # for the shell inside
        unshare --mount --propagation slave /bin/sh -c '
                mount --bind "$1" "$1" && mount -t tmpfs tmpfs "$1/run" && mount --bind "$5" "$1/tmp" &&
                        mount --bind "$2" "$1/src" && mount -o remount,bind,ro "$1/src" && mount --bind "$3" "$1/build" &&
                        mount --bind "$4" "$1/var/cache/usher-lab" || exit
                for d in proc sys dev; do mount --rbind "/$d" "$1/$d" || exit; done
                cd "$1" && pivot_root . . && umount -l . || exit
                shift 5
                exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
                        /bin/sh -c "cd /build && exec \"\$@\"" sh "$@"' \
                sh "$root" "$suites_top" "$builddir" "$cache" "$tmp" "$@" || status=$?
        rm -rf "$tmp"
        return $status
}

# suite_build SUITE BUILDDIR
# Compiles this tree in the suite's root, which is made if it is not there; what the compiler says goes to BUILDDIR/compile.log.
suite_build() {
        suite_root_make "$1" && mkdir -p "$2" || return
        [ -e "$2/build.ninja" ] ||
                suite_inside "$1" "$2" meson setup /build /src --prefix=/usr --sysconfdir=/etc --localstatedir=/var >"$2/setup.log" ||
                { cat "$2/setup.log" >&2; return 1; }
        suite_inside "$1" "$2" ninja -C /build >"$2/compile.log" 2>&1 || { cat "$2/compile.log" >&2; return 1; }
}

# suite_install SUITE BUILDDIR DESTDIR
# What suite_build compiled.
suite_install() {
        rm -rf "$2/stage"
        suite_inside "$1" "$2" env DESTDIR=/build/stage meson install -C /build --no-rebuild --quiet >"$2/install.log" &&
                mkdir -p "$3" && cp -a "$2/stage/." "$3/" && rm -rf "$2/stage"
}

# suite_tree FOLDER
# Makes the folder with the sources that are committed here; without a repository, with those that lie here.
suite_tree() {
        mkdir "$1"
        if [ -e "$suites_top/.git" ]; then
                git -C "$suites_top" archive HEAD
        else
                tar -c -C "$suites_top" --exclude=./build .
        fi | tar -x -C "$1"
}

# suite_package SUITE OUTPUT
# The Debian package of these sources, as tests/packages.sh leaves it in OUTPUT, built and checked in the suite's root.
suite_package() {
        if [ "$1" = "$(suite_here)" ]; then
                "$suites_top/tests/packages.sh" --output "$2" deb
                return
        fi
        suite_root_make "$1" && rm -rf "$2" && mkdir -p "$2" && suite_tree "$2/tree" &&
                suite_inside "$1" "$2" /build/tree/tests/packages.sh --output /build deb &&
                rm -rf "$2/tree"
}
