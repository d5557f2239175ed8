/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-text.h"

#include <string.h>

#include "option.h"
#include "shell-text.h"

#define WORDS_MAX 8192

/* "qemu-system-x86_64", and what distributions call it; not qemu-img, and not qemu-x86_64, which runs a
 * program. */
static bool is_qemu(const char *word)
{
    static const char *const names[] = {"kvm", "qemu-kvm", "qemu", "kvm-spice", NULL};
    g_autofree char *base = g_path_get_basename(word);

    if (strchr(word, '='))
        return false;
    return g_str_has_prefix(base, "qemu-system-") || g_str_has_prefix(base, ".qemu-system-") ||
           g_strv_contains(names, base);
}

/* Why the program's guests are none of usher's; NULL: they are. The caller frees it. */
static char *refusal(const char *path, unsigned line, const char *program)
{
    const char *system = strstr(program, "qemu-system-");
    const char *cpu = system ? system + strlen("qemu-system-") : "x86_64";

    if (g_str_has_prefix(cpu, "x86_64") || g_str_has_prefix(cpu, "i386"))
        return NULL;
    return g_strdup_printf("%s:%u: the guest has another CPU than usher's guests, which are x86_64: %s", path,
                           line, cpu);
}

/* Commands that run another one; operands: so many words of their own are before it. */
static const struct {
    const char *name, *with_word; /* options of one letter that a word follows */
    unsigned operands;
} runners[] = {{"sudo", "ugpChrtTUD", 0},
               {"doas", "uC", 0},
               {"nice", "n", 0},
               {"ionice", "cn", 0},
               {"taskset", "", 1},
               {"numactl", "NmCipP", 0},
               {"chrt", "TPD", 1},
               {"env", "uCS", 0},
               {"systemd-run", "HMpuE", 0},
               {"setsid", "", 0},
               {"nohup", "", 0},
               {"exec", "a", 0},
               {"time", "of", 0},
               {"command", "", 0},
               {"pkexec", "", 0},
               {"prlimit", "", 0},
               {"stdbuf", "ioe", 0},
               {"systemd-inhibit", "", 0},
               {"if", "", 0},
               {"then", "", 0},
               {"else", "", 0},
               {"elif", "", 0},
               {"while", "", 0},
               {"until", "", 0},
               {"do", "", 0},
               {"!", "", 0},
               {"{", "", 0}};

/* Long options of theirs that a word follows. */
static const char *const long_with_word[] = {
    "--unit",        "--slice",   "--property",    "--uid",   "--gid",       "--description", "--adjustment",
    "--cpunodebind", "--membind", "--physcpubind", "--class", "--classdata", "--chdir",       "--setenv",
    "--who",         "--why",     "--what",        "--nice",  NULL};

static bool takes_word(const char *option, const char *with_word)
{
    if (option[1] == '-')
        return g_strv_contains(long_with_word, option);
    return option[1] && !option[2] && strchr(with_word, option[1]);
}

static bool assigns(const char *word)
{
    size_t name = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    return name > 0 && word[name] == '=';
}

/* The word behind a runner's own ones. */
static unsigned behind_runner(const ShellCommand *command, unsigned at, size_t runner)
{
    const char *word;

    for (at++; (word = shell_command_word(command, at)) && *word == '-'; at++)
        at += takes_word(word, runners[runner].with_word);
    return at + runners[runner].operands;
}

/* A unit's line is a command, too. */
static const char *bare(const char *word)
{
    word += g_str_has_prefix(word, "ExecStart=") ? strlen("ExecStart=") : 0;
    return word + strspn(word, "@-:+!");
}

/* Its row; -1: it is none. */
static int runner_of(const char *base)
{
    for (size_t i = 0; i < G_N_ELEMENTS(runners); i++)
        if (g_str_equal(runners[i].name, base))
            return i;
    return -1;
}

/* Which word of a command is the program that it runs in the end. */
static unsigned program_of(const ShellCommand *command)
{
    const char *word;
    unsigned at = 0;

    while ((word = shell_command_word(command, at))) {
        g_autofree char *base = g_path_get_basename(word);
        int runner = runner_of(base);
        if (runner >= 0)
            at = behind_runner(command, at, runner);
        else if (assigns(word) && !g_str_has_prefix(word, "ExecStart="))
            at++;
        else
            break;
    }
    return at;
}

static bool starts_qemu(const ShellCommand *command)
{
    const char *word = shell_command_word(command, program_of(command));

    return word && is_qemu(bare(word));
}

/* Whether a variable is what is run, with options behind. */
static bool starts_variable(const ShellCommand *command)
{
    unsigned at = program_of(command);
    const char *option = shell_command_word(command, at + 1);

    return option && *option == '-' && ((const ShellWord *)command->words->pdata[at])->filled;
}

static bool filled(const ShellCommand *command, unsigned at)
{
    for (; at < command->words->len; at++)
        if (((const ShellWord *)command->words->pdata[at])->filled)
            return true;
    return false;
}

static char *variables(const char *path, unsigned line)
{
    return g_strdup_printf("%s:%u: the command has variables ($…), which only a shell can fill in; start the "
                           "guest, and import /proc/PID/cmdline of its QEMU",
                           path, line);
}

/* What a command is in a list: for one that is not read. */
static void add_stranger(Node *root, const char *name, const ShellCommand *command)
{
    Node *node = node_new(root, name, NULL, command->line);
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < command->words->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "", shell_command_word(command, i));
    node->shown = g_strdup(text->str);
}

