/* Python's half of gov.i. */
%begin %{
#define PY_SSIZE_T_CLEAN
%}
%{
#include "python/convert.h"

#define GLUE_IN(v, input)             \
    do {                              \
        if (!gov_py_to(input, &(v)))  \
            SWIG_fail;                \
    } while (0)
#define GLUE_OUT(v)                                           \
    do {                                                      \
        if (!gov_py_answer(&resultobj, gov_py_from(v))) {     \
            Py_CLEAR(resultobj);                              \
            SWIG_fail;                                        \
        }                                                     \
    } while (0)
#define GLUE_OWN(h, type)                                                                             \
    do {                                                                                              \
        if (!gov_py_answer(&resultobj, SWIG_InternalNewPointerObj((h), (type), SWIG_POINTER_OWN))) {  \
            Py_CLEAR(resultobj);                                                                      \
            SWIG_fail;                                                                                \
        }                                                                                             \
    } while (0)
#define GLUE_CONVERT(input, pointer, type, flags) SWIG_ConvertPtr(input, pointer, type, flags)
#define GLUE_MISUSE(why)                            \
    do {                                            \
        PyErr_SetString(PyExc_ValueError, why);     \
        SWIG_fail;                                  \
    } while (0)
#define GLUE_NOMEM                 \
    do {                           \
        Py_CLEAR(resultobj);       \
        PyErr_NoMemory();          \
        SWIG_fail;                 \
    } while (0)
#define GLUE_SIZE(n, input)                                     \
    do {                                                        \
        int64_t whole;                                          \
        if (!gov_py_int(input, 0, INT64_MAX, &whole))           \
            SWIG_fail;                                          \
        n = (size_t)whole;                                      \
    } while (0)
%}

%init %{
    PyDateTime_IMPORT;
    if (PyDateTimeAPI == NULL)
        return NULL;
%}

%{
static void gov_set_error_maker(PyObject *maker)
{
    Py_XINCREF(maker);
    Py_XSETREF(gov_py_maker, maker);
}
%}
void gov_set_error_maker(PyObject *maker);

%{
static PyObject *gov_instant(PyObject *when)
{
    int64_t us;
    if (!PyDateTime_Check(when))
        return PyErr_Format(PyExc_TypeError, "a datetime is needed, not a %s", Py_TYPE(when)->tp_name);
    return gov_py_instant(when, &us) ? PyLong_FromLongLong(us) : NULL;
}
%}
PyObject *gov_instant(PyObject *when);

/* ---- numbers and texts ---- */

%define GOV_NUMBER(TYPE, LEAST, MOST, OUT)
%typemap(in) TYPE (int64_t whole) {
    if (!gov_py_int($input, LEAST, MOST, &whole))
        SWIG_fail;
    $1 = ($1_ltype)whole;
}
%typemap(out) TYPE "$result = OUT($1);"
%enddef

GOV_NUMBER(int64_t, INT64_MIN, INT64_MAX, PyLong_FromLongLong)
GOV_NUMBER(uint64_t, 0, INT64_MAX, PyLong_FromUnsignedLongLong)
GOV_NUMBER(size_t, 0, INT64_MAX, PyLong_FromSize_t)
GOV_NUMBER(int32_t, INT32_MIN, INT32_MAX, PyLong_FromLong)
GOV_NUMBER(uint32_t, 0, UINT32_MAX, PyLong_FromUnsignedLong)

%typemap(in) const char * (const char *s = NULL) {
    if (!gov_py_text($input, &s))
        SWIG_fail;
    $1 = ($1_ltype)s;
}
%typemap(freearg) const char * ""

%typemap(in) (const char *text, size_t len) (const char *s = NULL, Py_ssize_t length = 0) {
    if (!gov_py_chars($input, &s, &length))
        SWIG_fail;
    $1 = ($1_ltype)s;
    $2 = (size_t)length;
}
%apply (const char *text, size_t len) {
    (const char *source, size_t len), (const char *json, size_t len), (const char *line, size_t len)
};

%typemap(in, numinputs=0) (char **out, size_t *len) (char *s = NULL, size_t n = 0) "$1 = &s; $2 = &n;"
%typemap(argout) (char **out, size_t *len) {
    if (s$argnum != NULL &&
        !gov_py_answer(&resultobj, PyUnicode_DecodeUTF8(s$argnum, (Py_ssize_t)n$argnum, "strict"))) {
        Py_CLEAR(resultobj);
        SWIG_fail;
    }
}
%typemap(freearg) (char **out, size_t *len) "gov_text_free(s$argnum);"
%apply (char **out, size_t *len) { (char **out, size_t *out_len) };

%typemap(in) const uint8_t *secret_key (const uint8_t *k = NULL) {
    if (!gov_py_key($input, 64, &k))
        SWIG_fail;
    $1 = ($1_ltype)k;
}
%typemap(in, numinputs=0) uint8_t *new_key (uint8_t k[64]) "$1 = k;"
%typemap(argout) uint8_t *new_key {
    if (result == GOV_OK &&
        !gov_py_answer(&resultobj, PyBytes_FromStringAndSize((const char *)k$argnum, sizeof k$argnum))) {
        Py_CLEAR(resultobj);
        SWIG_fail;
    }
}
%typemap(in) const uint8_t *public_key (const uint8_t *k = NULL) {
    if (!gov_py_key($input, 32, &k))
        SWIG_fail;
    $1 = ($1_ltype)k;
}

%typemap(in, numinputs=0) const gov_allocator * "$1 = NULL;"

