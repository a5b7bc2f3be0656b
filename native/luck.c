/* Draws: as `windtunnel.sim.randomness.Luck`, and the distributions of `random.Random` that runs ask for most.
 *
 * Each does what the Python text of `random` does with these arguments, draw for draw. Whatever is not a plain number,
 * and every refusal, is that text's: `otherwise` calls it.
 */
#define GOLDEN 0x9E3779B97F4A7C15ull

typedef struct {
    PyObject_HEAD
    uint64_t state;
    PyObject *gauss_next; /* a float or None: `Random.gauss` keeps it here */
} Luck;

static PyTypeObject *LuckType, *DrawsType;
static PyObject *RandomClass, *mersenne_random, *mersenne_bits; /* of Python's own generator */
static PyObject *normal_magic_number;
static double normal_magic;

static inline uint64_t mix64(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static inline uint64_t luck_word(Luck *self) { return mix64(self->state += GOLDEN); }

/* A number in [0, 1) with 53 random bits. */
static inline int draw(PyObject *self, double *out) {
    if (IS(self, LuckType)) {
        *out = (double)(luck_word((Luck *)self) >> 11) * (1.0 / 9007199254740992.0);
        return 0;
    }
    PyObject *found = PyObject_Vectorcall(mersenne_random, &self, 1, NULL);
    if (found == NULL) return -1;
    *out = PyFloat_AS_DOUBLE(found);
    Py_DECREF(found);
    return 0;
}

/* So many random bits, 1 to 63. */
static inline int draw_bits(PyObject *self, int bits, uint64_t *out) {
    if (IS(self, LuckType)) {
        *out = luck_word((Luck *)self) >> (64 - bits);
        return 0;
    }
    PyObject *count = PyLong_FromLong(bits), *args[2] = {self, count};
    if (count == NULL) return -1;
    PyObject *found = PyObject_Vectorcall(mersenne_bits, args, 2, NULL);
    Py_DECREF(count);
    if (found == NULL) return -1;
    *out = PyLong_AsUnsignedLongLong(found);
    Py_DECREF(found);
    return 0;
}

/* As `Random._randbelow_with_getrandbits`, for 1 and more. */
static int draw_below(PyObject *self, int64_t limit, int64_t *out) {
    int bits = 64 - __builtin_clzll((unsigned long long)limit);
    uint64_t found;
    do {
        if (draw_bits(self, bits, &found) < 0) return -1;
    } while (found >= (uint64_t)limit);
    *out = (int64_t)found;
    return 0;
}

/* Call the method of `random.Random` of this name. */
static PyObject *otherwise(PyObject *self, const char *name, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    if (RandomClass == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "These draws were not told of Random.");
        return NULL;
    }
    Py_ssize_t all = count + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    PyObject *few[8], **given = all < 8 ? few : PyMem_New(PyObject *, all + 1);
    if (given == NULL) return PyErr_NoMemory();
    given[0] = self;
    for (Py_ssize_t i = 0; i < all; i++) given[i + 1] = args[i];
    PyObject *function = PyObject_GetAttrString(RandomClass, name);
    PyObject *found = function == NULL ? NULL : PyObject_Vectorcall(function, given, (size_t)count + 1, names);
    Py_XDECREF(function);
    if (given != few) PyMem_Free(given);
    return found;
}

/* A plain number as a double that is exactly it. */
static inline int plain(PyObject *number, double *out) {
    if (PyFloat_CheckExact(number)) {
        *out = PyFloat_AS_DOUBLE(number);
        return 1;
    }
    if (!PyLong_CheckExact(number)) return 0;
    int overflow;
    long long found = PyLong_AsLongLongAndOverflow(number, &overflow);
    *out = (double)found;
    return !overflow && found > -((long long)1 << 51) && found < ((long long)1 << 51);
}

