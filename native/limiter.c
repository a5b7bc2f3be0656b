/* One request to a rate limiter: `take` of `windtunnel.blocks.resilience.rate_limit.Gcra` and `TokenBucket`.
 *
 * Plain numbers are decided here, with the same operations in the same order; whatever is not plain, every refusal of
 * an argument and every sweep is `RateLimiter.take`, which is the text to read.
 */
#define SLACK_S 1e-6          /* as windtunnel.blocks.resilience.rate_limit.SLACK_S */
#define EXACT ((int64_t)1 << 53) /* whole numbers below it are doubles */

/* A number as it was given, or NULL; and as a double, where it is a plain one. */
typedef struct {
    PyObject *given;
    double value;
    int plain;
} Setting;

typedef struct {
    PyObject_HEAD
    PyObject *states; /* by key: what is held, and when it was; or NULL */
    Setting rate;
    Setting burst;
    Setting most;
    long long until_sweep;
} LimiterCore;

static PyTypeObject *LimiterCoreType, *GcraCoreType, *TokenBucketCoreType;
static PyTypeObject *DecisionClass, *GcraClass, *TokenBucketClass;
static PyObject *take_plainly, *gcra_decides, *bucket_decides, *gcra_idles, *bucket_idles, *running_loop;
static PyObject *float_zero, *int_one;

/* A float, or a whole number that is one. */
static inline int plain_number(PyObject *object, double *out) {
    if (object == int_one) { /* the commonest cost */
        *out = 1.0;
        return 1;
    }
    if (PyFloat_CheckExact(object)) {
        *out = PyFloat_AS_DOUBLE(object);
        return 1;
    }
    if (!PyLong_CheckExact(object)) return 0;
    int overflow;
    long long found = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow || found >= EXACT || found <= -EXACT) return 0;
    *out = (double)found;
    return 1;
}

/* As `windtunnel.blocks.resilience.deadline.now_s`. */
static PyObject *seconds_now(void) {
    static PyObject *names; /* of the module `time`, where the tunnel puts its own clock while it runs */
    if (names == NULL) {
        PyObject *module = PyImport_ImportModule("time");
        if (module == NULL) return NULL;
        names = Py_NewRef(PyModule_GetDict(module));
        Py_DECREF(module);
    }
    PyObject *loop = PyObject_CallNoArgs(running_loop);
    if (loop == NULL) return NULL;
    PyObject *now = NULL;
    if (loop != Py_None)
        now = call0(loop, s_time);
    else {
        PyObject *clock = Py_XNewRef(PyDict_GetItemWithError(names, s_monotonic));
        if (clock != NULL)
            now = PyObject_CallNoArgs(clock);
        else if (!PyErr_Occurred())
            PyErr_SetString(PyExc_AttributeError, "module 'time' has no attribute 'monotonic'");
        Py_XDECREF(clock);
    }
    Py_DECREF(loop);
    return now;
}

typedef struct {
    PyObject *key;
    PyObject *cost;
    PyObject *at_s; /* or NULL */
} Asked;

/* Sorts the arguments of a call; 0 where Python has to say what is wrong with them. */
static int asked_of(PyObject *const *args, Py_ssize_t count, PyObject *names, Asked *asked) {
    *asked = (Asked){empty_text, int_one, NULL};
    if (count > 2) return 0;
    if (count > 0) asked->key = args[0];
    if (count > 1) asked->cost = args[1];
    for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i), *value = args[count + i];
        if (!PyUnicode_CompareWithASCIIString(name, "at_s"))
            asked->at_s = value;
        else if (count < 2 && !PyUnicode_CompareWithASCIIString(name, "cost"))
            asked->cost = value;
        else if (count < 1 && !PyUnicode_CompareWithASCIIString(name, "key"))
            asked->key = value;
        else
            return 0;
    }
    if (asked->at_s == Py_None) asked->at_s = NULL;
    return 1;
}

/* A float in the place of another, which is changed where nobody else knows it. */
static inline int put_float(PyObject **place, double number) {
    PyObject *old = *place;
    if (old != NULL && Py_REFCNT(old) == 1 && PyFloat_CheckExact(old)) {
        ((PyFloatObject *)old)->ob_fval = number;
        return 0;
    }
    PyObject *made = PyFloat_FromDouble(number);
    if (made == NULL) return -1;
    *place = made;
    Py_XDECREF(old);
    return 0;
}

/* Of the last decision nobody may know any more when the next one is made: it is then made in its place, as `zip` does
 * with its tuples. */
static PyObject *last_decision;

