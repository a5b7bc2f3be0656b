/* A server with workers, a queue and a discipline: as `windtunnel.sim.servers.server`. */

typedef struct {
    Signal signal;
    PyObject *server;
    PyObject *work; /* that is left, in nanoseconds: a whole number, or a float after a change of pace */
    PyObject *priority;
    int64_t deadline_ns;
    int64_t arrived_ns;
    int64_t started_ns;
    int64_t due_ns;
    char left;
} Job;

typedef struct {
    PyObject_HEAD
    PyObject *sim;
    PyObject *silences;
    PyObject *serving; /* a dict of jobs, in the order in which they were begun */
    PyObject *discipline;
    double pace;
    int64_t accepted;
    int64_t served;
    int64_t most;
    int64_t inside;
    int64_t workers;
    Wide entered_ns;
    Wide begun_ns;
} ServerCore;

/* --- Job ---------------------------------------------------------------------------------------------------------- */
static int job_init(Job *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"server", "work_ns", "priority", "deadline_ns", NULL};
    PyObject *server, *work, *priority, *deadline;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOO", names, &server, &work, &priority, &deadline)) return -1;
    PyObject *sim = PyObject_GetAttrString(server, "sim");
    if (sim == NULL) return -1;
    if (!Core_Check(sim)) {
        Py_DECREF(sim);
        PyErr_SetString(PyExc_TypeError, "A job's server belongs to a Simulator.");
        return -1;
    }
    Py_XSETREF(self->signal.sim, sim);
    Py_XSETREF(self->server, Py_NewRef(server));
    Py_XSETREF(self->work, Py_NewRef(work));
    Py_XSETREF(self->priority, Py_NewRef(priority));
    self->arrived_ns = ((Core *)sim)->now_ns;
    self->started_ns = self->due_ns = NEVER;
    return as_ns(deadline, &self->deadline_ns);
}

static int job_traverse(Job *self, visitproc visit, void *arg) {
    Py_VISIT(self->server);
    Py_VISIT(self->work);
    Py_VISIT(self->priority);
    return signal_traverse(&self->signal, visit, arg);
}

static int job_clear(Job *self) {
    Py_CLEAR(self->server);
    Py_CLEAR(self->work);
    Py_CLEAR(self->priority);
    return signal_clear(&self->signal);
}

static void job_dealloc(Job *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    job_clear(self);
    PyMem_Free(self->signal.more);
    type->tp_free(self);
    Py_DECREF(type);
}

static int server_finish(ServerCore *self, Job *job);

static int job_run(Job *self) {
    Core *core = signal_sim(&self->signal);
    if (core == NULL) return -1;
    if (self->due_ns != core->now_ns || self->signal.done) return 0;
    if (PyObject_TypeCheck(self->server, ServerCoreType)) return server_finish((ServerCore *)self->server, self);
    return settled(call1(self->server, s__finish, (PyObject *)self));
}

static int job_run_object(PyObject *job) { return job_run((Job *)job); }
static int64_t job_due(PyObject *job) { return ((Job *)job)->due_ns; }

