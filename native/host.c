/* Simulated hosts: the asyncio loop of each (`windtunnel.sim.loop.HostLoop`), its callbacks and what its tasks await
 * (`windtunnel.sim.task.Handle` and `Task`). What is rare is the Python text's: `pure` goes there.
 */

typedef struct {
    PyObject_HEAD
    PyObject *sim; /* a Core, or NULL before it is set */
    PyObject *host;
    PyObject *agen_first; /* hooks for asynchronous generators */
    PyObject *agen_last;
    PyObject *debug;
    PyObject *itself; /* {"loop": self}: what its futures are made with */
    char held;
    char dead;
} HostLoop;

#define HostLoop_Check(object) PyObject_TypeCheck(object, HostLoopType)

/* --- fields of asyncio's own futures ------------------------------------------------------------------------------ */
static PyObject *future_loop, *future_blocking, *future_add, *future_done, *future_set; /* descriptors of the class */

static int learn_future(PyObject *future) {
    static const struct {
        const char *name;
        PyObject **place;
    } wanted[] = {{"_loop", &future_loop},          {"_asyncio_future_blocking", &future_blocking},
                  {"add_done_callback", &future_add}, {"done", &future_done},
                  {"set_result", &future_set},        {NULL, NULL}};
    for (int i = 0; wanted[i].name != NULL; i++) {
        PyObject *found = PyObject_GetAttrString(future, wanted[i].name);
        if (found == NULL) return -1;
        Py_XSETREF(*wanted[i].place, found);
    }
    if (IS(future_loop, &PyGetSetDescr_Type) && IS(future_blocking, &PyGetSetDescr_Type)) return 0;
    PyErr_SetString(PyExc_TypeError, "The fields of asyncio.Future are none of its C class.");
    return -1;
}

static inline PyObject *field_of(PyObject *object, PyObject *descriptor) {
    PyGetSetDef *field = ((PyGetSetDescrObject *)descriptor)->d_getset;
    return field->get(object, field->closure);
}

static inline int set_field(PyObject *object, PyObject *descriptor, PyObject *value) {
    PyGetSetDef *field = ((PyGetSetDescrObject *)descriptor)->d_getset;
    return field->set(object, value, field->closure);
}

/* --- Handle ------------------------------------------------------------------------------------------------------- */
static Py_ssize_t handle_callback, handle_args, handle_cancelled, handle_loop, handle_context, handle_scheduled,
    handle_when, handle_repr, handle_source;
static Py_ssize_t *const handle_fields[] = {&handle_callback, &handle_args,      &handle_cancelled,
                                            &handle_loop,     &handle_context,   &handle_scheduled,
                                            &handle_when,     &handle_repr,      &handle_source};
#define HANDLE_FIELDS ((int)(sizeof(handle_fields) / sizeof(handle_fields[0])))
#define FREE_HANDLES 256
static PyObject *free_handles[FREE_HANDLES];
static int free_handle_count;

static PyObject *handle_alloc(void) {
    PyObject *self;
    if (free_handle_count) {
        self = free_handles[--free_handle_count];
        Py_INCREF(HandleClass);
        _Py_NewReference(self);
        PyObject_GC_Track(self);
        return self;
    }
    return HandleClass->tp_alloc(HandleClass, 0);
}

/* Takes the reference to `args`; `context` NULL: a copy of the current one; `when` NULL: none. */
static PyObject *handle_new(PyObject *loop, PyObject *callback, PyObject *args, PyObject *context, PyObject *when) {
    if (args == NULL) return NULL;
    PyObject *own = context == NULL || context == Py_None ? PyContext_CopyCurrent() : Py_NewRef(context);
    PyObject *self = own == NULL ? NULL : handle_alloc();
    if (self == NULL) {
        Py_XDECREF(own);
        Py_DECREF(args);
        return NULL;
    }
    SLOT(self, handle_callback) = Py_NewRef(callback);
    SLOT(self, handle_args) = args;
    SLOT(self, handle_loop) = Py_NewRef(loop);
    SLOT(self, handle_context) = own;
    SLOT(self, handle_cancelled) = Py_NewRef(Py_False);
    SLOT(self, handle_scheduled) = Py_NewRef(Py_False);
    SLOT(self, handle_repr) = Py_NewRef(Py_None);
    SLOT(self, handle_source) = Py_NewRef(Py_None);
    SLOT(self, handle_when) = Py_XNewRef(when);
    return self;
}

