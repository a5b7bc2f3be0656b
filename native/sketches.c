/* Single keys to sketches: as `add` and what is asked in `windtunnel.blocks.sketches.bloom`, `hyperloglog` and
 * `count_min`. The attributes are those of the Python classes; whatever is not as they make it is left to the text.
 */
static PyTypeObject *BloomCoreType, *HyperLogLogCoreType, *CountMinCoreType;
static PyObject *bloom_add_text, *bloom_contains_text, *bloom_places, *hyperloglog_add_text, *hyperloglog_put,
    *count_min_add_text, *count_min_estimate_text, *count_min_cells;

#define RUN_BITS 6 /* as windtunnel.blocks.sketches.hyperloglog */
#define SPARSE_REST 39

/* A whole number, not negative, of 63 bits; 0 where the attribute is none. */
static int whole_attribute(PyObject *self, PyObject *name, int64_t *out) {
    PyObject *found = PyObject_GetAttr(self, name);
    if (found == NULL) {
        PyErr_Clear();
        return 0;
    }
    int overflow, plain = PyLong_CheckExact(found);
    *out = plain ? PyLong_AsLongLongAndOverflow(found, &overflow) : -1;
    Py_DECREF(found);
    return plain && !overflow && *out >= 0;
}

/* An attribute with memory that can be written, in items of so many bytes; 0 where there is none. */
static int memory_attribute(PyObject *self, PyObject *name, Py_ssize_t item, Py_buffer *out) {
    PyObject *found = PyObject_GetAttr(self, name);
    int got = found != NULL && PyObject_GetBuffer(found, out, PyBUF_WRITABLE) == 0;
    Py_XDECREF(found); /* the buffer holds it */
    if (!got) {
        PyErr_Clear();
        return 0;
    }
    if (out->itemsize == item && (uintptr_t)out->buf % (uintptr_t)item == 0) return 1;
    PyBuffer_Release(out);
    return 0;
}

/* --- Bloom -------------------------------------------------------------------------------------------------------- */
/* The bits and how many hashes a key has; 0 where the text has to see to it. */
static int bloom_bits(PyObject *self, Py_buffer *bits, int64_t *size, int64_t *hashes) {
    if (!text_is(self, s__places, bloom_places) || !whole_attribute(self, s_size_bits, size) ||
        !whole_attribute(self, s_hash_count, hashes) || !memory_attribute(self, s__bits, 1, bits))
        return 0;
    if (*size > 0 && bits->len >= (*size + 7) / 8) return 1;
    PyBuffer_Release(bits);
    return 0;
}

static PyObject *bloom_add(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *names) {
    uint64_t h;
    int64_t size, hashes;
    Py_buffer bits;
    int alone = given == 1 && names == NULL;
    if (alone && hash_of(args[0], &h) < 0) return NULL;
    if (!alone || !bloom_bits(self, &bits, &size, &hashes)) return by_text_of(bloom_add_text, self, args, given, names);
    unsigned char *memory = bits.buf;
    int new = 0;
    for (int64_t i = 0; i < hashes; i++, h *= MULTIPLIER) {
        uint64_t place = high_product(h, (uint64_t)size);
        unsigned char bit = (unsigned char)(1u << (place & 7));
        new |= !(memory[place >> 3] & bit);
        memory[place >> 3] |= bit;
    }
    PyBuffer_Release(&bits);
    return PyBool_FromLong(new);
}

static int bloom_contains(PyObject *self, PyObject *key) {
    uint64_t h;
    int64_t size, hashes;
    Py_buffer bits;
    if (hash_of(key, &h) < 0) return -1;
    if (!bloom_bits(self, &bits, &size, &hashes)) {
        PyObject *found = by_text_of(bloom_contains_text, self, &key, 1, NULL);
        int in = found == NULL ? -1 : PyObject_IsTrue(found);
        Py_XDECREF(found);
        return in;
    }
    const unsigned char *memory = bits.buf;
    int in = 1;
    for (int64_t i = 0; in && i < hashes; i++, h *= MULTIPLIER) {
        uint64_t place = high_product(h, (uint64_t)size);
        in = memory[place >> 3] >> (place & 7) & 1;
    }
    PyBuffer_Release(&bits);
    return in;
}

/* --- HyperLogLog -------------------------------------------------------------------------------------------------- */
/* One more than the zeros that the lowest bits of a hash begin with. */
static inline unsigned run_of(uint64_t h, int bits) {
    uint64_t rest = h & (((uint64_t)1 << bits) - 1);
    return (unsigned)(bits - (rest == 0 ? 0 : 64 - __builtin_clzll(rest)) + 1);
}

