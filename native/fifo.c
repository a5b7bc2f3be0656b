/* A first-come-first-served server: as `windtunnel.sim.servers.fifo`. */

/* --- sums of moments ---------------------------------------------------------------------------------------------- */
static inline void wide_add(Wide *sum, int64_t amount) {
    uint64_t before = sum->low;
    sum->low += (uint64_t)amount;
    sum->high += (amount < 0 ? -1 : 0) + (sum->low < before ? 1 : 0);
}

static PyObject *wide_as_int(Wide sum) {
    PyObject *high = PyLong_FromLongLong(sum.high), *low = PyLong_FromUnsignedLongLong(sum.low);
    PyObject *shift = PyLong_FromLong(64), *result = NULL;
    if (high != NULL && low != NULL && shift != NULL) {
        PyObject *shifted = PyNumber_Lshift(high, shift);
        if (shifted != NULL) result = PyNumber_Add(shifted, low);
        Py_XDECREF(shifted);
    }
    Py_XDECREF(high);
    Py_XDECREF(low);
    Py_XDECREF(shift);
    return result;
}

static int wide_from_int(PyObject *number, Wide *out) {
    PyObject *shift = PyLong_FromLong(64), *mask = PyLong_FromUnsignedLongLong(UINT64_MAX), *high = NULL, *low = NULL;
    int how = -1;
    if (shift == NULL || mask == NULL) goto done;
    high = PyNumber_Rshift(number, shift);
    low = PyNumber_And(number, mask);
    if (high == NULL || low == NULL) goto done;
    out->high = PyLong_AsLongLong(high);
    out->low = PyLong_AsUnsignedLongLong(low);
    how = PyErr_Occurred() ? -1 : 0;
done:
    Py_XDECREF(shift);
    Py_XDECREF(mask);
    Py_XDECREF(high);
    Py_XDECREF(low);
    return how;
}

/* --- Customer: departure, number, start, work, waiter, as the pure tier's list of five ---------------------------- */
static PyObject *customer_item(Customer *self, Py_ssize_t i) {
    switch (i) {
    case 0:
        return PyLong_FromLongLong(self->departure);
    case 1:
        return PyLong_FromLongLong(self->number);
    case 2:
        return PyLong_FromLongLong(self->start);
    case 3:
        return self->work == NULL ? PyLong_FromLongLong(self->work_ns) : Py_NewRef(self->work);
    case 4:
        return Py_NewRef(self->waiter == NULL ? Py_None : self->waiter);
    default:
        PyErr_SetString(PyExc_IndexError, "A customer has five fields.");
        return NULL;
    }
}

static int customer_set_item(Customer *self, Py_ssize_t i, PyObject *value) {
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "A field of a customer cannot be deleted.");
        return -1;
    }
    switch (i) {
    case 0:
        return as_ns(value, &self->departure);
    case 2:
        return as_ns(value, &self->start);
    case 3:
        Py_XSETREF(self->work, Py_NewRef(value));
        return 0;
    case 4:
        if (value == Py_None)
            Py_CLEAR(self->waiter);
        else
            Py_XSETREF(self->waiter, Py_NewRef(value));
        return 0;
    default:
        PyErr_SetString(PyExc_IndexError, "This field of a customer does not change.");
        return -1;
    }
}

static Py_ssize_t customer_len(Customer *self) { return 5; }

static int customer_traverse(Customer *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->waiter);
    Py_VISIT(self->work);
    return 0;
}

static int customer_clear(Customer *self) {
    Py_CLEAR(self->waiter);
    Py_CLEAR(self->work);
    return 0;
}

#define FREE_CUSTOMERS 256
static Customer *free_customers[FREE_CUSTOMERS];
static int free_customer_count;

static void customer_dealloc(Customer *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    customer_clear(self);
    if (free_customer_count < FREE_CUSTOMERS)
        free_customers[free_customer_count++] = self;
    else
        PyObject_GC_Del(self);
    Py_DECREF(type);
}

