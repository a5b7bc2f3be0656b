/* What is done with the requests of a run before and after it, in one pass each.
 *
 * Each answers None where it meets what it does not know: the Python text then does it, or says what is wrong.
 */

/* Fields of windtunnel.lab.history.Event. */
enum { EVENT_START = 3, EVENT_END, EVENT_OUTCOME, EVENT_VALUE, EVENT_DUE, EVENT_ID, EVENT_FIELDS };

/* --- marshal, version 2 ------------------------------------------------------------------------------------------- */
typedef struct {
    char *bytes;
    Py_ssize_t count;
    Py_ssize_t room;
} Buffer;

enum { WRITTEN, UNKNOWN_KIND, NO_ROOM };

static int buffer_put(Buffer *to, const void *bytes, Py_ssize_t count) {
    if (to->count + count > to->room) {
        Py_ssize_t room = 2 * (to->count + count);
        char *more = PyMem_Realloc(to->bytes, (size_t)room);
        if (more == NULL) return NO_ROOM;
        to->bytes = more;
        to->room = room;
    }
    memcpy(to->bytes + to->count, bytes, (size_t)count);
    to->count += count;
    return WRITTEN;
}

/* A letter and 32 bits, the lowest first. */
static int buffer_head(Buffer *to, char kind, Py_ssize_t number) {
    unsigned char head[5] = {(unsigned char)kind};
    for (int i = 0; i < 4; i++) head[i + 1] = (unsigned char)((uint64_t)number >> (8 * i));
    return buffer_put(to, head, 5);
}

static int marshal_items(Buffer *to, PyObject *tuple, int depth);

static int marshal_value(Buffer *to, PyObject *value, int depth) {
    if (PyUnicode_CheckExact(value)) {
        if (!PyUnicode_IS_COMPACT_ASCII(value)) return UNKNOWN_KIND;
        Py_ssize_t size = PyUnicode_GET_LENGTH(value);
        int how = buffer_head(to, 'u', size);
        return how ? how : buffer_put(to, PyUnicode_DATA(value), size);
    }
    if (PyFloat_CheckExact(value)) {
        double number = PyFloat_AS_DOUBLE(value);
        unsigned char all[9] = {'g'};
        uint64_t bits;
        memcpy(&bits, &number, 8);
        for (int i = 0; i < 8; i++) all[i + 1] = (unsigned char)(bits >> (8 * i));
        return buffer_put(to, all, 9);
    }
    if (PyLong_CheckExact(value)) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow || number > INT32_MAX || number < INT32_MIN) return UNKNOWN_KIND;
        return buffer_head(to, 'i', (Py_ssize_t)number);
    }
    if (value == Py_None) return buffer_put(to, "N", 1);
    if (value == Py_True) return buffer_put(to, "T", 1);
    if (value == Py_False) return buffer_put(to, "F", 1);
    if (PyTuple_CheckExact(value)) return marshal_items(to, value, depth + 1);
    return UNKNOWN_KIND;
}

static int marshal_items(Buffer *to, PyObject *tuple, int depth) {
    Py_ssize_t size = PyTuple_GET_SIZE(tuple);
    int how = depth > 50 ? UNKNOWN_KIND : buffer_head(to, '(', size);
    for (Py_ssize_t i = 0; !how && i < size; i++) how = marshal_value(to, PyTuple_GET_ITEM(tuple, i), depth);
    return how;
}

/* `marshal.dumps([tuple(row) for row in rows[first:last]], 2)` */
static PyObject *marshalled(PyObject *module, PyObject *args) {
    PyObject *rows;
    Py_ssize_t first, last;
    if (!PyArg_ParseTuple(args, "O!nn", &PyTuple_Type, &rows, &first, &last)) return NULL;
    if (last > PyTuple_GET_SIZE(rows)) last = PyTuple_GET_SIZE(rows);
    if (first < 0 || first > last) first = last;
    Buffer to = {NULL, 0, 0};
    int how = buffer_head(&to, '[', last - first);
    for (Py_ssize_t i = first; !how && i < last; i++) {
        PyObject *row = PyTuple_GET_ITEM(rows, i);
        how = PyTuple_Check(row) ? marshal_items(&to, row, 0) : UNKNOWN_KIND;
    }
    PyObject *found = how == WRITTEN        ? PyBytes_FromStringAndSize(to.bytes, to.count)
                      : how == UNKNOWN_KIND ? Py_NewRef(Py_None)
                                            : PyErr_NoMemory();
    PyMem_Free(to.bytes);
    return found;
}