/* As `_put`, where the table need not grow; 0 where the text has to see to it. */
static int put_sparse(PyObject *self, uint64_t h) {
    Py_buffer memory;
    int64_t used;
    if (!whole_attribute(self, s__used, &used) || !memory_attribute(self, s__table, 4, &memory)) return 0;
    uint32_t *table = memory.buf, upper = (uint32_t)(h >> SPARSE_REST);
    uint32_t entry = upper << RUN_BITS | run_of(h, SPARSE_REST);
    int64_t size = memory.len / 4, at = upper & (uint32_t)(size - 1), seen = 0;
    int how = 0;
    if (size > 0 && !(size & (size - 1)) && used < size) {
        while (table[at] && table[at] >> RUN_BITS != upper && seen++ < size) at = (at + 1) & (size - 1);
        if (seen >= size)
            how = 0;
        else if (table[at]) {
            if (table[at] < entry) table[at] = entry;
            how = 1;
        } else if (used < size * 3 / 4) {
            PyObject *more = PyLong_FromLongLong(used + 1);
            how = more == NULL || PyObject_SetAttr(self, s__used, more) < 0 ? -1 : 1;
            Py_XDECREF(more);
            if (how > 0) table[at] = entry;
        }
    }
    PyBuffer_Release(&memory);
    return how;
}

static PyObject *hyperloglog_add(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *names) {
    uint64_t h;
    if (given != 1 || names != NULL || !text_is(self, s__put, hyperloglog_put))
        return by_text_of(hyperloglog_add_text, self, args, given, names);
    if (hash_of(args[0], &h) < 0) return NULL;
    PyObject *registers = PyObject_GetAttr(self, s__registers);
    if (registers == NULL) return NULL;
    int how = 0;
    int64_t precision;
    if (registers == Py_None)
        how = put_sparse(self, h);
    else if (PyByteArray_CheckExact(registers) && whole_attribute(self, s_precision, &precision) && precision >= 1 &&
             precision < 40 && PyByteArray_GET_SIZE(registers) == (Py_ssize_t)1 << precision) {
        unsigned char *place = (unsigned char *)PyByteArray_AS_STRING(registers) + (h >> (64 - precision));
        unsigned run = run_of(h, (int)(64 - precision));
        if (run > *place) *place = (unsigned char)run;
        how = 1;
    }
    Py_DECREF(registers);
    if (how < 0) return NULL;
    return how ? Py_NewRef(Py_None) : by_text_of(hyperloglog_add_text, self, args, given, names);
}

/* --- Count-Min ---------------------------------------------------------------------------------------------------- */
#define MOST_ROWS 64

typedef struct {
    Py_buffer memory;
    int64_t *cells[MOST_ROWS];
    int64_t rows;
} Cells;

/* The counters of a key; 0 where the text has to see to it. */
static int cells_of(PyObject *self, uint64_t h, Cells *of) {
    int64_t width;
    if (!text_is(self, s__cells, count_min_cells) || !whole_attribute(self, s_width, &width) ||
        !whole_attribute(self, s_depth, &of->rows) || of->rows < 1 || of->rows > MOST_ROWS || width < 1 ||
        !memory_attribute(self, s__counters, 8, &of->memory))
        return 0;
    if (of->memory.len / 8 / of->rows != width || of->memory.len % (8 * of->rows)) {
        PyBuffer_Release(&of->memory);
        return 0;
    }
    int64_t *row = of->memory.buf;
    for (int64_t i = 0; i < of->rows; i++, h *= MULTIPLIER, row += width)
        of->cells[i] = row + high_product(h, (uint64_t)width);
    return 1;
}

static int64_t least_of(const Cells *of) {
    int64_t least = *of->cells[0];
    for (int64_t i = 1; i < of->rows; i++)
        if (*of->cells[i] < least) least = *of->cells[i];
    return least;
}

static PyObject *count_min_estimate(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *names) {
    uint64_t h;
    Cells of;
    int alone = given == 1 && names == NULL;
    if (alone && hash_of(args[0], &h) < 0) return NULL;
    if (!alone || !cells_of(self, h, &of)) return by_text_of(count_min_estimate_text, self, args, given, names);
    int64_t least = least_of(&of);
    PyBuffer_Release(&of.memory);
    return PyLong_FromLongLong(least);
}