static Customer *customer_new(void) {
    Customer *self;
    if (free_customer_count) {
        self = free_customers[--free_customer_count];
        Py_INCREF(CustomerType);
        _Py_NewReference((PyObject *)self);
    } else if ((self = PyObject_GC_New(Customer, CustomerType)) == NULL)
        return NULL;
    self->waiter = self->work = NULL;
    PyObject_GC_Track(self);
    return self;
}

static PyType_Slot customer_slots[] = {
    {Py_tp_doc, "A customer inside: departure, number, start, work and waiter."},
    {Py_sq_item, customer_item},
    {Py_sq_ass_item, customer_set_item},
    {Py_sq_length, customer_len},
    {Py_tp_traverse, customer_traverse},
    {Py_tp_clear, customer_clear},
    {Py_tp_dealloc, customer_dealloc},
    {0, NULL},
};
static PyType_Spec customer_spec = {"windtunnel._native.Customer", sizeof(Customer), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                    customer_slots};

/* --- FifoCore: who is inside, by departure ------------------------------------------------------------------------ */
static inline int leaves_first(Customer *a, Customer *b) {
    return a->departure < b->departure || (a->departure == b->departure && a->number < b->number);
}

static inline int is_line(FifoCore *self) { return self->workers == 1; }

static Customer *fifo_at(FifoCore *self, Py_ssize_t i) {
    return is_line(self) ? self->line[(self->head + i) & (self->room - 1)] : self->line[i];
}

static int fifo_grow(FifoCore *self) {
    Py_ssize_t room = self->room ? self->room * 2 : 16;
    Customer **line = PyMem_New(Customer *, room);
    if (line == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < self->count; i++) line[i] = fifo_at(self, i);
    PyMem_Free(self->line);
    self->line = line;
    self->head = 0;
    self->room = room;
    return 0;
}

static void crowd_sift_down(FifoCore *self, Py_ssize_t hole, Customer *customer) {
    Py_ssize_t child;
    while ((child = 2 * hole + 1) < self->count) {
        if (child + 1 < self->count && leaves_first(self->line[child + 1], self->line[child])) child++;
        if (leaves_first(customer, self->line[child])) break;
        self->line[hole] = self->line[child];
        hole = child;
    }
    self->line[hole] = customer;
}

/* Takes the reference. */
static int fifo_enter(FifoCore *self, Customer *customer) {
    if (self->count == self->room && fifo_grow(self) < 0) return -1;
    if (is_line(self)) {
        self->line[(self->head + self->count++) & (self->room - 1)] = customer;
        return 0;
    }
    Py_ssize_t hole = self->count++;
    while (hole > 0) {
        Py_ssize_t parent = (hole - 1) >> 1;
        if (leaves_first(self->line[parent], customer)) break;
        self->line[hole] = self->line[parent];
        hole = parent;
    }
    self->line[hole] = customer;
    return 0;
}

/* Let go of those who have left; how many remain. */
static Py_ssize_t fifo_depart(FifoCore *self, int64_t now) {
    if (is_line(self)) {
        while (self->count && self->line[self->head]->departure <= now) {
            Customer *gone = self->line[self->head];
            self->head = (self->head + 1) & (self->room - 1);
            self->count--;
            Py_DECREF(gone);
        }
    } else
        while (self->count && self->line[0]->departure <= now) {
            Customer *gone = self->line[0], *last = self->line[--self->count];
            if (self->count) crowd_sift_down(self, 0, last);
            Py_DECREF(gone);
        }
    return self->count;
}

/* The worker that was free first is busy until then. */
static void fifo_occupy(FifoCore *self, int64_t until) {
    int64_t *free_ns = self->free_ns;
    Py_ssize_t hole = 0, child;
    while ((child = 2 * hole + 1) < self->workers) {
        if (child + 1 < self->workers && free_ns[child + 1] < free_ns[child]) child++;
        if (until <= free_ns[child]) break;
        free_ns[hole] = free_ns[child];
        hole = child;
    }
    free_ns[hole] = until;
}

static Core *fifo_sim(FifoCore *self) {
    if (self->sim == NULL || self->free_ns == NULL || self->silences == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "This server was not made by its class.");
        return NULL;
    }
    return (Core *)self->sim;
}

