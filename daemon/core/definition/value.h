/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values of a definition's keys: reads text into the field that the key's row names, and describes the
 * values that a key takes. */
#pragma once

#include "keys.h"

/* Reads text into the key's field of structure; an old value is freed. False if the key does not take the
 * text: the field is unchanged, and *ret_hint (the caller's) is the value that was probably meant, or
 * NULL. */
bool value_set(const DefinitionKey *key, const char *text, void *structure, char **ret_hint);

/* Back to the default; where there is none, to zero. */
void value_reset(const DefinitionKey *key, void *structure);

/* Frees what the field owns and zeroes it. */
void value_clear(const DefinitionKey *key, void *structure);

/* What a key takes, with its article: "a whole number from 1 to 255", "kvm or tcg". The caller frees it. */
char *value_range(const DefinitionKey *key);

/* Of a type that value-cpu.c reads, as value_set() calls them. */
bool value_set_cpus(const DefinitionKey *key, const char *text, void *field, char **ret_hint);
bool value_set_features(const DefinitionKey *key, const char *text, void *field, char **ret_hint);

/* Likewise of value-qemu.c. */
bool value_set_arguments(const DefinitionKey *key, const char *text, void *field, char **ret_hint);
bool value_set_override(const DefinitionKey *key, const char *text, void *field, char **ret_hint);

/* Likewise of value-usb.c. */
bool value_set_usb_id(const DefinitionKey *key, const char *text, void *field, char **ret_hint);
bool value_set_usb_port(const DefinitionKey *key, const char *text, void *field, char **ret_hint);

/* Likewise of value-clock.c. */
bool value_set_clock(const DefinitionKey *key, const char *text, void *field, char **ret_hint);

/* Likewise of value-uuid.c. */
bool value_set_uuid(const DefinitionKey *key, const char *text, void *field, char **ret_hint);

/* The bytes that a field of this type has. */
size_t value_width(ValueType type);
