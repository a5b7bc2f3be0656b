/* What can be waited for: Signal, Process, Timer, and the iterators that stand between a coroutine and the loop.
 *
 * Methods that are not called for each event are taken over from the pure classes (see `adopt` in the module).
 */

/* --- waiters ------------------------------------------------------------------------------------------------------ */
static void waiter_clear(Waiter *waiter) {
    Py_CLEAR(waiter->who);
    Py_CLEAR(waiter->loop);
    Py_CLEAR(waiter->context);
}

static inline Waiter *signal_waiter(Signal *self, int i) { return i ? &self->more[i - 1] : &self->first; }

static void signal_forget_waiters(Signal *self) {
    int waiting = self->waiting;
    Waiter first = self->first, *more = self->more;
    memset(&self->first, 0, sizeof(Waiter));
    self->more = NULL;
    self->waiting = self->room = 0;
    if (waiting) waiter_clear(&first);
    for (int i = 1; i < waiting; i++) waiter_clear(&more[i - 1]);
    PyMem_Free(more);
}

/* The ticket of a process or task; INT64_MIN where it has none. */
static int64_t ticket_of(PyObject *who) {
    if (TaskClass != NULL && IS(who, TaskClass)) {
        PyObject *ticket = SLOT(who, task_ticket);
        return ticket == NULL ? INT64_MIN : PyLong_AsLongLong(ticket);
    }
    return PyObject_TypeCheck(who, ProcessType) ? ((Process *)who)->ticket : INT64_MIN;
}

static int signal_add(Signal *self, PyObject *who, int how, int64_t ticket, PyObject *loop, PyObject *context) {
    if (self->waiting > self->room) {
        int room = self->room ? self->room * 2 : 3;
        Waiter *more = self->more;
        PyMem_Resize(more, Waiter, room);
        if (more == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        self->more = more;
        self->room = room;
    }
    Waiter *waiter = signal_waiter(self, self->waiting++);
    waiter->who = Py_NewRef(who);
    waiter->how = how;
    waiter->ticket = ticket;
    waiter->loop = Py_XNewRef(loop);
    waiter->context = Py_XNewRef(context);
    int size = self->waiting;
    if (size > 32 && !(size & (size - 1))) { /* at 64, 128, ...: let go of those who gave up waiting */
        int kept = 0;
        for (int i = 0; i < size; i++) {
            Waiter one = *signal_waiter(self, i);
            if (one.how != BY_TICKET || ticket_of(one.who) == one.ticket)
                *signal_waiter(self, kept++) = one;
            else
                waiter_clear(&one);
        }
        self->waiting = kept;
        if (!kept) memset(&self->first, 0, sizeof(Waiter));
    }
    return 0;
}

static Core *signal_sim(Signal *self) {
    if (self->sim == NULL) {
        PyErr_SetString(PyExc_AttributeError, "This signal has no simulator.");
        return NULL;
    }
    return (Core *)self->sim;
}

/* A call to be made with the signal, at the next turn. */
static int append_call(Core *core, PyObject *who, Signal *self) {
    PyObject *args = PyTuple_Pack(1, self);
    if (args == NULL) return -1;
    PyObject *timer = timer_new(who, args);
    Py_DECREF(args);
    if (timer == NULL) return -1;
    int how = ready_append(core, timer, 0, NULL);
    Py_DECREF(timer);
    return how;
}

/* As loop.call_soon(who, self, context=context). */
static int call_soon(PyObject *loop, PyObject *who, Signal *self, PyObject *context) {
    PyObject *args[4] = {loop, who, (PyObject *)self, context == NULL ? Py_None : context};
    return settled(PyObject_VectorcallMethod(s_call_soon, args, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, only_context));
}

static int signal_wake(Signal *self) {
    Core *core = signal_sim(self);
    if (core == NULL) return -1;
    int waiting = self->waiting, failed = 0;
    Waiter first = self->first, *more = self->more;
    memset(&self->first, 0, sizeof(Waiter));
    self->more = NULL;
    self->waiting = self->room = 0;
    for (int i = 0; i < waiting; i++) {
        Waiter *waiter = i ? &more[i - 1] : &first;
        if (!failed) {
            if (waiter->how == BY_TICKET)
                failed = ready_append(core, waiter->who, waiter->ticket, NULL);
            else if (waiter->how == BY_KERNEL)
                failed = IS(waiter->who, EndedType) ? ready_append(core, waiter->who, 0, NULL)
                                                    : append_call(core, waiter->who, self);
            else
                failed = call_soon(waiter->loop, waiter->who, self, waiter->context);
        }
        waiter_clear(waiter);
    }
    PyMem_Free(more);
    return failed;
}

/* --- Signal ------------------------------------------------------------------------------------------------------- */
static int signal_init(Signal *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"sim", "name", NULL};
    PyObject *sim, *name = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|O", names, CoreType, &sim, &name)) return -1;
    Py_XSETREF(self->sim, Py_NewRef(sim));
    Py_XSETREF(self->name, Py_NewRef(name == NULL ? empty_text : name));
    return 0;
}

