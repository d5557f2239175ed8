#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-machine: default
# lab-project: package
# lab-reboots: yes
#
# The Debian package on a host that has never had usher, by the README's own words: to a guest that starts at boot. An upgrade
# leaves that guest alone, a removal is refused while it runs, and a purge leaves nothing but what is the user's. apt has no
# repository here: what usher depends on was installed with the host, and of what it recommends only ovmf and swtpm.

# shellcheck source=lib.sh
. /usr/lib/usher-lab/lib.sh

cd /usr/lib/usher-lab/package
# The README's command stands in the source tree, beside which the package is.
mkdir -p tree later/tree
disk=/var/lib/usher/images/win10.img
second=/var/lib/usher/guests/win10/second-disk.qcow2
dropin=/etc/systemd/system/usher-guest@win10.service.d
units=('usherd.*' 'usher.*' 'usher-guest@*' 'usher-bind@*')
before=/var/lib/usher-lab/before

# readme STEP
# The indented lines of that numbered step.
readme() {
        sed -n "/^$1\. /,/^$(($1 + 1))\. \|^[^ 0-9]/s/^       //p" README.md
}

# readme_commands STEP
# Those as root types them.
readme_commands() {
        readme "$1" | sed 's/ *#.*//; s/^sudo //'
}

# install_in TREE
# As the README says it of Debian, once the package is built.
install_in() {
        local command
        command=$(sed -n 's/^ *| Debian.* && sudo \(.*\)` |$/\1/p' README.md)
        cd "$1"
        sh -c "${command:?}"
}

# apt's words are on stdout, which `refused` does not look at.
remove() {
        apt-get remove -y usher >&2
}

# Those that run or have failed, and the files of all. systemctl calls it a failure that there is none.
usher_units() {
        systemctl list-units --plain --no-legend "${units[@]}" || true
        systemctl list-unit-files --no-legend "${units[@]}" || true
}

# host_files
# What a host can keep of a package: files, the contents of /etc, users, and units. Not what apt, dpkg and journald have for
# themselves.
host_files() {
        # What goes while find looks does not count.
        {
                find / -xdev \( -name 'usher-lab*' -o -path /var/log/journal -o -path /tmp -o -path /var/tmp -o -path /var/cache \
                        -o -path /var/log/apt -o -path /var/lib/apt -o -path /var/lib/dpkg \) -prune \
                        -o ! -path '/var/log/dpkg.log*' -print || true
                find /run /dev/shm -name '*usher*' ! -name 'usher-lab*' || true
                find /etc -name usher-lab -prune -o -type f -exec sha256sum {} +
                getent passwd
                getent group
                usher_units
        } | LC_ALL=C sort
}

# administrators
# What the administrator has written.
administrators() {
        find /etc/usher "$dropin" /etc/needrestart -type f -exec sha256sum {} +
}

installed() {
        [ "$(dpkg-query -W -f '${db:Status-Abbrev}' usher)" = 'ii ' ]
}

# start_is_over: however it ended; its unit is active before the guest runs
start_is_over() {
        systemctl show -P ActiveState usher-guest@win10 | grep -Ex 'active|inactive|failed'
        guest_is win10 running || guest_is win10 stopped || guest_is win10 failed
}

# fit_to_the_lab
# What the README's example wants of a host is put right for this one by a drop-in. Without ROMBar=no SeaBIOS runs the card's VGA
# BIOS and the network card's iPXE, and that guest is reset over and over: KVM within QEMU's TCG emulates their real mode badly.
fit_to_the_lab() {
        mkdir -p /etc/usher/guests/win10.guest.d
        cat >/etc/usher/guests/win10.guest.d/lab.conf <<EOF
[Firmware]
Type=bios
[CPU]
Cores=1
HyperV=no
Threads=1
[Memory]
Size=256M
[PCI gpu]
Address=$GPU
ROMBar=no
[Disk system]
Path=$disk
[Kernel]
Image=$GUEST_KERNEL
Initrd=$GUEST_INITRD
CommandLine=$GUEST_APPEND
[Stop]
PowerButtonSec=1
EOF
        truncate -s 16M "$disk"
}

# start_a_guest_at_the_restart
# deb-systemd-invoke(1p) asks this script before it restarts usherd: a guest is about to start just then.
start_a_guest_at_the_restart() {
        cat >/usr/sbin/policy-rc.d <<'EOF'
#!/bin/sh
case "$*" in
*usherd.service*restart*)
        systemctl start --no-block usher-guest@win10
        until [ "$(systemctl show -P ActiveState usher-guest@win10)" = activating ]; do :; done
        touch /var/lib/usher-lab/asked
        ;;
esac
EOF
        chmod +x /usr/sbin/policy-rc.d
}

if [ "$PHASE" = 1 ]; then
        host_files >"$before"
        it "The host has no usher" test ! -e /usr/bin/usherctl -a ! -e /etc/usher -a ! -e /var/lib/usher
        pci_state >"$before-pci"
        it "apt installs the package" install_in tree
        it "usherd runs, and starts at boot" sh -c 'systemctl is-active usherd usherd.socket && systemctl is-enabled usherd usherd.socket'
        while read -r command; do
                it "To look: $command" sh -c "$command"
        done < <(readme_commands 4)
        # The definition alone: the command before it wants a disk that a Windows is on.
        readme 5 | sed -n '/^\[/,$p' >/etc/usher/guests/win10.guest
        fit_to_the_lab
        while read -r command; do
                it "To start it: $command" sh -c "$command"
        done < <(readme_commands 6)
        expect_eq "The host has its devices back" "$(pci_state)" "$(cat "$before-pci")"
        it "At boot: $(readme_commands 7)" sh -c "$(readme_commands 7)"
        # shellcheck disable=SC2119 # in order, no command of ours
        reboot_host
