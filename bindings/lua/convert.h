/* Lua values to values and back. What may throw (Lua's errors jump) runs under lua_pcall, so that what C holds
 * meanwhile is freed; a failed helper leaves what was thrown on top of the stack. */
#ifndef GOV_LUA_CONVERT_H
#define GOV_LUA_CONVERT_H

#if LUA_VERSION_NUM < 504
#error "the Lua binding needs Lua 5.4"
#endif

/* Metatables of the kinds that Lua does not have; gov/init.lua gives them their methods. */
enum {
    GOV_LUA_TIMESTAMP, /* {us = integer} since 1970 */
    GOV_LUA_DURATION,  /* {us = integer} */
    GOV_LUA_BYTES,     /* {bytes = string} */
    GOV_LUA_LIST,      /* a sequence, also when it is empty */
    GOV_LUA_MAP,       /* a map, also when its keys look like a sequence */
    GOV_LUA_KINDS
};
static const char *const gov_lua_names[] = {"timestamp", "duration", "bytes", "list", "map"};

/* The null that stands where a table cannot hold nil. */
static char gov_lua_null;

static void gov_lua_push_kind(lua_State *L, int kind)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &gov_lua_names[kind]);
}

/* Its kind by the metatable; GOV_LUA_KINDS for any other table. */
static int gov_lua_kind(lua_State *L, int at)
{
    int kind = 0;
    if (!lua_getmetatable(L, at))
        return GOV_LUA_KINDS;
    for (; kind < GOV_LUA_KINDS; kind++) {
        gov_lua_push_kind(L, kind);
        const int same = lua_rawequal(L, -1, -2);
        lua_pop(L, 1);
        if (same)
            break;
    }
    lua_pop(L, 1);
    return kind;
}

/* ---- handles ---- */

static const char gov_lua_handles = 'h'; /* its address is the key of the metatables that handles have, in the registry */

static void gov_lua_push_handle(lua_State *L, void *at, swig_type_info *type)
{
    SWIG_NewPointerObj(L, at, type, 1);
    if (!lua_getmetatable(L, -1))
        luaL_error(L, "a handle without its kind");
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &gov_lua_handles) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &gov_lua_handles);
    }
    lua_insert(L, -2);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* SWIG takes any userdata for one of its own, and reads its type from wherever that points. */
static int gov_lua_is_handle(lua_State *L, int at)
{
    int ours = lua_isnil(L, at);
    if (lua_type(L, at) == LUA_TUSERDATA && lua_getmetatable(L, at)) {
        if (lua_rawgetp(L, LUA_REGISTRYINDEX, &gov_lua_handles) == LUA_TTABLE) {
            lua_pushvalue(L, -2);
            ours = lua_rawget(L, -2) != LUA_TNIL;
            lua_pop(L, 1);
        }
        lua_pop(L, 2);
    }
    return ours;
}
#undef SWIG_isptrtype
#define SWIG_isptrtype(L, at) gov_lua_is_handle(L, at)
/* Its own words for what was got instead would read that type, too. */
#undef SWIG_fail_arg
#define SWIG_fail_arg(function, at, type)                                                                                  \
    {                                                                                                                      \
        lua_pushfstring(L, "Error in %s (arg %d), expected '%s' got '%s'", function, at, type, luaL_typename(L, at)); \
        goto fail;                                                                                                         \
    }

static void gov_lua_open(lua_State *L)
{
    for (int kind = 0; kind < GOV_LUA_KINDS; kind++) {
        lua_newtable(L);
        lua_pushfstring(L, "gov.%s", gov_lua_names[kind]);
        lua_setfield(L, -2, "__name");
        lua_rawsetp(L, LUA_REGISTRYINDEX, &gov_lua_names[kind]);
    }
}

/* gov_kinds(): the metatables by name, and null. */
static int gov_lua_kinds(lua_State *L)
{
    lua_newtable(L);
    for (int kind = 0; kind < GOV_LUA_KINDS; kind++) {
        gov_lua_push_kind(L, kind);
        lua_setfield(L, -2, gov_lua_names[kind]);
    }
    lua_pushlightuserdata(L, &gov_lua_null);
    lua_setfield(L, -2, "null");
    return 1;
}

