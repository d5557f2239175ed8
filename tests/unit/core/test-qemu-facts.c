/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/qemu/facts.h"
#include "../suite.h"

#define QEMU "/usr/bin/qemu-system-x86_64"
#define VERSION                                                                                              \
    "{\"return\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \"package\": \"Debian 1:7.2\"}}"
#define TYPES                                                                                                \
    "{\"return\": [{\"name\": \"vfio-pci\", \"parent\": \"vfio-pci-base\"}, {\"name\": \"nvme\"}], \"id\": " \
    "2}"
#define PROPERTIES "{\"return\": [{\"name\": \"x-vga\", \"type\": \"bool\"}, {\"name\": \"host\"}]}"

#define CPU "{\"return\": [{\"name\": \"topoext\", \"type\": \"bool\"}, {\"name\": \"phys-bits\"}]}"

static const QemuBinary binary = {G_MAXUINT64, 0, 1700000000123456789u, 17};

static QemuFacts *some_facts(void)
{
    QemuFacts *facts = NULL;
    ck_assert_int_eq(qemu_facts_from_replies(QEMU, &binary, VERSION, TYPES, PROPERTIES, CPU, &facts), 0);
    return facts;
}

START_TEST(replies_become_facts)
{
    g_autoptr(QemuFacts) facts = some_facts();
    ck_assert_str_eq(facts->path, QEMU);
    ck_assert_str_eq(facts->version, "7.2.22 (Debian 1:7.2)");
    ck_assert(qemu_facts_have_type(facts, "vfio-pci"));
    ck_assert(qemu_facts_have_type(facts, "nvme"));
    ck_assert(!qemu_facts_have_type(facts, "iommufd"));
    ck_assert(qemu_facts_vfio_has(facts, "x-vga"));
    ck_assert(!qemu_facts_vfio_has(facts, "iommufd"));
    ck_assert(qemu_facts_cpu_has(facts, "phys_bits"));
    ck_assert(!qemu_facts_cpu_has(facts, "topo"));
}
END_TEST

START_TEST(a_qemu_without_vfio_has_none_of_its_properties)
{
    g_autoptr(QemuFacts) facts = NULL;
    ck_assert_int_eq(qemu_facts_from_replies(QEMU, &binary, VERSION, "{\"return\": []}", NULL, NULL, &facts),
                     0);
    ck_assert(!qemu_facts_vfio_has(facts, "x-vga"));
    /* One that does not tell its CPUs' properties passes for one that has all. */
    ck_assert(qemu_facts_cpu_has(facts, "topo"));
}
END_TEST

START_TEST(a_version_without_a_package_is_numbers_alone)
{
    static const char *const plain[] = {
        "{\"return\": {\"qemu\": {\"micro\": 0, \"minor\": 1, \"major\": 9}, \"package\": \"\"}}",
        "{\"return\": {\"qemu\": {\"micro\": 0, \"minor\": 1, \"major\": 9}}}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(plain); i++) {
        g_autoptr(QemuFacts) facts = NULL;
        ck_assert_int_eq(qemu_facts_from_replies(QEMU, &binary, plain[i], TYPES, NULL, NULL, &facts), 0);
        ck_assert_str_eq(facts->version, "9.1.0");
    }
}
END_TEST

START_TEST(replies_that_make_no_sense_are_refused)
{
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"return\": 7}",
        "{\"error\": {}}",
        "{\"return\": {\"qemu\": {\"major\": \"7\"}}}",
        "{\"return\": [7]}",
        "{\"return\": [{\"name\": 7}]}",
        "{\"return\": [{\"parent\": \"x\"}]}",
        "{\"return\": [{\"name\": \"two\\nlines\"}]}",
        "{\"return\": [{\"name\": \"\"}]}",
        "{\"return\":",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        QemuFacts *facts = NULL;
        ck_assert_int_eq(qemu_facts_from_replies(QEMU, &binary, bad[i], TYPES, PROPERTIES, CPU, &facts),
                         -EBADMSG);
        ck_assert_int_eq(qemu_facts_from_replies(QEMU, &binary, VERSION, bad[i], PROPERTIES, CPU, &facts),
                         -EBADMSG);
        ck_assert_int_eq(qemu_facts_from_replies(QEMU, &binary, VERSION, TYPES, bad[i], CPU, &facts),
                         -EBADMSG);
        ck_assert_int_eq(qemu_facts_from_replies(QEMU, &binary, VERSION, TYPES, PROPERTIES, bad[i], &facts),
                         -EBADMSG);
        ck_assert_ptr_null(facts);
    }
}
END_TEST

