#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# Folders of the host in a guest, under systemd: by 9p, and by a virtiofsd in the guest's own unit, without
# any rights of its own, whichever virtiofsd that is; one of them below /home, which the unit does not see;
# what becomes of the guest when virtiofsd dies.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe vfio-pci
before=$(host_snapshot)
stage=$(mktemp -d)
initrd=/var/lib/usher/shares.cpio
unit=/etc/systemd/system/usher-guest@demo.service.d

# As usher.guest(5) says: a group that may write, and that the guest's unit has.
groupadd --system shared
pool=/home/person/pool
mkdir -p $unit /srv/docs/inherits $pool/inherits /srv/papers
chmod 0700 /home/person
printf '[Service]\nSupplementaryGroups=shared\n' >$unit/shared.conf
systemctl daemon-reload
chgrp shared /srv/docs{,/inherits} $pool{,/inherits} /srv/papers
chmod 0770 /srv/docs $pool /srv/papers
chmod 2770 /srv/docs/inherits $pool/inherits
echo 'from the host' | tee /srv/docs/hello /srv/papers/hello >$pool/hello

mkdir -p "$stage"/mnt/{docs,pool,papers}
stage_modules "$stage" virtio_pci 9p 9pnet_virtio virtiofs
cat >"$stage/start" <<'END'
#!/bin/busybox sh
mount -t 9p -o trans=virtio,version=9p2000.L docs /mnt/docs
mount -t virtiofs pool /mnt/pool
mount -t virtiofs papers /mnt/papers || mount -t 9p -o trans=virtio,version=9p2000.L papers /mnt/papers
grep -q 'from the host' /mnt/papers/hello && echo "usher-guest: read papers"
echo "from the guest" >/mnt/papers/made || echo "usher-guest: no writing to papers"
for share in docs pool; do
        cd /mnt/$share
        grep -q 'from the host' hello && echo "usher-guest: read $share"
        echo "from the guest" >made && mkdir folder && mv made folder/made && echo "usher-guest: wrote $share"
        chown 1000:1000 folder/made || echo "usher-guest: no giving away in $share"
        chmod 4755 folder/made || echo "usher-guest: no set-user-ID in $share"
        mkdir inherits/made && echo "usher-guest: inherits in $share"
done
cd /
END
chmod +x "$stage/start"
extend_initrd "$stage" $initrd

GUEST_INITRD=$initrd define_linux_guest_with demo '' '[PCI gpu]' "Address=$GPU" \
        '[Share docs]' Path=/srv/docs Type=9p '[Share pool]' Path=$pool \
        '[Share papers]' Path=/srv/papers ReadOnly=yes '[Stop]' PowerButtonSec=10
usherctl reload

it "A guest with shares starts" usherctl start demo
it "It is up" wait_until 180 guest_said demo 'usher-guest: ready'
# A later one serves what is read-only, too.
for virtiofsd in $(pidof virtiofsd); do
        [ "$(readlink "/proc/$virtiofsd/root")" != $pool ] || break
done
qemu=$(guest_pid demo)
user=$(stat -c %u "/proc/$qemu")
expect_match "virtiofsd lives in the guest's unit" "$(cat "/proc/$virtiofsd/cgroup")" '/usher\.slice/usher-guest@demo\.service$'
expect_eq "As the guest's user, who is not root" "$(stat -c %u "/proc/$virtiofsd")" "$user"
expect_eq "It has no capability, nor can it get one" "$(sed -n 's/^Cap.*:\t//p' "/proc/$virtiofsd/status" | sort -u)" 0000000000000000
expect_eq "Nor has QEMU" "$(sed -n 's/^Cap[IPEA].*:\t//p' "/proc/$qemu/status" | sort -u)" 0000000000000000
expect_eq "Its root is the folder" "$(readlink "/proc/$virtiofsd/root")" $pool

it "What is read-only is read" guest_said demo "usher-guest: read papers"
it "And not written" guest_said demo "usher-guest: no writing to papers"
expect_eq "By nobody" "$(ls /srv/papers)" hello
for folder in /srv/docs $pool; do
        share=${folder##*/}
        it "$share is read" guest_said demo "usher-guest: read $share"
        it "$share is written" guest_said demo "usher-guest: wrote $share"
        expect_eq "What was written to $share is there" "$(cat "$folder/folder/made")" 'from the guest'
        it "Nothing in $share can be given to others" guest_said demo "usher-guest: no giving away in $share"
        expect_eq "What was made in $share is the guest's user's" "$(stat -c %u "$folder/folder" "$folder/folder/made" | sort -u)" "$user"
        it "Nothing in $share can be made set-user-ID" guest_said demo "usher-guest: no set-user-ID in $share"
done
# The 9p client asks for the bit itself, and the unit's RestrictSUIDSGID= keeps anybody from setting the bit:
# usher.guest(5).
it "By virtiofs a folder is made in one that hands its group down" guest_said demo "usher-guest: inherits in pool"
it "By 9p it is not" test ! -e /srv/docs/inherits/made

it "A virtiofsd that is killed" kill -KILL "$virtiofsd"
it "Takes the guest with it, which has failed" wait_until 120 guest_is demo failed
expect_match "And says why" "$(usherctl status demo || true)" 'virtiofsd pool of guest demo ended'
expect_match "It was asked to shut down first" "$(guest_console demo)" 'usher-guest: power button'
unit_ended() {
        [ "$(guest_pid demo)" = 0 ]
}
it "Its unit has ended" wait_until 60 unit_ended
expect_eq "And the host is as before" "$(host_snapshot)" "$before"

it "It starts again" usherctl start demo
it "And stops" usherctl stop demo
rm -r $initrd $unit /srv/docs /srv/papers /home/person
systemctl daemon-reload
groupdel shared
finished