/* Calls f with a light userdata (and the value at `at`, when that is not 0) and keeps `results`. */
static int gov_lua_try(lua_State *L, lua_CFunction f, void *with, int at, int results)
{
    if (!lua_checkstack(L, 8))
        return 0;
    lua_pushcfunction(L, f);
    lua_pushlightuserdata(L, with);
    if (at != 0)
        lua_pushvalue(L, at);
    return lua_pcall(L, at != 0 ? 2 : 1, results, 0) == LUA_OK;
}

/* ---- into values ---- */

static void gov_lua_write(lua_State *L, int at, glue_text *t, int depth);

static int64_t gov_lua_us(lua_State *L, int at)
{
    int whole = 0;
    lua_Integer us;
    lua_getfield(L, at, "us");
    us = lua_tointegerx(L, -1, &whole);
    if (!whole)
        luaL_error(L, "a time without its 'us'");
    lua_pop(L, 1);
    return us;
}

static void gov_lua_write_double(lua_State *L, int at, glue_text *t)
{
    char digits[40];
    int whole = 1;
    const double d = lua_tonumber(L, at);
    (void)snprintf(digits, sizeof digits - 2, "%.17g", d);
    for (char *c = digits; *c != '\0'; c++) {
        if (strchr("+-0123456789", *c) != NULL)
            continue;
        whole = 0;
        if (*c == ',') /* as some locales have it */
            *c = '.';
    }
    if (whole)
        memcpy(digits + strlen(digits), ".0", 3);
    glue_double(t, d, digits);
}

static void gov_lua_write_list(lua_State *L, int at, glue_text *t, int depth)
{
    const lua_Unsigned n = lua_rawlen(L, at);
    glue_put(t, "[");
    for (lua_Unsigned i = 1; i <= n; i++) {
        if (i > 1)
            glue_put(t, ",");
        lua_rawgeti(L, at, (lua_Integer)i);
        gov_lua_write(L, lua_gettop(L), t, depth);
        lua_pop(L, 1);
    }
    glue_put(t, "]");
}

/* What the keys of a table are: texts that an object can have; others; a sequence; a mixture. */
typedef struct gov_lua_keys {
    lua_Unsigned texts, others, in_sequence;
} gov_lua_keys;

static gov_lua_keys gov_lua_count(lua_State *L, int at)
{
    gov_lua_keys keys = {0};
    const lua_Unsigned n = lua_rawlen(L, at);
    for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1)) {
        const int type = lua_type(L, -2);
        const char *s = type == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && (lua_Unsigned)lua_tointeger(L, -2) <= n)
            keys.in_sequence++;
        if (s != NULL && *s != '$')
            keys.texts++;
        else if (s != NULL || lua_isinteger(L, -2) || type == LUA_TBOOLEAN)
            keys.others++;
        else
            luaL_error(L, "a key of type %s", luaL_typename(L, -2));
    }
    return keys;
}

static void gov_lua_write_map(lua_State *L, int at, glue_text *t, int depth, int pairs)
{
    const char *comma = "";
    glue_put(t, pairs ? "{\"$map\":[" : "{");
    for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1)) {
        const int top = lua_gettop(L);
        glue_put(t, comma);
        if (pairs)
            glue_put(t, "[");
        gov_lua_write(L, top - 1, t, depth);
        glue_put(t, pairs ? "," : ":");
        gov_lua_write(L, top, t, depth);
        if (pairs)
            glue_put(t, "]");
        comma = ",";
    }
    glue_put(t, pairs ? "]}" : "}");
}

