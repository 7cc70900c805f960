/* Python objects to values and back, and the way of an error into an exception. Callers hold the GIL. */
#ifndef GOV_PYTHON_CONVERT_H
#define GOV_PYTHON_CONVERT_H

#include <datetime.h>

/* Called with (status, gov_error handle or None, answer or None); gives the exception. Set once by the package. */
static PyObject *gov_py_maker;

/* ---- what no function of rules may swallow ---- */

#define GOV_PY_INTERRUPT "libgov.interrupt"

#define GOV_PY_CAUSE "libgov.cause"

/* KeyboardInterrupt, SystemExit and their kin are no failure of a rule: they wait in the thread until its call returns. All
 * others wait to be named as the cause of the error that the call ends with. */
static void gov_py_keep_thrown(void)
{
    PyObject *type, *value, *trace, *all, *place = PyThreadState_GetDict();
    const char *key = PyErr_ExceptionMatches(PyExc_Exception) ? GOV_PY_CAUSE : GOV_PY_INTERRUPT;
    if (place == NULL)
        return;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (value != NULL && trace != NULL)
        (void)PyException_SetTraceback(value, trace);
    all = PyTuple_Pack(2, type, value != NULL ? value : Py_None);
    if (all == NULL || PyDict_SetItemString(place, key, all) != 0)
        PyErr_Clear();
    Py_XDECREF(all);
    PyErr_Restore(type, value, trace);
}

/* Raises what waits; 0: nothing does. */
static int gov_py_interrupted(void)
{
    PyObject *place = PyThreadState_GetDict();
    PyObject *all = place != NULL ? PyDict_GetItemString(place, GOV_PY_INTERRUPT) : NULL;
    if (all == NULL)
        return 0;
    Py_INCREF(all);
    PyErr_SetObject(PyTuple_GET_ITEM(all, 0), PyTuple_GET_ITEM(all, 1));
    {
        PyObject *type, *value, *trace;
        PyErr_Fetch(&type, &value, &trace);
        if (PyDict_DelItemString(place, GOV_PY_INTERRUPT) != 0)
            PyErr_Clear();
        PyErr_Restore(type, value, trace);
    }
    Py_DECREF(all);
    return 1;
}

/* The exception of the last function that failed in this thread, a new reference; it does not wait any longer. */
static PyObject *gov_py_take_cause(void)
{
    PyObject *place = PyThreadState_GetDict(), *cause;
    PyObject *all = place != NULL ? PyDict_GetItemString(place, GOV_PY_CAUSE) : NULL;
    if (all == NULL)
        return NULL;
    cause = PyTuple_GET_ITEM(all, 1);
    Py_INCREF(cause);
    if (PyDict_DelItemString(place, GOV_PY_CAUSE) != 0)
        PyErr_Clear();
    return cause;
}

static void gov_py_raise(gov_status status, PyObject *handle, PyObject *answer)
{
    PyObject *error, *cause = gov_py_take_cause();
    if (gov_py_interrupted()) {
        Py_XDECREF(cause);
        return;
    }
    if (gov_py_maker == NULL) {
        PyErr_Format(PyExc_RuntimeError, "libgov: status %d", (int)status);
        Py_XDECREF(cause);
        return;
    }
    error = PyObject_CallFunction(gov_py_maker, "iOO", (int)status, handle != NULL ? handle : Py_None,
                                  answer != NULL ? answer : Py_None);
    if (error != NULL && status == GOV_E_USER && cause != NULL && PyExceptionInstance_Check(cause)) {
        PyException_SetCause(error, cause); /* takes it over */
        cause = NULL;
    }
    Py_XDECREF(cause);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
}

/* ---- into values ---- */

static int gov_py_write(glue_text *t, PyObject *o, int depth);

static int gov_py_write_text(glue_text *t, PyObject *o)
{
    Py_ssize_t len;
    const char *s = PyUnicode_AsUTF8AndSize(o, &len);
    if (s == NULL)
        return 0;
    glue_string(t, s, (size_t)len);
    return 1;
}

static int gov_py_write_int(glue_text *t, PyObject *o)
{
    PyObject *index = PyNumber_Index(o);
    long long i;
    if (index == NULL)
        return 0;
    i = PyLong_AsLongLong(index);
    Py_DECREF(index);
    if (i == -1 && PyErr_Occurred())
        return 0;
    glue_int(t, i);
    return 1;
}

