/* The requests of a run: as `windtunnel.lab.running.drive_sim.Drive._feed`, `_begin` and `_ended`. */

typedef struct {
    PyObject_HEAD
    PyObject *sim;
    PyObject *recorder;
    PyObject *waiting; /* a dict of requests that are under way, by id */
    PyObject *over;
    PyObject *methods; /* of the recorder, read when the first request is sent */
    PyObject *events;
    int64_t origin_ns;
    int64_t left;
} DriveCore;

typedef struct {
    PyObject_HEAD
    PyObject *drive;
    PyObject *op;
    PyObject *due;
    PyObject *start;
    PyObject *ended; /* or None */
    PyObject *answer;
} Ended;

typedef struct {
    PyObject_HEAD
    PyObject *drive;
    PyObject *ops;
    PyObject *sender;
    Py_ssize_t next;
    char waited;
    char over;
} Feed;

/* Fields of windtunnel.lab.history.Op. */
enum { OP_AT, OP_CLIENT, OP_NAME, OP_ARGS, OP_ID, OP_THINK, OP_FIELDS };

static PyObject *drive_now(DriveCore *self) {
    int64_t passed = ((Core *)self->sim)->now_ns - self->origin_ns;
    if (passed > -((int64_t)1 << 53) && passed < ((int64_t)1 << 53)) return PyFloat_FromDouble((double)passed / 1e9);
    PyObject *whole = PyLong_FromLongLong(passed), *second = PyLong_FromLong(1000000000);
    PyObject *now = whole == NULL || second == NULL ? NULL : PyNumber_TrueDivide(whole, second);
    Py_XDECREF(whole);
    Py_XDECREF(second);
    return now;
}

static int drive_count(DriveCore *self, PyObject *ended) {
    self->left--;
    if (ended != Py_None && settled(call0(ended, s_set)) < 0) return -1;
    return self->left ? 0 : settled(call0(self->over, s_set));
}

/* The request was answered: an event, as `Recorder.returned` writes it. Borrows. */
static int drive_returned(DriveCore *self, PyObject *op, PyObject *due, PyObject *start, PyObject *value) {
    PyObject *end = drive_now(self);
    if (end == NULL) return -1;
    PyObject *event = EventClass->tp_alloc(EventClass, 9);
    if (event == NULL) {
        Py_DECREF(end);
        return -1;
    }
    PyTuple_SET_ITEM(event, 0, Py_NewRef(PyTuple_GET_ITEM(op, OP_CLIENT)));
    PyTuple_SET_ITEM(event, 1, Py_NewRef(PyTuple_GET_ITEM(op, OP_NAME)));
    PyTuple_SET_ITEM(event, 2, Py_NewRef(PyTuple_GET_ITEM(op, OP_ARGS)));
    PyTuple_SET_ITEM(event, 3, Py_NewRef(start));
    PyTuple_SET_ITEM(event, 4, end);
    PyTuple_SET_ITEM(event, 5, Py_NewRef(s_ok));
    PyTuple_SET_ITEM(event, 6, Py_NewRef(value));
    PyTuple_SET_ITEM(event, 7, Py_NewRef(due));
    PyTuple_SET_ITEM(event, 8, Py_NewRef(PyTuple_GET_ITEM(op, OP_ID)));
    int how = PyList_Append(self->events, event);
    Py_DECREF(event);
    return how;
}

static int drive_raised(DriveCore *self, PyObject *op, PyObject *due, PyObject *start, PyObject *end, PyObject *error) {
    return settled(PyObject_CallMethodObjArgs(self->recorder, s_raised, op, due, start, end, error, NULL));
}

static int drive_ready(DriveCore *self) {
    if (self->methods != NULL) return 0;
    if (self->sim == NULL || self->recorder == NULL || self->waiting == NULL || self->over == NULL ||
        !Core_Check(self->sim)) {
        PyErr_SetString(PyExc_RuntimeError, "This drive was not made by its class.");
        return -1;
    }
    PyObject *events = PyObject_GetAttrString(self->recorder, "events");
    PyObject *methods = events == NULL ? NULL : PyObject_GetAttrString(self->recorder, "methods");
    if (methods == NULL || !PyList_CheckExact(events) || !PyDict_CheckExact(methods)) {
        if (methods != NULL) PyErr_SetString(PyExc_TypeError, "A recorder has a list of events and a dict of methods.");
        Py_XDECREF(events);
        Py_XDECREF(methods);
        return -1;
    }
    self->events = events;
    self->methods = methods;
    return 0;
}