static PyObject *job_run_py(Job *self, PyObject *unused) {
    if (job_run(self) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyMemberDef job_members[] = {
    {"server", T_OBJECT_EX, offsetof(Job, server), 0, NULL},
    {"work_ns", T_OBJECT_EX, offsetof(Job, work), 0, NULL},
    {"priority", T_OBJECT_EX, offsetof(Job, priority), 0, NULL},
    {"deadline_ns", T_LONGLONG, offsetof(Job, deadline_ns), 0, NULL},
    {"arrived_ns", T_LONGLONG, offsetof(Job, arrived_ns), 0, NULL},
    {"started_ns", T_LONGLONG, offsetof(Job, started_ns), 0, NULL},
    {"due_ns", T_LONGLONG, offsetof(Job, due_ns), 0, NULL},
    {"left", T_BOOL, offsetof(Job, left), 0, NULL},
    {NULL},
};
static PyMethodDef job_methods[] = {{"_run", (PyCFunction)job_run_py, METH_NOARGS, NULL}, {NULL}};
static PyType_Slot job_slots[] = {
    {Py_tp_doc, "A customer of a `Server`; as `windtunnel.sim.servers.server.Job`."},
    {Py_tp_init, job_init},
    {Py_tp_members, job_members},
    {Py_tp_methods, job_methods},
    {Py_tp_traverse, job_traverse},
    {Py_tp_clear, job_clear},
    {Py_tp_dealloc, job_dealloc},
    {0, NULL},
};
static PyType_Spec job_spec = {"windtunnel._native.Job", sizeof(Job), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, job_slots};

/* --- ServerCore --------------------------------------------------------------------------------------------------- */
static Core *server_sim(ServerCore *self) {
    if (self->sim == NULL || self->silences == NULL || self->serving == NULL || self->discipline == NULL ||
        !PyDict_CheckExact(self->serving)) {
        PyErr_SetString(PyExc_RuntimeError, "This server was not made by its class.");
        return NULL;
    }
    return (Core *)self->sim;
}

/* Put the end of the job's service, as it looks now, into the heap. */
static int server_plan(ServerCore *self, Job *job) {
    Core *core = (Core *)self->sim;
    if (self->pace == 0.0) {
        job->due_ns = NEVER;
        return 0;
    }
    int64_t takes;
    if (self->pace == 1.0 && PyLong_CheckExact(job->work)) {
        if (as_ns(job->work, &takes) < 0) return -1;
    } else {
        double work = PyFloat_AsDouble(job->work);
        if (work == -1.0 && PyErr_Occurred()) return -1;
        work = rint(self->pace == 1.0 ? work : work / self->pace);
        takes = work >= 9.2e18 ? INT64_MAX : (int64_t)work;
    }
    if (overflows(core->now_ns, takes, &job->due_ns)) job->due_ns = INT64_MAX;
    return core_plan(core, job->due_ns, next_number(core), (PyObject *)job);
}

static int server_begin(ServerCore *self, Job *job) {
    Core *core = (Core *)self->sim;
    job->started_ns = core->now_ns;
    wide_add(&self->begun_ns, core->now_ns);
    if (PyDict_SetItem(self->serving, (PyObject *)job, Py_None) < 0) return -1;
    return server_plan(self, job);
}

/* The next to serve, a new reference; None where nobody waits. */
static PyObject *server_pop(ServerCore *self, int64_t now) {
    if (FifoClass != NULL && IS(self->discipline, FifoClass)) {
        PyObject *jobs = PyObject_GetAttr(self->discipline, s_jobs);
        if (jobs == NULL) return NULL;
        Py_ssize_t waiting;
        while ((waiting = PyObject_Size(jobs)) > 0) {
            PyObject *job = call0(jobs, s_popleft);
            if (job == NULL || !IS(job, JobType) || !((Job *)job)->left) {
                Py_DECREF(jobs);
                return job;
            }
            Py_DECREF(job);
        }
        Py_DECREF(jobs);
        if (waiting < 0) return NULL;
        Py_RETURN_NONE;
    }
    PyObject *moment = PyLong_FromLongLong(now);
    PyObject *drop = moment == NULL ? NULL : PyObject_GetAttr((PyObject *)self, s__drop);
    PyObject *job = drop == NULL ? NULL : PyObject_CallMethodObjArgs(self->discipline, s_pop, moment, drop, NULL);
    Py_XDECREF(moment);
    Py_XDECREF(drop);
    return job;
}

/* A worker is free: begin the next job that is still worth it. */
static int server_next(ServerCore *self) {
    int64_t now = ((Core *)self->sim)->now_ns;
    for (;;) {
        PyObject *job = server_pop(self, now);
        if (job == NULL) return -1;
        if (job == Py_None) {
            Py_DECREF(job);
            return 0;
        }
        if (!PyObject_TypeCheck(job, JobType)) {
            Py_DECREF(job);
            PyErr_SetString(PyExc_TypeError, "A discipline returns a job that it was given, or None.");
            return -1;
        }
        int begins = now < ((Job *)job)->deadline_ns;
        int how = begins ? server_begin(self, (Job *)job) : settled(call1((PyObject *)self, s__drop, job));
        Py_DECREF(job);
        if (how < 0 || begins) return how;
    }
}

static int server_finish(ServerCore *self, Job *job) {
    Core *core = server_sim(self);
    if (core == NULL) return -1;
    int64_t now = core->now_ns;
    self->served++;
    if (PyDict_DelItem(self->serving, (PyObject *)job) < 0) return -1;
    self->inside--;
    wide_add(&self->entered_ns, -now);
    wide_add(&self->begun_ns, -now);
    if (core->trace != Py_None) {
        if (note_serve((PyObject *)self, job->arrived_ns, now) < 0 ||
            settled(PyObject_CallMethodObjArgs(core->trace, s_left, self, job, s_served, NULL)) < 0)
            return -1;
    }
    if (answer(&job->signal, lost_to((PyObject *)self, self->silences, now)) < 0) return -1;
    return server_next(self);
}

/* Who is due at this very moment leaves before anything else happens. */
static int server_settle(ServerCore *self) {
    int64_t now = ((Core *)self->sim)->now_ns;
    for (;;) {
        Py_ssize_t place = 0;
        PyObject *job, *none;
        int found = 0;
        while (PyDict_Next(self->serving, &place, &job, &none))
            if (PyObject_TypeCheck(job, JobType) && ((Job *)job)->due_ns == now) {
                Py_INCREF(job);
                int how = server_finish(self, (Job *)job);
                Py_DECREF(job);
                if (how < 0) return -1;
                found = 1;
                break;
            }
        if (!found) return 0;
    }
}

static PyObject *server_serve(ServerCore *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    Core *core = server_sim(self);
    if (core == NULL) return NULL;
    PyObject *work_s = count ? args[0] : NULL, *priority = Py_False, *deadline = Py_None;
    if (count > 1) {
        PyErr_SetString(PyExc_TypeError, "serve takes work_s seconds of work; priority and deadline by keyword.");
        return NULL;
    }
    for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++) {
        PyObject *key = PyTuple_GET_ITEM(names, i);
        if (!PyUnicode_CompareWithASCIIString(key, "priority"))
            priority = args[count + i];
        else if (!PyUnicode_CompareWithASCIIString(key, "deadline"))
            deadline = args[count + i];
        else if (!PyUnicode_CompareWithASCIIString(key, "work_s") && work_s == NULL)
            work_s = args[count + i];
        else {
            PyErr_Format(PyExc_TypeError, "serve() got an unexpected keyword argument '%U'", key);
            return NULL;
        }
    }
    if (work_s == NULL) {
        PyErr_SetString(PyExc_TypeError, "serve takes work_s seconds of work.");
        return NULL;
    }
    if (PyDict_GET_SIZE(self->serving) >= self->workers && server_settle(self) < 0) return NULL;
    if (self->inside >= self->most) return raise_made(call0((PyObject *)self, s__turn_away));
    int64_t work_ns, deadline_ns = NEVER;
    PyObject *work = seconds_as_ns(work_s);
    if (work == NULL) return NULL;
    if (!PyLong_Check(work) || as_ns(work, &work_ns) < 0) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "Work is a number of seconds.");
        Py_DECREF(work);
        return NULL;
    }
    if (work_ns < 0) {
        PyObject *name = PyObject_GetAttr((PyObject *)self, s_name);
        if (name != NULL)
            PyErr_Format(PyExc_ValueError, "%S cannot do %S s of work; give 0 or more.", name, work_s);
        Py_XDECREF(name);
        Py_DECREF(work);
        return NULL;
    }
    if (deadline != Py_None) {
        PyObject *exact = seconds_as_ns(deadline);
        int bad = exact == NULL ? -1 : as_ns(exact, &deadline_ns);
        Py_XDECREF(exact);
        if (bad < 0) {
            Py_DECREF(work);
            return NULL;
        }
    }
    Job *job = (Job *)signal_new(JobType, NULL, NULL);
    if (job == NULL) {
        Py_DECREF(work);
        return NULL;
    }
    int64_t now = core->now_ns;
    job->signal.sim = Py_NewRef(core);
    job->server = Py_NewRef(self);
    job->work = work;
    job->priority = priority == Py_False ? PyLong_FromLong(0) : Py_NewRef(priority);
    job->deadline_ns = deadline_ns;
    job->arrived_ns = now;
    job->started_ns = job->due_ns = NEVER;
    int how = job->priority == NULL ? -1 : 0;
    if (how == 0 && core->trace != Py_None)
        how = settled(PyObject_CallMethodObjArgs(core->trace, s_admitted, self, job, job, NULL));
    if (how == 0) {
        self->accepted++;
        self->inside++;
        wide_add(&self->entered_ns, now);
        if (PyDict_GET_SIZE(self->serving) < self->workers)
            how = now < deadline_ns ? server_begin(self, job) : settled(call1((PyObject *)self, s__drop, (PyObject *)job));
        else if (FifoClass != NULL && IS(self->discipline, FifoClass)) {
            PyObject *jobs = PyObject_GetAttr(self->discipline, s_jobs);
            how = jobs == NULL ? -1 : settled(call1(jobs, s_append, (PyObject *)job));
            Py_XDECREF(jobs);
        } else {
            PyObject *moment = PyLong_FromLongLong(now);
            how = moment == NULL ? -1
                                 : settled(PyObject_CallMethodObjArgs(self->discipline, s_push, job, moment, NULL));
            Py_XDECREF(moment);
        }
    }
    if (how < 0) Py_CLEAR(job);
    return (PyObject *)job;
}