/* `_note("serve", name, "first second")` of a server. */
static int note_serve(PyObject *server, int64_t first, int64_t second) {
    PyObject *name = PyObject_GetAttr(server, s_name);
    PyObject *said = PyUnicode_FromFormat("%lld %lld", (long long)first, (long long)second);
    int how = name == NULL || said == NULL
                  ? -1
                  : settled(PyObject_CallMethodObjArgs(server, s__note, s_serve, name, said, NULL));
    Py_XDECREF(name);
    Py_XDECREF(said);
    return how;
}

/* What a server's answer of that moment is lost to: a new reference, or None; NULL where that fails. */
static PyObject *lost_to(PyObject *server, PyObject *silences, int64_t at) {
    int silent = PyObject_IsTrue(silences);
    if (silent < 0) return NULL;
    if (!silent) Py_RETURN_NONE;
    PyObject *moment = PyLong_FromLongLong(at);
    PyObject *error = moment == NULL ? NULL : call1(server, s_unanswered, moment);
    Py_XDECREF(moment);
    return error;
}

/* Let a customer's signal happen, or fail with that. Takes the reference. */
static int answer(Signal *signal, PyObject *error) {
    if (error == NULL) return -1;
    int how = signal_settle(signal, error == Py_None ? Py_None : NULL, error == Py_None ? NULL : error);
    Py_DECREF(error);
    return how;
}

/* A new reference to who came in, or NULL. */
static Customer *fifo_admit(FifoCore *self, PyObject *work, PyObject *waiter) {
    Core *core = fifo_sim(self);
    if (core == NULL) return NULL;
    int64_t now = core->now_ns, work_ns;
    if (fifo_depart(self, now) >= self->most) {
        raise_made(call0((PyObject *)self, s__turn_away));
        return NULL;
    }
    PyObject *exact = PyLong_CheckExact(work) ? Py_NewRef(work) : PyNumber_Long(work);
    if (exact == NULL) return NULL;
    int bad = as_ns(exact, &work_ns);
    Py_DECREF(exact);
    if (bad < 0) return NULL;
    if (work_ns < 0) {
        PyObject *name = PyObject_GetAttr((PyObject *)self, s_name);
        if (name != NULL) PyErr_Format(PyExc_ValueError, "%S cannot do %S ns of work; give 0 or more.", name, work);
        Py_XDECREF(name);
        return NULL;
    }
    int64_t start = self->free_ns[0] < now ? now : self->free_ns[0], departure;
    if (self->plain) {
        if (overflows(start, work_ns, &departure)) departure = INT64_MAX;
    } else if (start >= NEVER || self->pace == 0.0)
        departure = NEVER;
    else {
        double takes = rint((double)work_ns / self->pace);
        departure = takes >= (double)(NEVER - start) ? NEVER : start + (int64_t)takes;
    }
    Customer *customer = customer_new();
    if (customer == NULL) return NULL;
    customer->departure = departure;
    customer->start = start;
    customer->work_ns = work_ns;
    customer->number = ++self->accepted;
    customer->waiter = Py_NewRef(waiter);
    wide_add(&self->busy_ns, departure - start);
    wide_add(&self->inside_ns, departure - now);
    Py_INCREF(customer);
    if (fifo_enter(self, customer) < 0) {
        Py_DECREF(customer);
        Py_DECREF(customer);
        return NULL;
    }
    fifo_occupy(self, departure);
    if (core->trace != Py_None) {
        if (note_serve((PyObject *)self, customer->number, departure) < 0 ||
            settled(PyObject_CallMethodObjArgs(core->trace, s_admitted, self, customer, waiter, NULL)) < 0) {
            Py_DECREF(customer);
            return NULL;
        }
    }
    return customer;
}

