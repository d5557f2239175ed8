/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "key-words.h"

#include "../host/huge-pages.h"
#include "cpu.h"
#include "disk.h"
#include "display.h"
#include "firmware.h"
#include "handle.h"
#include "input.h"
#include "life.h"
#include "machine.h"
#include "network.h"
#include "pci.h"
#include "share.h"
#include "sound.h"

const char *const words_host_sleeps[] = {
    [HOST_SLEEP_AUTO] = "auto",         [HOST_SLEEP_INHIBIT] = "inhibit", [HOST_SLEEP_PAUSE] = "pause",
    [HOST_SLEEP_SHUTDOWN] = "shutdown", [HOST_SLEEP_IGNORE] = "ignore",   NULL,
};
const char *const words_host_shutdowns[] = {
    [HOST_SHUTDOWN_STOP] = "shutdown", [HOST_SHUTDOWN_INHIBIT] = "inhibit", NULL};
const char *const words_panic_actions[] = {
    [TROUBLE_DEFAULT] = "auto", [TROUBLE_FAIL] = "fail",     [TROUBLE_RESET] = "reset",
    [TROUBLE_PAUSE] = "pause",  [TROUBLE_IGNORE] = "ignore", NULL,
};
const char *const words_reboots[] = {
    [REBOOT_RESET] = "reset", [REBOOT_RESTART] = "restart", [REBOOT_STOP] = "stop", NULL};
const char *const words_power_offs[] = {[false] = "stop", [true] = "restart", NULL};
const char *const words_crashes[] = {[false] = "fail", [true] = "restart", NULL};
const char *const words_watchdog_actions[] = {
    [TROUBLE_DEFAULT] = "off", [TROUBLE_FAIL] = "fail",     [TROUBLE_RESET] = "reset",
    [TROUBLE_PAUSE] = "pause", [TROUBLE_IGNORE] = "ignore", NULL,
};
const char *const words_watchdog_models[] = {[false] = "i6300esb", [true] = "itco", NULL};
const char *const words_auto_switches[] = {
    [AUTO_SWITCH_AUTO] = "auto", [AUTO_SWITCH_NO] = "no", [AUTO_SWITCH_YES] = "yes", NULL};
const char *const words_idles[] = {[CPU_IDLE_HOST] = "host", [CPU_IDLE_GUEST] = "guest", NULL};
const char *const words_accelerators[] = {[ACCELERATOR_KVM] = "kvm", [ACCELERATOR_TCG] = "tcg", NULL};
const char *const words_huge_pages[] = {
    [HUGE_PAGES_NO] = "no", [HUGE_PAGES_2M] = "2M", [HUGE_PAGES_1G] = "1G", NULL};
const char *const words_firmware_types[] = {[FIRMWARE_BIOS] = "bios", [FIRMWARE_UEFI] = "uefi", NULL};
const char *const words_firmware_keys[] = {
    [FIRMWARE_KEYS_ENROLLED] = "enrolled", [FIRMWARE_KEYS_NONE] = "none", NULL};
const char *const words_tpm_versions[] = {[TPM_VERSION_NONE] = "none", [TPM_VERSION_2_0] = "2.0", NULL};
/* As many nodes as a host with one board has. */
const char *const words_nodes[] = {"auto", "0", "1", "2", "3", "4", "5", "6", "7", NULL};
const char *const words_share_types[] = {
    [SHARE_TYPE_AUTO] = "auto", [SHARE_TYPE_VIRTIOFS] = "virtiofs", [SHARE_TYPE_9P] = "9p", NULL};
const char *const words_share_owners[] = {[SHARE_OWNER_HOST] = "host", [SHARE_OWNER_MAPPED] = "mapped", NULL};
const char *const words_hot_plugs[] = {[false] = "acpi", [true] = "native", NULL};
const char *const words_groups[] = {[false] = "only", [true] = "all", NULL};
const char *const words_pci_backends[] = {
    [PCI_BACKEND_AUTO] = "auto", [PCI_BACKEND_IOMMUFD] = "iommufd", [PCI_BACKEND_GROUP] = "group", NULL};