static void gov_lua_write_table(lua_State *L, int at, glue_text *t, int depth)
{
    const int kind = gov_lua_kind(L, at);
    gov_lua_keys keys;
    const char *s;
    size_t len;
    if (kind == GOV_LUA_TIMESTAMP) {
        if (!glue_timestamp(t, gov_lua_us(L, at)))
            luaL_error(L, "an instant outside of the years 1 to 9999");
        return;
    }
    if (kind == GOV_LUA_DURATION) {
        glue_duration(t, gov_lua_us(L, at));
        return;
    }
    if (kind == GOV_LUA_BYTES) {
        lua_getfield(L, at, "bytes");
        s = luaL_checklstring(L, -1, &len);
        glue_bytes(t, (const unsigned char *)s, len);
        lua_pop(L, 1);
        return;
    }
    if (depth >= GLUE_MAX_DEPTH)
        luaL_error(L, "nested deeper than %d levels", GLUE_MAX_DEPTH);
    keys = gov_lua_count(L, at);
    if (kind == GOV_LUA_LIST && keys.texts + keys.others != keys.in_sequence)
        luaL_error(L, "a list with other keys than 1, 2, ...");
    if (kind != GOV_LUA_LIST && kind != GOV_LUA_MAP && keys.in_sequence > 0 &&
        keys.texts + keys.others != keys.in_sequence)
        luaL_error(L, "a table is a sequence or a map, not both (gov.map says that it is a map)");
    if (kind == GOV_LUA_LIST || (kind != GOV_LUA_MAP && keys.in_sequence > 0))
        gov_lua_write_list(L, at, t, depth + 1);
    else
        gov_lua_write_map(L, at, t, depth + 1, keys.others > 0);
}

static void gov_lua_write(lua_State *L, int at, glue_text *t, int depth)
{
    size_t len;
    const char *s;
    luaL_checkstack(L, 12, "nested too deep");
    if (t->failed)
        luaL_error(L, "too large, or no memory");
    switch (lua_type(L, at)) {
    case LUA_TNIL:
        glue_put(t, "null");
        return;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, at) != &gov_lua_null)
            luaL_error(L, "a userdata is no value that libgov knows");
        glue_put(t, "null");
        return;
    case LUA_TBOOLEAN:
        glue_put(t, lua_toboolean(L, at) ? "true" : "false");
        return;
    case LUA_TNUMBER:
        if (lua_isinteger(L, at))
            glue_int(t, lua_tointeger(L, at));
        else
            gov_lua_write_double(L, at, t);
        return;
    case LUA_TSTRING:
        s = lua_tolstring(L, at, &len);
        glue_string(t, s, len);
        return;
    case LUA_TTABLE:
        gov_lua_write_table(L, at, t, depth);
        return;
    default:
        luaL_error(L, "a %s is no value that libgov knows", luaL_typename(L, at));
    }
}

static int gov_lua_write_in(lua_State *L)
{
    glue_text *t = lua_touserdata(L, 1);
    gov_lua_write(L, 2, t, 0);
    return 0;
}

/* ---- failures: a table {status, handle, answer} is thrown, which gov/init.lua makes an answer of ---- */

typedef struct gov_lua_failure {
    gov_status status;
    gov_error **error;
} gov_lua_failure;

/* Where the registry keeps what the last function of an expression threw, until the call that it failed in ends. */
static const char gov_lua_thrown = 0;

/* Takes the error over, and what was answered so far. */
static int gov_lua_fail_in(lua_State *L)
{
    const gov_lua_failure *f = lua_touserdata(L, 1);
    lua_settop(L, 2);
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, f->status);
    lua_setfield(L, -2, "status");
    if (*f->error != NULL) {
        gov_lua_push_handle(L, *f->error, SWIGTYPE_p_gov_error);
        *f->error = NULL;
        lua_setfield(L, -2, "handle");
    }
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "answer");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &gov_lua_thrown);
    if (f->status == GOV_E_USER)
        lua_setfield(L, -2, "cause");
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &gov_lua_thrown);
    lua_settop(L, 3);
    return 1;
}

