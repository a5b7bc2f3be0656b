/* The compiled tier under the tunnel. One translation unit: the parts call one another for each event. */
#include "common.h"
#include "agenda.c"
#include "signals.c"
#include "kernel.c"
#include "fifo.c"
#include "server.c"
#include "drive.c"

/* The offset of a slot of a Python class. */
static Py_ssize_t slot_of(PyObject *type, const char *name) {
    PyObject *found = PyObject_GetAttrString(type, name);
    if (found == NULL) return -1;
    Py_ssize_t offset = -1;
    if (IS(found, &PyMemberDescr_Type))
        offset = ((PyMemberDescrObject *)found)->d_member->offset;
    else
        PyErr_Format(PyExc_TypeError, "%s is no slot.", name);
    Py_DECREF(found);
    return offset;
}

/* What the loop has to know of the Python side, told once when that is imported. */
static PyObject *learn(PyObject *module, PyObject *args, PyObject *kwargs) {
    PyObject *of = NULL, *unused = PyTuple_New(0);
    if (unused == NULL || !PyArg_ParseTupleAndKeywords(unused, NULL, "", (char *[]){NULL})) return NULL;
    Py_DECREF(unused);
    if (kwargs == NULL) Py_RETURN_NONE;
    Py_ssize_t place = 0;
    PyObject *key;
    while (PyDict_Next(kwargs, &place, &key, &of)) {
        const char *name = PyUnicode_AsUTF8(key);
        if (name == NULL) return NULL;
        if (!strcmp(name, "Stop"))
            Py_XSETREF(Stop, Py_NewRef(of));
        else if (!strcmp(name, "CancelledError"))
            Py_XSETREF(CancelledError, Py_NewRef(of));
        else if (!strcmp(name, "Handle"))
            Py_XSETREF(HandleClass, (PyTypeObject *)Py_NewRef(of));
        else if (!strcmp(name, "Future"))
            Py_XSETREF(FutureClass, (PyTypeObject *)Py_NewRef(of));
        else if (!strcmp(name, "Event"))
            Py_XSETREF(EventClass, (PyTypeObject *)Py_NewRef(of));
        else if (!strcmp(name, "Fifo"))
            Py_XSETREF(FifoClass, (PyTypeObject *)Py_NewRef(of));
        else if (!strcmp(name, "request_of_task"))
            Py_XSETREF(request_of_task, Py_NewRef(of));
        else if (!strcmp(name, "current_tasks"))
            Py_XSETREF(current_tasks, Py_NewRef(of));
        else if (!strcmp(name, "is_stale"))
            Py_XSETREF(is_stale, Py_NewRef(of));
        else if (!strcmp(name, "heappush"))
            Py_XSETREF(heappush, Py_NewRef(of));
        else if (!strcmp(name, "Task")) {
            Py_XSETREF(TaskClass, (PyTypeObject *)Py_NewRef(of));
            if ((task_ticket = slot_of(of, "_ticket")) < 0 || (task_home = slot_of(of, "_home")) < 0 ||
                (task_send = slot_of(of, "_send")) < 0 || (task_fut_waiter = slot_of(of, "_fut_waiter")) < 0 ||
                (task_body = slot_of(of, "_body")) < 0 || (task_context = slot_of(of, "_context")) < 0)
                return NULL;
        } else {
            PyErr_Format(PyExc_TypeError, "There is nothing to learn of %s.", name);
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"learn", (PyCFunction)(void (*)(void))learn, METH_VARARGS | METH_KEYWORDS,
     "Tell the loop of the classes that it meets."},
    {NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_native", "The tunnel's loop, compiled; `windtunnel.sim.tier` says when it runs.", -1, methods,
};

static int add(PyObject *module, const char *name, PyTypeObject **type, PyType_Spec *spec, PyTypeObject *base) {
    PyObject *made = PyType_FromSpecWithBases(spec, (PyObject *)base);
    if (made == NULL) return -1;
    *type = (PyTypeObject *)made;
    return PyModule_AddObjectRef(module, name, made);
}

PyMODINIT_FUNC PyInit__native(void) {
#define INTERN(name)                                                                                                   \
    if ((s_##name = PyUnicode_InternFromString(#name)) == NULL) return NULL;
    NAMES(INTERN)
    if ((empty_text = PyUnicode_InternFromString("")) == NULL) return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) return NULL;
    if (PyModule_AddIntConstant(module, "INTERFACE", INTERFACE) < 0 || add(module, "Line", &LineType, &line_spec, NULL) < 0 || add(module, "Agenda", &AgendaType, &agenda_spec, NULL) < 0 ||
        add(module, "Numbers", &NumbersType, &numbers_spec, NULL) < 0 ||
        add(module, "Core", &CoreType, &core_spec, NULL) < 0 || add(module, "Signal", &SignalType, &signal_spec, NULL) < 0 ||
        add(module, "Process", &ProcessType, &process_spec, SignalType) < 0 ||
        add(module, "Timer", &TimerType, &timer_spec, NULL) < 0 || add(module, "Wait", &WaitType, &wait_spec, NULL) < 0 ||
        add(module, "Customer", &CustomerType, &customer_spec, NULL) < 0 ||
        add(module, "FifoCore", &FifoCoreType, &fifo_spec, NULL) < 0 ||
        add(module, "Departure", &DepartureType, &departure_spec, SignalType) < 0 ||
        add(module, "Job", &JobType, &job_spec, SignalType) < 0 ||
        add(module, "ServerCore", &ServerCoreType, &server_spec, NULL) < 0 ||
        add(module, "Ended", &EndedType, &ended_spec, NULL) < 0 || add(module, "Feed", &FeedType, &feed_spec, NULL) < 0 ||
        add(module, "DriveCore", &DriveCoreType, &drive_spec, NULL) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