static PyObject *decision(int allowed, double remaining, double retry_after_s) {
    PyObject *made = last_decision;
    if (made == NULL || Py_REFCNT(made) != 1 || Py_TYPE(made) != DecisionClass) {
        if ((made = DecisionClass->tp_alloc(DecisionClass, 3)) == NULL) return NULL;
        for (int i = 0; i < 3; i++) PyTuple_SET_ITEM(made, i, Py_NewRef(float_zero));
        Py_XSETREF(last_decision, made);
    }
    Py_INCREF(made);
    Py_SETREF(ITEMS(made)[0], Py_NewRef(allowed ? Py_True : Py_False));
    if (put_float(&ITEMS(made)[1], remaining > 0.0 ? remaining : 0.0) < 0 ||
        put_float(&ITEMS(made)[2], retry_after_s) < 0)
        Py_CLEAR(made);
    return made;
}

typedef struct {
    PyObject *states;
    PyObject *key;
    PyObject *cost_given, *burst_given, *now_given;
    double cost, burst, rate;
    double now;
    PyObject *state; /* what is known of the key: `held` since `then`; or NULL */
    double held, then;
} Request;

/* What is held, and since when; 0 where the state is not plain. */
static inline int plain_state(PyObject *state, double *held, double *then) {
    if (!PyTuple_CheckExact(state) || PyTuple_GET_SIZE(state) != 2 || !plain_number(PyTuple_GET_ITEM(state, 0), held) ||
        !PyFloat_CheckExact(PyTuple_GET_ITEM(state, 1)))
        return 0;
    *then = PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(state, 1));
    return 1;
}

/* As `_is_idle`; -1 where the state is not plain. */
static inline int is_idle(const Request *of, PyObject *state, int gcra) {
    double held, then;
    if (!plain_state(state, &held, &then)) return -1;
    double passed = (of->now - then) * of->rate;
    return gcra ? held <= passed : held + passed >= of->burst;
}

/* Keep what is held, and the moment. The state that was found is changed where nobody else knows it. */
static int keep_state(const Request *of, double held, PyObject *itself) {
    PyObject *state = of->state;
    if (state == NULL || Py_REFCNT(state) != 2) { /* of the table, and ours */
        if ((state = PyTuple_New(2)) == NULL) return -1;
        PyTuple_SET_ITEM(state, 0, itself != NULL ? Py_NewRef(itself) : PyFloat_FromDouble(held));
        PyTuple_SET_ITEM(state, 1, Py_NewRef(of->now_given));
        int how = PyTuple_GET_ITEM(state, 0) == NULL ? -1 : PyDict_SetItem(of->states, of->key, state);
        Py_DECREF(state);
        return how;
    }
    if (itself != NULL)
        Py_SETREF(ITEMS(state)[0], Py_NewRef(itself));
    else if (put_float(&ITEMS(state)[0], held) < 0)
        return -1;
    Py_SETREF(ITEMS(state)[1], Py_NewRef(of->now_given));
    return 0;
}

/* As `Gcra._take`. */
static PyObject *decide_gcra(const Request *of) {
    double ahead = of->state != NULL ? of->held - (of->now - of->then) * of->rate : 0.0;
    ahead = ahead > 0.0 ? ahead : 0.0;
    double beyond = ahead + of->cost - of->burst;
    if (beyond <= SLACK_S * of->rate)
        return keep_state(of, ahead + of->cost, NULL) < 0 ? NULL : decision(1, -beyond, 0.0);
    return keep_state(of, ahead, NULL) < 0 ? NULL : decision(0, of->burst - ahead, beyond / of->rate);
}

/* As `TokenBucket._take`. A full bucket holds `burst` itself: whole numbers stay whole. */
static PyObject *decide_bucket(const Request *of) {
    double tokens = of->state != NULL ? of->held : of->burst;
    double filled = tokens + (of->now - (of->state != NULL ? of->then : of->now)) * of->rate;
    int full = !(filled < of->burst);
    tokens = full ? of->burst : filled;
    int passes = of->cost - tokens <= SLACK_S * of->rate;
    double left = passes ? tokens - of->cost : tokens, retry_after_s = passes ? 0.0 : (of->cost - tokens) / of->rate;
    PyObject *itself = NULL;
    if (full && passes && PyLong_CheckExact(of->burst_given) && PyLong_CheckExact(of->cost_given)) {
        if ((itself = PyLong_FromDouble(left)) == NULL) return NULL;
    } else if (full && !passes)
        itself = Py_NewRef(of->burst_given);
    PyObject *made = keep_state(of, left, itself) < 0 ? NULL : decision(passes, left, retry_after_s);
    if (made != NULL && itself != NULL && left > 0.0) Py_SETREF(ITEMS(made)[1], Py_NewRef(itself));
    Py_XDECREF(itself);
    return made;
}