static PyObject *signal_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Signal *self = (Signal *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->value = Py_NewRef(Py_None);
        self->name = Py_NewRef(empty_text);
    }
    return (PyObject *)self;
}

static int signal_traverse(Signal *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->sim);
    Py_VISIT(self->name);
    Py_VISIT(self->value);
    Py_VISIT(self->error);
    for (int i = 0; i < self->waiting; i++) {
        Waiter *waiter = signal_waiter(self, i);
        Py_VISIT(waiter->who);
        Py_VISIT(waiter->loop);
        Py_VISIT(waiter->context);
    }
    return 0;
}

static int signal_clear(Signal *self) {
    Py_CLEAR(self->sim);
    Py_CLEAR(self->name);
    Py_CLEAR(self->value);
    Py_CLEAR(self->error);
    if (self->waiting) signal_forget_waiters(self);
    return 0;
}

static void signal_dealloc(Signal *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    signal_clear(self);
    PyMem_Free(self->more);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *signal_done(Signal *self, PyObject *unused) { return PyBool_FromLong(self->done); }

static PyObject *signal_result(Signal *self, PyObject *unused) {
    if (!self->done) {
        PyObject *what = call0((PyObject *)self, s_describe);
        if (what != NULL) {
            PyErr_Format(PyExc_RuntimeError, "%U has not happened yet; await it.", what);
            Py_DECREF(what);
        }
        return NULL;
    }
    if (self->error != NULL) return raise_error(self->error);
    return Py_NewRef(self->value);
}

static PyObject *signal_exception(Signal *self, PyObject *unused) {
    return Py_NewRef(self->error == NULL ? Py_None : self->error);
}

static int signal_settle(Signal *self, PyObject *value, PyObject *error) {
    if (self->done) return 0;
    self->done = 1;
    if (value != NULL) Py_XSETREF(self->value, Py_NewRef(value));
    if (error != NULL) Py_XSETREF(self->error, Py_NewRef(error));
    return self->waiting ? signal_wake(self) : 0;
}

static PyObject *signal_set(Signal *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    PyObject *value = Py_None;
    if (count + (names == NULL ? 0 : PyTuple_GET_SIZE(names)) > 1 ||
        (names != NULL && PyTuple_GET_SIZE(names) &&
         PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "value"))) {
        PyErr_SetString(PyExc_TypeError, "set takes a value, or nothing.");
        return NULL;
    }
    if (count + (names == NULL ? 0 : PyTuple_GET_SIZE(names)) == 1) value = args[0];
    if (signal_settle(self, value, NULL) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *signal_fail(Signal *self, PyObject *error) {
    if (!PyExceptionInstance_Check(error)) {
        PyErr_SetString(PyExc_TypeError, "A signal fails with an exception.");
        return NULL;
    }
    if (signal_settle(self, NULL, error) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *signal_wake_py(Signal *self, PyObject *unused) {
    if (signal_wake(self) < 0) return NULL;
    Py_RETURN_NONE;
}

/* who, ticket, context=None */
static PyObject *signal_add_waiter(Signal *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"who", "ticket", "context", NULL};
    PyObject *who, *ticket, *context = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|O", names, &who, &ticket, &context)) return NULL;
    if (context == Py_None) context = NULL;
    int how;
    if (PyLong_CheckExact(ticket)) {
        int64_t number;
        if (as_ns(ticket, &number) < 0) return NULL;
        how = signal_add(self, who, BY_TICKET, number, NULL, context);
    } else if (ticket == Py_None)
        how = signal_add(self, who, BY_KERNEL, 0, NULL, context);
    else
        how = signal_add(self, who, BY_LOOP, 0, ticket, context);
    if (how < 0) return NULL;
    Py_RETURN_NONE;
}

/* Somebody waits, also for a kind of signal that has its own way of being waited for. */
static int wait_for(Signal *self, PyObject *who, int64_t ticket) {
    if (IS_PLAIN(self)) return signal_add(self, who, BY_TICKET, ticket, NULL, NULL);
    if (IS(self, DepartureType)) {
        if (signal_add(self, who, BY_TICKET, ticket, NULL, NULL) < 0) return -1;
        Departure *departure = (Departure *)self;
        Core *core = signal_sim(self);
        if (core == NULL) return -1;
        return departure->due_ns <= core->now_ns ? departure_run(departure) : departure_plan(departure);
    }
    PyObject *number = PyLong_FromLongLong(ticket);
    if (number == NULL) return -1;
    int how = settled(PyObject_CallMethodObjArgs((PyObject *)self, s__add_waiter, who, number, NULL));
    Py_DECREF(number);
    return how;
}

static PyObject *signal_add_done_callback(Signal *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"callback", "context", NULL};
    PyObject *callback, *context = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$O", names, &callback, &context)) return NULL;
    Core *core = signal_sim(self);
    if (core == NULL) return NULL;
    int how;
    if (!self->done) {
        if (IS_PLAIN(self))
            how = signal_add(self, callback, core->loop == Py_None ? BY_KERNEL : BY_LOOP, 0,
                             core->loop == Py_None ? NULL : core->loop, context == Py_None ? NULL : context);
        else
            how = settled(PyObject_CallMethodObjArgs((PyObject *)self, s__add_waiter, callback, core->loop,
                                                     context == NULL ? Py_None : context, NULL));
    } else if (core->loop == Py_None)
        how = append_call(core, callback, self);
    else
        how = call_soon(core->loop, callback, self, context);
    if (how < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *signal_get_waiters(Signal *self, void *unused) {
    if (!self->waiting) Py_RETURN_NONE;
    PyObject *all = PyList_New(self->waiting);
    for (int i = 0; all != NULL && i < self->waiting; i++) {
        Waiter *waiter = signal_waiter(self, i);
        PyObject *context = waiter->context == NULL ? Py_None : waiter->context, *one;
        if (waiter->how == BY_TICKET)
            one = Py_BuildValue("OLO", waiter->who, (long long)waiter->ticket, context);
        else
            one = Py_BuildValue("OOO", waiter->who, waiter->how == BY_KERNEL ? Py_None : waiter->loop, context);
        if (one == NULL)
            Py_CLEAR(all);
        else
            PyList_SET_ITEM(all, i, one);
    }
    return all;
}

static int signal_set_waiters(Signal *self, PyObject *all, void *unused) {
    if (self->waiting) signal_forget_waiters(self);
    if (all == NULL || all == Py_None) return 0;
    PyObject *list = PySequence_List(all);
    if (list == NULL) return -1;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *none = signal_add_waiter(self, PyList_GET_ITEM(list, i), NULL);
        if (none == NULL) {
            Py_DECREF(list);
            return -1;
        }
        Py_DECREF(none);
    }
    Py_DECREF(list);
    return 0;
}

static PyObject *signal_get_sim(Signal *self, void *unused) {
    if (signal_sim(self) == NULL) return NULL;
    return Py_NewRef(self->sim);
}

static int signal_set_sim(Signal *self, PyObject *sim, void *unused) {
    return set_core(&self->sim, sim, "A signal belongs to a Simulator.");
}

static PyObject *signal_get_error(Signal *self, void *unused) { return signal_exception(self, NULL); }

static int signal_set_error(Signal *self, PyObject *error, void *unused) {
    if (error == NULL || error == Py_None)
        Py_CLEAR(self->error);
    else
        Py_XSETREF(self->error, Py_NewRef(error));
    return 0;
}

static PyObject *no_future(PyObject *self, void *unused) { Py_RETURN_NONE; }
static int still_no_future(PyObject *self, PyObject *value, void *unused) { return 0; }

static PyObject *signal_await(Signal *self);
static PyObject *signal_within(Signal *self, PyObject *seconds);

static PyMemberDef signal_members[] = {
    {"name", T_OBJECT, offsetof(Signal, name), 0, NULL},
    {"_value", T_OBJECT, offsetof(Signal, value), 0, NULL},
    {"_done", T_BOOL, offsetof(Signal, done), 0, NULL},
    {NULL},
};
static PyGetSetDef signal_getset[] = {
    {"sim", (getter)signal_get_sim, (setter)signal_set_sim, NULL, NULL},
    {"_error", (getter)signal_get_error, (setter)signal_set_error, NULL, NULL},
    {"_waiters", (getter)signal_get_waiters, (setter)signal_set_waiters, NULL, NULL},
    {"_asyncio_future_blocking", (getter)no_future, (setter)still_no_future, "None is asyncio's mark of what is none.",
     NULL},
    {NULL},
};
static PyMethodDef signal_methods[] = {
    {"done", (PyCFunction)signal_done, METH_NOARGS, NULL},
    {"result", (PyCFunction)signal_result, METH_NOARGS, NULL},
    {"exception", (PyCFunction)signal_exception, METH_NOARGS, NULL},
    {"set", (PyCFunction)(void (*)(void))signal_set, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"fail", (PyCFunction)signal_fail, METH_O, NULL},
    {"_wake", (PyCFunction)signal_wake_py, METH_NOARGS, NULL},
    {"_add_waiter", (PyCFunction)(void (*)(void))signal_add_waiter, METH_VARARGS | METH_KEYWORDS, NULL},
    {"within", (PyCFunction)signal_within, METH_O, "Wait at most `seconds`; True where it has happened by then."},
    {"add_done_callback", (PyCFunction)(void (*)(void))signal_add_done_callback, METH_VARARGS | METH_KEYWORDS, NULL},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, NULL},
    {NULL},
};
static PyType_Slot signal_slots[] = {
    {Py_tp_doc, "Something that happens once, with a value or an exception; as `windtunnel.sim.signals.Signal`."},
    {Py_tp_new, signal_new},
    {Py_tp_init, signal_init},
    {Py_tp_methods, signal_methods},
    {Py_tp_members, signal_members},
    {Py_tp_getset, signal_getset},
    {Py_am_await, signal_await},
    {Py_tp_traverse, signal_traverse},
    {Py_tp_clear, signal_clear},
    {Py_tp_dealloc, signal_dealloc},
    {0, NULL},
};
static PyType_Spec signal_spec = {"windtunnel._native.Signal", sizeof(Signal), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, signal_slots};

/* --- Process ------------------------------------------------------------------------------------------------------ */
static int process_init(Process *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"sim", "coro", "name", "host", "daemon", "request", NULL};
    PyObject *sim, *coro, *name, *host;
    int daemon;
    long long request;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!OOOpL", names, CoreType, &sim, &coro, &name, &host, &daemon,
                                     &request))
        return -1;
    Py_XSETREF(self->signal.sim, Py_NewRef(sim));
    Py_XSETREF(self->signal.name, Py_NewRef(name));
    Py_XSETREF(self->coro, Py_NewRef(coro));
    Py_XSETREF(self->host, Py_NewRef(host));
    self->daemon = (char)daemon;
    self->request = request;
    return 0;
}

