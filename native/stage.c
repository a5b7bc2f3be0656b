/* What designs ask their stage for at each request: as `windtunnel.lab.stage.SimStage`. */

typedef struct {
    PyObject_HEAD
    PyObject *sim;
} StageCore;

static Core *stage_sim(StageCore *self) {
    if (self->sim != NULL && Core_Check(self->sim)) return (Core *)self->sim;
    PyErr_SetString(PyExc_AttributeError, "This stage has no simulator.");
    return NULL;
}

static PyObject *stage_clock(StageCore *self, PyObject *unused) {
    Core *sim = stage_sim(self);
    return sim == NULL ? NULL : core_get_seconds(sim, NULL);
}

static PyObject *stage_signal(StageCore *self, PyObject *unused) {
    Core *sim = stage_sim(self);
    return sim == NULL ? NULL : core_signal(sim, NULL, 0, NULL);
}

static PyObject *stage_luck(StageCore *self, PyObject *args, PyObject *kwargs) {
    Core *sim = stage_sim(self);
    return sim == NULL ? NULL : core_luck(sim, args, kwargs);
}

static PyObject *stage_request(StageCore *self, void *unused) {
    Core *sim = stage_sim(self);
    return sim == NULL ? NULL : core_get_request(sim, NULL);
}

static int stage_traverse(StageCore *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->sim);
    return 0;
}

static int stage_clear(StageCore *self) {
    Py_CLEAR(self->sim);
    return 0;
}

static void stage_dealloc(StageCore *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    stage_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef stage_members[] = {{"_sim", T_OBJECT_EX, offsetof(StageCore, sim), 0, NULL}, {NULL}};
static PyGetSetDef stage_getset[] = {
    {"request", (getter)stage_request, NULL, "The id of the request that is being served; -1 outside of one.", NULL},
    {NULL},
};
static PyMethodDef stage_methods[] = {
    {"clock", (PyCFunction)stage_clock, METH_NOARGS, "Seconds of virtual time since the stage was made."},
    {"signal", (PyCFunction)stage_signal, METH_NOARGS,
     "Something that happens once: `set()` it, await it, ask whether it is `done()`."},
    {"luck", (PyCFunction)(void (*)(void))stage_luck, METH_VARARGS | METH_KEYWORDS,
     "A component's stream of luck for the request that is being served."},
    {NULL},
};
static PyType_Slot stage_slots[] = {
    {Py_tp_doc, "What a `windtunnel.lab.stage.SimStage` is asked for at each request."},
    {Py_tp_members, stage_members},
    {Py_tp_getset, stage_getset},
    {Py_tp_methods, stage_methods},
    {Py_tp_traverse, stage_traverse},
    {Py_tp_clear, stage_clear},
    {Py_tp_dealloc, stage_dealloc},
    {0, NULL},
};
static PyType_Spec stage_spec = {"windtunnel._native.StageCore", sizeof(StageCore), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, stage_slots};
