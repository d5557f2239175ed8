/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Workers over the fork launcher: whose turn it is, and what they bring. The real usher-bind of the same build is
 * asked last. */
#include <signal.h>

#include "worker-bench.h"

static void on_opened(int error, const DiskSeen *seen, const GPtrArray *holders, int *fd, void *userdata)
{
    opened.count++;
    g_free(opened.id);
    opened.id = g_strdup(seen ? seen->id : NULL);
    opened.n_holders = holders ? holders->len : 0;
    opened.error = error;
    opened.fd = steal_fd(fd);
}

static void on_seen(int error, const FileSeen *seen, int *fd, void *userdata)
{
    opened.fd = steal_fd(fd);
    looked.count++;
    looked.error = error;
    looked.mode = seen ? seen->mode : 0;
}

START_TEST(a_step_goes_to_a_helper_and_its_answer_comes_back)
{
    Worker *worker = get_worker();
    take(worker, "echo");
    ck_assert_int_eq(answer.verdict, WORKER_DONE);
    ck_assert_str_eq(live, "step driver echo radeon ");
    take(worker, "gone");
    ck_assert_int_eq(answer.verdict, WORKER_DONE);
    ck_assert_ptr_null(live);
    take(worker, "drift");
    ck_assert_int_eq(answer.verdict, WORKER_DRIFT);
    ck_assert_str_eq(live, "nouveau");
    take(worker, "fail");
    ck_assert_int_eq(answer.verdict, WORKER_FAILED);
    ck_assert_int_eq(answer.error, -EBUSY);
    ck_assert_str_eq(live, "");
    worker_release(worker);
}
END_TEST

START_TEST(a_released_worker_serves_the_next_job)
{
    Worker *first = get_worker();
    worker_release(first);
    ck_assert_ptr_eq(get_worker(), first);
    ck_assert_int_eq(adopted, 1);
    take(first, "echo");
    ck_assert_int_eq(answer.verdict, WORKER_DONE);
}
END_TEST

START_TEST(two_jobs_at_a_time_have_two_workers)
{
    Worker *first = get_worker(), *second = get_worker();
    ck_assert_ptr_ne(first, second);
    ck_assert_int_eq(adopted, 2);
    ck_assert_int_eq(step(first, "echo", ""), 0);
    ck_assert_int_eq(step(second, "echo", ""), 0);
    loop_until_count(event, &answers, 2);
}
END_TEST

START_TEST(a_worker_takes_one_step_at_a_time)
{
    Worker *worker = get_worker();
    ck_assert_int_eq(step(worker, "echo", ""), 0);
    ck_assert_int_eq(step(worker, "echo", ""), -EBUSY);
    ck_assert_int_eq(
        worker_disk(worker, &(DiskWish){.path = "/dev/null", .writable = false}, on_opened, NULL), -EBUSY);
    loop_until_count(event, &answers, 1);
    take(worker, "echo");
}
END_TEST

START_TEST(a_released_worker_goes_to_who_waits_longest)
{
    Worker *first = get_worker();
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
    worker_release(first);
    loop_until_count(event, &readies, 2);
    ck_assert_ptr_eq(ready_workers[1], first);
    /* The worker that was started for this job comes too, and idles. */
    loop_until_count(event, &adopted, 2);
    ck_assert_ptr_ne(get_worker(), first);
    ck_assert_int_eq(adopted, 2);
}
END_TEST

START_TEST(a_request_that_was_taken_back_is_not_answered)
{
    WorkerRequest *request;

    ck_assert_int_eq(worker_request(pool, on_ready, NULL, &request), 0);
    worker_request_cancel(request);
    loop_until_count(event, &adopted, 1);
    ck_assert_int_eq(readies, 0);

    /* A request that had its worker already is not called back, either; the worker serves the next. */
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, &request), 0);
    worker_request_cancel(request);
    loop_settle(event);
    ck_assert_int_eq(readies, 0);
    get_worker();
    ck_assert_int_eq(adopted, 1);
}
END_TEST

