/* What is ready, and what stands in the heap: structs, where the pure tier has tuples in a deque and a list. */

/* --- Line: a ring of turns ---------------------------------------------------------------------------------------- */
static int line_grow(Line *self) {
    Py_ssize_t room = self->room ? self->room * 2 : 64;
    Turn *turns = PyMem_New(Turn, room);
    if (turns == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < self->count; i++) turns[i] = self->turns[(self->head + i) & (self->room - 1)];
    PyMem_Free(self->turns);
    self->turns = turns;
    self->head = 0;
    self->room = room;
    return 0;
}

static int line_append(Line *self, PyObject *thing, int64_t number, PyObject *error) {
    if (self->count == self->room && line_grow(self) < 0) return -1;
    Turn *turn = &self->turns[(self->head + self->count++) & (self->room - 1)];
    turn->thing = Py_NewRef(thing);
    turn->error = Py_XNewRef(error);
    turn->number = number;
    return 0;
}

/* The references are the caller's. */
static Turn line_popleft(Line *self) {
    Turn turn = self->turns[self->head];
    self->head = (self->head + 1) & (self->room - 1);
    self->count--;
    return turn;
}

static PyObject *turn_as_tuple(Turn *turn) {
    return Py_BuildValue("OLO", turn->thing, (long long)turn->number, turn->error == NULL ? Py_None : turn->error);
}

static void turn_drop(Turn *turn) {
    Py_DECREF(turn->thing);
    Py_XDECREF(turn->error);
}

static int line_append_tuple(Line *self, PyObject *turn) {
    if (!PyTuple_CheckExact(turn) || PyTuple_GET_SIZE(turn) != 3) {
        PyErr_SetString(PyExc_TypeError, "A turn is a thing, a number and an exception or None.");
        return -1;
    }
    long long number = PyLong_AsLongLong(PyTuple_GET_ITEM(turn, 1));
    if (number == -1 && PyErr_Occurred()) return -1;
    PyObject *error = PyTuple_GET_ITEM(turn, 2);
    return line_append(self, PyTuple_GET_ITEM(turn, 0), number, error == Py_None ? NULL : error);
}

