#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# generator.sh GENERATOR
# What usher-generator, as it was built, writes for guests of all kinds of names; in the place of /etc and /sys it
# reads folders of the test's. The lab shows what systemd makes of it.

set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
guests=$work/etc/usher/guests
units=$work/sys/fs/cgroup/usher.slice
sed "s|/etc/usher|$work&|; s|/sys/fs/cgroup|$work&|" "$1" >"$work/generator"

name25=twentyfive-characters-012
name26=${name25}3
name63=$(printf 'a-long-name-%051d' 1)
alike63=$(printf 'a-long-name-%051d' 2)
failed=0

# same SENTENCE ACTUAL EXPECTED
same() {
        if [ "$2" != "$3" ]; then
                printf 'not ok: %s\nactual:\n%s\nexpected:\n%s\n' "$@"
                failed=1
        fi
}

# generated: runs it, and prints each file that it wrote with what is in it, in one line
generated() {
        rm -rf "$work/out"
        mkdir "$work/out"
        PATH=/nowhere /bin/sh "$work/generator" "$work/out" "$work/early" "$work/late"
        (cd "$work/out" && find . -type f | LC_ALL=C sort | while read -r file; do echo "$file $(paste -sd ' ' "$file")"; done)
}

# drop_in NAME: how `generated` has to print it; the hash is coreutils' own
drop_in() {
        echo "./usher-guest@$1.service.d/user.conf [Service] User=usher__$(printf %s "$1" | sha256sum | head -c 24)"
}

same 'Without guests it writes nothing' "$(generated)" ''
mkdir -p "$guests" "$units"
same 'Nor with an empty folder' "$(generated)" ''
touch "$guests"/{win10,"$name25",a-b-2}.guest
mkdir "$units"/usher-guest@{win10,"$name25"}.service "$units/usher-bind@12345678901234567890123456.service"
same 'A name that fits into that of a user needs nothing' "$(generated)" ''

touch "$guests"/{"$name26","$name63","$alike63"}.guest
same 'Each longer name has a user of its own' "$(generated)" \
        "$(for name in "$name63" "$alike63" "$name26"; do drop_in "$name"; done)"
same 'Which systemd takes' "$(generated | sed 's/.*User=//' | grep -cxE '[a-z_][a-z0-9_-]{0,30}')" 3
same 'And which are different' "$(generated | sed 's/.*User=//' | sort -u | wc -l)" 3

rm "$guests"/*
mkdir "$units/usher-guest@$name63.service"
same 'A guest that runs keeps it without its definition' "$(generated)" "$(drop_in "$name63")"
rmdir "$units/usher-guest@$name63.service"

touch "$guests/${name63}4.guest" "$guests/$(printf 'x%.0s' {1..248}).guest" "$guests/-$name26.guest" "$guests/$name26 [Service].guest" \
        "$guests/$name26"$'\n''User=root.guest' "$guests/${name26^}.guest" "$guests/${name26}ä.guest" "$guests/.$name26.guest" \
        "$guests/$name26.guest~" "$guests/%n$name26.guest" "$guests/$name26@x.guest"
mkdir "$guests/$name26.guest.d"
same 'What is no name of a guest is passed over' "$(generated)" ''
exit $failed