static PyObject *ended_make(DriveCore *drive, PyObject *op, PyObject *due, PyObject *start, PyObject *ended,
                            PyObject *answer) {
    Ended *self = PyObject_GC_New(Ended, EndedType);
    if (self == NULL) return NULL;
    self->drive = Py_NewRef(drive);
    self->op = Py_NewRef(op);
    self->due = Py_NewRef(due);
    self->start = Py_NewRef(start);
    self->ended = Py_NewRef(ended);
    self->answer = Py_NewRef(answer);
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

/* Send a request. Borrows; `sender` is the process that does it. */
static int drive_begin(DriveCore *self, PyObject *op, PyObject *due, PyObject *sender, PyObject *ended) {
    Core *core = (Core *)self->sim;
    if (drive_ready(self) < 0) return -1;
    PyObject *start = drive_now(self), *id = PyTuple_GET_ITEM(op, OP_ID);
    if (start == NULL) return -1;
    int how = -1;
    PyObject *found = NULL;
    if (IS(sender, ProcessType)) {
        long long request = PyLong_AsLongLong(id);
        if (request == -1 && PyErr_Occurred()) goto done;
        ((Process *)sender)->request = request; /* what the method starts inherits it */
    } else if (PyObject_SetAttr(sender, s_request, id) < 0)
        goto done;
    PyObject *method = PyDict_GetItemWithError(self->methods, PyTuple_GET_ITEM(op, OP_NAME));
    if (method == NULL) {
        if (!PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, PyTuple_GET_ITEM(op, OP_NAME));
    } else {
        PyObject *args = PyTuple_GET_ITEM(op, OP_ARGS);
        Py_INCREF(method);
        found = PyTuple_Check(args) ? PyObject_Call(method, args, NULL) : PyObject_CallFunctionObjArgs(method, args, NULL);
        Py_DECREF(method);
        if (found != NULL && PyCoro_CheckExact(found)) {
            /* A task of the clients' own host; raises Crashed where that is down. */
            PyObject *task = PyObject_CallMethodObjArgs((PyObject *)self, s__start, found,
                                                        PyTuple_GET_ITEM(op, OP_NAME), id, NULL);
            Py_SETREF(found, task);
        }
    }
    if (found == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_Exception)) goto done;
        PyObject *error = caught();
        how = drive_raised(self, op, due, start, start, error);
        Py_DECREF(error);
        if (how == 0) how = drive_count(self, ended);
        goto done;
    }
    int is_future = 0;
    if (!Signal_Check(found)) {
        is_future = IS(found, TaskClass) || IS(found, FutureClass) ? 1 : PyObject_IsInstance(found, (PyObject *)FutureClass);
        if (is_future < 0) goto done;
    }
    if (Signal_Check(found) || is_future) {
        PyObject *call = ended_make(self, op, due, start, ended, found);
        if (call == NULL) goto done;
        if (PyDict_SetItem(self->waiting, id, call) == 0) {
            Signal *signal = (Signal *)found;
            if ((IS_PLAIN(found) || IS(found, DepartureType)) && !signal->done &&
                core->loop == Py_None) {
                how = signal_add(signal, call, BY_KERNEL, 0, NULL, NULL);
                if (how == 0 && IS(found, DepartureType))
                    how = ((Departure *)found)->due_ns <= core->now_ns ? departure_run((Departure *)found)
                                                                       : departure_plan((Departure *)found);
            } else
                how = settled(call1(found, s_add_done_callback, call));
        }
        Py_DECREF(call);
    } else {
        how = drive_returned(self, op, due, start, found);
        if (how == 0) how = drive_count(self, ended);
    }
done:
    Py_XDECREF(found);
    Py_DECREF(start);
    return how;
}

static PyObject *drive_begin_py(DriveCore *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 4 || !PyTuple_Check(args[0]) || PyTuple_GET_SIZE(args[0]) < 6) {
        PyErr_SetString(PyExc_TypeError, "_begin takes an Op, a time, a sender and a signal or None.");
        return NULL;
    }
    if (drive_begin(self, args[0], args[1], args[2], args[3]) < 0) return NULL;
    Py_RETURN_NONE;
}