/* --- latencies ---------------------------------------------------------------------------------------------------- */
static int append_float(PyObject *list, double number) {
    PyObject *one = PyFloat_FromDouble(number);
    int how = one == NULL ? -1 : PyList_Append(list, one);
    Py_XDECREF(one);
    return how;
}

/* Seconds from due to answered, and how long those waited that were not answered: two lists. */
static PyObject *latencies(PyObject *module, PyObject *events) {
    if (!PyTuple_CheckExact(events)) Py_RETURN_NONE;
    PyObject *answered = PyList_New(0), *waited = PyList_New(0), *found = NULL;
    int how = answered == NULL || waited == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; !how && i < PyTuple_GET_SIZE(events); i++) {
        PyObject *event = PyTuple_GET_ITEM(events, i);
        if (!PyTuple_Check(event) || PyTuple_GET_SIZE(event) != EVENT_FIELDS) goto unknown;
        PyObject *start = PyTuple_GET_ITEM(event, EVENT_START), *end = PyTuple_GET_ITEM(event, EVENT_END),
                 *due = PyTuple_GET_ITEM(event, EVENT_DUE), *outcome = PyTuple_GET_ITEM(event, EVENT_OUTCOME);
        if (!PyFloat_CheckExact(start) || !PyFloat_CheckExact(end) || !PyFloat_CheckExact(due) ||
            !PyUnicode_CheckExact(outcome))
            goto unknown;
        double from = PyFloat_AS_DOUBLE(due) >= 0 ? PyFloat_AS_DOUBLE(due) : PyFloat_AS_DOUBLE(start);
        int ok = outcome == s_ok || !PyUnicode_Compare(outcome, s_ok);
        how = append_float(ok ? answered : waited, PyFloat_AS_DOUBLE(end) - from);
    }
    if (!how) found = PyTuple_Pack(2, answered, waited);
    if (0) {
    unknown:
        found = Py_NewRef(Py_None);
    }
    Py_XDECREF(answered);
    Py_XDECREF(waited);
    return found;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */
/* The requests with their places as ids where they have none. */
static PyObject *numbered(PyObject *module, PyObject *ops) {
    if (!PyList_CheckExact(ops) || OpClass == NULL) Py_RETURN_NONE;
    Py_ssize_t count = PyList_GET_SIZE(ops);
    PyObject *all = PyList_New(count);
    for (Py_ssize_t i = 0; all != NULL && i < count; i++) {
        PyObject *op = PyList_GET_ITEM(ops, i);
        if (!IS(op, OpClass) || PyTuple_GET_SIZE(op) != OP_FIELDS || !PyTuple_Check(PyTuple_GET_ITEM(op, OP_ARGS)) ||
            !PyLong_CheckExact(PyTuple_GET_ITEM(op, OP_ID))) {
            Py_DECREF(all);
            Py_RETURN_NONE;
        }
        int overflow;
        long long id = PyLong_AsLongLongAndOverflow(PyTuple_GET_ITEM(op, OP_ID), &overflow);
        PyObject *one;
        if (overflow > 0 || (!overflow && id >= 0))
            one = Py_NewRef(op);
        else if ((one = OpClass->tp_alloc(OpClass, OP_FIELDS)) != NULL) {
            for (int k = 0; k < OP_FIELDS; k++) {
                PyObject *item = k == OP_ID ? PyLong_FromSsize_t(i) : Py_NewRef(PyTuple_GET_ITEM(op, k));
                if (item == NULL) {
                    Py_CLEAR(one);
                    break;
                }
                PyTuple_SET_ITEM(one, k, item);
            }
        }
        if (one == NULL)
            Py_CLEAR(all);
        else
            PyList_SET_ITEM(all, i, one);
    }
    return all;
}
