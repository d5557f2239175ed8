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

static void add_virtiofs(QemuBuilder *builder, const DefinitionShare *share, const char *id)
{
    g_autofree char *name = g_strconcat("virtiofsd ", share->name, NULL);
    QemuCompanion *virtiofsd = builder_companion(builder, name, builder->tools->virtiofsd);
    int listener, fd = builder_companion_socket(builder, &listener);

    companion_add(virtiofsd, "--fd=%d", listener);
    companion_add(virtiofsd, "-o");
    /* The dot makes virtiofsd follow the link: it takes no link for a folder. */
    companion_add(virtiofsd, "source=/proc/self/fd/%d/.",
                  builder_companion_file(builder, virtiofsd, QEMU_FILE_FOLDER, share->path));
    companion_add(virtiofsd, "-o");
    companion_add(virtiofsd, "sandbox=chroot");
    /* It keeps none of the capabilities that a file server needs: everything is done as the guest's own
     * user. */
    companion_add(virtiofsd, "-o");
    companion_add(virtiofsd, "modcaps=-chown:-dac_override:-fowner:-fsetid:-setgid:-setuid:-mknod:-setfcap");
    virtiofsd->serves_folder = true;
    builder_option(builder, "-chardev", "socket,id=%s,fd=%d", id, fd);
}

void qemu_add_share(QemuBuilder *builder, const DefinitionShare *share, unsigned index)
{
    g_autofree char *id = g_strconcat("share-", share->name, NULL);
    bool virtiofs = share->type == SHARE_TYPE_VIRTIOFS;
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
