// SPDX-License-Identifier: GPL-2.0-only
/* Makes mediated devices of QEMU's edu card (docs/specs/edu.txt there): each is a PCI function of its own to a
 * guest, with a configuration space that holds its IDs and nothing else. The card itself is not touched.
 *
 * It is loaded by the scenario that needs it alone: without a table of its devices no modalias leads to it.
 * For Linux 6.1 and later (Documentation/driver-api/vfio-mediated-device.rst, include/linux/{mdev,vfio}.h). */
#include <linux/mdev.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>

#define PART_VENDOR 0x1234
#define PART_DEVICE 0x5553
#define PARTS_MAX 2

struct lab_card {
	struct mdev_parent parent;
};

/* One mediated device. */
struct lab_part {
	struct vfio_device vfio;
	u8 config[PCI_CFG_SPACE_SIZE];
};

static struct mdev_type lab_plain = { .sysfs_name = "plain", .pretty_name = "A part of the lab's card" };
static struct mdev_type lab_other = { .sysfs_name = "other", .pretty_name = "Another such part" };
static struct mdev_type *lab_types[] = { &lab_plain, &lab_other };

static struct lab_part *part_of(struct vfio_device *vfio)
{
	return container_of(vfio, struct lab_part, vfio);
}

/* Little endian, as configuration space is. */
static void put_word(u8 *config, unsigned int at, u16 word)
{
	config[at] = word & 0xff;
	config[at + 1] = word >> 8;
}

static int part_init(struct vfio_device *vfio)
{
	u8 *config = part_of(vfio)->config;

	memset(config, 0, PCI_CFG_SPACE_SIZE);
	put_word(config, PCI_VENDOR_ID, PART_VENDOR);
	put_word(config, PCI_DEVICE_ID, PART_DEVICE);
	put_word(config, PCI_SUBSYSTEM_VENDOR_ID, PART_VENDOR);
	put_word(config, PCI_SUBSYSTEM_ID, PART_DEVICE);
	put_word(config, PCI_CLASS_DEVICE, PCI_CLASS_NOT_DEFINED);
	config[PCI_CLASS_DEVICE + 1] = PCI_CLASS_OTHERS;
	return 0;
}

/* Later kernels free it themselves. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
static void part_release(struct vfio_device *vfio)
{
	vfio_free_device(vfio);
}
#endif

/* Of the regions that a PCI device has only its configuration space is there. On success *pos is the offset in
 * it, and the result how much of it is meant. */
static ssize_t part_range(size_t count, loff_t *pos)
{
	u64 offset = *pos & VFIO_PCI_OFFSET_MASK;

	if (VFIO_PCI_OFFSET_TO_INDEX(*pos) != VFIO_PCI_CONFIG_REGION_INDEX || offset >= PCI_CFG_SPACE_SIZE)
		return -EINVAL;
	*pos = offset;
	return min_t(size_t, count, PCI_CFG_SPACE_SIZE - offset);
}

static ssize_t part_read(struct vfio_device *vfio, char __user *buffer, size_t count, loff_t *ppos)
{
	loff_t pos = *ppos;
	ssize_t n = part_range(count, &pos);

	if (n > 0 && copy_to_user(buffer, part_of(vfio)->config + pos, n))
		return -EFAULT;
	return n;
}

/* The command register is all that can be changed, and changes nothing. */
static ssize_t part_write(struct vfio_device *vfio, const char __user *buffer, size_t count, loff_t *ppos)
{
	loff_t pos = *ppos;
	ssize_t n = part_range(count, &pos);

	if (n == 2 && pos == PCI_COMMAND && copy_from_user(part_of(vfio)->config + pos, buffer, n))
		return -EFAULT;
	return n;
}

static long part_get_info(unsigned long argument)
{
	struct vfio_device_info info;
	size_t size = offsetofend(struct vfio_device_info, num_irqs);

	if (copy_from_user(&info, (void __user *)argument, size))
		return -EFAULT;
	if (info.argsz < size)
		return -EINVAL;
	info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	return copy_to_user((void __user *)argument, &info, size) ? -EFAULT : 0;
}