/* Leaves what is to be thrown on top. `at` is an answer that came with the failure, or 0. */
static void gov_lua_fail(lua_State *L, gov_status status, gov_error **error, int at)
{
    gov_lua_failure f = {status, error};
    if (at == 0) {
        lua_pushnil(L);
        at = lua_gettop(L);
    }
    (void)gov_lua_try(L, gov_lua_fail_in, &f, at, 1);
}

static int gov_lua_to(lua_State *L, int at, gov_value **out)
{
    glue_text t = {0};
    gov_error *e = NULL;
    gov_status status;
    if (lua_isnoneornil(L, at))
        return 1; /* no value at all, as NULL is in C */
    if (!gov_lua_try(L, gov_lua_write_in, &t, at, 0)) {
        free(t.at);
        return 0;
    }
    status = glue_finish(&t, out, &e);
    if (status == GOV_OK)
        return 1;
    gov_lua_fail(L, status, &e, 0);
    gov_error_free(e);
    return 0;
}

/* ---- out of values ---- */

static void gov_lua_push(lua_State *L, const gov_value *v);

static void gov_lua_push_us(lua_State *L, const gov_value *v)
{
    int64_t us;
    if (!glue_micros(v, &us))
        luaL_error(L, "a time finer than a microsecond");
    lua_createtable(L, 0, 1);
    lua_pushinteger(L, us);
    lua_setfield(L, -2, "us");
    gov_lua_push_kind(L, gov_value_kind(v) == GOV_VALUE_TIMESTAMP ? GOV_LUA_TIMESTAMP : GOV_LUA_DURATION);
    lua_setmetatable(L, -2);
}

static void gov_lua_push_holder(lua_State *L, const gov_value *v)
{
    const size_t n = gov_value_count(v);
    const int is_list = gov_value_kind(v) == GOV_VALUE_LIST;
    const int slots = n < INT_MAX ? (int)n : INT_MAX;
    luaL_checkstack(L, 8, "nested too deep");
    lua_createtable(L, is_list ? slots : 0, is_list ? 0 : slots);
    for (size_t i = 0; i < n; i++) {
        const gov_value *item = gov_value_at(v, i);
        if (is_list) {
            gov_lua_push(L, item);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        } else if (gov_value_kind(item) != GOV_VALUE_NULL) { /* a null member is an absent one */
            gov_lua_push(L, gov_value_key_at(v, i));
            gov_lua_push(L, item);
            lua_rawset(L, -3);
        }
    }
    if (is_list) {
        gov_lua_push_kind(L, GOV_LUA_LIST);
        lua_setmetatable(L, -2);
    }
}

static void gov_lua_push(lua_State *L, const gov_value *v)
{
    size_t len = 0;
    const char *s;
    switch (gov_value_kind(v)) {
    case GOV_VALUE_BOOL:
        lua_pushboolean(L, gov_value_bool(v));
        return;
    case GOV_VALUE_UINT:
        if (gov_value_uint(v) > INT64_MAX)
            luaL_error(L, "an unsigned number that Lua's integers cannot hold");
        lua_pushinteger(L, (lua_Integer)gov_value_uint(v));
        return;
    case GOV_VALUE_INT:
        lua_pushinteger(L, gov_value_int(v));
        return;
    case GOV_VALUE_DOUBLE:
        lua_pushnumber(L, gov_value_double(v));
        return;
    case GOV_VALUE_STRING:
    case GOV_VALUE_TYPE:
        s = gov_value_string(v, &len);
        lua_pushlstring(L, s, len);
        return;
    case GOV_VALUE_BYTES:
        s = gov_value_string(v, &len);
        lua_createtable(L, 0, 1);
        lua_pushlstring(L, s, len);
        lua_setfield(L, -2, "bytes");
        gov_lua_push_kind(L, GOV_LUA_BYTES);
        lua_setmetatable(L, -2);
        return;
    case GOV_VALUE_LIST:
    case GOV_VALUE_MAP:
        gov_lua_push_holder(L, v);
        return;
    case GOV_VALUE_TIMESTAMP:
    case GOV_VALUE_DURATION:
        gov_lua_push_us(L, v);
        return;
    default:
        lua_pushlightuserdata(L, &gov_lua_null);
    }
}