static inline int whole(PyObject *number, int64_t *out) {
    if (!PyLong_CheckExact(number)) return 0;
    int overflow;
    *out = PyLong_AsLongLongAndOverflow(number, &overflow);
    return !overflow && *out > -((int64_t)1 << 61) && *out < ((int64_t)1 << 61);
}

static PyObject *draws_expovariate(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    double rate, drawn;
    if (names != NULL || count != 1 || !plain(args[0], &rate) || rate == 0.0)
        return otherwise(self, "expovariate", args, count, names);
    if (draw(self, &drawn) < 0) return NULL;
    return PyFloat_FromDouble(-log(1.0 - drawn) / rate);
}

static PyObject *draws_uniform(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    double a, b, drawn;
    if (names != NULL || count != 2 || !plain(args[0], &a) || !plain(args[1], &b))
        return otherwise(self, "uniform", args, count, names);
    if (draw(self, &drawn) < 0) return NULL;
    return PyFloat_FromDouble(a + (b - a) * drawn);
}

/* Kinderman and Monahan's ratio of uniform deviates, as `Random.normalvariate` draws it. */
static int draw_normal(PyObject *self, double *out) {
    double u1, u2, z;
    do {
        if (draw(self, &u1) < 0 || draw(self, &u2) < 0) return -1;
        u2 = 1.0 - u2;
        z = normal_magic * (u1 - 0.5) / u2;
    } while (z * z / 4.0 > -log(u2));
    *out = z;
    return 0;
}

static PyObject *draws_normalvariate(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    double mu, sigma, z;
    if (names != NULL || count != 2 || !plain(args[0], &mu) || !plain(args[1], &sigma) || normal_magic == 0.0)
        return otherwise(self, "normalvariate", args, count, names);
    if (draw_normal(self, &z) < 0) return NULL;
    return PyFloat_FromDouble(mu + z * sigma);
}

static PyObject *draws_lognormvariate(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    double mu, sigma, z;
    if (names != NULL || count != 2 || !plain(args[0], &mu) || !plain(args[1], &sigma) || normal_magic == 0.0)
        return otherwise(self, "lognormvariate", args, count, names);
    if (draw_normal(self, &z) < 0) return NULL;
    double found = exp(mu + z * sigma);
    if (isinf(found) && !isinf(mu) && !isinf(sigma)) {
        PyErr_SetString(PyExc_OverflowError, "math range error");
        return NULL;
    }
    return PyFloat_FromDouble(found);
}

static PyObject *draws_randrange(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    int64_t first = 0, end, drawn;
    if (names != NULL || count < 1 || count > 2 || !whole(args[count - 1], &end) ||
        (count == 2 && !whole(args[0], &first)) || end <= first)
        return otherwise(self, "randrange", args, count, names);
    if (draw_below(self, end - first, &drawn) < 0) return NULL;
    return PyLong_FromLongLong(first + drawn);
}

static PyObject *draws_randint(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    int64_t first, last, drawn;
    if (names != NULL || count != 2 || !whole(args[0], &first) || !whole(args[1], &last) || last < first)
        return otherwise(self, "randint", args, count, names);
    if (draw_below(self, last + 1 - first, &drawn) < 0) return NULL;
    return PyLong_FromLongLong(first + drawn);
}

static PyObject *draws_choice(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    int64_t drawn;
    PyObject *of = count ? args[0] : NULL;
    if (names != NULL || count != 1 || !(PyList_CheckExact(of) || PyTuple_CheckExact(of)) ||
        !PySequence_Fast_GET_SIZE(of))
        return otherwise(self, "choice", args, count, names);
    if (draw_below(self, PySequence_Fast_GET_SIZE(of), &drawn) < 0) return NULL;
    return Py_NewRef(PySequence_Fast_GET_ITEM(of, drawn));
}

static PyObject *draws_below(PyObject *self, PyObject *limit) {
    int64_t most, drawn;
    if (!whole(limit, &most) || most <= 0) return otherwise(self, "_randbelow_with_getrandbits", &limit, 1, NULL);
    if (draw_below(self, most, &drawn) < 0) return NULL;
    return PyLong_FromLongLong(drawn);
}

