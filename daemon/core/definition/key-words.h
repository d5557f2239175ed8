/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of the keys that offer a choice, each list in the order of its enumeration, ended by NULL.
 * Constant. */
#pragma once

extern const char *const words_host_sleeps[];
extern const char *const words_host_shutdowns[];
extern const char *const words_panic_actions[];
extern const char *const words_reboots[];
extern const char *const words_power_offs[];
extern const char *const words_crashes[];
extern const char *const words_watchdog_actions[];
extern const char *const words_watchdog_models[];
extern const char *const words_auto_switches[];
extern const char *const words_idles[];
extern const char *const words_accelerators[];
extern const char *const words_huge_pages[];
extern const char *const words_firmware_types[];
extern const char *const words_firmware_keys[];
extern const char *const words_tpm_versions[];
extern const char *const words_nodes[];
extern const char *const words_share_types[];
extern const char *const words_share_owners[];
extern const char *const words_hot_plugs[];
extern const char *const words_groups[];
extern const char *const words_pci_backends[];
extern const char *const words_disk_formats[];
extern const char *const words_disk_buses[];
extern const char *const words_discards[];
extern const char *const words_disk_caches[];
extern const char *const words_disk_ios[];
extern const char *const words_disk_zeroes[];
extern const char *const words_disk_sectors[];
extern const char *const words_cdrom_buses[];
extern const char *const words_network_modes[];
extern const char *const words_grab_toggles[];
extern const char *const words_network_models[];
extern const char *const words_display_types[];
extern const char *const words_display_cards[];
extern const char *const words_keyboards[];
extern const char *const words_mice[];
extern const char *const words_sound_types[];