static int gov_lua_push_in(lua_State *L)
{
    const gov_value *v = lua_touserdata(L, 1);
    gov_lua_push(L, v);
    return 1;
}

typedef struct gov_lua_chars {
    const char *s;
    size_t n;
} gov_lua_chars;

static int gov_lua_text_in(lua_State *L)
{
    const gov_lua_chars *c = lua_touserdata(L, 1);
    lua_pushlstring(L, c->s, c->n);
    return 1;
}

typedef struct gov_lua_pointer {
    void *at;
    swig_type_info *type;
} gov_lua_pointer;

static int gov_lua_own_in(lua_State *L)
{
    const gov_lua_pointer *p = lua_touserdata(L, 1);
    gov_lua_push_handle(L, p->at, p->type);
    return 1;
}


static int gov_lua_own(lua_State *L, void *at, swig_type_info *type)
{
    gov_lua_pointer p = {at, type};
    return gov_lua_try(L, gov_lua_own_in, &p, 0, 1);
}

/* ---- plain arguments ---- */

/* A text; nil is NULL. Strings only: a number is not made one. */
static int gov_lua_chars_of(lua_State *L, int at, const char **s, size_t *n)
{
    *s = NULL;
    *n = 0;
    if (lua_isnoneornil(L, at))
        return 1;
    if (lua_type(L, at) != LUA_TSTRING) {
        lua_pushfstring(L, "argument %d: a string is needed, not a %s", at, luaL_typename(L, at));
        return 0;
    }
    *s = lua_tolstring(L, at, n);
    return 1;
}

static int gov_lua_text_of(lua_State *L, int at, const char **s)
{
    size_t n;
    if (!gov_lua_chars_of(L, at, s, &n))
        return 0;
    if (*s != NULL && strlen(*s) != n) {
        lua_pushfstring(L, "argument %d: a zero byte in a text", at);
        return 0;
    }
    return 1;
}

/* A whole number, exactly; a float only when it is one. */
static int gov_lua_int(lua_State *L, int at, int64_t least, int64_t most, int64_t *out)
{
    int whole = 0;
    *out = lua_type(L, at) == LUA_TNUMBER ? lua_tointegerx(L, at, &whole) : 0;
    if (!whole || *out < least || *out > most) {
        lua_pushfstring(L, "argument %d: a whole number from %I to %I is needed", at, (LUAI_UACINT)least,
                        (LUAI_UACINT)most);
        return 0;
    }
    return 1;
}

static int gov_lua_key(lua_State *L, int at, size_t size, const uint8_t **out)
{
    const char *s;
    size_t n;
    if (!gov_lua_chars_of(L, at, &s, &n))
        return 0;
    if (s != NULL && n != size) {
        lua_pushfstring(L, "argument %d: a key is %d bytes", at, (int)size);
        return 0;
    }
    *out = (const uint8_t *)s;
    return 1;
}

typedef struct gov_lua_points {
    gov_point *at;
    size_t n;
} gov_lua_points;

static double gov_lua_degree(lua_State *L, int at, int place, const char *name)
{
    double d;
    if (lua_rawgeti(L, at, place) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_getfield(L, at, name);
    }
    if (lua_type(L, -1) != LUA_TNUMBER)
        luaL_error(L, "a point is {latitude, longitude} in degrees");
    d = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return d;
}