/* Forget the keys that are as good as new, as `RateLimiter.take` does now and then; 0 where a state is not plain. */
static int sweep(LimiterCore *self, Request *of, int gcra) {
    PyObject *key, *state, *kept;
    Py_ssize_t place = 0, count = 0;
    while (PyDict_Next(of->states, &place, &key, &state)) {
        int idle = is_idle(of, state, gcra);
        if (idle < 0) return 0;
        count += idle;
    }
    if (count > 0) {
        if ((kept = PyDict_New()) == NULL) return -1;
        place = 0;
        while (PyDict_Next(of->states, &place, &key, &state)) {
            if (is_idle(of, state, gcra) > 0) continue; /* what comparing keys has put here stays, plain or not */
            Py_INCREF(key);
            Py_INCREF(state);
            int how = PyDict_SetItem(kept, key, state);
            Py_DECREF(key);
            Py_DECREF(state);
            if (how < 0) {
                Py_DECREF(kept);
                return -1;
            }
        }
        Py_XSETREF(self->states, Py_NewRef(kept));
        Py_SETREF(of->states, kept);
    }
    self->until_sweep = PyDict_GET_SIZE(of->states) > 1024 ? PyDict_GET_SIZE(of->states) : 1024;
    return 1;
}

/* The same by the text; `now` is the moment, where it was looked at already. */
static PyObject *take_by_text(PyObject *self, const Asked *asked, PyObject *now) {
    PyObject *all[4] = {self, asked->key, asked->cost, now != NULL ? now : asked->at_s};
    static PyObject *names;
    if (names == NULL && (names = Py_BuildValue("(s)", "at_s")) == NULL) return NULL;
    return PyObject_Vectorcall(take_plainly, all, 3, all[3] == NULL ? NULL : names);
}

/* Whether the class has a decision of its own. */
static inline int decides_as_text(PyObject *self, int gcra) {
    if (IS(self, gcra ? GcraClass : TokenBucketClass)) return 1;
    return text_is(self, s__take, gcra ? gcra_decides : bucket_decides) &&
           text_is(self, s__is_idle, gcra ? gcra_idles : bucket_idles);
}

static PyObject *limiter_take(LimiterCore *self, PyObject *const *args, Py_ssize_t count, PyObject *names, int gcra) {
    Asked asked;
    if (take_plainly == NULL || running_loop == NULL || DecisionClass == NULL ||
        !asked_of(args, count, names, &asked)) /* what no `take` understands: Python says why */
        return by_text_of(take_plainly, (PyObject *)self, args, count, names);
    Request of = {.key = asked.key, .cost_given = asked.cost};
    of.burst_given = self->burst.given;
    of.burst = self->burst.value;
    of.rate = self->rate.value;
    if (!plain_number(asked.cost, &of.cost) || !self->most.plain || !self->rate.plain || !self->burst.plain ||
        !(0.0 < of.cost && of.cost <= self->most.value) || of.rate == 0.0 || self->states == NULL ||
        !PyDict_CheckExact(self->states) || !decides_as_text((PyObject *)self, gcra))
        return take_by_text((PyObject *)self, &asked, NULL);
    PyObject *now = asked.at_s != NULL ? Py_NewRef(asked.at_s) : seconds_now();
    if (now == NULL) return NULL;
    if (!PyFloat_CheckExact(now) || self->states == NULL || !PyDict_CheckExact(self->states)) {
        PyObject *found = take_by_text((PyObject *)self, &asked, now);
        Py_DECREF(now);
        return found;
    }
    of.now_given = now;
    of.now = PyFloat_AS_DOUBLE(now);
    of.states = Py_NewRef(self->states); /* and what belongs to it: comparing keys may run anything */
    Py_INCREF(of.burst_given);
    PyObject *result = NULL, *then = NULL, *state = NULL;
    if (self->until_sweep > 1)
        self->until_sweep--;
    else {
        int swept = sweep(self, &of, gcra);
        if (swept == 0) result = take_by_text((PyObject *)self, &asked, now);
        if (swept <= 0) goto done;
    }
    state = Py_XNewRef(PyDict_GetItemWithError(of.states, of.key));
    if (state != NULL) {
        if (!plain_state(state, &of.held, &of.then)) {
            self->until_sweep++;
            result = take_by_text((PyObject *)self, &asked, now);
            goto done;
        }
        of.state = state;
        then = Py_NewRef(PyTuple_GET_ITEM(state, 1));
        if (of.then > of.now) {
            of.now = of.then;
            of.now_given = then;
        }
    } else if (PyErr_Occurred())
        goto done;
    result = gcra ? decide_gcra(&of) : decide_bucket(&of);
done:
    Py_XDECREF(state);
    Py_XDECREF(then);
    Py_DECREF(now);
    Py_DECREF(of.states);
    Py_DECREF(of.burst_given);
    return result;
}

static PyObject *gcra_take(LimiterCore *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    return limiter_take(self, args, count, names, 1);
}