static int part_get_region(struct vfio_device *vfio, struct vfio_region_info *info, struct vfio_info_cap *caps)
{
	if (info->index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info->flags = 0;
	info->size = 0;
	info->offset = VFIO_PCI_INDEX_TO_OFFSET(info->index);
	if (info->index == VFIO_PCI_CONFIG_REGION_INDEX) {
		info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
		info->size = PCI_CFG_SPACE_SIZE;
	}
	return 0;
}

/* Later kernels copy it themselves, and never ask part_ioctl(). */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
static long part_copy_region(struct vfio_device *vfio, unsigned long argument)
{
	struct vfio_region_info info;
	size_t size = offsetofend(struct vfio_region_info, offset);
	int r;

	if (copy_from_user(&info, (void __user *)argument, size))
		return -EFAULT;
	r = info.argsz < size ? -EINVAL : part_get_region(vfio, &info, NULL);
	if (r)
		return r;
	return copy_to_user((void __user *)argument, &info, size) ? -EFAULT : 0;
}
#endif

/* It has no interrupts. */
static long part_get_irq(unsigned long argument)
{
	struct vfio_irq_info info;
	size_t size = offsetofend(struct vfio_irq_info, count);

	if (copy_from_user(&info, (void __user *)argument, size))
		return -EFAULT;
	if (info.argsz < size || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.flags = 0;
	info.count = 0;
	return copy_to_user((void __user *)argument, &info, size) ? -EFAULT : 0;
}

static long part_ioctl(struct vfio_device *vfio, unsigned int command, unsigned long argument)
{
	switch (command) {
	case VFIO_DEVICE_GET_INFO:
		return part_get_info(argument);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
	case VFIO_DEVICE_GET_REGION_INFO:
		return part_copy_region(vfio, argument);
#endif
	case VFIO_DEVICE_GET_IRQ_INFO:
		return part_get_irq(argument);
	case VFIO_DEVICE_RESET:
		return part_init(vfio);
	default:
		return -ENOTTY;
	}
}

static const struct vfio_device_ops part_ops = {
	.name = "lab-mediated",
	.init = part_init,
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	.release = part_release,
#endif
	.read = part_read,
	.write = part_write,
	.ioctl = part_ioctl,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	.get_region_info_caps = part_get_region,
#endif
};

static int part_probe(struct mdev_device *mdev)
{
	struct lab_part *part = vfio_alloc_device(lab_part, vfio, &mdev->dev, &part_ops);
	int r;

	if (IS_ERR(part))
		return PTR_ERR(part);
	r = vfio_register_emulated_iommu_dev(&part->vfio);
	if (r) {
		vfio_put_device(&part->vfio);
		return r;
	}
	dev_set_drvdata(&mdev->dev, part);
	return 0;
}

static void part_remove(struct mdev_device *mdev)
{
	struct lab_part *part = dev_get_drvdata(&mdev->dev);

	/* Waits until nobody has it open. */
	vfio_unregister_group_dev(&part->vfio);
	vfio_put_device(&part->vfio);
}

static struct mdev_driver part_driver = {
	.device_api = VFIO_DEVICE_API_PCI_STRING,
	.max_instances = PARTS_MAX,
	.probe = part_probe,
	.remove = part_remove,
	.driver = { .name = "lab_mediated_part", .owner = THIS_MODULE, .mod_name = KBUILD_MODNAME },
};

static int card_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct lab_card *card = devm_kzalloc(&pci->dev, sizeof(*card), GFP_KERNEL);

	if (!card)
		return -ENOMEM;
	pci_set_drvdata(pci, card);
	return mdev_register_parent(&card->parent, &pci->dev, &part_driver, lab_types, ARRAY_SIZE(lab_types));
}

static void card_remove(struct pci_dev *pci)
{
	struct lab_card *card = pci_get_drvdata(pci);

	mdev_unregister_parent(&card->parent);
}

static const struct pci_device_id card_ids[] = { { PCI_DEVICE(0x1234, 0x11e8) }, {} };

static struct pci_driver card_driver = {
	.name = "lab_mediated",
	.id_table = card_ids,
	.probe = card_probe,
	.remove = card_remove,
};

static int __init lab_mediated_init(void)
{
	int r = mdev_register_driver(&part_driver);

	if (r)
		return r;
	r = pci_register_driver(&card_driver);
	if (r)
		mdev_unregister_driver(&part_driver);
	return r;
}
module_init(lab_mediated_init);

static void __exit lab_mediated_exit(void)
{
	pci_unregister_driver(&card_driver);
	mdev_unregister_driver(&part_driver);
}
module_exit(lab_mediated_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Mediated devices for the lab of usher");