static int gov_py_write_double(glue_text *t, PyObject *o)
{
    const double d = PyFloat_AsDouble(o);
    char *digits = PyOS_double_to_string(d, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (digits == NULL)
        return 0;
    glue_double(t, d, digits);
    PyMem_Free(digits);
    return 1;
}

/* Days from 1970-01-01 to a date, the other way round of glue_date(). */
static int64_t gov_py_days(int64_t year, int month, int day)
{
    const int64_t y = month > 2 ? year : year - 1;
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t of_era = y - era * 400;
    const int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t gov_py_delta_us(PyObject *o)
{
    return ((int64_t)PyDateTime_DELTA_GET_DAYS(o) * 86400 + PyDateTime_DELTA_GET_SECONDS(o)) * GLUE_US +
           PyDateTime_DELTA_GET_MICROSECONDS(o);
}

/* Microseconds since 1970 of an aware datetime. */
static int gov_py_instant(PyObject *o, int64_t *us)
{
    PyObject *offset = PyObject_CallMethod(o, "utcoffset", NULL);
    if (offset == NULL)
        return 0;
    if (!PyDelta_Check(offset)) {
        Py_DECREF(offset);
        PyErr_SetString(PyExc_ValueError, "a datetime needs a time zone, such as datetime.timezone.utc");
        return 0;
    }
    *us = gov_py_days(PyDateTime_GET_YEAR(o), PyDateTime_GET_MONTH(o), PyDateTime_GET_DAY(o)) * 86400;
    *us += PyDateTime_DATE_GET_HOUR(o) * 3600 + PyDateTime_DATE_GET_MINUTE(o) * 60 + PyDateTime_DATE_GET_SECOND(o);
    *us = *us * GLUE_US + PyDateTime_DATE_GET_MICROSECOND(o) - gov_py_delta_us(offset);
    Py_DECREF(offset);
    return 1;
}

static int gov_py_write_time(glue_text *t, PyObject *o)
{
    int64_t us;
    if (PyDelta_Check(o)) {
        glue_duration(t, gov_py_delta_us(o));
    } else if (PyDateTime_Check(o)) {
        if (!gov_py_instant(o, &us))
            return 0;
        if (!glue_timestamp(t, us)) {
            PyErr_SetString(PyExc_OverflowError, "an instant outside of the years 1 to 9999 in UTC");
            return 0;
        }
    } else { /* a date is its text, as fields of type date have it */
        char text[40];
        (void)snprintf(text, sizeof text, "\"%04d-%02d-%02d\"", PyDateTime_GET_YEAR(o), PyDateTime_GET_MONTH(o),
                       PyDateTime_GET_DAY(o));
        glue_put(t, text);
    }
    return 1;
}

/* Python's repeats are bounded by the depth of 64 and by the length of text, so that a list in itself ends. */
static int gov_py_write_list(glue_text *t, PyObject *o, int depth)
{
    PyObject *items = PySequence_Fast(o, "a list is needed");
    Py_ssize_t i;
    int good = items != NULL;
    glue_put(t, "[");
    for (i = 0; good && i < PySequence_Fast_GET_SIZE(items); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(items, i);
        if (i > 0)
            glue_put(t, ",");
        Py_INCREF(item);
        good = gov_py_write(t, item, depth);
        Py_DECREF(item);
    }
    glue_put(t, "]");
    Py_XDECREF(items);
    return good;
}

/* 1: a plain object will do; 0: a key that is no string, or begins with '$', needs pairs; -1: an exception. */
static int gov_py_plain_keys(PyObject *pairs)
{
    Py_ssize_t i;
    for (i = 0; i < PyList_GET_SIZE(pairs); i++) {
        PyObject *pair = PyList_GET_ITEM(pairs, i);
        PyObject *key = PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2 ? PyTuple_GET_ITEM(pair, 0) : NULL;
        if (key == NULL) {
            PyErr_SetString(PyExc_TypeError, "items() of a mapping must give pairs");
            return -1;
        }
        if (PyUnicode_Check(key)) {
            if (PyUnicode_GET_LENGTH(key) > 0 && PyUnicode_READ_CHAR(key, 0) == '$')
                return 0;
        } else if (PyLong_Check(key)) {
            return 0;
        } else {
            PyErr_Format(PyExc_TypeError, "a key of type %s", Py_TYPE(key)->tp_name);
            return -1;
        }
    }
    return 1;
}

static int gov_py_write_map(glue_text *t, PyObject *o, int depth)
{
    PyObject *pairs = PyMapping_Items(o);
    Py_ssize_t i;
    int good = pairs != NULL;
    int plain = good ? gov_py_plain_keys(pairs) : -1;
    good = good && plain >= 0;
    glue_put(t, plain == 1 ? "{" : "{\"$map\":[");
    for (i = 0; good && i < PyList_GET_SIZE(pairs); i++) {
        PyObject *pair = PyList_GET_ITEM(pairs, i);
        if (i > 0)
            glue_put(t, ",");
        if (plain != 1)
            glue_put(t, "[");
        good = gov_py_write(t, PyTuple_GET_ITEM(pair, 0), depth);
        glue_put(t, plain == 1 ? ":" : ",");
        good = good && gov_py_write(t, PyTuple_GET_ITEM(pair, 1), depth);
        if (plain != 1)
            glue_put(t, "]");
    }
    glue_put(t, plain == 1 ? "}" : "]}");
    Py_XDECREF(pairs);
    return good;
}

static int gov_py_write_buffer(glue_text *t, PyObject *o)
{
    Py_buffer bytes;
    if (PyObject_GetBuffer(o, &bytes, PyBUF_SIMPLE) != 0)
        return 0;
    glue_bytes(t, bytes.buf, (size_t)bytes.len);
    PyBuffer_Release(&bytes);
    return 1;
}

static int gov_py_write(glue_text *t, PyObject *o, int depth)
{
    const int holds = PyList_Check(o) || PyTuple_Check(o) || PyDict_Check(o);
    if (t->failed) {
        PyErr_NoMemory();
        return 0;
    }
    if (o == Py_None || PyBool_Check(o)) {
        glue_put(t, o == Py_None ? "null" : o == Py_True ? "true" : "false");
        return 1;
    }
    if (PyUnicode_Check(o))
        return gov_py_write_text(t, o);
    if (PyFloat_Check(o))
        return gov_py_write_double(t, o);
    if (PyDelta_Check(o) || PyDate_Check(o))
        return gov_py_write_time(t, o);
    if (PyBytes_Check(o) || PyByteArray_Check(o) || PyMemoryView_Check(o))
        return gov_py_write_buffer(t, o);
    if (!holds && PyIndex_Check(o))
        return gov_py_write_int(t, o);
    if (depth >= GLUE_MAX_DEPTH) {
        PyErr_Format(PyExc_ValueError, "nested deeper than %d levels", GLUE_MAX_DEPTH);
        return 0;
    }
    if (PyList_Check(o) || PyTuple_Check(o))
        return gov_py_write_list(t, o, depth + 1);
    if (PyDict_Check(o) || PyObject_HasAttrString(o, "items"))
        return gov_py_write_map(t, o, depth + 1);
    PyErr_Format(PyExc_TypeError, "a %s is no value that libgov knows", Py_TYPE(o)->tp_name);
    return 0;
}

static int gov_py_to(PyObject *o, gov_value **out)
{
    glue_text t = {0};
    gov_error *e = NULL;
    PyObject *handle = NULL;
    gov_status status;
    if (o == Py_None)
        return 1; /* no value at all, as NULL is in C */
    if (!gov_py_write(&t, o, 0)) {
        free(t.at);
        return 0;
    }
    status = glue_finish(&t, out, &e);
    if (status == GOV_OK)
        return 1;
    if (e != NULL)
        handle = SWIG_InternalNewPointerObj(e, SWIGTYPE_p_gov_error, SWIG_POINTER_OWN);
    gov_py_raise(status, handle, NULL);
    Py_XDECREF(handle);
    return 0;
}

/* ---- out of values ---- */

static PyObject *gov_py_from(const gov_value *v);

static PyObject *gov_py_from_time(const gov_value *v)
{
    int64_t us, fraction, second, year;
    int month, day;
    if (!glue_micros(v, &us)) {
        PyErr_SetString(PyExc_ValueError, "a time finer than a microsecond");
        return NULL;
    }
    if (gov_value_kind(v) == GOV_VALUE_DURATION) {
        const int64_t days = glue_floor(glue_floor(us, GLUE_US, &fraction), 86400, &second);
        return PyDelta_FromDSU((int)days, (int)second, (int)fraction);
    }
    glue_date(glue_floor(glue_floor(us, GLUE_US, &fraction), 86400, &second), &year, &month, &day);
    return PyDateTimeAPI->DateTime_FromDateAndTime((int)year, month, day, (int)(second / 3600),
                                                   (int)(second / 60 % 60), (int)(second % 60), (int)fraction,
                                                   PyDateTime_TimeZone_UTC, PyDateTimeAPI->DateTimeType);
}

static PyObject *gov_py_from_list(const gov_value *v)
{
    const size_t n = gov_value_count(v);
    PyObject *list = PyList_New((Py_ssize_t)n);
    size_t i;
    for (i = 0; list != NULL && i < n; i++) {
        PyObject *item = gov_py_from(gov_value_at(v, i));
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

static PyObject *gov_py_from_map(const gov_value *v)
{
    const size_t n = gov_value_count(v);
    PyObject *map = PyDict_New();
    size_t i;
    for (i = 0; map != NULL && i < n; i++) {
        PyObject *key = gov_py_from(gov_value_key_at(v, i));
        PyObject *item = key != NULL ? gov_py_from(gov_value_at(v, i)) : NULL;
        if (item == NULL || PyDict_SetItem(map, key, item) != 0)
            Py_CLEAR(map);
        Py_XDECREF(key);
        Py_XDECREF(item);
    }
    return map;
}

static PyObject *gov_py_from(const gov_value *v)
{
    PyObject *made;
    size_t len = 0;
    const char *s;
    switch (gov_value_kind(v)) {
    case GOV_VALUE_BOOL:
        return PyBool_FromLong(gov_value_bool(v));
    case GOV_VALUE_INT:
        return PyLong_FromLongLong(gov_value_int(v));
    case GOV_VALUE_UINT:
        return PyLong_FromUnsignedLongLong(gov_value_uint(v));
    case GOV_VALUE_DOUBLE:
        return PyFloat_FromDouble(gov_value_double(v));
    case GOV_VALUE_STRING:
    case GOV_VALUE_TYPE:
        s = gov_value_string(v, &len);
        return PyUnicode_DecodeUTF8(s, (Py_ssize_t)len, "strict");
    case GOV_VALUE_BYTES:
        s = gov_value_string(v, &len);
        return PyBytes_FromStringAndSize(s, (Py_ssize_t)len);
    case GOV_VALUE_LIST:
    case GOV_VALUE_MAP:
        if (Py_EnterRecursiveCall(" in a value of libgov"))
            return NULL;
        made = gov_value_kind(v) == GOV_VALUE_LIST ? gov_py_from_list(v) : gov_py_from_map(v);
        Py_LeaveRecursiveCall();
        return made;
    case GOV_VALUE_TIMESTAMP:
    case GOV_VALUE_DURATION:
        return gov_py_from_time(v);
    default:
        Py_RETURN_NONE;
    }
}

/* Takes the place of what was answered so far. */
static int gov_py_answer(PyObject **result, PyObject *made)
{
    if (made == NULL)
        return 0;
    Py_XDECREF(*result);
    *result = made;
    return 1;
}

/* ---- plain arguments ---- */

/* A text without NUL; None is NULL. `kept` holds what the pointer needs. */
static int gov_py_chars(PyObject *o, const char **out, Py_ssize_t *len)
{
    if (o == Py_None) {
        *out = NULL;
        *len = 0;
        return 1;
    }
    if (PyUnicode_Check(o)) {
        *out = PyUnicode_AsUTF8AndSize(o, len);
        return *out != NULL;
    }
    if (PyBytes_Check(o)) {
        *out = PyBytes_AS_STRING(o);
        *len = PyBytes_GET_SIZE(o);
        return 1;
    }
    PyErr_Format(PyExc_TypeError, "a str is needed, not a %s", Py_TYPE(o)->tp_name);
    return 0;
}

static int gov_py_text(PyObject *o, const char **out)
{
    Py_ssize_t len;
    if (!gov_py_chars(o, out, &len))
        return 0;
    if (*out != NULL && strlen(*out) != (size_t)len) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return 0;
    }
    return 1;
}

static int gov_py_int(PyObject *o, int64_t least, int64_t most, int64_t *out)
{
    PyObject *index = PyNumber_Index(o);
    if (index == NULL)
        return 0;
    *out = PyLong_AsLongLong(index);
    Py_DECREF(index);
    if (*out == -1 && PyErr_Occurred())
        return 0;
    if (*out < least || *out > most) {
        PyErr_Format(PyExc_OverflowError, "%lld is not between %lld and %lld", (long long)*out, (long long)least,
                     (long long)most);
        return 0;
    }
    return 1;
}

static int gov_py_key(PyObject *o, size_t size, const uint8_t **out)
{
    *out = NULL;
    if (o == Py_None)
        return 1;
    if (!PyBytes_Check(o) || (size_t)PyBytes_GET_SIZE(o) != size) {
        PyErr_Format(PyExc_ValueError, "a key is %d bytes", (int)size);
        return 0;
    }
    *out = (const uint8_t *)PyBytes_AS_STRING(o);
    return 1;
}

/* Pairs of degrees, (latitude, longitude). */
static int gov_py_points(PyObject *o, gov_point **out, size_t *n)
{
    PyObject *items = PySequence_Fast(o, "a sequence of (latitude, longitude) is needed");
    Py_ssize_t i;
    if (items == NULL)
        return 0;
    *n = (size_t)PySequence_Fast_GET_SIZE(items);
    *out = calloc(*n + 1, sizeof **out);
    if (*out == NULL)
        PyErr_NoMemory();
    for (i = 0; *out != NULL && i < (Py_ssize_t)*n && i < PySequence_Fast_GET_SIZE(items); i++) {
        PyObject *pair = PySequence_Fast(PySequence_Fast_GET_ITEM(items, i), "a point is a pair (latitude, longitude)");
        double lat = 0, lon = 0;
        if (pair != NULL && PySequence_Fast_GET_SIZE(pair) == 2) {
            lat = PyFloat_AsDouble(PySequence_Fast_GET_ITEM(pair, 0));
            lon = PyErr_Occurred() ? 0 : PyFloat_AsDouble(PySequence_Fast_GET_ITEM(pair, 1));
        } else if (pair != NULL) {
            PyErr_SetString(PyExc_TypeError, "a point is a pair (latitude, longitude)");
        }
        Py_XDECREF(pair);
        if (!PyErr_Occurred() &&
            (!glue_degrees(lat, 90, &(*out)[i].lat) || !glue_degrees(lon, 180, &(*out)[i].lon)))
            PyErr_SetString(PyExc_ValueError, "a latitude is -90 to 90 degrees, a longitude -180 to 180");
        if (PyErr_Occurred())
            break;
    }
    Py_DECREF(items);
    return !PyErr_Occurred();
}

/* ---- the progress of a long call ---- */

/* ---- functions that expressions call ---- */

/* What an exception says, as the reason of a failure; cut where it is too long. */
static void gov_py_reason(char *why)
{
    PyObject *type = NULL, *value = NULL, *trace = NULL, *text;
    const char *said;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    text = value != NULL ? PyObject_Str(value) : NULL;
    said = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    (void)snprintf(why, GOV_FUNCTION_WHY, "%s: %s", type != NULL ? ((PyTypeObject *)type)->tp_name : "error",
                   said != NULL ? said : "");
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
}

static gov_status gov_py_function(void *user, const gov_value *args, gov_value *answer, char *why)
{
    const PyGILState_STATE gil = PyGILState_Ensure();
    gov_status status = GOV_E_USER;
    gov_value *v = NULL;
    PyObject *list = gov_py_from(args);
    PyObject *tuple = list != NULL ? PyList_AsTuple(list) : NULL;
    PyObject *out = tuple != NULL ? PyObject_CallObject(user, tuple) : NULL;
    if (out == NULL || !gov_py_to(out, &v)) {
        gov_py_keep_thrown();
        gov_py_reason(why);
    } else
        status = v != NULL ? gov_value_set(answer, "value", v) : GOV_OK;
    gov_value_free(v);
    Py_XDECREF(out);
    Py_XDECREF(tuple);
    Py_XDECREF(list);
    PyGILState_Release(gil);
    return status;
}

static void gov_py_forget(void *user)
{
    if (!Py_IsInitialized()) /* the interpreter took its objects along */
        return;
    const PyGILState_STATE gil = PyGILState_Ensure();
    Py_DECREF((PyObject *)user);
    PyGILState_Release(gil);
}

/* The callable, and the exception that it (or the user's Ctrl-C) left behind. */
typedef struct gov_py_watch {
    PyObject *call, *type, *value, *trace;
} gov_py_watch;

static int32_t gov_py_progress(uint64_t done, uint64_t total, void *user)
{
    gov_py_watch *w = user;
    const PyGILState_STATE gil = PyGILState_Ensure();
    int bad = w->type != NULL || PyErr_CheckSignals() != 0;
    if (!bad && w->call != Py_None) {
        PyObject *answer = PyObject_CallFunction(w->call, "KK", (unsigned long long)done, (unsigned long long)total);
        bad = answer == NULL;
        Py_XDECREF(answer);
    }
    if (bad && w->type == NULL)
        PyErr_Fetch(&w->type, &w->value, &w->trace);
    PyGILState_Release(gil);
    return bad;
}

#endif
