/* The compiled tier under the tunnel. One translation unit: the parts call one another for each event. */
#include "common.h"
#include "agenda.c"
#include "signals.c"
#include "kernel.c"
#include "host.c"
#include "fifo.c"
#include "server.c"
#include "drive.c"
#include "luck.c"
#include "stage.c"
#include "tally.c"
#include "limiter.c"
#include "hashing.c"
#include "sketches.c"
#include "policies.c"
#include "cache.c"

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

/* What the loop has to know of the Python side: told by name, once, when that is imported. */
static const struct {
    const char *name;
    PyObject **place;
} lessons[] = {
    {"Arrival", (PyObject **)&ArrivalClass},
    {"Cache", (PyObject **)&CacheClass},
    {"CancelledError", &CancelledError},
    {"Decision", (PyObject **)&DecisionClass},
    {"Entry", (PyObject **)&EntryClass},
    {"Event", (PyObject **)&EventClass},
    {"Fifo", (PyObject **)&FifoClass},
    {"Future", (PyObject **)&FutureClass},
    {"Gcra", (PyObject **)&GcraClass},
    {"Handle", (PyObject **)&HandleClass},
    {"Op", (PyObject **)&OpClass},
    {"Random", &RandomClass},
    {"Stop", &Stop},
    {"Task", (PyObject **)&TaskClass},
    {"TokenBucket", (PyObject **)&TokenBucketClass},
    {"bucket_decides", &bucket_decides},
    {"bucket_idles", &bucket_idles},
    {"current_tasks", &current_tasks},
    {"gcra_decides", &gcra_decides},
    {"gcra_idles", &gcra_idles},
    {"heappush", &heappush},
    {"running_loop", &running_loop},
    {"set_running_loop", &set_running_loop},
    {"sleep_over", &sleep_over_function},
    {"mersenne_bits", &mersenne_bits},
    {"mersenne_random", &mersenne_random},
    {"normal_magic", &normal_magic_number},
    {"is_stale", &is_stale},
    {"request_of_task", &request_of_task},
    {"take_plainly", &take_plainly},
    {"bloom_add", &bloom_add_text},
    {"bloom_contains", &bloom_contains_text},
    {"bloom_places", &bloom_places},
    {"cache_get", &cache_get_text},
    {"cache_set", &cache_set_text},
    {"count_min_add", &count_min_add_text},
    {"count_min_cells", &count_min_cells},
    {"count_min_estimate", &count_min_estimate_text},
    {"hyperloglog_add", &hyperloglog_add_text},
    {"hyperloglog_put", &hyperloglog_put},
    {"stable_hash", &stable_hash},
    {NULL, NULL},
};

static int learn_slots(PyObject *task) {
    return (task_ticket = slot_of(task, "_ticket")) < 0 || (task_home = slot_of(task, "_home")) < 0 ||
                   (task_send = slot_of(task, "_send")) < 0 || (task_fut_waiter = slot_of(task, "_fut_waiter")) < 0 ||
                   (task_body = slot_of(task, "_body")) < 0 || (task_context = slot_of(task, "_context")) < 0 ||
                   (task_must_cancel = slot_of(task, "_must_cancel")) < 0 || (task_due = slot_of(task, "_due")) < 0
               ? -1
               : 0;
}

