/* After fork() a child has its parent's files and sockets: what it inherited refuses to work, and leaves the parent's alone. */
#include "support/community.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child nothing may be asserted: each question is a bit of its answer. */
static int wait_for(pid_t child)
{
    int status = 0;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int refused(gov_status status, gov_error **err)
{
    const bool right = status == GOV_E_STATE && *err != NULL && strcmp(gov_error_code(*err, 0), "store_forked") == 0;
    gov_error_free(*err);
    *err = NULL;
    return right ? 0 : 1;
}

static gov_value *named(const char *name)
{
    gov_value *v = gov_value_new_map(NULL);
    (void)gov_value_set_string(v, "name", name);
    return v;
}

/* What a child that was not told any better would do. */
static int try_all(community *c, const char *backup)
{
    gov_error *err = NULL;
    gov_value *out = NULL, *v = named("child");
    gov *other = NULL;
    const gov_point p = {0, 0};
    int64_t id = 0;
    int wrong = refused(gov_record_put(c->g, "unit", "child", v, &id, &err), &err);
    wrong += refused(gov_record_get(c->g, "unit", "parent", &out, &err), &err);
    wrong += refused(gov_locate(c->g, &p, 1, &id, &err), &err);
    wrong += refused(gov_begin(c->g, &err), &err);
    wrong += refused(gov_act_as(c->g, "nobody", "test", &err), &err);
    wrong += refused(gov_tick(c->g, 0, NULL, &err), &err);
    wrong += refused(gov_community_list(c->store, &out, &err), &err);
    wrong += refused(gov_attach(c->store, NULL, &other, &err), &err);
    wrong += refused(gov_store_backup(c->store, backup, NULL, NULL, &err), &err);
    gov_value_free(v);
    community_free(c);
    return wrong;
}

static void put_by_parent(community *c, const char *key)
{
    gov_error *err = NULL;
    gov_value *out = NULL;
    (void)community_put(c, "unit", key, "{'name': 'x'}");
    assert_gov_ok(gov_record_get(c->g, "unit", key, &out, &err), err);
    gov_value_free(out);
}

static void what_a_child_inherits_is_not_its_own(void **state)
{
    support_store *s = support_store_of(state);
    char backup[512];
    community c = community_make(s, community_rules, NULL);
    put_by_parent(&c, "parent");
    (void)support_path(backup, s->dir, "backup.gov");
    const pid_t child = fork();
    if (child == 0)
        _exit(try_all(&c, backup));
    assert_int_equal(wait_for(child), 0);
    put_by_parent(&c, "after"); /* neither locks nor the session have gone */
    community_free(&c);
}

static int try_group(community *c)
{
    gov_error *err = NULL;
    gov_value *v = named("child");
    int64_t id = 0;
    int wrong = refused(gov_record_put(c->g, "unit", "child", v, &id, &err), &err);
    wrong += refused(gov_commit(c->g, &err), &err);
    wrong += refused(gov_rollback(c->g, &err), &err);
    gov_value_free(v);
    community_free(c);
    return wrong;
}

static void a_group_stays_the_parents(void **state)
{
    gov_error *err = NULL;
    gov_value *out = NULL;
    community c = community_make(support_store_of(state), community_rules, NULL);
    assert_gov_ok(gov_begin(c.g, &err), err);
    put_by_parent(&c, "one");
    const pid_t child = fork();
    if (child == 0)
        _exit(try_group(&c));
    assert_int_equal(wait_for(child), 0);
    put_by_parent(&c, "two");
    assert_gov_ok(gov_commit(c.g, &err), err);
    assert_gov_ok(gov_record_get(c.g, "unit", "one", &out, &err), err);
    gov_value_free(out);
    assert_gov(GOV_E_NOT_FOUND, gov_record_get(c.g, "unit", "child", &out, &err), err);
    gov_error_free(err);
    community_free(&c);
}

static int work_anew(const char *url, community *inherited)
{
    gov_error *err = NULL;
    community own;
    community_free(inherited);
    if (community_try(url, NULL, NULL, &own, &err) != GOV_OK)
        return 1;
    gov_value *v = named("child");
    const gov_status status = gov_record_put(own.g, "unit", "child", v, NULL, &err);
    gov_value_free(v);
    community_free(&own);
    return status == GOV_OK ? 0 : 2;
}

static void a_child_opens_the_store_by_itself(void **state)
{
    support_store *s = support_store_of(state);
    gov_error *err = NULL;
    gov_value *out = NULL;
    community c = community_make(s, community_rules, NULL);
    const pid_t child = fork();
    if (child == 0)
        _exit(work_anew(s->url, &c));
    assert_int_equal(wait_for(child), 0);
    assert_gov_ok(gov_record_get(c.g, "unit", "child", &out, &err), err);
    gov_value_free(out);
    put_by_parent(&c, "parent");
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(what_a_child_inherits_is_not_its_own),
        STORE_TESTS(a_group_stays_the_parents),
        STORE_TESTS(a_child_opens_the_store_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