static PyObject *handle_make(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"callback", "args", "loop", "context", NULL};
    PyObject *callback, *with, *loop, *context;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!OO", names, &callback, &PyTuple_Type, &with, &loop, &context))
        return NULL;
    return handle_new(loop, callback, Py_NewRef(with), context, NULL);
}

/* All is done when it is made: asyncio's own does not know how. */
static int handle_init(PyObject *self, PyObject *args, PyObject *kwargs) { return 0; }

static int handle_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    for (int i = 0; i < HANDLE_FIELDS; i++) Py_VISIT(SLOT(self, *handle_fields[i]));
    return 0;
}

static int handle_clear(PyObject *self) {
    for (int i = 0; i < HANDLE_FIELDS; i++) Py_CLEAR(SLOT(self, *handle_fields[i]));
    return 0;
}

static void handle_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    PyObject_ClearWeakRefs(self);
    handle_clear(self);
    if (free_handle_count < FREE_HANDLES)
        free_handles[free_handle_count++] = self;
    else
        PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *handle_cancel(PyObject *self, PyObject *unused) {
    if (SLOT(self, handle_cancelled) == Py_True) Py_RETURN_NONE;
    Py_SETREF(SLOT(self, handle_cancelled), Py_NewRef(Py_True));
    Py_SETREF(SLOT(self, handle_callback), Py_NewRef(Py_None));
    Py_SETREF(SLOT(self, handle_args), Py_NewRef(Py_None));
    if (SLOT(self, handle_scheduled) == Py_True) {
        PyObject *loop = SLOT(self, handle_loop);
        PyObject *sim = loop != NULL && HostLoop_Check(loop) ? ((HostLoop *)loop)->sim : NULL;
        if (sim != NULL && core_forget_timer((Core *)sim) < 0) return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef handle_methods[] = {
    {"cancel", handle_cancel, METH_NOARGS, "Do not make the call."},
    {NULL},
};
static PyType_Slot handle_slots[] = {
    {Py_tp_doc, "A callback of a host's loop, due now or later; as `windtunnel.sim.task.Handle`."},
    {Py_tp_new, handle_make},
    {Py_tp_init, handle_init},
    {Py_tp_methods, handle_methods},
    {Py_tp_traverse, handle_traverse},
    {Py_tp_clear, handle_clear},
    {Py_tp_dealloc, handle_dealloc},
    {0, NULL},
};
static PyType_Spec handle_spec = {"windtunnel._native.Handle", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                                  handle_slots};

static Py_ssize_t slot_of(PyObject *type, const char *name);

/* The class of handles, made from asyncio's: the module itself imports nothing. */
static PyObject *handle_class(PyObject *module, PyObject *timer_handle) {
    static const char *const names[] = {"_callback",  "_args", "_cancelled", "_loop",            "_context",
                                        "_scheduled", "_when", "_repr",      "_source_traceback"};
    if (HandleClass != NULL) return Py_NewRef(HandleClass);
    for (int i = 0; i < HANDLE_FIELDS; i++)
        if ((*handle_fields[i] = slot_of(timer_handle, names[i])) < 0) return NULL;
    HandleClass = (PyTypeObject *)PyType_FromSpecWithBases(&handle_spec, timer_handle);
    return Py_XNewRef(HandleClass);
}

/* --- which loop runs ---------------------------------------------------------------------------------------------- */
static int forget_task(PyObject *loop) {
    if (!PyDict_CheckExact(current_tasks))
        return settled(PyObject_CallMethodObjArgs(current_tasks, s_pop, loop, Py_None, NULL));
    if (PyDict_GetItemWithError(current_tasks, loop) == NULL) return PyErr_Occurred() ? -1 : 0;
    return PyDict_DelItem(current_tasks, loop);
}

/* As `sys.set_asyncgen_hooks`, which tells every audit hook of it; NULL: none. */
static void set_hooks(PyObject *first, PyObject *last) {
    PyThreadState *thread = PyThreadState_Get();
    Py_XSETREF(thread->async_gen_firstiter, Py_XNewRef(first));
    Py_XSETREF(thread->async_gen_finalizer, Py_XNewRef(last));
}

/* As `_enter`: 1, or 0 where the host is paused or down. */
static int core_enter(Core *self, PyObject *home) {
    HostLoop *loop = (HostLoop *)home;
    if (loop->held) return 0;
    if (self->loop != Py_None && forget_task(self->loop) < 0) return -1;
    Py_SETREF(self->loop, Py_NewRef(home));
    if (settled(PyObject_CallOneArg(set_running_loop, home)) < 0) return -1;
    set_hooks(loop->agen_first, loop->agen_last);
    return 1;
}

/* As `_leave`. */
static int core_leave(Core *self) {
    if (self->loop == Py_None) return 0;
    if (forget_task(self->loop) < 0) return -1;
    Py_SETREF(self->loop, Py_NewRef(Py_None));
    if (settled(PyObject_CallOneArg(set_running_loop, Py_None)) < 0) return -1;
    set_hooks(NULL, NULL);
    return 0;
}

/* A turn of a task or handle of this loop. 0: the loop does not run now. */
static int loop_enters(Core *self, PyObject *home, PyObject *thing, int64_t number, PyObject *error) {
    if (self->loop == home) return 1;
    if (home == NULL || !HostLoop_Check(home)) {
        PyErr_Format(PyExc_TypeError, "%R is no loop of a host.", home);
        return -1;
    }
    int entered = core_enter(self, home);
    if (entered) return entered;
    PyObject *ticket = PyLong_FromLongLong(number);
    if (ticket == NULL) return -1;
    int how = settled(PyObject_CallMethodObjArgs(home, s_hold, thing, ticket, error == NULL ? Py_None : error, NULL));
    Py_DECREF(ticket);
    return how;
}

/* A callback, or a wait that takes no time: as `_count_poll`. */
static int core_count_poll(Core *self) {
    if (++self->calls < self->patience) return 0;
    PyObject *polling = PyObject_GetAttr((PyObject *)self, s__polling);
    if (polling == NULL) return -1;
    int how = settled(call0(polling, s_look));
    Py_DECREF(polling);
    return how;
}

/* --- callbacks ---------------------------------------------------------------------------------------------------- */
/* The end of asyncio.sleep. */
static int sleep_over(PyObject *args) {
    PyObject *future = PyTuple_GET_ITEM(args, 0), *value = PyTuple_GET_ITEM(args, 1);
    int plain = IS(future, FutureClass);
    PyObject *done = plain ? PyObject_Vectorcall(future_done, &future, 1, NULL) : call0(future, s_done);
    int over = done == NULL ? -1 : PyObject_IsTrue(done);
    Py_XDECREF(done);
    if (over) return over < 0 ? -1 : 0;
    PyObject *with[2] = {future, value};
    return settled(plain ? PyObject_Vectorcall(future_set, with, 2, NULL) : call1(future, s_set_result, value));
}

/* As asyncio.Handle._run: in its context, and what it raises goes to the loop's exception handler. */
static int handle_call(PyObject *handle) {
    PyObject *context = SLOT(handle, handle_context), *args = SLOT(handle, handle_args);
    PyObject *callback = SLOT(handle, handle_callback);
    if (context == NULL || !PyContext_CheckExact(context) || callback == NULL || args == NULL || !PyTuple_CheckExact(args))
        return settled(call0(handle, s__run));
    Py_INCREF(context);
    Py_INCREF(callback);
    Py_INCREF(args);
    int how = -1;
    if (PyContext_Enter(context) == 0) {
        size_t count = (size_t)PyTuple_GET_SIZE(args);
        PyObject *result = PyObject_Vectorcall(callback, &PyTuple_GET_ITEM(args, 0), count, NULL);
        how = PyContext_Exit(context) < 0 || result == NULL ? -1 : 0;
        Py_XDECREF(result);
    }
    Py_DECREF(context);
    Py_DECREF(callback);
    Py_DECREF(args);
    if (how == 0) return 0;
    PyObject *error = caught();
    how = settled(call1(handle, s__raised, error));
    Py_DECREF(error);
    return how;
}

/* The turn of a handle: as `_run_other` has it. */
static int handle_run(Core *self, PyObject *handle, int64_t number, PyObject *error) {
    if (SLOT(handle, handle_cancelled) == Py_True) return 0;
    PyObject *home = SLOT(handle, handle_loop);
    int entered = loop_enters(self, home, handle, number, error);
    if (entered <= 0) return entered;
    set_current(self, Py_None);
    if (forget_task(home) < 0) return -1;
    Py_SETREF(SLOT(handle, handle_scheduled), Py_NewRef(Py_False));
    if (core_count_poll(self) < 0) return -1;
    PyObject *args = SLOT(handle, handle_args);
    int sleeps = SLOT(handle, handle_callback) == sleep_over_function;
    if (sleeps && PyTuple_CheckExact(args) && PyTuple_GET_SIZE(args) == 2) {
        Py_INCREF(args);
        int how = sleep_over(args);
        Py_DECREF(args);
        return how;
    }
    return handle_call(handle);
}

/* -1 where that cannot be told; otherwise as `_is_stale`. */
static int handle_is_stale(PyObject *handle) {
    if (SLOT(handle, handle_cancelled) == Py_True) return 1;
    PyObject *loop = SLOT(handle, handle_loop);
    return loop != NULL && HostLoop_Check(loop) && ((HostLoop *)loop)->dead;
}

/* --- what tasks await --------------------------------------------------------------------------------------------- */
/* As `Task._await`, of what is a plain future. */
static int task_await(PyObject *task, PyObject *future) {
    if (SLOT(task, task_must_cancel) == Py_False) {
        PyObject *loop = field_of(future, future_loop);
        if (loop == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return -1;
            PyErr_Clear();
        }
        Py_XDECREF(loop); /* the future keeps it */
        PyObject *blocking = loop == SLOT(task, task_home) ? field_of(future, future_blocking) : Py_NewRef(Py_None);
        if (blocking == NULL) return -1;
        Py_DECREF(blocking);
        if (blocking == Py_True) {
            if (set_field(future, future_blocking, Py_False) < 0) return -1;
            Py_XSETREF(SLOT(task, task_fut_waiter), Py_NewRef(future));
            PyObject *args[3] = {future, task, SLOT(task, task_context)};
            return settled(PyObject_Vectorcall(future_add, args, 2, only_context));
        }
    }
    return settled(call1(task, s__await, future));
}

/* As `_end` and `Task._finish`: its coroutine has returned. */
static int task_ended(Core *self, PyObject *task, PyObject *value) {
    PyObject *home = SLOT(task, task_home), *ticket = PyLong_FromLong(-1);
    if (ticket == NULL) return -1;
    set_current(self, Py_None);
    Py_XSETREF(SLOT(task, task_ticket), ticket);
    if (forget_task(home) < 0) return -1;
    PyObject *tasks = PyObject_GetAttr(home, s_tasks);
    if (tasks == NULL) return -1;
    int how = forget(tasks, task);
    Py_DECREF(tasks);
    if (how < 0) return -1;
    Py_CLEAR(SLOT(task, task_send));
    Py_CLEAR(SLOT(task, task_body)); /* it holds the coroutine, which holds what it used */
    PyObject *with[2] = {task, value == NULL ? Py_None : value};
    return settled(PyObject_Vectorcall(future_set, with, 2, NULL));
}

/* --- HostLoop ----------------------------------------------------------------------------------------------------- */
/* The simulator, where its time is one that the lines below can count with; else NULL, without an exception. */
static inline Core *loop_core(HostLoop *self) {
    Core *core = (Core *)self->sim;
    return core != NULL && core->far_now == NULL && core->now_ns < (int64_t)9e15 && core->ready != NULL ? core : NULL;
}

/* 1: the host's clock is the true time, 0: it is not. */
static int runs_true(HostLoop *self) {
    if (self->host == NULL) {
        PyErr_SetString(PyExc_AttributeError, "host");
        return -1;
    }
    PyObject *clock = PyObject_GetAttr(self->host, s_clock);
    PyObject *drifts = clock == NULL ? NULL : PyObject_GetAttr(clock, s_drifts);
    Py_XDECREF(clock);
    if (drifts == NULL) return -1;
    Py_DECREF(drifts); /* it is one of the two that never die */
    return drifts == Py_False;
}

/* The Python text's way. */
static PyObject *pure(HostLoop *self, PyObject *name, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    PyObject *method = PyObject_GetAttr((PyObject *)self, name);
    if (method == NULL) return NULL;
    PyObject *result = PyObject_Vectorcall(method, args, (size_t)count, names);
    Py_DECREF(method);
    return result;
}

/* Whether no name but `context` was given; which it was. */
static inline int takes_context(PyObject *const *args, Py_ssize_t count, PyObject *names, PyObject **context) {
    static PyObject *asyncios; /* the names that it gives at each wake-up; kept, so that no others have its address */
    *context = NULL;
    if (names == NULL || !PyTuple_GET_SIZE(names)) return 1;
    if (names != asyncios) {
        PyObject *name = PyTuple_GET_ITEM(names, 0);
        if (PyTuple_GET_SIZE(names) != 1 || (name != s_context && PyUnicode_Compare(name, s_context))) return 0;
        if (asyncios == NULL && name != s_context) asyncios = Py_NewRef(names);
    }
    *context = args[count];
    return 1;
}

static PyObject *loop_call_soon(HostLoop *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    PyObject *context;
    Core *core = (Core *)self->sim;
    if (core == NULL || core->ready == NULL || count < 1 || !takes_context(args, count, names, &context))
        return pure(self, s__call_soon, args, count, names);
    if (IS(args[0], TaskClass)) { /* a task is its own callback */
        int64_t ticket = ticket_of(args[0]);
        if (ticket == -1 && PyErr_Occurred()) return NULL;
        if (ready_append(core, args[0], ticket, NULL) < 0) return NULL;
        Py_RETURN_NONE;
    }
    PyObject *handle = handle_new((PyObject *)self, args[0], tuple_of(args + 1, count - 1), context, NULL);
    if (handle != NULL && ready_append(core, handle, 0, NULL) < 0) Py_CLEAR(handle);
    return handle;
}

static PyObject *planned(HostLoop *self, Core *core, int64_t due, double when, PyObject *const *args, Py_ssize_t count,
                         PyObject *context) {
    PyObject *moment = PyFloat_FromDouble(when);
    if (moment == NULL) return NULL;
    PyObject *handle = handle_new((PyObject *)self, args[1], tuple_of(args + 2, count - 2), context, moment);
    Py_DECREF(moment);
    if (handle == NULL) return NULL;
    Py_SETREF(SLOT(handle, handle_scheduled), Py_NewRef(Py_True));
    if (core_plan(core, due, next_number(core), handle) < 0) Py_CLEAR(handle);
    return handle;
}

static PyObject *loop_call_later(HostLoop *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    PyObject *context;
    Core *core = loop_core(self);
    if (core == NULL || count < 2 || !takes_context(args, count, names, &context)) goto rare;
    double delay = 0;
    if (PyFloat_CheckExact(args[0]))
        delay = PyFloat_AS_DOUBLE(args[0]);
    else if (PyLong_CheckExact(args[0])) {
        delay = PyLong_AsDouble(args[0]);
        if (delay == -1.0 && PyErr_Occurred()) PyErr_Clear();
    }
    double wait = rint(delay * 1e9);
    if (!(delay > 0 && wait < 9e15)) goto rare; /* at once, never, or no number */
    int steady = runs_true(self);
    if (steady < 0) return NULL;
    if (!steady) goto rare;
    double when = (double)core->now_ns / 1e9 + delay;
    return planned(self, core, core->now_ns + (wait ? (int64_t)wait : 1), when, args, count, context);
rare:
    return pure(self, s__call_later, args, count, names);
}

static PyObject *loop_call_at(HostLoop *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    PyObject *context;
    Core *core = loop_core(self);
    if (core == NULL || count < 2 || !PyFloat_CheckExact(args[0])) goto rare;
    if (!takes_context(args, count, names, &context)) goto rare;
    double when = PyFloat_AS_DOUBLE(args[0]), due = rint(when * 1e9);
    if (!(due > (double)core->now_ns && due < 9e15)) goto rare;
    int steady = runs_true(self);
    if (steady < 0) return NULL;
    if (!steady) goto rare;
    if (due / 1e9 < when) due += 1;
    return planned(self, core, (int64_t)due, when, args, count, context);
rare:
    return pure(self, s__call_at, args, count, names);
}

static PyObject *loop_time(HostLoop *self, PyObject *unused) {
    Core *core = loop_core(self);
    if (core != NULL) {
        int steady = runs_true(self);
        if (steady < 0) return NULL;
        if (steady) return PyFloat_FromDouble((double)core->now_ns / 1e9);
    }
    return pure(self, s__time, NULL, 0, NULL);
}

static PyObject *loop_create_future(HostLoop *self, PyObject *unused) {
    static PyObject *nothing;
    if (nothing == NULL && (nothing = PyTuple_New(0)) == NULL) return NULL;
    if (self->itself == NULL && (self->itself = Py_BuildValue("{s:O}", "loop", self)) == NULL) return NULL;
    PyObject *future = FutureClass->tp_new(FutureClass, nothing, NULL);
    if (future != NULL && FutureClass->tp_init(future, nothing, self->itself) < 0) Py_CLEAR(future);
    return future;
}

static PyObject *loop_get_debug(HostLoop *self, PyObject *unused) {
#if PY_VERSION_HEX >= 0x030C0000 /* where tasks may be eager: see the Python text */
    Core *core = (Core *)self->sim;
    if (core != NULL && IS(core->current, TaskClass)) set_current(core, Py_None);
#endif
    if (self->debug == NULL) {
        PyErr_SetString(PyExc_AttributeError, "_debug");
        return NULL;
    }
    return Py_NewRef(self->debug);
}

static int loop_traverse(HostLoop *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->sim);
    Py_VISIT(self->host);
    Py_VISIT(self->agen_first);
    Py_VISIT(self->agen_last);
    Py_VISIT(self->debug);
    Py_VISIT(self->itself);
    return 0;
}

static int loop_clear(HostLoop *self) {
    Py_CLEAR(self->sim);
    Py_CLEAR(self->host);
    Py_CLEAR(self->agen_first);
    Py_CLEAR(self->agen_last);
    Py_CLEAR(self->debug);
    Py_CLEAR(self->itself);
    return 0;
}

static void loop_dealloc(HostLoop *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    loop_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *loop_get_sim(HostLoop *self, void *unused) {
    if (self->sim == NULL) {
        PyErr_SetString(PyExc_AttributeError, "This loop has no simulator.");
        return NULL;
    }
    return Py_NewRef(self->sim);
}

static int loop_set_sim(HostLoop *self, PyObject *sim, void *unused) {
    return set_core(&self->sim, sim, "A host's loop belongs to a Simulator.");
}

static PyMemberDef loop_members[] = {
    {"host", T_OBJECT_EX, offsetof(HostLoop, host), 0, NULL},
    {"agen_first", T_OBJECT_EX, offsetof(HostLoop, agen_first), 0, NULL},
    {"agen_last", T_OBJECT_EX, offsetof(HostLoop, agen_last), 0, NULL},
    {"_debug", T_OBJECT_EX, offsetof(HostLoop, debug), 0, NULL},
    {"held", T_BOOL, offsetof(HostLoop, held), 0, NULL},
    {"dead", T_BOOL, offsetof(HostLoop, dead), 0, NULL},
    {NULL},
};
static PyGetSetDef loop_getset[] = {
    {"sim", (getter)loop_get_sim, (setter)loop_set_sim, NULL, NULL},
    {NULL},
};
static PyMethodDef loop_methods[] = {
    {"call_soon", (PyCFunction)(void (*)(void))loop_call_soon, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"call_later", (PyCFunction)(void (*)(void))loop_call_later, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"call_at", (PyCFunction)(void (*)(void))loop_call_at, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"time", (PyCFunction)loop_time, METH_NOARGS, "The host's monotonic clock, in seconds."},
    {"create_future", (PyCFunction)loop_create_future, METH_NOARGS, NULL},
    {"get_debug", (PyCFunction)loop_get_debug, METH_NOARGS, NULL},
    {NULL},
};
static PyType_Slot loop_slots[] = {
    {Py_tp_doc, "What a `windtunnel.sim.loop.HostLoop` does for each callback."},
    {Py_tp_members, loop_members},
    {Py_tp_getset, loop_getset},
    {Py_tp_methods, loop_methods},
    {Py_tp_traverse, loop_traverse},
    {Py_tp_clear, loop_clear},
    {Py_tp_dealloc, loop_dealloc},
    {0, NULL},
};
static PyType_Spec loop_spec = {"windtunnel._native.HostLoopCore", sizeof(HostLoop), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, loop_slots};