START_TEST(facts_survive_the_cache_file)
{
    g_autoptr(QemuFacts) facts = NULL, back = NULL;
    ck_assert_int_eq(
        qemu_facts_from_replies(QEMU, &binary,
                                "{\"return\": {\"qemu\": {\"micro\": 0, \"minor\": 1, \"major\": 9},"
                                " \"package\": \"two\\nlines = end\"}}",
                                TYPES, PROPERTIES, CPU, &facts),
        0);
    ck_assert_int_eq(
        qemu_facts_add_device(facts, "nvme", "{\"return\": [{\"name\": \"serial\"}, {\"name\": \"addr\"}]}"),
        0);
    g_autofree char *text = qemu_facts_to_text(facts);
    ck_assert_int_eq(qemu_facts_from_text(text, &back), 0);
    ck_assert(qemu_facts_device_has(back, "nvme", "serial") && !qemu_facts_device_has(back, "nvme", "seri"));
    /* Of what nobody has asked for, nothing is known. */
    ck_assert(qemu_facts_device_has(back, "e1000", "seri"));
    ck_assert_str_eq(back->path, QEMU);
    ck_assert_str_eq(back->version, "9.1.0 (two lines = end)");
    ck_assert(qemu_binary_same(&back->binary, &binary));
    g_autofree char *again = qemu_facts_to_text(back);
    ck_assert_str_eq(again, text);
}
END_TEST

START_TEST(a_cache_file_that_was_cut_short_is_none)
{
    g_autoptr(QemuFacts) facts = some_facts();
    g_autofree char *text = qemu_facts_to_text(facts);
    for (size_t length = strlen(text); length-- > 0;) {
        g_autofree char *cut = g_strndup(text, length);
        QemuFacts *back = NULL;
        ck_assert_int_eq(qemu_facts_from_text(cut, &back), -EBADMSG);
        ck_assert_ptr_null(back);
    }
}
END_TEST

START_TEST(a_cache_file_of_something_else_is_none)
{
    static const char *const bad[] = {
        "usher-qemu-facts 4\npath=/q\nversion=1\nend\n",
        "usher-qemu-facts 5\npath=/q\nend\n",
        "usher-qemu-facts 5\nversion=1\nend\n",
        "usher-qemu-facts 5\npath=/q\nversion=1\nfnord=1\nend\n",
        "usher-qemu-facts 5\npath=/q\nversion=1\ndevice=nvme\nend\n",
        "usher-qemu-facts 5\npath=/q\nversion=1\ndevice= serial \nend\n",
        "usher-qemu-facts 5\npath=/q\nversion=1\nfnord\nend\n",
        "usher-qemu-facts 5\npath=/q\nversion=1\nsize=-1\nend\n",
        "usher-qemu-facts 5\npath=/q\npath=/r\nversion=1\nend\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        QemuFacts *facts = NULL;
        ck_assert_int_eq(qemu_facts_from_text(bad[i], &facts), -EBADMSG);
        ck_assert_ptr_null(facts);
    }
}
END_TEST

SUITE("qemu-facts", replies_become_facts, a_qemu_without_vfio_has_none_of_its_properties,
      a_version_without_a_package_is_numbers_alone, replies_that_make_no_sense_are_refused,
      facts_survive_the_cache_file, a_cache_file_that_was_cut_short_is_none,
      a_cache_file_of_something_else_is_none)