START_TEST(an_opened_file_comes_as_a_descriptor)
{
    char text[8] = "";

    Worker *worker = get_worker();
    ck_assert_int_eq(worker_disk(worker, &(DiskWish){.path = "/image", .writable = true}, on_opened, NULL),
                     0);
    loop_until_count(event, &opened.count, 1);
    ck_assert_int_eq(opened.error, 0);
    ck_assert_int_eq(read(opened.fd, text, sizeof(text)), 2);
    ck_assert_mem_eq(text, "w\n", 2);
    ck_assert_str_eq(opened.id, "b8:16");
    opened.fd = close_fd(opened.fd);

    ck_assert_int_eq(worker_disk(worker, &(DiskWish){.path = "/image", .writable = false}, on_opened, NULL),
                     0);
    loop_until_count(event, &opened.count, 2);
    ck_assert_int_eq(read(opened.fd, text, sizeof(text)), 2);
    ck_assert_mem_eq(text, "r\n", 2);
    opened.fd = close_fd(opened.fd);

    ck_assert_int_eq(worker_disk(worker, &(DiskWish){.path = "/refused", .writable = false}, on_opened, NULL),
                     0);
    loop_until_count(event, &opened.count, 3);
    ck_assert_int_eq(opened.error, -EACCES);
    ck_assert_int_eq(opened.fd, -1);

    ck_assert_int_eq(worker_disk(worker, &(DiskWish){.path = "/without", .writable = false}, on_opened, NULL),
                     0);
    loop_until_count(event, &opened.count, 4);
    ck_assert_msg(opened.error == -EBADMSG, "opened without a descriptor is %d", opened.error);

    ck_assert_int_eq(worker_disk(worker, &(DiskWish){.path = "/used"}, on_opened, NULL), 0);
    loop_until_count(event, &opened.count, 5);
    ck_assert_int_eq(opened.error, 1);
    ck_assert_int_eq(opened.fd, -1);
    ck_assert_str_eq(opened.id, "b8:17");
    ck_assert_uint_eq(opened.n_holders, 1);

    ck_assert_int_eq(worker_disk(worker, &(DiskWish){.path = "/die", .writable = false}, on_opened, NULL), 0);
    loop_until_count(event, &opened.count, 6);
    ck_assert_int_eq(opened.error, -ECONNRESET);
}
END_TEST

static int open_named(Worker *worker, const char *path, bool keep)
{
    int before = looked.count;

    ck_assert_int_eq(worker_open(worker, FILE_KIND_FILE, path, keep, on_seen, NULL), 0);
    ck_assert_int_eq(worker_open(worker, FILE_KIND_FILE, path, keep, on_seen, NULL), -EBUSY);
    loop_until_count(event, &looked.count, before + 1);
    return looked.error;
}

static int look_at(Worker *worker, const char *path)
{
    return open_named(worker, path, false);
}

START_TEST(what_was_seen_comes_as_a_value)
{
    Worker *worker = get_worker();
    ck_assert_int_eq(look_at(worker, "/seen"), 0);
    ck_assert_uint_eq(looked.mode, 33188);
    ck_assert_int_eq(look_at(worker, "/refused"), -EACCES);
    ck_assert_int_eq(look_at(worker, "/nonsense"), -EBADMSG);
    /* Closing it could take as long as opening it. */
    ck_assert_int_eq(look_at(worker, "/kept"), -EBADMSG);
    ck_assert_int_eq(opened.fd, -1);
    ck_assert_int_eq(open_named(worker, "/kept", true), 0);
    ck_assert_int_ge(opened.fd, 0);
    opened.fd = close_fd(opened.fd);
    /* A file server may report that for a file; the worker is still there. */
    ck_assert_int_eq(look_at(worker, "/reset"), -EIO);
    ck_assert_int_eq(look_at(worker, "/seen"), 0);
    ck_assert_int_eq(look_at(worker, "/dies"), -ECONNRESET);
    /* Another one, at the same address perhaps. */
    get_worker();
    ck_assert_int_eq(adopted, 2);
}
END_TEST

START_TEST(a_look_that_was_given_up_tells_when_it_is_over_and_nothing_else)
{
    Worker *worker = get_worker();
    ck_assert_int_eq(worker_open(worker, FILE_KIND_FILE, "/seen", true, on_seen, NULL), 0);
    worker_abandon(worker, on_late, NULL);
    loop_until_count(event, &lates, 1);
    ck_assert_int_eq(answer.verdict, WORKER_LOST);
    ck_assert_int_eq(looked.count, 0);
    /* Another one, at the same address perhaps. */
    get_worker();
    ck_assert_int_eq(adopted, 2);
}
END_TEST