/* `_admit`, also where somebody has put another in its place for this server. */
static Customer *fifo_ask(FifoCore *self, PyObject *seconds, PyObject *waiter) {
    PyObject *work = seconds_as_ns(seconds);
    if (work == NULL) return NULL;
    Customer *customer;
    if (!self->watched)
        customer = fifo_admit(self, work, waiter);
    else {
        PyObject *found = PyObject_CallMethodObjArgs((PyObject *)self, s__admit, work, waiter, NULL);
        if (found != NULL && !IS(found, CustomerType)) {
            PyErr_SetString(PyExc_TypeError, "_admit returns the customer that it admitted.");
            Py_CLEAR(found);
        }
        customer = (Customer *)found;
    }
    Py_DECREF(work);
    return customer;
}

static PyObject *fifo_admit_py(FifoCore *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "_admit takes work and a waiter.");
        return NULL;
    }
    return (PyObject *)fifo_admit(self, args[0], args[1]);
}

static PyObject *departure_make(FifoCore *server) {
    Departure *self = (Departure *)signal_new(DepartureType, NULL, NULL);
    if (self == NULL) return NULL;
    self->signal.sim = Py_NewRef(server->sim);
    self->server = Py_NewRef(server);
    self->due_ns = self->planned_ns = NEVER;
    return (PyObject *)self;
}

/* One argument, by place or by its name. */
static PyObject *only_work(PyObject *const *args, Py_ssize_t count, PyObject *names) {
    Py_ssize_t given = count + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    if (given == 1 && (count || !PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "work_s"))) return args[0];
    PyErr_SetString(PyExc_TypeError, "A server is asked for work_s seconds of work.");
    return NULL;
}

static PyObject *fifo_submit(FifoCore *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    PyObject *work_s = only_work(args, count, names);
    if (work_s == NULL || fifo_sim(self) == NULL) return NULL;
    PyObject *departure = departure_make(self);
    if (departure == NULL) return NULL;
    Customer *customer = fifo_ask(self, work_s, departure);
    if (customer == NULL) {
        Py_DECREF(departure);
        return NULL;
    }
    ((Departure *)departure)->due_ns = customer->departure;
    Py_DECREF(customer);
    return departure;
}

static PyObject *fifo_serve(FifoCore *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    PyObject *work_s = only_work(args, count, names);
    return work_s == NULL || fifo_sim(self) == NULL ? NULL : wait_new(SERVICE, (PyObject *)self, work_s, 0);
}

static PySendResult service_begin(Wait *self, PyObject **result) {
    FifoCore *server = (FifoCore *)self->of;
    Core *core = (Core *)server->sim;
    if (core->current != Py_None && server->pace != 0.0) {
        Customer *customer = fifo_ask(server, self->exact, core->current);
        if (customer == NULL) {
            self->state = OVER;
            return PYGEN_ERROR;
        }
        self->inner = (PyObject *)customer;
        *result = PyLong_FromLongLong(customer->departure - core->now_ns);
        return *result == NULL ? PYGEN_ERROR : PYGEN_NEXT;
    }
    PyObject *departure = PyObject_CallMethodOneArg((PyObject *)server, s_submit, self->exact);
    if (departure == NULL) {
        self->state = OVER;
        return PYGEN_ERROR;
    }
    PyObject *inner = wait_new(SIGNAL, departure, NULL, 0);
    Py_DECREF(departure);
    return wait_over(self, wait_delegate(self, inner, result), result);
}

static PySendResult service_end(Wait *self, PyObject **result) {
    FifoCore *server = (FifoCore *)self->of;
    *result = lost_to((PyObject *)server, server->silences, ((Customer *)self->inner)->departure);
    if (*result == Py_None) return PYGEN_RETURN;
    raise_made(*result);
    *result = NULL;
    return PYGEN_ERROR;
}

/* An exception comes in while it is served. */
static void service_given_up(Wait *self) {
    FifoCore *server = (FifoCore *)self->of;
    Core *core = (Core *)server->sim;
    Customer *customer = (Customer *)self->inner;
    PyObject *waiter = customer == NULL ? NULL : Py_XNewRef(customer->waiter);
    if (customer != NULL) Py_CLEAR(customer->waiter);
    if (core->trace != Py_None && waiter != NULL) {
        if (settled(call1(core->trace, s_gave_up, waiter)) < 0) PyErr_WriteUnraisable(core->trace);
    }
    Py_XDECREF(waiter);
}

