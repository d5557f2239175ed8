/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The language of the agent inside a guest (qga/qapi-schema.json and docs/interop/qemu-ga.rst of QEMU): a
 * line of JSON answers a line of JSON, without numbers that match them. The answers are the guest's, and
 * so can be anything: they are bounded, checked, and never shown unchanged. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* The longest answer: one of a guest with hundreds of addresses. */
#define AGENT_LINE_MAX (64 * 1024)
#define AGENT_ADDRESSES_MAX 32

/* 0xff, which is nowhere in UTF-8, has the agent forget what it has read so far; it puts one before its
 * answer to guest-sync-delimited. The caller frees both texts; arguments may be NULL and are consumed. */
char *agent_sync_to_text(uint64_t id);
char *agent_command_to_text(const char *name, struct json_object *arguments);

typedef struct AgentReader AgentReader;
AgentReader *agent_reader_new(void);
AgentReader *agent_reader_free(AgentReader *reader);
/* 0; -EBADMSG: there is more than a line may hold. */
int agent_reader_feed(AgentReader *reader, const char *bytes, size_t size);
/* 1: a line without its end, which the caller frees; *ret_marked: a 0xff was in front of it. 0: there is no
 * whole one. */
int agent_reader_next(AgentReader *reader, char **ret, bool *ret_marked);

/* 0: "return" is in *ret (to be put); -EREMOTEIO: "error", whose message, made fit to be shown, is in
 * *ret_message; -EBADMSG: neither. */
int agent_answer_parse(const char *line, struct json_object **ret, char **ret_message);

/* What guest-network-get-interfaces returned, as text in the usual form, of char*: at most
 * AGENT_ADDRESSES_MAX, no loopback, no link-local ones. What makes no sense is left out. */
GPtrArray *agent_addresses(struct json_object *interfaces);