const char *const words_disk_formats[] = {[DISK_FORMAT_RAW] = "raw", [DISK_FORMAT_QCOW2] = "qcow2", NULL};
const char *const words_disk_buses[] = {
    [DISK_BUS_VIRTIO_BLK] = "virtio-blk",
    [DISK_BUS_VIRTIO_SCSI] = "virtio-scsi",
    [DISK_BUS_NVME] = "nvme",
    [DISK_BUS_SATA] = "sata",
    NULL,
};
const char *const words_discards[] = {[false] = "ignore", [true] = "unmap", NULL};
const char *const words_disk_caches[] = {
    [DISK_CACHE_WRITEBACK] = "writeback",
    [DISK_CACHE_NONE] = "none",
    [DISK_CACHE_WRITETHROUGH] = "writethrough",
    [DISK_CACHE_DIRECTSYNC] = "directsync",
    [DISK_CACHE_UNSAFE] = "unsafe",
    NULL,
};
const char *const words_disk_ios[] = {
    [DISK_IO_THREADS] = "threads", [DISK_IO_NATIVE] = "native", [DISK_IO_URING] = "io_uring", NULL};
const char *const words_disk_zeroes[] = {
    [DISK_ZEROES_OFF] = "off", [DISK_ZEROES_ON] = "on", [DISK_ZEROES_UNMAP] = "unmap", NULL};
const char *const words_disk_sectors[] = {
    [DISK_SECTOR_AUTO] = "auto",
    [DISK_SECTOR_512] = "512",
    [DISK_SECTOR_512E] = "512e",
    [DISK_SECTOR_4096] = "4096",
    NULL,
};
const char *const words_cdrom_buses[] = {
    [CDROM_BUS_SATA] = "sata", [CDROM_BUS_VIRTIO_SCSI] = "virtio-scsi", NULL};
const char *const words_network_modes[] = {
    [NETWORK_MODE_USER] = "user",
    [NETWORK_MODE_NAT] = "nat",
    [NETWORK_MODE_BRIDGE] = "bridge",
    [NETWORK_MODE_TAP] = "tap",
    [NETWORK_MODE_MACVTAP] = "macvtap",
    [NETWORK_MODE_NONE] = "none",
    NULL,
};
const char *const words_grab_toggles[] = {
    [GRAB_TOGGLE_CTRL_CTRL] = "ctrl-ctrl",
    [GRAB_TOGGLE_ALT_ALT] = "alt-alt",
    [GRAB_TOGGLE_SHIFT_SHIFT] = "shift-shift",
    [GRAB_TOGGLE_META_META] = "meta-meta",
    [GRAB_TOGGLE_SCROLLLOCK] = "scrolllock",
    [GRAB_TOGGLE_CTRL_SCROLLLOCK] = "ctrl-scrolllock",
    NULL,
};
const char *const words_network_models[] = {
    [NETWORK_MODEL_VIRTIO] = "virtio",   [NETWORK_MODEL_E1000E] = "e1000e",   [NETWORK_MODEL_E1000] = "e1000",
    [NETWORK_MODEL_VMXNET3] = "vmxnet3", [NETWORK_MODEL_RTL8139] = "rtl8139", NULL,
};

const char *const words_display_types[] = {
    [DISPLAY_NONE] = "none", [DISPLAY_VNC] = "vnc", [DISPLAY_SPICE] = "spice", NULL};

const char *const words_display_cards[] = {[false] = "vga", [true] = "none", NULL};
const char *const words_keyboards[] = {
    [KEYBOARD_PS2] = "ps2", [KEYBOARD_USB] = "usb", [KEYBOARD_VIRTIO] = "virtio", NULL};
const char *const words_mice[] = {
    [MOUSE_AUTO] = "auto",
    [MOUSE_PS2] = "ps2",
    [MOUSE_USB] = "usb",
    [MOUSE_VIRTIO] = "virtio",
    [MOUSE_USB_TABLET] = "usb-tablet",
    [MOUSE_VIRTIO_TABLET] = "virtio-tablet",
    NULL,
};

const char *const words_sound_types[] = {
    [SOUND_NONE] = "none",   [SOUND_PIPEWIRE] = "pipewire", [SOUND_PULSEAUDIO] = "pulseaudio",
    [SOUND_SPICE] = "spice", [SOUND_SILENT] = "silent",     NULL,
};

const char *display_type_to_string(DisplayType type)
{
    return words_display_types[type];
}