static int process_traverse(Process *self, visitproc visit, void *arg) {
    Py_VISIT(self->coro);
    Py_VISIT(self->waits_for);
    Py_VISIT(self->host);
    return signal_traverse(&self->signal, visit, arg);
}

static int process_clear(Process *self) {
    Py_CLEAR(self->coro);
    Py_CLEAR(self->waits_for);
    Py_CLEAR(self->host);
    return signal_clear(&self->signal);
}

static void process_dealloc(Process *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    process_clear(self);
    PyMem_Free(self->signal.more);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef process_members[] = {
    {"_coro", T_OBJECT, offsetof(Process, coro), 0, NULL},
    {"_waits_for", T_OBJECT, offsetof(Process, waits_for), 0, NULL},
    {"host", T_OBJECT, offsetof(Process, host), 0, NULL},
    {"_ticket", T_LONGLONG, offsetof(Process, ticket), 0, NULL},
    {"request", T_LONGLONG, offsetof(Process, request), 0, NULL},
    {"daemon", T_BOOL, offsetof(Process, daemon), 0, NULL},
    {NULL},
};
static PyType_Slot process_slots[] = {
    {Py_tp_doc, "A light process: a coroutine that the kernel steps; as `windtunnel.sim.signals.Process`."},
    {Py_tp_init, process_init},
    {Py_tp_members, process_members},
    {Py_tp_traverse, process_traverse},
    {Py_tp_clear, process_clear},
    {Py_tp_dealloc, process_dealloc},
    {0, NULL},
};
static PyType_Spec process_spec = {"windtunnel._native.Process", sizeof(Process), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, process_slots};

/* --- Timer -------------------------------------------------------------------------------------------------------- */
static PyObject *timer_new(PyObject *call, PyObject *args) {
    Timer *self = PyObject_GC_New(Timer, TimerType);
    if (self == NULL) return NULL;
    self->call = Py_NewRef(call);
    self->args = Py_NewRef(args);
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static int timer_init(Timer *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"call", "args", NULL};
    PyObject *call, *with;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!", names, &call, &PyTuple_Type, &with)) return -1;
    Py_XSETREF(self->call, Py_NewRef(call));
    Py_XSETREF(self->args, Py_NewRef(with));
    return 0;
}

static int timer_traverse(Timer *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->call);
    Py_VISIT(self->args);
    return 0;
}