/* ---- answers ---- */

%typemap(out) gov_status %{
    (void)$1;
    Py_INCREF(Py_None);
    $result = Py_None;
%}
%typemap(out) gov_status gov_error_status "$result = PyLong_FromLong($1);"

%typemap(in, numinputs=0) int64_t *id (int64_t n = 0) "$1 = &n;"
%typemap(argout) int64_t *id {
    if (result == GOV_OK && !gov_py_answer(&resultobj, PyLong_FromLongLong(n$argnum)))
        SWIG_fail;
}

%apply int64_t *id { int64_t *balance, int64_t *us };

%typemap(in, numinputs=0) (int32_t *from, int32_t *to) (int32_t a = 0, int32_t b = 0) "$1 = &a; $2 = &b;"
%typemap(argout) (int32_t *from, int32_t *to) {
    if (result == GOV_OK && !gov_py_answer(&resultobj, Py_BuildValue("(ii)", (int)a$argnum, (int)b$argnum)))
        SWIG_fail;
}

%typemap(in) (const gov_point *points, size_t n, int64_t *ids)
        (gov_point *p = NULL, int64_t *r = NULL) {
    if (!gov_py_points($input, &p, &$2))
        SWIG_fail;
    r = calloc($2 + 1, sizeof *r);
    if (r == NULL)
        GLUE_NOMEM;
    $1 = p;
    $3 = r;
}
%typemap(argout) (const gov_point *points, size_t n, int64_t *ids) {
    if (result == GOV_OK) {
        PyObject *list = PyList_New((Py_ssize_t)$2);
        for (size_t i = 0; list != NULL && i < $2; i++) {
            PyObject *id = PyLong_FromLongLong($3[i]);
            if (id == NULL)
                Py_CLEAR(list);
            else
                PyList_SET_ITEM(list, (Py_ssize_t)i, id);
        }
        if (!gov_py_answer(&resultobj, list)) {
            Py_CLEAR(resultobj);
            SWIG_fail;
        }
    }
}
%typemap(freearg) (const gov_point *points, size_t n, int64_t *ids) "free(p$argnum); free(r$argnum);"

/* ---- progress: before the error, for an exception of the callback comes first ---- */

%typemap(in) (gov_progress progress, void *user) (gov_py_watch w = {0}) {
    w.call = $input;
    if (w.call != Py_None && !PyCallable_Check(w.call)) {
        PyErr_SetString(PyExc_TypeError, "progress is called: it must be a function");
        SWIG_fail;
    }
    $1 = gov_py_progress;
    $2 = &w;
}
%typemap(argout) (gov_progress progress, void *user) {
    if (w$argnum.type != NULL) {
        PyErr_Restore(w$argnum.type, w$argnum.value, w$argnum.trace);
        Py_CLEAR(resultobj);
        SWIG_fail;
    }
}

/* ---- functions that expressions call: kept by the scope once it has them ---- */

%typemap(in) (gov_function_call call, void *user, void (*release)(void *)) (PyObject *kept = NULL) {
    if (!PyCallable_Check($input)) {
        PyErr_SetString(PyExc_TypeError, "a function is called: it must be callable");
        SWIG_fail;
    }
    kept = $input;
    Py_INCREF(kept);
    $1 = gov_py_function;
    $2 = kept;
    $3 = gov_py_forget;
}
%typemap(argout) (gov_function_call call, void *user, void (*release)(void *)) {
    if (result == GOV_OK)
        kept$argnum = NULL;
}
%typemap(freearg) (gov_function_call call, void *user, void (*release)(void *)) "Py_XDECREF(kept$argnum);"

/* ---- errors ---- */

%typemap(in, numinputs=0) gov_error **err (gov_error *e = NULL) "$1 = &e;"
%typemap(argout) gov_error **err {
    if (result != GOV_OK) {
        PyObject *handle = NULL;
        if (e$argnum != NULL) {
            handle = SWIG_InternalNewPointerObj(e$argnum, SWIGTYPE_p_gov_error, SWIG_POINTER_OWN);
            if (handle != NULL)
                e$argnum = NULL;
        }
        gov_py_raise(result, handle, resultobj);
        Py_XDECREF(handle);
        Py_CLEAR(resultobj);
        SWIG_fail;
    }
    Py_XDECREF(gov_py_take_cause()); /* the expression went on without it */
    if (gov_py_interrupted()) {
        Py_CLEAR(resultobj);
        SWIG_fail;
    }
}
%typemap(freearg) gov_error **err "gov_error_free(e$argnum);"

/* On success the answer is a pair of the handle and of the warnings, or None. */
%typemap(in, numinputs=0) gov_error **warned (gov_error *e = NULL) "$1 = &e;"
%typemap(argout) gov_error **warned {
    PyObject *handle = NULL;
    if (e$argnum != NULL) {
        handle = SWIG_InternalNewPointerObj(e$argnum, SWIGTYPE_p_gov_error, SWIG_POINTER_OWN);
        if (handle != NULL)
            e$argnum = NULL;
    }
    if (result != GOV_OK) {
        gov_py_raise(result, handle, resultobj);
        Py_CLEAR(resultobj);
    } else {
        PyObject *pair = PyTuple_Pack(2, resultobj, handle != NULL ? handle : Py_None);
        Py_DECREF(resultobj);
        resultobj = pair;
    }
    Py_XDECREF(handle);
    if (resultobj == NULL)
        SWIG_fail;
}
%typemap(freearg) gov_error **warned "gov_error_free(e$argnum);"
