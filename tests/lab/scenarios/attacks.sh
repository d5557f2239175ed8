#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
#
# What a user without any rights can do to usherd, one thing after the other, while root goes on with its
# guests. Afterwards usherd is the same process, has not grown, and every device is where it was.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

modprobe fuse
modprobe vfio-pci
usherd=$(systemctl show -P MainPID usherd)
fifo=$lab_scratch/never
mkfifo "$fifo"

nobody() {
        setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}
# Runs in the background, so that its process is the one that is killed.
flood() {
        cd /
        exec setpriv --reuid nobody --regid nogroup --clear-groups /usr/lib/usher-lab/flood.py "$@"
}
# usherd's own memory in KiB, once it has dealt with what it answered last.
memory() {
        usherctl list >/dev/null
        awk '/^Private_/ { sum += $2 } END { print sum }' "/proc/$usherd/smaps_rollup"
}
is_no_larger() {
        echo "it has $(memory) KiB, and had $before KiB" >&2
        [ $(($(memory) - before)) -le 2048 ]
}
same_usherd() {
        [ "$(systemctl show -P MainPID usherd)" = "$usherd" ]
}
# meanwhile COMMAND…: while it runs, a list of the guests takes five seconds at most
meanwhile() {
        local pid

        "$@" &
        pid=$!
        while kill -0 $pid 2>/dev/null; do
                timeout 5 usherctl list >/dev/null
        done
        wait $pid
}
a_life() {
        usherctl start demo
        usherctl kill demo
}
# never_says WORDS COMMAND…: the command may do anything but say these words
never_says() {
        local words=$1
        shift
        ! { "$@" 2>&1 || true; } | grep -e "$words" >&2
}
call() {
        local member=$1
        shift
        nobody busctl call org.usher1 /org/usher1 org.usher1.Manager "$member" "$@"
}
ask_guest() {
        local guest=$1 member=$2
        shift 2
        nobody busctl call org.usher1 "/org/usher1/guest/$guest" org.usher1.Guest "$member" "$@"
}

{
        printf 'Address=%s\n' "$GPU"
        # So that an answer about it is long.
        for _ in {1..900}; do
                printf '#%250s\n' ''
        done
} >"$lab_scratch/lines"
mapfile -t lines <"$lab_scratch/lines"
define_linux_guest_with demo '' '[PCI gpu]' "${lines[@]}"
make_strange_image /var/lib/usher/attacks.img
printf '[CPU]\nCores=1\n[Memory]\nSize=64M\n[Disk system]\nPath=/var/lib/usher/attacks.img\nFormat=qcow2\n' | define_guest words
usherctl reload
meanwhile flood calls 1
unchanged "Root's guest comes and goes before all" a_life
before=$(memory)
host=$(host_snapshot)
told=$(journalctl -b -t usher-launch | grep -c 'other than usherd killed' || true)

# The bus.
for kind in 'calls 1' 'mute 100' 'names 1' 'definitions 1' 'connections 1' 'paths 1'; do
        # shellcheck disable=SC2086 # a word and a number
        it "Root is answered while a user floods usherd: ${kind% *}" meanwhile flood $kind
done
expect_eq "usherd is the same process" "$(systemctl show -P MainPID usherd)" "$usherd"

flood questions 1 <>"$fifo" >"$lab_scratch/questions" &
questions=$!
wait_until 20 grep -q 'done' "$lab_scratch/questions"
it "Questions whose answers nobody reads hold up no guest" a_life
kill $questions

flood deaf 100 <>"$fifo" >"$lab_scratch/deaf" &
deaf=$!
it "Who does not read what he is answered keeps no answer from root" meanwhile wait_until 60 grep -q 'done' "$lab_scratch/deaf"
it "Nor from its guests" a_life
kill $deaf

# A user whose own polkit agent never asks him.
flood rights 1 <>"$fifo" >"$lab_scratch/rights" &
rights=$!
wait_until 20 grep -q 'done' "$lab_scratch/rights"
refused "He has as many unanswered requests as a user may have" "wait for (polkit|an answer)" call Reload
it "They hold up no guest of root's" a_life
kill $rights

it "Signals that pretend to be the bus's, systemd's and logind's reach nobody" meanwhile flood signals 20
flood signals 0 &
signals=$!
it "Nor do they while a guest starts and ends" a_life
kill $signals