static int timer_clear(Timer *self) {
    Py_CLEAR(self->call);
    Py_CLEAR(self->args);
    return 0;
}

static void timer_dealloc(Timer *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    timer_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *timer_cancel(Timer *self, PyObject *unused) {
    timer_clear(self);
    Py_RETURN_NONE;
}

static PyObject *timer_cancelled(Timer *self, PyObject *unused) { return PyBool_FromLong(self->call == NULL); }

static int timer_run(Timer *self) {
    PyObject *call = self->call, *args = self->args;
    self->call = NULL; /* made: `cancelled` says so from now on */
    if (call == NULL) return 0;
    Py_INCREF(args);
    int how = settled(PyObject_Call(call, args, NULL));
    Py_DECREF(args);
    Py_DECREF(call);
    return how;
}

static PyObject *timer_run_py(Timer *self, PyObject *unused) {
    if (timer_run(self) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyMemberDef timer_members[] = {
    {"_call", T_OBJECT, offsetof(Timer, call), 0, NULL},
    {"_args", T_OBJECT, offsetof(Timer, args), 0, NULL},
    {NULL},
};
static PyMethodDef timer_methods[] = {
    {"cancel", (PyCFunction)timer_cancel, METH_NOARGS, NULL},
    {"cancelled", (PyCFunction)timer_cancelled, METH_NOARGS, NULL},
    {"_run", (PyCFunction)timer_run_py, METH_NOARGS, NULL},
    {NULL},
};
static PyType_Slot timer_slots[] = {
    {Py_tp_doc, "A call at a moment of virtual time; as `windtunnel.sim.signals.Timer`."},
    {Py_tp_init, timer_init},
    {Py_tp_members, timer_members},
    {Py_tp_methods, timer_methods},
    {Py_tp_traverse, timer_traverse},
    {Py_tp_clear, timer_clear},
    {Py_tp_dealloc, timer_dealloc},
    {0, NULL},
};
static PyType_Spec timer_spec = {"windtunnel._native.Timer", sizeof(Timer), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, timer_slots};

/* --- Wait: what a coroutine awaits -----------------------------------------------------------------------------------
 *
 * One type for our three kinds of waits, so that each costs one object from a free list. It looks like a coroutine,
 * for who starts a process of one or throws into it.
 */
enum { SIGNAL, SLEEP, SERVICE, WITHIN };
enum { FRESH, WAITING, DELEGATED, OVER };

typedef struct {
    PyObject_HEAD
    PyObject *of;    /* the signal; the simulator; the server */
    PyObject *inner; /* the iterator that waits in its place; SERVICE: the customer */
    PyObject *exact; /* SLEEP: seconds or nanoseconds as given; SERVICE: the work; WITHIN: the seconds */
    char kind;
    char state;
    char in_ns;
} Wait;

#define FREE_WAITS 256
static Wait *free_waits[FREE_WAITS];
static int free_wait_count;

static PyObject *wait_new(int kind, PyObject *of, PyObject *exact, int in_ns) {
    Wait *self;
    if (free_wait_count) {
        self = free_waits[--free_wait_count];
        Py_INCREF(WaitType);
        _Py_NewReference((PyObject *)self);
    } else if ((self = PyObject_GC_New(Wait, WaitType)) == NULL)
        return NULL;
    self->of = Py_NewRef(of);
    self->inner = NULL;
    self->exact = Py_XNewRef(exact);
    self->kind = (char)kind;
    self->state = FRESH;
    self->in_ns = (char)in_ns;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static int wait_traverse(Wait *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->of);
    Py_VISIT(self->inner);
    Py_VISIT(self->exact);
    return 0;
}

static int wait_clear(Wait *self) {
    Py_CLEAR(self->of);
    Py_CLEAR(self->inner);
    Py_CLEAR(self->exact);
    return 0;
}

static void wait_dealloc(Wait *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    wait_clear(self);
    if (free_wait_count < FREE_WAITS) {
        free_waits[free_wait_count++] = self;
    } else
        PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *signal_await(Signal *self) { return wait_new(SIGNAL, (PyObject *)self, NULL, 0); }
static PyObject *signal_within(Signal *self, PyObject *seconds) { return wait_new(WITHIN, (PyObject *)self, seconds, 0); }

/* What a process yields to wait for a signal at most so long; NULL without an exception: the pure text does it. */
static PyObject *within_command(Wait *self, Core *core) {
    Signal *signal = (Signal *)self->of;
    if (core->trace != Py_None || core->current == Py_None || !PyFloat_CheckExact(self->exact)) return NULL;
    double seconds = PyFloat_AS_DOUBLE(self->exact);
    if (seconds == Py_HUGE_VAL) return Py_NewRef(signal);
    double limit = rint(seconds * 1e9);
    if (!(limit < 9e15)) return NULL;
    PyObject *nanoseconds = PyLong_FromLongLong(limit > 0 ? (long long)limit : 0);
    if (nanoseconds == NULL) return NULL;
    PyObject *command = PyTuple_Pack(2, signal, nanoseconds);
    Py_DECREF(nanoseconds);
    return command;
}

/* The result of a signal that is over, as its own class gives it. */
static PyObject *result_of(Signal *signal) {
    if (IS_PLAIN(signal)) return signal_result(signal, NULL);
    return call0((PyObject *)signal, s_result);
}

/* Let an iterator wait in our place. Takes the reference to it. */
static PySendResult wait_delegate(Wait *self, PyObject *inner, PyObject **result) {
    if (inner == NULL) return PYGEN_ERROR;
    PyObject *iterator = PyObject_GetIter(inner);
    Py_DECREF(inner);
    if (iterator == NULL) return PYGEN_ERROR;
    self->inner = iterator;
    self->state = DELEGATED;
    return PyIter_Send(iterator, Py_None, result);
}

static PySendResult wait_over(Wait *self, PySendResult how, PyObject **result) {
    if (how == PYGEN_NEXT) return how;
    self->state = OVER;
    if (how == PYGEN_ERROR || self->kind != SIGNAL) return how;
    Py_XDECREF(*result); /* the iterator waited, and the value is the signal's */
    *result = result_of((Signal *)self->of);
    return *result == NULL ? PYGEN_ERROR : PYGEN_RETURN;
}

static PyObject *sleep_command(Core *core, Wait *self);
static PySendResult service_begin(Wait *self, PyObject **result);
static PySendResult service_end(Wait *self, PyObject **result);
static void service_given_up(Wait *self);

static PySendResult wait_send(Wait *self, PyObject *value, PyObject **result) {
    *result = NULL;
    switch (self->state) {
    case FRESH: {
        self->state = WAITING;
        if (self->kind == SERVICE) return service_begin(self, result);
        if (self->kind == SLEEP) {
            Core *core = (Core *)self->of;
            if (core->current != Py_None) {
                *result = sleep_command(core, self);
                if (*result == NULL) {
                    self->state = OVER;
                    return PYGEN_ERROR;
                }
                return PYGEN_NEXT;
            }
            /* A task that the kernel does not step. */
            PyObject *nanoseconds = self->in_ns ? Py_NewRef(self->exact) : seconds_as_ns(self->exact);
            if (nanoseconds == NULL) {
                self->state = OVER;
                return PYGEN_ERROR;
            }
            PyObject *future = call1(core->loop, s_sleep_future, nanoseconds);
            Py_DECREF(nanoseconds);
            return wait_over(self, wait_delegate(self, future, result), result);
        }
        Signal *signal = (Signal *)self->of;
        if (signal->done) {
            self->state = OVER;
            *result = self->kind == WITHIN ? Py_NewRef(Py_True) : result_of(signal);
            return *result == NULL ? PYGEN_ERROR : PYGEN_RETURN;
        }
        Core *core = signal_sim(signal);
        if (core == NULL) return PYGEN_ERROR;
        if (self->kind == WITHIN) {
            *result = within_command(self, core);
            if (*result != NULL) return PYGEN_NEXT;
            if (PyErr_Occurred()) return PYGEN_ERROR;
            return wait_over(self, wait_delegate(self, call1((PyObject *)signal, s__within, self->exact), result), result);
        }
        if (core->current != Py_None || core->loop == Py_None) {
            *result = Py_NewRef(signal);
            return PYGEN_NEXT;
        }
        return wait_over(self, wait_delegate(self, call0((PyObject *)signal, s__as_future), result), result);
    }
    case WAITING:
        self->state = OVER;
        if (self->kind == SERVICE) return service_end(self, result);
        if (self->kind == WITHIN) {
            *result = PyBool_FromLong(((Signal *)self->of)->done);
            return PYGEN_RETURN;
        }
        *result = self->kind == SLEEP ? Py_NewRef(Py_None) : result_of((Signal *)self->of);
        return *result == NULL ? PYGEN_ERROR : PYGEN_RETURN;
    case DELEGATED:
        return wait_over(self, PyIter_Send(self->inner, value, result), result);
    default:
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
        return PYGEN_ERROR;
    }
}

static PyObject *wait_send_py(Wait *self, PyObject *value) {
    PyObject *result;
    PySendResult how = wait_send(self, value, &result);
    return how == PYGEN_RETURN ? raise_stop(result) : result; /* NULL where it failed */
}

static PyObject *wait_next(Wait *self) {
    PyObject *result;
    PySendResult how = wait_send(self, Py_None, &result);
    if (how != PYGEN_RETURN) return result;
    if (result != Py_None) return raise_stop(result);
    Py_DECREF(result); /* an end without a value needs no exception */
    return NULL;
}

static PyObject *wait_throw(Wait *self, PyObject *const *args, Py_ssize_t count) {
    if (count < 1 || count > 3) {
        PyErr_SetString(PyExc_TypeError, "throw takes an exception.");
        return NULL;
    }
    if (self->state == DELEGATED) {
        PyObject *thrown = PyObject_GetAttr(self->inner, s_throw);
        if (thrown != NULL) {
            PyObject *result = PyObject_Vectorcall(thrown, args, (size_t)count, NULL);
            Py_DECREF(thrown);
            if (result != NULL) return result;
            self->state = OVER;
            if (self->kind == SIGNAL && PyErr_ExceptionMatches(PyExc_StopIteration)) {
                PyErr_Clear();
                result = result_of((Signal *)self->of);
                if (result != NULL) return raise_stop(result);
            }
            return NULL;
        }
        PyErr_Clear();
    }
    if (self->state == WAITING && self->kind == SERVICE) service_given_up(self);
    self->state = OVER;
    return raise_thrown(args, count);
}

static PyObject *wait_close(Wait *self, PyObject *unused) {
    if (self->state == DELEGATED) {
        PyObject *closed = call0(self->inner, s_close);
        if (closed == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return NULL;
            PyErr_Clear();
        }
        Py_XDECREF(closed);
    }
    if (self->state == WAITING && self->kind == SERVICE) service_given_up(self);
    self->state = OVER;
    Py_RETURN_NONE;
}

static PyMethodDef wait_methods[] = {
    {"send", (PyCFunction)wait_send_py, METH_O, NULL},
    {"throw", (PyCFunction)(void (*)(void))wait_throw, METH_FASTCALL, NULL},
    {"close", (PyCFunction)wait_close, METH_NOARGS, NULL},
    {NULL},
};
static PyType_Slot wait_slots[] = {
    {Py_tp_doc, "A wait of a coroutine: for a signal, a moment, or a server."},
    {Py_tp_methods, wait_methods},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, wait_next},
    {Py_am_await, PyObject_SelfIter},
    {Py_am_send, wait_send},
    {Py_tp_traverse, wait_traverse},
    {Py_tp_clear, wait_clear},
    {Py_tp_dealloc, wait_dealloc},
    {0, NULL},
};
static PyType_Spec wait_spec = {"windtunnel._native.Wait", sizeof(Wait), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, wait_slots};