START_TEST(there_is_a_limit_to_their_number)
{
    WorkerRequest *requests[WORKER_POOL_MAX];

    g_autofree char *program = g_build_filename(folder.path, "usher-bind", NULL);
    ck_assert_int_eq(unlink(program), 0);
    for (unsigned i = 0; i < WORKER_POOL_MAX; i++)
        ck_assert_int_eq(worker_request(pool, on_ready, NULL, &requests[i]), 0);
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), -EBUSY);
    for (unsigned i = 0; i < WORKER_POOL_MAX; i++)
        worker_request_cancel(requests[i]);
    loop_settle(event);
    ck_assert_int_eq(readies, 0);
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
}
END_TEST

START_TEST(who_idles_goes_after_a_while)
{
    worker_release(get_worker());
    loop_settle(event);
    ck_assert_int_eq(kill(last_pid, 0), 0);
    while (kill(last_pid, 0) == 0)
        ck_assert_msg(sd_event_run(event, LOOP_DEADLINE_USEC) > 0, "an idle helper stays for ever");
    get_worker();
    ck_assert_int_eq(adopted, 2);
}
END_TEST

START_TEST(what_is_pending_is_dropped_with_the_pool)
{
    Worker *worker = get_worker();
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
    ck_assert_int_eq(step(worker, "echo", ""), 0);
    pool = worker_pool_free(pool);
    helpers = helper_socket_free(helpers);
    loop_settle(event);
    ck_assert_int_eq(answers, 0);
    ck_assert_int_eq(readies, 1);
}
END_TEST

START_TEST(the_real_usher_bind_opens_a_file)
{
    char text[8] = "";

    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL), *here = g_path_get_dirname(self);
    g_autofree char *real = g_build_filename(here, "../../../daemon/usher-bind", NULL);
    g_autofree char *link = g_build_filename(folder.path, "usher-bind", NULL);
    g_autofree char *image = g_build_filename(folder.path, "image", NULL);
    ck_assert_msg(access(real, X_OK) == 0, "build %s first", real);
    ck_assert_int_eq(unlink(link), 0);
    ck_assert_int_eq(symlink(real, link), 0);
    ck_assert(g_file_set_contents(image, "disk\n", -1, NULL));

    Worker *worker = get_worker();
    ck_assert_int_eq(worker_disk(worker, &(DiskWish){.path = image, .writable = false}, on_opened, NULL), 0);
    loop_until_count(event, &opened.count, 1);
    ck_assert_int_eq(opened.error, 0);
    ck_assert_int_eq(read(opened.fd, text, sizeof(text)), 5);
    ck_assert_str_eq(text, "disk\n");

    ck_assert_int_eq(
        worker_disk(worker, &(DiskWish){.path = "/no/such/file", .writable = false}, on_opened, NULL), 0);
    loop_until_count(event, &opened.count, 2);
    ck_assert_int_eq(opened.error, -ENOENT);

    g_autoptr(Step) nowhere = step_new(STEP_DRIVER, "ffff:ff:1f.7", "", "vfio-pci");
    ck_assert_int_eq(worker_step(worker, nowhere, -1, on_answer, NULL), 0);
    loop_until_count(event, &answers, 1);
    ck_assert_msg(answer.verdict == WORKER_DRIFT && !live,
                  "a device that is not there is drift, and nothing is live");
    worker_release(worker);
}
END_TEST

SUITE_WITH("worker", setup, teardown, a_step_goes_to_a_helper_and_its_answer_comes_back,
           a_released_worker_serves_the_next_job, two_jobs_at_a_time_have_two_workers,
           a_worker_takes_one_step_at_a_time, a_released_worker_goes_to_who_waits_longest,
           a_request_that_was_taken_back_is_not_answered, an_opened_file_comes_as_a_descriptor,
           what_was_seen_comes_as_a_value, a_look_that_was_given_up_tells_when_it_is_over_and_nothing_else,
           there_is_a_limit_to_their_number, who_idles_goes_after_a_while,
           what_is_pending_is_dropped_with_the_pool, the_real_usher_bind_opens_a_file)