#define DISTRIBUTION(name)                                                                                             \
    { #name, (PyCFunction)(void (*)(void))draws_##name, METH_FASTCALL | METH_KEYWORDS, NULL }
#define DISTRIBUTIONS                                                                                                  \
    DISTRIBUTION(expovariate), DISTRIBUTION(uniform), DISTRIBUTION(normalvariate), DISTRIBUTION(lognormvariate),       \
        DISTRIBUTION(randrange), DISTRIBUTION(randint), DISTRIBUTION(choice),                                         \
        {"_randbelow", (PyCFunction)draws_below, METH_O, NULL}

/* --- Draws: mixed in before `random.Random` ----------------------------------------------------------------------- */
static void draws_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef draws_methods[] = {DISTRIBUTIONS, {NULL}};
static PyType_Slot draws_slots[] = {
    {Py_tp_doc, "The distributions of `random.Random` that runs ask for most."},
    {Py_tp_methods, draws_methods},
    {Py_tp_dealloc, draws_dealloc},
    {0, NULL},
};
static PyType_Spec draws_spec = {"windtunnel._native.Draws", sizeof(PyObject), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, draws_slots};

/* --- Luck: the stream of one request at one component ------------------------------------------------------------- */
static PyObject *luck_make(uint64_t key, uint64_t request) {
    Luck *self = PyObject_New(Luck, LuckType);
    if (self == NULL) return NULL;
    self->state = mix64(key ^ mix64((request + 1) * GOLDEN));
    self->gauss_next = Py_NewRef(Py_None);
    return (PyObject *)self;
}

static PyObject *luck_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"key", "request", NULL};
    PyObject *key, *request;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!", names, &PyLong_Type, &key, &PyLong_Type, &request)) return NULL;
    uint64_t word = PyLong_AsUnsignedLongLong(key);
    if (word == (uint64_t)-1 && PyErr_Occurred()) return NULL;
    return luck_make(word, PyLong_AsUnsignedLongLongMask(request));
}

static void luck_dealloc(Luck *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->gauss_next);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyObject *luck_random(PyObject *self, PyObject *unused) {
    double drawn = 0;
    draw(self, &drawn);
    return PyFloat_FromDouble(drawn);
}

static PyObject *luck_getrandbits(PyObject *self, PyObject *bits) {
    PyObject *exact = PyNumber_Index(bits);
    if (exact == NULL) return NULL;
    Py_ssize_t count = PyLong_AsSsize_t(exact);
    Py_DECREF(exact);
    if (count == -1 && PyErr_Occurred()) return NULL;
    if (count < 0) {
        PyErr_SetString(PyExc_ValueError, "number of bits must be non-negative");
        return NULL;
    }
    if (count == 0) return PyLong_FromLong(0);
    if (count <= 64) return PyLong_FromUnsignedLongLong(luck_word((Luck *)self) >> (64 - count));
    Py_ssize_t words = (count + 63) / 64;
    unsigned char *bytes = PyMem_Malloc((size_t)words * 8);
    if (bytes == NULL) return PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < words; i++) {
        uint64_t word = luck_word((Luck *)self);
        for (int k = 0; k < 8; k++) bytes[8 * i + k] = (unsigned char)(word >> (8 * k));
    }
    PyObject *all = PyObject_CallMethod((PyObject *)&PyLong_Type, "from_bytes", "y#s", (char *)bytes, words * 8, "little");
    PyMem_Free(bytes);
    PyObject *rest = PyLong_FromSsize_t(words * 64 - count);
    PyObject *found = all == NULL || rest == NULL ? NULL : PyNumber_Rshift(all, rest);
    Py_XDECREF(all);
    Py_XDECREF(rest);
    return found;
}