flood systemd 1 &
systemd=$!
it "A guest starts and ends while systemd has 6,000 calls to answer" wait_until 60 a_life
wait $systemd
it "usherd is the same process after that" same_usherd

it "Root is answered while the helpers' socket is crowded" meanwhile flood helper 3000
flood helper 0 &
helper=$!
it "A launcher comes through the crowd" a_life
kill $helper

# A file server of the user's that never answers.
mkdir -p /mnt/dead
exec 9<>/dev/fuse
mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0,allow_other dead /mnt/dead
define_linux_guest_with dead '' '[PCI gpu]' "Address=$GPU" 'ROM=/mnt/dead/rom'
usherctl reload
it "Others are answered while a plan waits for a dead mount" meanwhile \
        refused "Who asks for the plan is told" "ROM=/mnt/dead/rom does not answer" nobody usherctl start --dry-run dead
exec 9>&-
umount /mnt/dead

# What the user may not read.
define_linux_guest_with closed 'luks=passphrase' '[PCI gpu]' "Address=$TWIN"
chmod 600 /etc/usher/guests/closed.guest
usherctl reload
for member in GetFiles GetDefinition; do
        refused "A definition that is root's alone is not read: $member" "not authorised for org.usher1.read-guest" ask_guest closed "$member"
done
refused "Nor by its plan" "not authorised for org.usher1.read-guest" call PlanStart s closed
it "Root reads it" grep -q passphrase <(usherctl cat closed)
refused "A guest whose QEMU fails does not start" "QEMU" usherctl start words
expect_match "Root reads why" "$(usherctl status words || true)" 'Unsupported qcow2 feature'
refused "A user does not read QEMU's last words" "not authorised for org.usher1.read-guest" ask_guest words GetDetails
it "Nor finds them in its properties" never_says feature nobody busctl introspect org.usher1 /org/usher1/guest/words

# A user who may start guests, and no more.
cat >/etc/polkit-1/rules.d/10-attacks.rules <<'RULE'
polkit.addRule(function(action, subject) {
        if (action.id == "org.usher1.start-guest" && subject.user == "nobody")
                return polkit.Result.YES;
});
RULE
attach_wants_more() {
        ! ask_guest demo Attach 'sa{sv}' "$NIC2" 0 2>"$lab_scratch/attach" && grep -q "not authorised for org.usher1.bind-device" "$lab_scratch/attach"
}
it "Who may start a guest may not give it any device of the host" wait_until 20 attach_wants_more
rm /etc/polkit-1/rules.d/10-attacks.rules

# Definitions that others could write to, or that make a reader wait.
open=/etc/usher/guests/open.guest
cp /etc/usher/guests/demo.guest $open
chmod 666 $open
refused "A definition that anybody can write is not taken" "users other than root can write to it.*chmod go-w" usherctl start open
rm $open
# Not in /tmp, as usherd has one of its own.
install -o nobody -m 644 /etc/usher/guests/demo.guest /srv/attacks.guest
ln -s /srv/attacks.guest $open
refused "Nor a link to one of his" "users other than root can write to it" usherctl start open
rm $open /srv/attacks.guest
mkfifo $open
it "A FIFO in its place is waited for by nobody" meanwhile refused "It is refused" "is a FIFO, not a file" usherctl start open
rm $open

# The file by which a guest's screen would be shared.
define_linux_guest_with glass '' '[LookingGlass]' Size=1M Owner=nobody
nobody touch /dev/shm/looking-glass-glass
refused "A user makes nothing where guests' screens are" "Permission denied" nobody touch /dev/shm/usher/looking-glass-glass
glass_life() {
        usherctl start glass
        usherctl kill glass
}
it "A file of his where one was looked for once is in nobody's way" glass_life
rm /dev/shm/looking-glass-glass

unchanged "Root's guest comes and goes after all" a_life
expect_eq "The host is as it was" "$(host_snapshot)" "$host"
expect_eq "usherd is the same process after all" "$(systemctl show -P MainPID usherd)" "$usherd"
expect_eq "No end of a guest is taken for somebody else's doing" "$(journalctl -b -t usher-launch | grep -c 'other than usherd killed' || true)" \
        "$told"
it "It has given back what it took" wait_until 30 is_no_larger
rm /etc/usher/guests/{closed,glass,dead,words}.guest
usherctl reload
finished