static PyObject *fifo_depart_py(FifoCore *self, PyObject *unused) {
    Core *core = fifo_sim(self);
    return core == NULL ? NULL : PyLong_FromSsize_t(fifo_depart(self, core->now_ns));
}

static PyObject *fifo_inside(FifoCore *self, void *unused) { return fifo_depart_py(self, NULL); }

static int by_arrival(const void *a, const void *b) {
    int64_t first = (*(Customer *const *)a)->number, second = (*(Customer *const *)b)->number;
    return (first > second) - (first < second);
}

static PyObject *fifo_in_order_of_arrival(FifoCore *self, PyObject *unused) {
    PyObject *all = PyList_New(self->count);
    if (all == NULL) return NULL;
    for (Py_ssize_t i = 0; i < self->count; i++) PyList_SET_ITEM(all, i, Py_NewRef(fifo_at(self, i)));
    if (!is_line(self) && self->count > 1) /* references only change places */
        qsort(((PyListObject *)all)->ob_item, (size_t)self->count, sizeof(PyObject *), by_arrival);
    return all;
}

static PyObject *fifo_reorder(FifoCore *self, PyObject *unused) {
    if (!is_line(self))
        for (Py_ssize_t i = self->count / 2; i-- > 0;) crowd_sift_down(self, i, self->line[i]);
    Py_RETURN_NONE;
}

static int fifo_let_go(FifoCore *self) {
    while (self->count) {
        Customer *gone = fifo_at(self, --self->count);
        Py_DECREF(gone);
    }
    return 0;
}

static PyObject *fifo_empty(FifoCore *self, PyObject *unused) {
    fifo_let_go(self);
    Py_RETURN_NONE;
}

static PyObject *fifo_get_free(FifoCore *self, void *unused) {
    PyObject *all = PyList_New(self->workers);
    for (Py_ssize_t i = 0; all != NULL && i < self->workers; i++) {
        PyObject *moment = PyLong_FromLongLong(self->free_ns[i]);
        if (moment == NULL)
            Py_CLEAR(all);
        else
            PyList_SET_ITEM(all, i, moment);
    }
    return all;
}

/* A list that is a heap already. */
static int fifo_set_free(FifoCore *self, PyObject *all, void *unused) {
    if (all == NULL || !PyList_Check(all) || !PyList_GET_SIZE(all)) {
        PyErr_SetString(PyExc_TypeError, "_free_ns is a list with a moment for each worker.");
        return -1;
    }
    Py_ssize_t workers = PyList_GET_SIZE(all);
    if (self->workers && self->workers != workers) {
        PyErr_SetString(PyExc_ValueError, "The number of workers does not change.");
        return -1;
    }
    if (self->free_ns == NULL && (self->free_ns = PyMem_New(int64_t, workers)) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->workers = workers;
    for (Py_ssize_t i = 0; i < workers; i++)
        if (as_ns(PyList_GET_ITEM(all, i), &self->free_ns[i]) < 0) return -1;
    return 0;
}

/* A sum of moments at an offset, of either kind of server. */
static PyObject *get_wide(PyObject *self, void *offset) { return wide_as_int(*(Wide *)((char *)self + (size_t)offset)); }

static int set_wide(PyObject *self, PyObject *number, void *offset) {
    if (number == NULL || !PyLong_Check(number)) {
        PyErr_SetString(PyExc_TypeError, "It is a whole number of nanoseconds.");
        return -1;
    }
    return wide_from_int(number, (Wide *)((char *)self + (size_t)offset));
}

static int fifo_set_sim(FifoCore *self, PyObject *sim, void *unused) {
    return set_core(&self->sim, sim, "A server belongs to a Simulator.");
}

static PyObject *fifo_get_sim(FifoCore *self, void *unused) {
    return fifo_sim(self) == NULL ? NULL : Py_NewRef(self->sim);
}

static PyObject *fifo_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) { return type->tp_alloc(type, 0); }

static int fifo_traverse(FifoCore *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->sim);
    Py_VISIT(self->silences);
    for (Py_ssize_t i = 0; i < self->count; i++) Py_VISIT(fifo_at(self, i));
    return 0;
}