static PyMemberDef luck_members[] = {
    {"_state", T_ULONGLONG, offsetof(Luck, state), 0, NULL},
    {"gauss_next", T_OBJECT, offsetof(Luck, gauss_next), 0, NULL},
    {NULL},
};
static PyMethodDef luck_methods[] = {
    {"random", (PyCFunction)luck_random, METH_NOARGS, "A number in [0, 1) with 53 random bits."},
    {"getrandbits", (PyCFunction)luck_getrandbits, METH_O, "So many random bits."},
    DISTRIBUTIONS,
    {NULL},
};
static PyType_Slot luck_slots[] = {
    {Py_tp_doc, "The stream of one request at one component; as `windtunnel.sim.randomness.Luck`."},
    {Py_tp_new, luck_new},
    {Py_tp_members, luck_members},
    {Py_tp_methods, luck_methods},
    {Py_tp_dealloc, luck_dealloc},
    {0, NULL},
};
static PyType_Spec luck_spec = {"windtunnel._native.Luck", sizeof(Luck), 0, Py_TPFLAGS_DEFAULT, luck_slots};

/* --- whose luck --------------------------------------------------------------------------------------------------- */
/* The id of the request that is being worked for, as `Simulator.request`; NULL where that raised. */
static PyObject *core_get_request(Core *self, void *unused) {
    if (self->loop != Py_None) return call0(request_of_task, s_get);
    if (self->current == Py_None) return PyLong_FromLong(-1);
    if (PyObject_TypeCheck(self->current, ProcessType)) return PyLong_FromLongLong(((Process *)self->current)->request);
    return PyObject_GetAttr(self->current, s_request);
}

/* As `Simulator.luck`, for what was asked for before; the Python text does the rest. Borrows. */
static PyObject *core_luck_of(Core *self, PyObject *name, PyObject *given) {
    PyObject *request = given == NULL || given == Py_None ? core_get_request(self, NULL) : Py_NewRef(given);
    if (request == NULL) return NULL;
    PyObject *found = NULL;
    int64_t number;
    if (whole(request, &number) && self->lucks != NULL && self->luck_keys != NULL && self->streams != NULL) {
        if (number < 0)
            found = Py_XNewRef(PyDict_GetItemWithError(self->streams, name));
        else {
            PyObject *mine = PyDict_GetItemWithError(self->lucks, request), *key;
            if (mine != NULL && (found = Py_XNewRef(PyDict_GetItemWithError(mine, name))) == NULL &&
                !PyErr_Occurred() && (key = PyDict_GetItemWithError(self->luck_keys, name)) != NULL) {
                found = luck_make(PyLong_AsUnsignedLongLong(key), (uint64_t)number);
                if (found != NULL && PyDict_SetItem(mine, name, found) < 0) Py_CLEAR(found);
            }
        }
    }
    if (found == NULL && !PyErr_Occurred())
        found = PyObject_CallMethodObjArgs((PyObject *)self, s__luck_anew, name, request, NULL);
    Py_DECREF(request);
    return found;
}

static PyObject *core_luck(Core *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"name", "request", NULL};
    PyObject *name, *request = NULL;
    if (kwargs == NULL && PyTuple_GET_SIZE(args) == 1) return core_luck_of(self, PyTuple_GET_ITEM(args, 0), NULL);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O", names, &name, &request)) return NULL;
    return core_luck_of(self, name, request);
}

static PyObject *core_get_seconds(Core *self, void *unused) {
    if (self->far_now == NULL && self->now_ns < ((int64_t)1 << 53)) return PyFloat_FromDouble((double)self->now_ns / 1e9);
    PyObject *now = core_get_now(self, NULL), *second = PyLong_FromLong(1000000000);
    PyObject *seconds = now == NULL || second == NULL ? NULL : PyNumber_TrueDivide(now, second);
    Py_XDECREF(now);
    Py_XDECREF(second);
    return seconds;
}