static PyObject *line_append_py(Line *self, PyObject *turn) {
    if (line_append_tuple(self, turn) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *line_extend_py(Line *self, PyObject *turns) {
    PyObject *all = PySequence_List(turns);
    if (all == NULL) return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(all); i++)
        if (line_append_tuple(self, PyList_GET_ITEM(all, i)) < 0) {
            Py_DECREF(all);
            return NULL;
        }
    Py_DECREF(all);
    Py_RETURN_NONE;
}

static PyObject *line_popleft_py(Line *self, PyObject *unused) {
    if (!self->count) {
        PyErr_SetString(PyExc_IndexError, "Nothing is ready.");
        return NULL;
    }
    Turn turn = line_popleft(self);
    PyObject *found = turn_as_tuple(&turn);
    turn_drop(&turn);
    return found;
}

static PyObject *line_pop_py(Line *self, PyObject *unused) {
    if (!self->count) {
        PyErr_SetString(PyExc_IndexError, "Nothing is ready.");
        return NULL;
    }
    Turn turn = self->turns[(self->head + --self->count) & (self->room - 1)];
    PyObject *found = turn_as_tuple(&turn);
    turn_drop(&turn);
    return found;
}

static int line_clear(Line *self) {
    while (self->count) {
        Turn turn = line_popleft(self);
        turn_drop(&turn);
    }
    return 0;
}

static PyObject *line_clear_py(Line *self, PyObject *unused) {
    line_clear(self);
    Py_RETURN_NONE;
}

static PyObject *line_iter(Line *self) {
    PyObject *all = PyList_New(0);
    if (all == NULL) return NULL;
    for (Py_ssize_t i = 0; i < self->count; i++) {
        PyObject *turn = turn_as_tuple(&self->turns[(self->head + i) & (self->room - 1)]);
        if (turn == NULL || PyList_Append(all, turn) < 0) {
            Py_XDECREF(turn);
            Py_DECREF(all);
            return NULL;
        }
        Py_DECREF(turn);
    }
    PyObject *iterator = PyObject_GetIter(all);
    Py_DECREF(all);
    return iterator;
}

static Py_ssize_t line_len(Line *self) { return self->count; }

static int line_traverse(Line *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    for (Py_ssize_t i = 0; i < self->count; i++) {
        Turn *turn = &self->turns[(self->head + i) & (self->room - 1)];
        Py_VISIT(turn->thing);
        Py_VISIT(turn->error);
    }
    return 0;
}

static void line_dealloc(Line *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    line_clear(self);
    PyMem_Free(self->turns);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef line_methods[] = {
    {"append", (PyCFunction)line_append_py, METH_O, "Put a turn at the end."},
    {"extend", (PyCFunction)line_extend_py, METH_O, "Put turns at the end."},
    {"popleft", (PyCFunction)line_popleft_py, METH_NOARGS, "Take the first turn."},
    {"pop", (PyCFunction)line_pop_py, METH_NOARGS, "Take the last turn."},
    {"clear", (PyCFunction)line_clear_py, METH_NOARGS, "Forget all turns."},
    {NULL},
};

static PyType_Slot line_slots[] = {
    {Py_tp_doc, "Who goes on at this moment, in what order."},
    {Py_tp_methods, line_methods},
    {Py_tp_iter, line_iter},
    {Py_sq_length, line_len},
    {Py_tp_traverse, line_traverse},
    {Py_tp_clear, line_clear},
    {Py_tp_dealloc, line_dealloc},
    {0, NULL},
};
static PyType_Spec line_spec = {"windtunnel._native.Line", sizeof(Line), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                                line_slots};

/* --- Agenda: the heap --------------------------------------------------------------------------------------------- */
static inline int sooner(const Entry *a, const Entry *b) {
    return a->when < b->when || (a->when == b->when && a->number < b->number);
}

/* Takes the reference of `entry.thing`. */
static void agenda_sift_down(Agenda *self, Py_ssize_t hole, Entry entry) {
    Entry *entries = self->entries;
    Py_ssize_t count = self->count, child;
    while ((child = 2 * hole + 1) < count) {
        if (child + 1 < count && sooner(&entries[child + 1], &entries[child])) child++;
        if (sooner(&entry, &entries[child])) break;
        entries[hole] = entries[child];
        hole = child;
    }
    entries[hole] = entry;
}

static int agenda_push(Agenda *self, int64_t when, int64_t number, PyObject *thing) {
    if (self->count == self->room) {
        Py_ssize_t room = self->room ? self->room * 2 : 256;
        Entry *entries = self->entries;
        PyMem_Resize(entries, Entry, room);
        if (entries == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        self->entries = entries;
        self->room = room;
    }
    Entry *entries = self->entries, entry = {when, number, Py_NewRef(thing)};
    Py_ssize_t hole = self->count++;
    while (hole > 0) {
        Py_ssize_t parent = (hole - 1) >> 1;
        if (sooner(&entries[parent], &entry)) break;
        entries[hole] = entries[parent];
        hole = parent;
    }
    entries[hole] = entry;
    return 0;
}

/* The smallest entry leaves; its reference is the caller's. */
static Entry agenda_pop(Agenda *self) {
    Entry top = self->entries[0];
    Entry last = self->entries[--self->count];
    if (self->count) agenda_sift_down(self, 0, last);
    return top;
}

static void agenda_drop_top(Agenda *self) {
    if (self->count) {
        Entry top = agenda_pop(self);
        Py_DECREF(top.thing);
    }
}

static PyObject *entry_as_tuple(Entry *entry) {
    return Py_BuildValue("LLO", (long long)entry->when, (long long)entry->number, entry->thing);
}

static PyObject *agenda_item(Agenda *self, Py_ssize_t i) {
    if (i < 0 || i >= self->count) {
        PyErr_SetString(PyExc_IndexError, "There are not so many entries.");
        return NULL;
    }
    return entry_as_tuple(&self->entries[i]);
}

static Py_ssize_t agenda_len(Agenda *self) { return self->count; }

static PyObject *agenda_iter(Agenda *self) {
    PyObject *all = self->far == NULL ? PyList_New(0) : PySequence_List(self->far);
    if (all == NULL) return NULL;
    for (Py_ssize_t i = 0; i < self->count; i++) {
        PyObject *entry = entry_as_tuple(&self->entries[i]);
        if (entry == NULL || PyList_Append(all, entry) < 0) {
            Py_XDECREF(entry);
            Py_DECREF(all);
            return NULL;
        }
        Py_DECREF(entry);
    }
    PyObject *iterator = PyObject_GetIter(all);
    Py_DECREF(all);
    return iterator;
}

static int agenda_clear(Agenda *self) {
    while (self->count) Py_DECREF(self->entries[--self->count].thing);
    Py_CLEAR(self->far);
    return 0;
}

static PyObject *agenda_clear_py(Agenda *self, PyObject *unused) {
    agenda_clear(self);
    Py_RETURN_NONE;
}

static int agenda_traverse(Agenda *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->far);
    for (Py_ssize_t i = 0; i < self->count; i++) Py_VISIT(self->entries[i].thing);
    return 0;
}

static void agenda_dealloc(Agenda *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    agenda_clear(self);
    PyMem_Free(self->entries);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef agenda_methods[] = {
    {"clear", (PyCFunction)agenda_clear_py, METH_NOARGS, "Forget everything."},
    {NULL},
};

static PyType_Slot agenda_slots[] = {
    {Py_tp_doc, "What happens at moments to come: a heap of (when, number, thing)."},
    {Py_tp_methods, agenda_methods},
    {Py_tp_iter, agenda_iter},
    {Py_sq_length, agenda_len},
    {Py_sq_item, agenda_item},
    {Py_tp_traverse, agenda_traverse},
    {Py_tp_clear, agenda_clear},
    {Py_tp_dealloc, agenda_dealloc},
    {0, NULL},
};
static PyType_Spec agenda_spec = {"windtunnel._native.Agenda", sizeof(Agenda), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, agenda_slots};

/* --- Numbers: 1, 2, 3, ... ---------------------------------------------------------------------------------------- */
static PyObject *numbers_next(Numbers *self) { return PyLong_FromLongLong(++self->last); }

static void numbers_dealloc(Numbers *self) {
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot numbers_slots[] = {
    {Py_tp_doc, "Counts what is scheduled."},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, numbers_next},
    {Py_tp_dealloc, numbers_dealloc},
    {0, NULL},
};
static PyType_Spec numbers_spec = {"windtunnel._native.Numbers", sizeof(Numbers), 0, Py_TPFLAGS_DEFAULT, numbers_slots};