static int gov_lua_points_in(lua_State *L)
{
    gov_lua_points *p = lua_touserdata(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    p->n = lua_rawlen(L, 2);
    p->at = calloc(p->n + 1, sizeof *p->at);
    if (p->at == NULL)
        luaL_error(L, "no memory");
    for (size_t i = 0; i < p->n; i++) {
        if (lua_rawgeti(L, 2, (lua_Integer)i + 1) != LUA_TTABLE)
            luaL_error(L, "a point is {latitude, longitude} in degrees");
        if (!glue_degrees(gov_lua_degree(L, 3, 1, "lat"), 90, &p->at[i].lat) ||
            !glue_degrees(gov_lua_degree(L, 3, 2, "lon"), 180, &p->at[i].lon))
            luaL_error(L, "a latitude is -90 to 90 degrees, a longitude -180 to 180");
        lua_pop(L, 1);
    }
    return 0;
}

/* ---- the progress of a long call ---- */

/* ---- functions that expressions call ---- */

/* Each has a thread of its own, on whose stack it lies first: whatever coroutine evaluates, there is a state to call it in. */
typedef struct gov_lua_function {
    lua_State *T;
    int ref;  /* keeps the thread */
    int busy; /* it runs */
    const gov_value *args;
    gov_value *answer;
    gov_status status;
} gov_lua_function;

static int gov_lua_call_in(lua_State *L)
{
    gov_lua_function *f = lua_touserdata(L, 1);
    const size_t n = gov_value_count(f->args);
    gov_value *v = NULL;
    luaL_checkstack(L, (int)n + 8, "too many arguments");
    for (size_t i = 0; i < n; i++) /* the function itself came as the second argument */
        gov_lua_push(L, gov_value_at(f->args, i));
    lua_call(L, (int)n, 1);
    if (!gov_lua_to(L, lua_gettop(L), &v))
        return lua_error(L);
    f->status = v != NULL ? gov_value_set(f->answer, "value", v) : GOV_OK;
    gov_value_free(v);
    return 0;
}

static int gov_lua_throw_in(lua_State *L)
{
    lua_pushvalue(L, 2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &gov_lua_thrown);
    return 0;
}

static gov_status gov_lua_function_call(void *user, const gov_value *args, gov_value *answer, char *why)
{
    gov_lua_function *f = user;
    const int top = lua_gettop(f->T);
    if (f->busy) {
        (void)snprintf(why, GOV_FUNCTION_WHY, "the function is called inside itself");
        return GOV_E_USER;
    }
    f->busy = 1;
    f->args = args;
    f->answer = answer;
    f->status = GOV_E_NOMEM;
    if (!gov_lua_try(f->T, gov_lua_call_in, f, 1, 0)) {
        const char *said = lua_type(f->T, -1) == LUA_TSTRING ? lua_tostring(f->T, -1) : "an error that is no text";
        (void)snprintf(why, GOV_FUNCTION_WHY, "%s", said);
        f->status = GOV_E_USER;
        (void)gov_lua_try(f->T, gov_lua_throw_in, NULL, lua_gettop(f->T), 0);
    }
    lua_settop(f->T, top);
    f->busy = 0;
    return f->status;
}

static void gov_lua_forget(void *user)
{
    gov_lua_function *f = user;
    luaL_unref(f->T, LUA_REGISTRYINDEX, f->ref);
    free(f);
}

/* Makes the thread of a function, which is the second argument. */
static int gov_lua_keep_in(lua_State *L)
{
    gov_lua_function *f = lua_touserdata(L, 1);
    f->T = lua_newthread(L);
    lua_pushvalue(L, 2);
    lua_xmove(L, f->T, 1);
    f->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

typedef struct gov_lua_watch {
    lua_State *L;
    int call;   /* where the function lies; 0: there is none */
    int raised; /* where what it threw lies; 0: nothing */
} gov_lua_watch;

static int32_t gov_lua_progress(uint64_t done, uint64_t total, void *user)
{
    gov_lua_watch *w = user;
    if (w->raised != 0 || !lua_checkstack(w->L, 8))
        return 1;
    lua_pushvalue(w->L, w->call);
    lua_pushinteger(w->L, (lua_Integer)(done & INT64_MAX));
    lua_pushinteger(w->L, (lua_Integer)(total & INT64_MAX));
    if (lua_pcall(w->L, 2, 0, 0) == LUA_OK)
        return 0;
    w->raised = lua_gettop(w->L);
    return 1;
}

/* {raised = what the callback threw} */
static int gov_lua_raised_in(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "raised");
    return 1;
}

#endif