/* --- Ended: a request is over ------------------------------------------------------------------------------------- */
static int ended_run(PyObject *object) {
    Ended *self = (Ended *)object;
    DriveCore *drive = (DriveCore *)self->drive;
    PyObject *id = PyTuple_GET_ITEM(self->op, OP_ID), *answer = self->answer;
    PyObject *mine = PyDict_GetItemWithError(drive->waiting, id);
    if (mine == NULL) return PyErr_Occurred() ? -1 : 0; /* the run ended first */
    Py_INCREF(object);
    int how = -1;
    PyObject *error = NULL, *value = NULL;
    if (PyDict_DelItem(drive->waiting, id) < 0) goto done;
    if ((IS_PLAIN(answer) || IS(answer, DepartureType)) && ((Signal *)answer)->done) {
        error = Py_XNewRef(((Signal *)answer)->error);
        if (error == NULL) value = Py_NewRef(((Signal *)answer)->value);
    } else {
        if (!Signal_Check(answer)) {
            PyObject *cancelled = PyObject_CallMethod(answer, "cancelled", NULL);
            if (cancelled == NULL) goto done;
            int yes = PyObject_IsTrue(cancelled);
            Py_DECREF(cancelled);
            if (yes < 0) goto done;
            if (yes && (error = PyObject_CallNoArgs(CancelledError)) == NULL) goto done;
        }
        if (error == NULL) {
            error = PyObject_CallMethod(answer, "exception", NULL);
            if (error == NULL) goto done;
            if (error == Py_None) {
                Py_CLEAR(error);
                if ((value = call0(answer, s_result)) == NULL) goto done;
            }
        }
    }
    if (error == NULL)
        how = drive_returned(drive, self->op, self->due, self->start, value);
    else {
        PyObject *end = drive_now(drive);
        if (end == NULL) goto done;
        how = drive_raised(drive, self->op, self->due, self->start, end, error);
        Py_DECREF(end);
        if (how < 0) {
            /* Loops only report what a callback raises: end the run, and raise there. */
            PyObject *stop = caught();
            how = settled(call1((PyObject *)drive, s__stops, stop));
            Py_DECREF(stop);
        }
    }
    if (how == 0) how = drive_count(drive, self->ended);
done:
    Py_XDECREF(error);
    Py_XDECREF(value);
    Py_DECREF(object);
    return how;
}

static PyObject *ended_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (ended_run(self) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *ended_run_py(PyObject *self, PyObject *unused) { return ended_call(self, NULL, NULL); }

/* For who walks over the requests that are under way: op, due, start, ended. */
static PyObject *ended_iter(Ended *self) {
    PyObject *four = PyTuple_Pack(4, self->op, self->due, self->start, self->ended);
    PyObject *iterator = four == NULL ? NULL : PyObject_GetIter(four);
    Py_XDECREF(four);
    return iterator;
}

static int ended_traverse(Ended *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->drive);
    Py_VISIT(self->op);
    Py_VISIT(self->due);
    Py_VISIT(self->start);
    Py_VISIT(self->ended);
    Py_VISIT(self->answer);
    return 0;
}

static int ended_clear(Ended *self) {
    Py_CLEAR(self->answer); /* the rest is what it needs to be called, and no cycle goes through that alone */
    return 0;
}

static void ended_dealloc(Ended *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_CLEAR(self->drive);
    Py_CLEAR(self->op);
    Py_CLEAR(self->due);
    Py_CLEAR(self->start);
    Py_CLEAR(self->ended);
    Py_CLEAR(self->answer);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyMethodDef ended_methods[] = {{"_run", (PyCFunction)ended_run_py, METH_NOARGS, NULL}, {NULL}};
static PyType_Slot ended_slots[] = {
    {Py_tp_doc, "Writes the event of a request when it is over."},
    {Py_tp_methods, ended_methods},
    {Py_tp_call, ended_call},
    {Py_tp_iter, ended_iter},
    {Py_tp_traverse, ended_traverse},
    {Py_tp_clear, ended_clear},
    {Py_tp_dealloc, ended_dealloc},
    {0, NULL},
};
static PyType_Spec ended_spec = {"windtunnel._native.Ended", sizeof(Ended), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                 ended_slots};

/* --- Feed: the open loop ------------------------------------------------------------------------------------------ */
static PyObject *drive_feed(DriveCore *self, PyObject *ops) {
    if (!PyList_CheckExact(ops)) {
        PyErr_SetString(PyExc_TypeError, "The requests of a run are a list.");
        return NULL;
    }
    Feed *feed = PyObject_GC_New(Feed, FeedType);
    if (feed == NULL) return NULL;
    feed->drive = Py_NewRef(self);
    feed->ops = Py_NewRef(ops);
    feed->sender = NULL;
    feed->next = 0;
    feed->waited = feed->over = 0;
    PyObject_GC_Track(feed);
    return (PyObject *)feed;
}

static PySendResult feed_send(Feed *self, PyObject *value, PyObject **result) {
    *result = NULL;
    DriveCore *drive = (DriveCore *)self->drive;
    if (self->over || drive == NULL || drive->sim == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
        return PYGEN_ERROR;
    }
    Core *core = (Core *)drive->sim;
    if (self->sender == NULL) self->sender = Py_NewRef(core->current);
    while (self->next < PyList_GET_SIZE(self->ops)) {
        PyObject *op = PyList_GET_ITEM(self->ops, self->next);
        if (!PyTuple_Check(op) || PyTuple_GET_SIZE(op) < 6) {
            PyErr_SetString(PyExc_TypeError, "A request is an Op.");
            goto failed;
        }
        PyObject *at = PyTuple_GET_ITEM(op, OP_AT);
        if (!self->waited) {
            PyObject *due = seconds_as_ns(at);
            int64_t due_ns, wait;
            int bad = due == NULL ? -1 : as_ns(due, &due_ns);
            Py_XDECREF(due);
            if (bad < 0) goto failed;
            if (overflows(drive->origin_ns, due_ns, &wait)) wait = INT64_MAX;
            wait -= core->now_ns;
            if (wait > 0) {
                self->waited = 1;
                *result = PyLong_FromLongLong(wait);
                if (*result == NULL) goto failed;
                return PYGEN_NEXT;
            }
        }
        self->waited = 0;
        self->next++;
        Py_INCREF(op);
        int how = drive_begin(drive, op, at, self->sender, Py_None);
        Py_DECREF(op);
        if (how < 0) goto failed;
    }
    self->over = 1;
    *result = Py_NewRef(Py_None);
    return PYGEN_RETURN;
failed:
    self->over = 1;
    return PYGEN_ERROR;
}

static PyObject *feed_next(Feed *self) {
    PyObject *result;
    PySendResult how = feed_send(self, Py_None, &result);
    if (how == PYGEN_RETURN) Py_CLEAR(result);
    return result;
}

static PyObject *feed_throw(Feed *self, PyObject *error) {
    self->over = 1;
    return raise_thrown(&error, 1);
}

static PyObject *feed_close(Feed *self, PyObject *unused) {
    self->over = 1;
    Py_RETURN_NONE;
}

static int feed_traverse(Feed *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->drive);
    Py_VISIT(self->ops);
    Py_VISIT(self->sender);
    return 0;
}