static PyObject *bucket_take(LimiterCore *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    return limiter_take(self, args, count, names, 0);
}

static PyObject *setting_get(PyObject *self, void *where) {
    Setting *setting = (Setting *)((char *)self + (size_t)where);
    if (setting->given != NULL) return Py_NewRef(setting->given);
    PyErr_SetString(PyExc_AttributeError, "This limiter has no such setting.");
    return NULL;
}

static int setting_set(PyObject *self, PyObject *given, void *where) {
    Setting *setting = (Setting *)((char *)self + (size_t)where);
    setting->plain = given != NULL && plain_number(given, &setting->value);
    Py_XSETREF(setting->given, Py_XNewRef(given));
    return 0;
}

#define SETTING(name, field) {name, setting_get, setting_set, NULL, (void *)offsetof(LimiterCore, field)}
static PyGetSetDef limiter_getset[] = {
    SETTING("rate_per_s", rate),
    SETTING("burst", burst),
    SETTING("most", most),
    {NULL},
};
static PyMemberDef limiter_members[] = {
    {"_states", T_OBJECT_EX, offsetof(LimiterCore, states), 0, NULL},
    {"_until_sweep", T_LONGLONG, offsetof(LimiterCore, until_sweep), 0, NULL},
    {NULL},
};
static const PyMemberDef limiter_names[] = {{"_states"}, {"_until_sweep"}, {"rate_per_s"}, {"burst"}, {"most"}, {NULL}};

static PyObject *limiter_held(PyObject *self, PyObject *unused) { return held_of(self, limiter_names); }

static int limiter_traverse(LimiterCore *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->states);
    Py_VISIT(self->rate.given);
    Py_VISIT(self->burst.given);
    Py_VISIT(self->most.given);
    return 0;
}

static int limiter_clear(LimiterCore *self) {
    self->rate.plain = self->burst.plain = self->most.plain = 0;
    Py_CLEAR(self->states);
    Py_CLEAR(self->rate.given);
    Py_CLEAR(self->burst.given);
    Py_CLEAR(self->most.given);
    return 0;
}

static void limiter_dealloc(LimiterCore *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    limiter_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef limiter_methods[] = {
    {"_held", limiter_held, METH_NOARGS, "All attributes, also those that are fields here."},
    {"__setstate__", take_state, METH_O, "Take over what `__getstate__` gave."},
    {NULL},
};
static PyType_Slot limiter_slots[] = {
    {Py_tp_doc, "What a limiter by rate and burst holds; as `windtunnel.blocks.resilience.rate_limit`."},
    {Py_tp_members, limiter_members},
    {Py_tp_getset, limiter_getset},
    {Py_tp_methods, limiter_methods},
    {Py_tp_traverse, limiter_traverse},
    {Py_tp_clear, limiter_clear},
    {Py_tp_dealloc, limiter_dealloc},
    {0, NULL},
};
static PyType_Spec limiter_spec = {"windtunnel._native.LimiterCore", sizeof(LimiterCore), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, limiter_slots};

#define TAKE_DOC                                                                                                       \
    "take($self, /, key='', cost=1, *, at_s=None)\n--\n\n"                                                             \
    "Take `cost` for `key` if that is allowed now; a refusal takes nothing."
static PyMethodDef gcra_methods[] = {
    {"take", (PyCFunction)(void (*)(void))gcra_take, METH_FASTCALL | METH_KEYWORDS, TAKE_DOC},
    {NULL},
};
static PyType_Slot gcra_slots[] = {
    {Py_tp_doc, "What a `windtunnel.blocks.resilience.rate_limit.Gcra` is asked."},
    {Py_tp_methods, gcra_methods},
    {Py_tp_traverse, limiter_traverse},
    {Py_tp_clear, limiter_clear},
    {Py_tp_dealloc, limiter_dealloc},
    {0, NULL},
};
static PyType_Spec gcra_spec = {"windtunnel._native.GcraCore", sizeof(LimiterCore), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, gcra_slots};
static PyMethodDef bucket_methods[] = {
    {"take", (PyCFunction)(void (*)(void))bucket_take, METH_FASTCALL | METH_KEYWORDS, TAKE_DOC},
    {NULL},
};
static PyType_Slot bucket_slots[] = {
    {Py_tp_doc, "What a `windtunnel.blocks.resilience.rate_limit.TokenBucket` is asked."},
    {Py_tp_methods, bucket_methods},
    {Py_tp_traverse, limiter_traverse},
    {Py_tp_clear, limiter_clear},
    {Py_tp_dealloc, limiter_dealloc},
    {0, NULL},
};
static PyType_Spec bucket_spec = {"windtunnel._native.TokenBucketCore", sizeof(LimiterCore), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, bucket_slots};