static int fifo_clear(FifoCore *self) {
    fifo_let_go(self);
    Py_CLEAR(self->sim);
    Py_CLEAR(self->silences);
    return 0;
}

static void fifo_dealloc(FifoCore *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    fifo_clear(self);
    PyMem_Free(self->line);
    PyMem_Free(self->free_ns);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef fifo_members[] = {
    {"_silences", T_OBJECT_EX, offsetof(FifoCore, silences), 0, NULL},
    {"_pace", T_DOUBLE, offsetof(FifoCore, pace), 0, NULL},
    {"_accepted", T_LONGLONG, offsetof(FifoCore, accepted), 0, NULL},
    {"_most", T_LONGLONG, offsetof(FifoCore, most), 0, NULL},
    {"_plain", T_BOOL, offsetof(FifoCore, plain), 0, NULL},
    {"_watched", T_BOOL, offsetof(FifoCore, watched), 0, NULL},
    {NULL},
};
static PyGetSetDef fifo_getset[] = {
    {"sim", (getter)fifo_get_sim, (setter)fifo_set_sim, NULL, NULL},
    {"inside", (getter)fifo_inside, NULL, NULL, NULL},
    {"_free_ns", (getter)fifo_get_free, (setter)fifo_set_free, NULL, NULL},
    {"_inside_ns", (getter)get_wide, (setter)set_wide, NULL, (void *)offsetof(FifoCore, inside_ns)},
    {"_busy_ns", (getter)get_wide, (setter)set_wide, NULL, (void *)offsetof(FifoCore, busy_ns)},
    {NULL},
};
static PyMethodDef fifo_methods[] = {
    {"serve", (PyCFunction)(void (*)(void))fifo_serve, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"submit", (PyCFunction)(void (*)(void))fifo_submit, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"_admit", (PyCFunction)(void (*)(void))fifo_admit_py, METH_FASTCALL, NULL},
    {"_depart", (PyCFunction)fifo_depart_py, METH_NOARGS, NULL},
    {"_in_order_of_arrival", (PyCFunction)fifo_in_order_of_arrival, METH_NOARGS, NULL},
    {"_reorder", (PyCFunction)fifo_reorder, METH_NOARGS, NULL},
    {"_empty", (PyCFunction)fifo_empty, METH_NOARGS, NULL},
    {NULL},
};
static PyType_Slot fifo_slots[] = {
    {Py_tp_doc, "Who is inside of a `windtunnel.sim.servers.fifo.FifoServer`, and when each leaves."},
    {Py_tp_new, fifo_new},
    {Py_tp_methods, fifo_methods},
    {Py_tp_members, fifo_members},
    {Py_tp_getset, fifo_getset},
    {Py_tp_traverse, fifo_traverse},
    {Py_tp_clear, fifo_clear},
    {Py_tp_dealloc, fifo_dealloc},
    {0, NULL},
};
static PyType_Spec fifo_spec = {"windtunnel._native.FifoCore", sizeof(FifoCore), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, fifo_slots};

/* --- Departure ---------------------------------------------------------------------------------------------------- */
static int departure_init(Departure *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"server", NULL};
    PyObject *server;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!", names, FifoCoreType, &server)) return -1;
    if (fifo_sim((FifoCore *)server) == NULL) return -1;
    Py_XSETREF(self->signal.sim, Py_NewRef(((FifoCore *)server)->sim));
    Py_XSETREF(self->server, Py_NewRef(server));
    self->due_ns = self->planned_ns = NEVER;
    return 0;
}

static PyObject *departure_error(Departure *self) {
    return lost_to(self->server, ((FifoCore *)self->server)->silences, self->due_ns);
}

static int departure_run(Departure *self) { return answer(&self->signal, departure_error(self)); }

static int departure_plan(Departure *self) {
    if (!self->signal.waiting || self->due_ns >= NEVER || self->planned_ns == self->due_ns) return 0;
    self->planned_ns = self->due_ns;
    Core *core = (Core *)self->signal.sim;
    return core_plan(core, self->due_ns, next_number(core), (PyObject *)self);
}