static Job *checked_job(PyObject *job) {
    if (PyObject_TypeCheck(job, JobType)) return (Job *)job;
    PyErr_SetString(PyExc_TypeError, "This is no job.");
    return NULL;
}

#define FOR_A_JOB(method)                                                                                              \
    static PyObject *server_##method##_py(ServerCore *self, PyObject *job) {                                           \
        if (server_sim(self) == NULL || checked_job(job) == NULL || server_##method(self, (Job *)job) < 0) return NULL; \
        Py_RETURN_NONE;                                                                                                \
    }
FOR_A_JOB(plan)
FOR_A_JOB(begin)
FOR_A_JOB(finish)

static PyObject *server_settle_py(ServerCore *self, PyObject *unused) {
    if (server_sim(self) == NULL || server_settle(self) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *server_next_py(ServerCore *self, PyObject *unused) {
    if (server_sim(self) == NULL || server_next(self) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *server_get_sim(ServerCore *self, void *unused) {
    if (self->sim == NULL) {
        PyErr_SetString(PyExc_AttributeError, "This server has no simulator.");
        return NULL;
    }
    return Py_NewRef(self->sim);
}

static int server_set_sim(ServerCore *self, PyObject *sim, void *unused) {
    return set_core(&self->sim, sim, "A server belongs to a Simulator.");
}

static int server_traverse(ServerCore *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->sim);
    Py_VISIT(self->silences);
    Py_VISIT(self->serving);
    Py_VISIT(self->discipline);
    return 0;
}

static int server_clear(ServerCore *self) {
    Py_CLEAR(self->sim);
    Py_CLEAR(self->silences);
    Py_CLEAR(self->serving);
    Py_CLEAR(self->discipline);
    return 0;
}

static void server_dealloc(ServerCore *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    server_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef server_members[] = {
    {"_silences", T_OBJECT_EX, offsetof(ServerCore, silences), 0, NULL},
    {"_serving", T_OBJECT_EX, offsetof(ServerCore, serving), 0, NULL},
    {"discipline", T_OBJECT_EX, offsetof(ServerCore, discipline), 0, NULL},
    {"_pace", T_DOUBLE, offsetof(ServerCore, pace), 0, NULL},
    {"_accepted", T_LONGLONG, offsetof(ServerCore, accepted), 0, NULL},
    {"_served", T_LONGLONG, offsetof(ServerCore, served), 0, NULL},
    {"_most", T_LONGLONG, offsetof(ServerCore, most), 0, NULL},
    {"_inside", T_LONGLONG, offsetof(ServerCore, inside), 0, NULL},
    {"workers", T_LONGLONG, offsetof(ServerCore, workers), 0, NULL},
    {NULL},
};
static PyGetSetDef server_getset[] = {
    {"sim", (getter)server_get_sim, (setter)server_set_sim, NULL, NULL},
    {"_entered_ns", (getter)get_wide, (setter)set_wide, NULL, (void *)offsetof(ServerCore, entered_ns)},
    {"_begun_ns", (getter)get_wide, (setter)set_wide, NULL, (void *)offsetof(ServerCore, begun_ns)},
    {NULL},
};
static PyMethodDef server_methods[] = {
    {"serve", (PyCFunction)(void (*)(void))server_serve, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"submit", (PyCFunction)(void (*)(void))server_serve, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"_begin", (PyCFunction)server_begin_py, METH_O, NULL},
    {"_plan", (PyCFunction)server_plan_py, METH_O, NULL},
    {"_finish", (PyCFunction)server_finish_py, METH_O, NULL},
    {"_settle", (PyCFunction)server_settle_py, METH_NOARGS, NULL},
    {"_next", (PyCFunction)server_next_py, METH_NOARGS, NULL},
    {NULL},
};
static PyType_Slot server_slots[] = {
    {Py_tp_doc, "Who is served by a `windtunnel.sim.servers.server.Server`, and who waits."},
    {Py_tp_new, fifo_new},
    {Py_tp_methods, server_methods},
    {Py_tp_members, server_members},
    {Py_tp_getset, server_getset},
    {Py_tp_traverse, server_traverse},
    {Py_tp_clear, server_clear},
    {Py_tp_dealloc, server_dealloc},
    {0, NULL},
};
static PyType_Spec server_spec = {"windtunnel._native.ServerCore", sizeof(ServerCore), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, server_slots};