/* Counts a key so many times; 0 where the text has to see to it, before anything has changed. */
static int count_plainly(PyObject *self, PyObject *key, int64_t count) {
    uint64_t h;
    Cells of;
    int64_t total, sum;
    if (count < 0 || !whole_attribute(self, s_total, &total) || overflows(total, count, &sum)) return 0;
    if (hash_of(key, &h) < 0) return -1;
    PyObject *conservative = PyObject_GetAttr(self, s_conservative);
    if (conservative == NULL) return -1;
    Py_DECREF(conservative);
    if ((conservative != Py_True && conservative != Py_False) || !whole_attribute(self, s_total, &total) ||
        overflows(total, count, &sum) || !cells_of(self, h, &of))
        return 0;
    int how = 1;
    for (int64_t i = 0; how && i < of.rows; i++) how = *of.cells[i] >= 0 && *of.cells[i] <= INT64_MAX - count;
    PyObject *now = how ? PyLong_FromLongLong(sum) : NULL;
    if (how && (now == NULL || PyObject_SetAttr(self, s_total, now) < 0)) how = -1;
    Py_XDECREF(now);
    if (how > 0 && conservative == Py_True) {
        int64_t least = least_of(&of) + count;
        for (int64_t i = 0; i < of.rows; i++)
            if (*of.cells[i] < least) *of.cells[i] = least;
    } else if (how > 0)
        for (int64_t i = 0; i < of.rows; i++) *of.cells[i] += count;
    PyBuffer_Release(&of.memory);
    return how;
}

static PyObject *count_min_add(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *names) {
    PyObject *count = given == 2 ? args[1] : int_one;
    int named = names != NULL && given == 1 && PyTuple_GET_SIZE(names) == 1 &&
                !PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "count");
    if (named) count = args[1];
    if ((names == NULL || named) && (given == 1 || given == 2) && PyLong_CheckExact(count)) {
        int overflow;
        int64_t number = PyLong_AsLongLongAndOverflow(count, &overflow);
        int how = overflow ? 0 : count_plainly(self, args[0], number);
        if (how < 0) return NULL;
        if (how > 0) Py_RETURN_NONE;
    }
    return by_text_of(count_min_add_text, self, args, given, names);
}

/* --- types -------------------------------------------------------------------------------------------------------- */
static PyMethodDef bloom_methods[] = {
    {"add", (PyCFunction)(void (*)(void))bloom_add, METH_FASTCALL | METH_KEYWORDS,
     "add($self, /, key)\n--\n\nAdd one key; True if it was certainly not there before."},
    {NULL},
};
static PyType_Slot bloom_slots[] = {
    {Py_tp_doc, "Single keys of a `windtunnel.blocks.sketches.bloom.BloomFilter`."},
    {Py_tp_methods, bloom_methods},
    {Py_sq_contains, bloom_contains},
    {0, NULL},
};
static PyMethodDef hyperloglog_methods[] = {
    {"add", (PyCFunction)(void (*)(void))hyperloglog_add, METH_FASTCALL | METH_KEYWORDS,
     "add($self, /, key)\n--\n\nAdd one key."},
    {NULL},
};
static PyType_Slot hyperloglog_slots[] = {
    {Py_tp_doc, "Single keys of a `windtunnel.blocks.sketches.hyperloglog.HyperLogLog`."},
    {Py_tp_methods, hyperloglog_methods},
    {0, NULL},
};
static PyMethodDef count_min_methods[] = {
    {"add", (PyCFunction)(void (*)(void))count_min_add, METH_FASTCALL | METH_KEYWORDS,
     "add($self, /, key, count=1)\n--\n\nCount a key once, or so many times."},
    {"estimate", (PyCFunction)(void (*)(void))count_min_estimate, METH_FASTCALL | METH_KEYWORDS,
     "estimate($self, /, key)\n--\n\nHow often a key came, or more."},
    {NULL},
};
static PyType_Slot count_min_slots[] = {
    {Py_tp_doc, "Single keys of a `windtunnel.blocks.sketches.count_min.CountMin`."},
    {Py_tp_methods, count_min_methods},
    {0, NULL},
};
#define SKETCH_SPEC(name, slots)                                                                                       \
    {"windtunnel._native." name, sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots}
static PyType_Spec bloom_spec = SKETCH_SPEC("BloomCore", bloom_slots);
static PyType_Spec hyperloglog_spec = SKETCH_SPEC("HyperLogLogCore", hyperloglog_slots);
static PyType_Spec count_min_spec = SKETCH_SPEC("CountMinCore", count_min_slots);
