/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/share.h"
#include "builder.h"

/* The path is the folder's descriptor, never a name of the host's: the server opens it once, by that. */
static void add_9p(QemuBuilder *builder, const DefinitionShare *share, const char *id)
{
    int fd = builder_file(builder, QEMU_FILE_FOLDER, share->path, share->read_only);

    builder_option(builder, "-fsdev", "local,id=%s,path=/proc/self/fd/%d,security_model=%s,multidevs=remap%s",
                   id, fd, share->owner == SHARE_OWNER_MAPPED ? "mapped-xattr" : "none",
                   share->read_only ? ",readonly=on" : "");
}

/* It keeps none of the capabilities that a file server needs: everything is done as the guest's own user. */
#define MODCAPS "-chown:-dac_override:-fowner:-fsetid:-setgid:-setuid:-mknod:-setfcap"
/* As many ids as there are. */
#define IDS G_MAXUINT32

/* QEMU's own, up to 7.2. */
static void add_joined_options(QemuCompanion *virtiofsd, int folder)
{
    companion_add(virtiofsd, "-o");
    /* The dot makes virtiofsd follow the link: it takes no link for a folder. */
    companion_add(virtiofsd, "source=/proc/self/fd/%d/.", folder);
    companion_add(virtiofsd, "-o");
    companion_add(virtiofsd, "sandbox=chroot");
    companion_add(virtiofsd, "-o");
    companion_add(virtiofsd, "modcaps=" MODCAPS);
}

/* All files are the guest's root's, and whoever makes or is given one in the guest is the guest's user on the
 * host: chown(2) succeeds, and changes nothing. */
static void add_translation(QemuCompanion *virtiofsd, const char *option, unsigned id)
{
    companion_add(virtiofsd, "%s=squash-guest:0:%u:%u", option, id, IDS);
    companion_add(virtiofsd, "%s=squash-host:0:0:%u", option, IDS);
}

static void add_separate_options(QemuBuilder *builder, QemuCompanion *virtiofsd, const DefinitionShare *share,
                                 int folder)
{
    companion_add(virtiofsd, "--shared-dir=/proc/self/fd/%d", folder);
    companion_add(virtiofsd, "--sandbox=chroot");
    companion_add(virtiofsd, "--modcaps=" MODCAPS);
    /* From 1.14 on it keeps CAP_DAC_READ_SEARCH otherwise, which opens any file of the host by its handle. */
    companion_add(virtiofsd, "--inode-file-handles=never");
    /* It warns of each file that is made without CAP_DAC_OVERRIDE. */
    companion_add(virtiofsd, "--log-level=error");
    if (share->read_only)
        companion_add(virtiofsd, "--readonly");
    if (share->owner == SHARE_OWNER_MAPPED) {
        add_translation(virtiofsd, "--translate-uid", builder->tools->uid);
        add_translation(virtiofsd, "--translate-gid", builder->tools->gid);
    }
}

static void add_virtiofs(QemuBuilder *builder, const DefinitionShare *share, const char *id)
{
    g_autofree char *name = g_strconcat("virtiofsd ", share->name, NULL);
    QemuCompanion *virtiofsd = builder_companion(builder, name, builder->tools->virtiofsd->path);
    int listener, fd = builder_companion_socket(builder, &listener);
    int folder = builder_companion_file(builder, virtiofsd, QEMU_FILE_FOLDER, share->path);

    companion_add(virtiofsd, "--fd=%d", listener);
    if (builder->tools->virtiofsd->separate)
        add_separate_options(builder, virtiofsd, share, folder);
    else
        add_joined_options(virtiofsd, folder);
    virtiofsd->serves_folder = true;
    builder_option(builder, "-chardev", "socket,id=%s,fd=%d", id, fd);
}

void qemu_add_share(QemuBuilder *builder, const DefinitionShare *share, unsigned index)
{
    g_autofree char *id = g_strconcat("share-", share->name, NULL);
    bool virtiofs = share->type == SHARE_TYPE_VIRTIOFS;

    if (share->absent) {
        builder_port(builder, PORTS_SHARE, index, id);
        return;
    }
    struct json_object *device = builder_device(virtiofs ? "vhost-user-fs-pci" : "virtio-9p-pci", id, id, 0);

    if (virtiofs)
        add_virtiofs(builder, share, id);
    else
        add_9p(builder, share, id);
    builder_port(builder, PORTS_SHARE, index, id);
    json_set_text(device, virtiofs ? "chardev" : "fsdev", "%s", id);
    json_set_text(device, virtiofs ? "tag" : "mount_tag", "%s", share->tag ?: share->name);
    builder_json(builder, "-device", device);
}
