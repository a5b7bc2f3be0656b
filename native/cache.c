/* `get` and `set` of `windtunnel.blocks.caching.cache.Cache`, where nothing expires, weighs or is told of. */
enum { POLICY, TTL, CLOCK_OF, WEIGH, MOST_WEIGHT, ON_GONE, ENTRIES, DUE, NUMBER, GONE, WEIGHT, STATS, CACHE_FIELDS };

typedef struct {
    PyObject_HEAD
    PyObject *fields[CACHE_FIELDS];
} CacheCore;

typedef struct {
    PyObject_HEAD
    long long hits, misses, evicted, expired;
} CountsCore;

static PyTypeObject *CacheCoreType, *CountsCoreType, *CacheClass, *EntryClass;
static PyObject *cache_get_text, *cache_set_text, *float_inf;

/* One more in a field of the statistics. */
static inline int count_up(PyObject *stats, size_t offset) {
    ++*(long long *)((char *)stats + offset);
    return 0;
}

/* Whether all is as `get` and `set` expect it here. */
static inline int cache_is_plain(CacheCore *self) {
    PyObject *policy = self->fields[POLICY], *stats = self->fields[STATS], *entries = self->fields[ENTRIES];
    return EntryClass != NULL && policy != NULL && Py_TYPE(policy)->tp_base == PolicyType && stats != NULL &&
           Py_TYPE(stats)->tp_base == CountsCoreType && entries != NULL && PyDict_CheckExact(entries);
}

/* An entry that never expires. */
static inline int entry_is_lasting(PyObject *entry) {
    return IS(entry, EntryClass) && PyFloat_CheckExact(PyTuple_GET_ITEM(entry, 1)) &&
           PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(entry, 1)) == Py_HUGE_VAL;
}

static PyObject *cache_get(CacheCore *self, PyObject *const *args, Py_ssize_t given, PyObject *names) {
    if (names != NULL || given < 1 || given > 2 || !cache_is_plain(self)) goto text;
    PyObject *stats, *entries = Py_NewRef(self->fields[ENTRIES]), *entry = PyDict_GetItemWithError(entries, args[0]);
    int ours = entries == self->fields[ENTRIES]; /* comparing keys may run anything */
    Py_DECREF(entries);
    if (!ours) goto text;
    if (!cache_is_plain(self) || (entry != NULL && !entry_is_lasting(entry))) goto text;
    if (entry == NULL) {
        if (PyErr_Occurred()) return NULL;
        count_up(self->fields[STATS], offsetof(CountsCore, misses));
        return Py_NewRef(given == 2 ? args[1] : Py_None);
    }
    PyObject *value = Py_NewRef(PyTuple_GET_ITEM(entry, 0)), *policy = Py_NewRef(self->fields[POLICY]);
    Py_INCREF(stats = self->fields[STATS]);
    int how = policy_hit((Policy *)policy, args[0]);
    if (how == 0) count_up(stats, offsetof(CountsCore, hits));
    Py_DECREF(stats);
    Py_DECREF(policy);
    if (how == 0) return value;
    Py_DECREF(value);
    return NULL;
text:
    return PyErr_Occurred() ? NULL : by_text_of(cache_get_text, (PyObject *)self, args, given, names);
}

/* An entry that nobody else knows is given the value in the place of its own, which the caller holds. */
static inline int give(PyObject *entry, Py_ssize_t known, PyObject *value) {
    if (Py_REFCNT(entry) != known || !PyFloat_CheckExact(PyTuple_GET_ITEM(entry, 2)) ||
        PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(entry, 2)) != 0.0)
        return 0;
    Py_SETREF(ITEMS(entry)[0], Py_NewRef(value));
    return 1;
}

static PyObject *entry_of(PyObject *value) {
    PyObject *entry = EntryClass->tp_alloc(EntryClass, 3);
    if (entry == NULL) return NULL;
    PyTuple_SET_ITEM(entry, 0, Py_NewRef(value));
    PyTuple_SET_ITEM(entry, 1, Py_NewRef(float_inf));
    PyTuple_SET_ITEM(entry, 2, Py_NewRef(float_zero));
    return entry;
}

/* Keep a value; what it displaces is dropped after all is done, as by the text. */
static int keep(Policy *policy, PyObject *entries, PyObject *stats, PyObject *key, PyObject *value, PyObject *old) {
    PyObject *gone = NULL, *entry = NULL, *displaced = NULL;
    int how = old != NULL ? policy_hit(policy, key) : policy_admit(policy, key, &gone);
    if (how == 0 && old != NULL) {
        displaced = Py_NewRef(PyTuple_GET_ITEM(old, 0));
        if (give(old, 2, value)) goto done; /* known to the table and the caller */
    } else if (how == 0 && gone != NULL) {
        entry = popped(entries, gone);
        how = entry == NULL ? -1 : 0;
        if (how == 0) {
            count_up(stats, offsetof(CountsCore, evicted));
            displaced = Py_NewRef(entry_is_lasting(entry) ? PyTuple_GET_ITEM(entry, 0) : entry);
            if (!entry_is_lasting(entry) || !give(entry, 1, value)) Py_CLEAR(entry);
        }
    }
    if (how == 0 && entry == NULL) how = (entry = entry_of(value)) == NULL ? -1 : 0;
    if (how == 0) how = PyDict_SetItem(entries, key, entry);
done:
    Py_XDECREF(entry);
    Py_XDECREF(gone);
    Py_XDECREF(displaced);
    return how;
}