/* Its moment may have come without anybody having waited for it. */
static int departure_look(Departure *self) {
    if (self->signal.done || self->due_ns > ((Core *)self->signal.sim)->now_ns) return 0;
    PyObject *error = departure_error(self);
    if (error == NULL) return -1;
    self->signal.done = 1;
    if (error == Py_None)
        Py_CLEAR(self->signal.error);
    else
        Py_XSETREF(self->signal.error, Py_NewRef(error));
    Py_DECREF(error);
    return 0;
}

static PyObject *departure_done(Departure *self, PyObject *unused) {
    return PyBool_FromLong(self->signal.done || self->due_ns <= ((Core *)self->signal.sim)->now_ns);
}

static PyObject *departure_result(Departure *self, PyObject *unused) {
    return departure_look(self) < 0 ? NULL : signal_result(&self->signal, NULL);
}

static PyObject *departure_exception(Departure *self, PyObject *unused) {
    return departure_look(self) < 0 ? NULL : signal_exception(&self->signal, NULL);
}

static PyObject *departure_describe(Departure *self, PyObject *unused) {
    PyObject *name = PyObject_GetAttr(self->server, s_name);
    PyObject *text = name == NULL ? NULL : PyUnicode_FromFormat("a departure from %S", name);
    Py_XDECREF(name);
    return text;
}

static PyObject *departure_add_waiter(Departure *self, PyObject *args, PyObject *kwargs) {
    PyObject *none = signal_add_waiter(&self->signal, args, kwargs);
    if (none == NULL) return NULL;
    int how = self->due_ns <= ((Core *)self->signal.sim)->now_ns ? departure_run(self) : departure_plan(self);
    if (how == 0) return none;
    Py_DECREF(none);
    return NULL;
}

static PyObject *departure_plan_py(Departure *self, PyObject *unused) {
    if (departure_plan(self) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *departure_run_py(Departure *self, PyObject *unused) {
    if (departure_run(self) < 0) return NULL;
    Py_RETURN_NONE;
}

static int departure_traverse(Departure *self, visitproc visit, void *arg) {
    Py_VISIT(self->server);
    return signal_traverse(&self->signal, visit, arg);
}

static int departure_clear(Departure *self) {
    Py_CLEAR(self->server);
    return signal_clear(&self->signal);
}

static void departure_dealloc(Departure *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    departure_clear(self);
    PyMem_Free(self->signal.more);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef departure_members[] = {
    {"server", T_OBJECT_EX, offsetof(Departure, server), 0, NULL},
    {"due_ns", T_LONGLONG, offsetof(Departure, due_ns), 0, NULL},
    {"_planned_ns", T_LONGLONG, offsetof(Departure, planned_ns), 0, NULL},
    {NULL},
};
static PyMethodDef departure_methods[] = {
    {"done", (PyCFunction)departure_done, METH_NOARGS, NULL},
    {"result", (PyCFunction)departure_result, METH_NOARGS, NULL},
    {"exception", (PyCFunction)departure_exception, METH_NOARGS, NULL},
    {"describe", (PyCFunction)departure_describe, METH_NOARGS, NULL},
    {"_add_waiter", (PyCFunction)(void (*)(void))departure_add_waiter, METH_VARARGS | METH_KEYWORDS, NULL},
    {"_plan", (PyCFunction)departure_plan_py, METH_NOARGS, NULL},
    {"_run", (PyCFunction)departure_run_py, METH_NOARGS, NULL},
    {NULL},
};
static PyType_Slot departure_slots[] = {
    {Py_tp_doc, "A customer of a FIFO server, for whoever wants to hold it."},
    {Py_tp_init, departure_init},
    {Py_tp_methods, departure_methods},
    {Py_tp_members, departure_members},
    {Py_tp_traverse, departure_traverse},
    {Py_tp_clear, departure_clear},
    {Py_tp_dealloc, departure_dealloc},
    {0, NULL},
};
static PyType_Spec departure_spec = {"windtunnel._native.Departure", sizeof(Departure), 0,
                                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, departure_slots};
