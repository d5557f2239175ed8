// SPDX-License-Identifier: GPL-2.0-only
/* Lets the governors of the kernel choose between two speeds, for each processor by itself. What they choose is
 * remembered, and nothing else comes of it.
 *
 * It is loaded by the scenario that needs it alone: no alias leads to it.
 * For Linux 6.1 and later (Documentation/cpu-freq/cpu-drivers.rst, include/linux/cpufreq.h). */
#include <linux/cpufreq.h>
#include <linux/module.h>
#include <linux/version.h>

#define SLOW_KHZ 1000000
#define FAST_KHZ 2000000
#define LATENCY_NS 1000000

static struct cpufreq_frequency_table lab_speeds[] = {
	{ .frequency = SLOW_KHZ },
	{ .frequency = FAST_KHZ },
	{ .frequency = CPUFREQ_TABLE_END },
};

/* Also when a processor comes back. That it has a policy of its own is what the kernel begins with. */
static int lab_init(struct cpufreq_policy *policy)
{
	policy->freq_table = lab_speeds;
	policy->cpuinfo.transition_latency = LATENCY_NS;
	policy->cur = SLOW_KHZ;
	return 0;
}

static int lab_target(struct cpufreq_policy *policy, unsigned int index)
{
	policy->cur = policy->freq_table[index].frequency;
	return 0;
}

/* Nobody is told of a change, as there is none: the kernel would cease to trust the clock that counts the
 * processor's ticks (time_cpufreq_notifier()). */
static struct cpufreq_driver lab_driver = {
	.name = "lab_cpufreq",
	.flags = CPUFREQ_ASYNC_NOTIFICATION,
	.init = lab_init,
	.verify = cpufreq_generic_frequency_table_verify,
	.target_index = lab_target,
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	.attr = cpufreq_generic_attr, /* later kernels make its files for every driver */
#endif
};

static int __init lab_cpufreq_init(void)
{
	return cpufreq_register_driver(&lab_driver);
}
module_init(lab_cpufreq_init);

static void __exit lab_cpufreq_exit(void)
{
	cpufreq_unregister_driver(&lab_driver);
}
module_exit(lab_cpufreq_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Governors for the lab of usher");