static PyObject *cache_set(CacheCore *self, PyObject *const *args, Py_ssize_t given, PyObject *names) {
    PyObject **own = self->fields, *due = own[DUE], *gone = own[GONE], *weight = own[WEIGHT];
    if (names != NULL || given != 2 || args[0] == Py_None || !IS(self, CacheClass) || !cache_is_plain(self) ||
        own[TTL] != Py_None || own[WEIGH] != Py_None || own[ON_GONE] != Py_None || due == NULL ||
        !PyList_CheckExact(due) || PyList_GET_SIZE(due) || gone == NULL || !PyList_CheckExact(gone) ||
        PyList_GET_SIZE(gone) || weight == NULL || !PyFloat_CheckExact(weight) || PyFloat_AS_DOUBLE(weight) != 0.0)
        return by_text_of(cache_set_text, (PyObject *)self, args, given, names);
    PyObject *policy = Py_NewRef(own[POLICY]), *entries = Py_NewRef(own[ENTRIES]), *stats = Py_NewRef(own[STATS]);
    PyObject *old = Py_XNewRef(PyDict_GetItemWithError(entries, args[0])), *result = NULL;
    if (old == NULL && PyErr_Occurred())
        result = NULL;
    else if (old != NULL && !entry_is_lasting(old))
        result = by_text_of(cache_set_text, (PyObject *)self, args, given, names);
    else if (keep((Policy *)policy, entries, stats, args[0], args[1], old) == 0)
        result = Py_NewRef(Py_None);
    Py_XDECREF(old);
    Py_DECREF(policy);
    Py_DECREF(entries);
    Py_DECREF(stats);
    return result;
}

/* --- types -------------------------------------------------------------------------------------------------------- */
static int cache_traverse(CacheCore *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    for (int i = 0; i < CACHE_FIELDS; i++) Py_VISIT(self->fields[i]);
    return 0;
}

static int cache_clear(CacheCore *self) {
    for (int i = 0; i < CACHE_FIELDS; i++) Py_CLEAR(self->fields[i]);
    return 0;
}

static void cache_dealloc(CacheCore *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    cache_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

#define FIELD(name, which) {name, T_OBJECT_EX, offsetof(CacheCore, fields) + (which) * sizeof(PyObject *), 0, NULL}
static PyMemberDef cache_members[] = {
    FIELD("_policy", POLICY),
    FIELD("_ttl_s", TTL),
    FIELD("_clock", CLOCK_OF),
    FIELD("_weigh", WEIGH),
    FIELD("_most_weight", MOST_WEIGHT),
    FIELD("_on_gone", ON_GONE),
    FIELD("_entries", ENTRIES),
    FIELD("_due", DUE),
    FIELD("_number", NUMBER),
    FIELD("_gone", GONE),
    FIELD("weight", WEIGHT),
    FIELD("stats", STATS),
    {NULL},
};
static PyObject *cache_held(PyObject *self, PyObject *unused) { return held_of(self, cache_members); }

static PyMethodDef cache_methods[] = {
    {"get", (PyCFunction)(void (*)(void))cache_get, METH_FASTCALL | METH_KEYWORDS,
     "get($self, /, key, default=None)\n--\n\nThe value, or `default` if the key is absent or has expired."},
    {"set", (PyCFunction)(void (*)(void))cache_set, METH_FASTCALL | METH_KEYWORDS,
     "set($self, /, key, value, ttl_s=None)\n--\n\n"
     "Keep the value, for `ttl_s` seconds if given, else for the cache's own. It may displace others.\n\n"
     "Setting a key that is there counts as a use of it."},
    {"_held", cache_held, METH_NOARGS, "All attributes, also those that are fields here."},
    {NULL},
};
static PyType_Slot cache_slots[] = {
    {Py_tp_doc, "What a `windtunnel.blocks.caching.cache.Cache` is asked most."},
    {Py_tp_members, cache_members},
    {Py_tp_methods, cache_methods},
    {Py_tp_traverse, cache_traverse},
    {Py_tp_clear, cache_clear},
    {Py_tp_dealloc, cache_dealloc},
    {0, NULL},
};
static PyType_Spec cache_spec = {"windtunnel._native.CacheCore", sizeof(CacheCore), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, cache_slots};

static PyMemberDef counts_members[] = {
    {"hits", T_LONGLONG, offsetof(CountsCore, hits), 0, NULL},
    {"misses", T_LONGLONG, offsetof(CountsCore, misses), 0, NULL},
    {"evicted", T_LONGLONG, offsetof(CountsCore, evicted), 0, NULL},
    {"expired", T_LONGLONG, offsetof(CountsCore, expired), 0, NULL},
    {NULL},
};
static PyObject *counts_held(PyObject *self, PyObject *unused) { return held_of(self, counts_members); }

static PyMethodDef counts_methods[] = {
    {"__getstate__", counts_held, METH_NOARGS, "The fields, and what else was set."},
    {"__setstate__", take_state, METH_O, "Take over what `__getstate__` gave."},
    {NULL},
};
static PyType_Slot counts_slots[] = {
    {Py_tp_doc, "The fields of `windtunnel.blocks.caching.cache.CacheStats`."},
    {Py_tp_members, counts_members},
    {Py_tp_methods, counts_methods},
    {0, NULL},
};
static PyType_Spec counts_spec = {"windtunnel._native.CountsCore", sizeof(CountsCore), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, counts_slots};