fi

it "After a reboot the guest runs" wait_until 180 guest_is win10 running
it "It gets ready" wait_until 120 guest_said win10 'usher-guest: ready'
it "It sees the GPU" guest_said win10 'pci .* 1002:5046'
qemu=$(guest_pid win10)
daemon=$(systemctl show -P MainPID usherd)
socket=$(systemctl show -P ActiveEnterTimestampMonotonic usherd.socket)
mkdir -p "$dropin"
printf '[Unit]\nAfter=network.target\n' >"$dropin/order.conf"
printf '[Usherd]\nStuckSec=77s\n' >/etc/usher/usherd.conf
echo '# Changed.' >>/etc/needrestart/conf.d/usher.conf
written=$(administrators)

it "A later version is installed over this one, without a question" install_in later/tree
expect_match "It is the later one" "$(dpkg-query -W usher)" '\+later$'
it "usherd is a new process" another_daemon "$daemon"
expect_match "It is the later one" "$(busctl get-property org.usher1 /org/usher1 org.usher1.Manager Version)" '\+later"$'
expect_eq "The helpers' socket has been there all the time" "$(systemctl show -P ActiveEnterTimestampMonotonic usherd.socket)" "$socket"
expect_eq "What the administrator wrote is as before" "$(administrators)" "$written"
it "The guest runs" wait_until 30 guest_is win10 running
expect_eq "It is still the same process" "$(guest_pid win10)" "$qemu"
expect_match "The GPU is still the guest's" "$(usherctl devices --no-legend)" "$GPU .*win10"
it "QEMU still answers: it is paused" usherctl pause win10
it "It is resumed" usherctl resume win10

refused "A removal is refused while the guest runs" 'Guest win10 runs.*usherctl stop win10' remove
it "The package stays installed" installed
systemctl stop usherd.socket usherd
refused "A removal is refused also when usherd does not run" 'Guest win10 runs' remove
it "usherd runs then" systemctl is-active usherd
it "The guest has not noticed" wait_until 30 guest_is win10 running
expect_eq "It is still the same process" "$(guest_pid win10)" "$qemu"
it "It is stopped" usherctl stop win10
expect_eq "The host has its devices back" "$(pci_state)" "$(cat "$before-pci")"

start_a_guest_at_the_restart
it "usher is installed anew while the guest starts" apt-get install -y --reinstall ./later/usher_*.deb
it "The guest was about to start" test -e /var/lib/usher-lab/asked
rm /usr/sbin/policy-rc.d
it "The start comes to an end" wait_until 60 start_is_over
if guest_is win10 running; then
        expect_match "The guest has the GPU" "$(usherctl devices --no-legend)" "$GPU .*win10"
else
        expect_eq "It failed, and the host has its devices back" "$(pci_state)" "$(cat "$before-pci")"
        it "It is started again" usherctl start win10
fi
it "It is killed" usherctl kill win10
expect_eq "The host has its devices back" "$(pci_state)" "$(cat "$before-pci")"

it "A device is bound by hand" usherctl bind "$EDU"
refused "A removal is refused while it is" "Device $EDU .*usherctl restore $EDU" remove
expect_eq "The device is still bound" "$(driver_of "$EDU")" vfio-pci
it "It is given back" usherctl restore "$EDU"
refused "A guest that nobody has defined does not start" 'failed' systemctl start usher-guest@nobody
it "Now usher is removed" remove
expect_eq "The host's devices are as before usher came" "$(pci_state)" "$(cat "$before-pci")"
expect_eq "Its units are gone" "$(usher_units)" ''
expect_eq "What the administrator wrote is as before" "$(administrators)" "$written"

it "usher is installed again" install_in tree
expect_match "It knows the guest" "$(usherctl list)" win10
# What guests with firmware and a TPM have, and what a user may have put beside it.
mkdir -p /var/lib/private/usher/guests/win10/tpm
touch /var/lib/usher/guests/win10/nvram{,-secure,-own-keys,-pinned}.{fd,qcow2} /var/lib/private/usher/guests/win10/tpm/tpm2-00.permall "$second"
it "A purge goes through" apt-get purge -y usher
host_files >"$before-again"
expect_eq "It leaves what the user made, and nothing else" "$(LC_ALL=C comm -13 "$before" "$before-again")" "$(
        {
                printf '%s\n' /var/lib/usher{,/images,/guests,/guests/win10} "$disk" "$second" "$dropin"{,/order.conf}
                sha256sum "$dropin/order.conf"
        } | LC_ALL=C sort
)"
expect_eq "It takes nothing of the host's" "$(LC_ALL=C comm -23 "$before" "$before-again")" ''

it "usher is installed once more" install_in tree
it "It lends a device" usherctl bind "$EDU"
it "The device is given back" usherctl restore "$EDU"
expect_eq "The host's devices are as before" "$(pci_state)" "$(cat "$before-pci")"
finished