static PyObject *learn(PyObject *module, PyObject *args, PyObject *told) {
    PyObject *name, *of;
    Py_ssize_t place = 0;
    while (told != NULL && PyDict_Next(told, &place, &name, &of)) {
        int i = 0;
        while (lessons[i].name != NULL && PyUnicode_CompareWithASCIIString(name, lessons[i].name)) i++;
        if (lessons[i].name == NULL) {
            PyErr_Format(PyExc_TypeError, "There is nothing to learn of %U.", name);
            return NULL;
        }
        if (lessons[i].place == (PyObject **)&TaskClass && learn_slots(of) < 0) return NULL;
        if (lessons[i].place == (PyObject **)&FutureClass && learn_future(of) < 0) return NULL;
        Py_XSETREF(*lessons[i].place, Py_NewRef(of));
    }
    if (normal_magic_number != NULL) normal_magic = PyFloat_AsDouble(normal_magic_number);
    if (PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"learn", (PyCFunction)(void (*)(void))learn, METH_VARARGS | METH_KEYWORDS,
     "Tell the loop of the classes that it meets."},
    {"handle_class", handle_class, METH_O, "The class of handles, which is one of asyncio's TimerHandle."},
    {"hash_key", hash_key, METH_O, "The hash of a key that the compiled calls use: that of `stable_hash`."},
    {"marshalled", marshalled, METH_VARARGS,
     "Rows of plain values as marshal writes them; None where one is not plain."},
    {"latencies", latencies, METH_O, "Latencies of the answered and waits of the others; None where an event is odd."},
    {"numbered", numbered, METH_O, "Requests with their places as ids; None where one is odd."},
    {NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "_native",
    "The tunnel's loop and single calls of blocks, compiled; `windtunnel.tier` says when they run.",
    -1,
    methods,
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
    if ((only_context = PyTuple_Pack(1, s_context)) == NULL) return NULL;
    if ((float_zero = PyFloat_FromDouble(0.0)) == NULL || (int_one = PyLong_FromLong(1)) == NULL ||
        (float_inf = PyFloat_FromDouble(Py_HUGE_VAL)) == NULL)
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) return NULL;
    if (PyModule_AddIntConstant(module, "INTERFACE", INTERFACE) < 0 ||
        add(module, "Line", &LineType, &line_spec, NULL) < 0 ||
        add(module, "Agenda", &AgendaType, &agenda_spec, NULL) < 0 ||
        add(module, "Numbers", &NumbersType, &numbers_spec, NULL) < 0 ||
        add(module, "Core", &CoreType, &core_spec, NULL) < 0 ||
        add(module, "Signal", &SignalType, &signal_spec, NULL) < 0 ||
        add(module, "Process", &ProcessType, &process_spec, SignalType) < 0 ||
        add(module, "Timer", &TimerType, &timer_spec, NULL) < 0 ||
        add(module, "Wait", &WaitType, &wait_spec, NULL) < 0 ||
        add(module, "Customer", &CustomerType, &customer_spec, NULL) < 0 ||
        add(module, "FifoCore", &FifoCoreType, &fifo_spec, NULL) < 0 ||
        add(module, "Departure", &DepartureType, &departure_spec, SignalType) < 0 ||
        add(module, "Job", &JobType, &job_spec, SignalType) < 0 ||
        add(module, "ServerCore", &ServerCoreType, &server_spec, NULL) < 0 ||
        add(module, "Ended", &EndedType, &ended_spec, NULL) < 0 ||
        add(module, "Feed", &FeedType, &feed_spec, NULL) < 0 ||
        add(module, "DriveCore", &DriveCoreType, &drive_spec, NULL) < 0 ||
        add(module, "Luck", &LuckType, &luck_spec, NULL) < 0 ||
        add(module, "Draws", &DrawsType, &draws_spec, NULL) < 0 ||
        add(module, "StageCore", &StageCoreType, &stage_spec, NULL) < 0 ||
        add(module, "HostLoopCore", &HostLoopType, &loop_spec, NULL) < 0 ||
        add(module, "LimiterCore", &LimiterCoreType, &limiter_spec, NULL) < 0 ||
        add(module, "GcraCore", &GcraCoreType, &gcra_spec, LimiterCoreType) < 0 ||
        add(module, "TokenBucketCore", &TokenBucketCoreType, &bucket_spec, LimiterCoreType) < 0 ||
        add(module, "BloomCore", &BloomCoreType, &bloom_spec, NULL) < 0 ||
        add(module, "HyperLogLogCore", &HyperLogLogCoreType, &hyperloglog_spec, NULL) < 0 ||
        add(module, "CountMinCore", &CountMinCoreType, &count_min_spec, NULL) < 0 ||
        add(module, "Node", &NodeType, &node_spec, NULL) < 0 ||
        add(module, "Policy", &PolicyType, &policy_spec, NULL) < 0 ||
        add(module, "CountsCore", &CountsCoreType, &counts_spec, NULL) < 0 ||
        add(module, "CacheCore", &CacheCoreType, &cache_spec, NULL) < 0)
        Py_CLEAR(module);
    for (int i = 0; module != NULL && i < POLICIES; i++)
        if (add(module, kind_names[i], &PolicyTypes[i], &kind_specs[i], PolicyType) < 0) Py_CLEAR(module);
    return module;
}