/* The environment that a command gives QEMU. */
static void add_conditions(Node *root, const ShellCommand *command)
{
    unsigned program = program_of(command);
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < program; i++) {
        const char *word = shell_command_word(command, i);
        if (assigns(word))
            g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", word);
    }
    if (text->len > 0)
        node_new(root, "conditions", NULL, command->line)->shown = g_strdup(text->str);
}

/* Commands behind QEMU's that a reader may take for a part of it. */
static void add_strangers(Node *root, const GPtrArray *commands, unsigned qemu)
{
    bool below = true;

    for (unsigned i = qemu + 1; i < commands->len; i++) {
        const ShellCommand *command = commands->pdata[i];
        below = below && *shell_command_word(command, 0) == '-';
        if (below)
            add_stranger(root, "cut off", command);
        else if (starts_qemu(command))
            add_stranger(root, "second guest", command);
    }
}

/* Those before QEMU that choose its host CPUs, as options without a dash. */
static void add_runners(Node *root, const ShellCommand *command, unsigned program)
{
    static const char *const kept[] = {"taskset", "numactl", "chrt", "nice", "ionice", "prlimit", NULL};
    Node *node = NULL;
    g_autoptr(GString) shown = g_string_new(NULL);

    for (unsigned i = 0; i < program; i++) {
        const char *word = shell_command_word(command, i);
        g_autofree char *base = g_path_get_basename(word);
        bool begins = g_strv_contains(kept, base);
        if (begins)
            node = node_new(root, base, NULL, command->line);
        else if (runner_of(base) >= 0)
            node = NULL;
        else if (node)
            node_new(node, "word", word, command->line);
        if (!node)
            continue;
        g_string_printf(shown, "%s%s%s", begins ? "" : node->shown, begins ? "" : " ", begins ? base : word);
        g_free(node->shown);
        node->shown = g_strdup(shown->str);
    }
}

static Node *read_command(const char *path, const ShellCommand *command, char **ret_why)
{
    unsigned program = program_of(command), n = command->words->len - program - 1;

    *ret_why = refusal(path, command->line, shell_command_word(command, program));
    if (*ret_why)
        return NULL;
    if (command->fault)
        *ret_why = g_strdup_printf("%s:%u: %s", path, command->fault_line, command->fault);
    else if (filled(command, program))
        *ret_why = variables(path, command->line);
    else if (n > WORDS_MAX)
        *ret_why = g_strdup_printf("%s: the command line has more than %d words", path, WORDS_MAX);
    if (*ret_why)
        return NULL;
    g_autofree char **words = g_new0(char *, n + 1);
    Node *root = node_new(NULL, "the command line", NULL, 0);
    for (unsigned i = 0; i < n; i++)
        words[i] = ((ShellWord *)command->words->pdata[program + 1 + i])->text;
    options_parse(root, words, 0, 0);
    add_runners(root, command, program);
    return root;
}

static Node *read_script(const char *path, const char *text, char **ret_why)
{
    g_autoptr(GPtrArray) commands = shell_text_parse(text);

    for (unsigned i = 0; i < commands->len; i++) {
        if (!starts_qemu(commands->pdata[i]))
            continue;
        Node *root = read_command(path, commands->pdata[i], ret_why);
        if (root) {
            add_conditions(root, commands->pdata[i]);
            add_strangers(root, commands, i);
        }
        return root;
    }
    for (unsigned i = 0; i < commands->len; i++)
        if (starts_variable(commands->pdata[i])) {
            *ret_why = variables(path, ((const ShellCommand *)commands->pdata[i])->line);
            return NULL;
        }
    *ret_why =
        g_strdup_printf("%s: no line in the file starts QEMU; import reads domains of libvirt, guests of "
                        "Proxmox VE and command lines of QEMU",
                        path);
    return NULL;
}

static char **nul_words(const char *text, size_t size)
{
    GPtrArray *words = g_ptr_array_new();

    for (const char *word = text; word < text + size; word += strlen(word) + 1)
        g_ptr_array_add(words, g_strndup(word, text + size - word));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

/* A file of another system has its own line ends. */
static char *with_own_ends(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);

    return g_strjoinv("\n", lines);
}

static Node *read_words(const char *path, char **words, bool by_line, char **ret_why)
{
    unsigned n = g_strv_length(words);

    if (n > WORDS_MAX || n == 0 || !is_qemu(words[0])) {
        *ret_why = n > WORDS_MAX
                       ? g_strdup_printf("%s: the command line has more than %d words", path, WORDS_MAX)
                       : g_strdup_printf(
                             "%s:1: this is no command line of QEMU's, whose first word is its name", path);
        return NULL;
    }
    *ret_why = refusal(path, 1, words[0]);
    if (*ret_why)
        return NULL;
    Node *root = node_new(NULL, "the command line", NULL, 0);
    options_parse(root, words + 1, by_line ? 2 : 0, by_line ? 1 : 0);
    return root;
}

Node *qemu_text_parse(const char *path, const char *text, size_t size, char **ret_why)
{
    if (memchr(text, '\0', size)) {
        g_auto(GStrv) words = nul_words(text, size);
        return read_words(path, words, false, ret_why);
    }
    g_autofree char *own = with_own_ends(text), *head = g_strndup(own, strcspn(own, "\n"));
    if (g_str_has_prefix(head, "#!") || strchr(head, '\\') || !is_qemu(head) || strpbrk(head, " \t;&|<>"))
        return read_script(path, own, ret_why);
    g_auto(GStrv) words = g_strsplit(g_strchomp(own), "\n", WORDS_MAX + 2);
    return read_words(path, words, true, ret_why);
}