static int feed_clear(Feed *self) {
    self->over = 1;
    Py_CLEAR(self->sender);
    return 0;
}

static void feed_dealloc(Feed *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_CLEAR(self->drive);
    Py_CLEAR(self->ops);
    Py_CLEAR(self->sender);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyMethodDef feed_methods[] = {
    {"throw", (PyCFunction)feed_throw, METH_O, NULL},
    {"close", (PyCFunction)feed_close, METH_NOARGS, NULL},
    {NULL},
};
static PyType_Slot feed_slots[] = {
    {Py_tp_doc, "Sends each request when it is due, whatever became of those before."},
    {Py_tp_methods, feed_methods},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, feed_next},
    {Py_am_await, PyObject_SelfIter},
    {Py_am_send, feed_send},
    {Py_tp_traverse, feed_traverse},
    {Py_tp_clear, feed_clear},
    {Py_tp_dealloc, feed_dealloc},
    {0, NULL},
};
static PyType_Spec feed_spec = {"windtunnel._native.Feed", sizeof(Feed), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, feed_slots};

/* --- DriveCore ---------------------------------------------------------------------------------------------------- */
static PyObject *drive_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) { return type->tp_alloc(type, 0); }

static int drive_traverse(DriveCore *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->sim);
    Py_VISIT(self->recorder);
    Py_VISIT(self->waiting);
    Py_VISIT(self->over);
    Py_VISIT(self->methods);
    Py_VISIT(self->events);
    return 0;
}

static int drive_clear(DriveCore *self) {
    Py_CLEAR(self->sim);
    Py_CLEAR(self->recorder);
    Py_CLEAR(self->waiting);
    Py_CLEAR(self->over);
    Py_CLEAR(self->methods);
    Py_CLEAR(self->events);
    return 0;
}

static void drive_dealloc(DriveCore *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    drive_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef drive_members[] = {
    {"sim", T_OBJECT_EX, offsetof(DriveCore, sim), 0, NULL},
    {"recorder", T_OBJECT_EX, offsetof(DriveCore, recorder), 0, NULL},
    {"_waiting", T_OBJECT_EX, offsetof(DriveCore, waiting), 0, NULL},
    {"_over", T_OBJECT_EX, offsetof(DriveCore, over), 0, NULL},
    {"origin_ns", T_LONGLONG, offsetof(DriveCore, origin_ns), 0, NULL},
    {"_left", T_LONGLONG, offsetof(DriveCore, left), 0, NULL},
    {NULL},
};
static PyMethodDef drive_methods[] = {
    {"_feed", (PyCFunction)drive_feed, METH_O, NULL},
    {"_begin", (PyCFunction)(void (*)(void))drive_begin_py, METH_FASTCALL, NULL},
    {NULL},
};
static PyType_Slot drive_slots[] = {
    {Py_tp_doc, "Sends the requests of a `windtunnel.lab.running.drive_sim.Drive`."},
    {Py_tp_new, drive_new},
    {Py_tp_members, drive_members},
    {Py_tp_methods, drive_methods},
    {Py_tp_traverse, drive_traverse},
    {Py_tp_clear, drive_clear},
    {Py_tp_dealloc, drive_dealloc},
    {0, NULL},
};
static PyType_Spec drive_spec = {"windtunnel._native.DriveCore", sizeof(DriveCore), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, drive_slots};
