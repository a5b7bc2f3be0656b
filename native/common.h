/* What all parts of the compiled tier share: the types of the loop, and how they are laid out.
 *
 * The pure tier (`windtunnel.sim.signals`, `windtunnel.sim.kernel`, `windtunnel.sim.servers.fifo`,
 * `windtunnel.lab.running.drive_sim`) is the text to read; each function here does what the method of the same name
 * does there, in the same order, so that a run has the same bytes on both.
 */
#ifndef WINDTUNNEL_COMMON_H
#define WINDTUNNEL_COMMON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <structmember.h>

#define INTERFACE 9 /* as windtunnel.tier.INTERFACE */
#define NEVER ((int64_t)1 << 62) /* as windtunnel.sim.signals.NEVER */

/* --- who waits for a signal ------------------------------------------------------------------------------------- */
enum { BY_TICKET, BY_KERNEL, BY_LOOP };

typedef struct {
    PyObject *who;     /* a process or task, or a callback */
    PyObject *loop;    /* BY_LOOP: whose call_soon makes the call */
    PyObject *context; /* or NULL */
    int64_t ticket;
    int how;
} Waiter;

typedef struct Core Core;

typedef struct {
    PyObject_HEAD
    PyObject *sim; /* a Core, or NULL before it is set */
    PyObject *name;
    PyObject *value;
    PyObject *error; /* NULL: none */
    Waiter first;    /* the commonest number of waiters is one */
    Waiter *more;
    int waiting;
    int room;
    char done;
} Signal;

typedef struct {
    Signal signal;
    PyObject *coro;
    PyObject *waits_for;
    PyObject *host;
    int64_t ticket;
    int64_t request;
    char daemon;
} Process;

typedef struct {
    PyObject_HEAD
    PyObject *call; /* NULL: cancelled, or made */
    PyObject *args;
} Timer;

/* --- what is ready, and what stands in the heap ------------------------------------------------------------------- */
typedef struct {
    PyObject *thing;
    PyObject *error; /* NULL: none */
    int64_t number;
} Turn;

typedef struct {
    PyObject_HEAD
    Turn *turns; /* a ring */
    Py_ssize_t head;
    Py_ssize_t count;
    Py_ssize_t room; /* a power of two */
} Line;

typedef struct {
    int64_t when;
    int64_t number;
    PyObject *thing;
} Entry;

typedef struct {
    PyObject_HEAD
    Entry *entries; /* a binary heap by (when, number) */
    Py_ssize_t count;
    Py_ssize_t room;
    PyObject *far; /* a list of (when, number, thing) that no 64 bits hold, or NULL */
} Agenda;

typedef struct {
    PyObject_HEAD
    int64_t last;
} Numbers;

struct Core {
    PyObject_HEAD
    int64_t now_ns;
    int64_t steps;
    int64_t calls;
    int64_t patience;
    int64_t dead_timers;
    PyObject *far_now; /* the moment, where 64 bits do not hold it; else NULL */
    PyObject *trace;
    PyObject *current;
    PyObject *loop;
    PyObject *ready;
    PyObject *heap;
    PyObject *numbers;
    PyObject *live;
    PyObject *graveyard;
    PyObject *streams; /* luck by component; by request and component; the keys of components */
    PyObject *lucks;
    PyObject *luck_keys;
};

/* --- servers ------------------------------------------------------------------------------------------------------ */
typedef struct {
    PyObject_HEAD
    PyObject *waiter; /* NULL: nobody any more */
    PyObject *work;   /* NULL: `work_ns` says it */
    int64_t departure;
    int64_t number;
    int64_t start;
    int64_t work_ns;
} Customer;

typedef struct {
    int64_t high;
    uint64_t low;
} Wide; /* sums of moments: a server that stands still owes each customer 146 years */

typedef struct {
    PyObject_HEAD
    PyObject *sim;
    PyObject *silences;
    double pace;
    int64_t accepted;
    int64_t most;
    Wide inside_ns;
    Wide busy_ns;
    Customer **line; /* one worker: a ring by departure; more: a heap by (departure, number) */
    Py_ssize_t head;
    Py_ssize_t count;
    Py_ssize_t room;
    int64_t *free_ns; /* a heap of the moments at which the workers are free */
    Py_ssize_t workers;
    char plain;
    char watched; /* somebody has put a method of its own in the place of `_admit` */
} FifoCore;

typedef struct {
    Signal signal;
    PyObject *server; /* a FifoCore */
    int64_t due_ns;
    int64_t planned_ns;
} Departure;

/* --- types and names ---------------------------------------------------------------------------------------------- */
static PyTypeObject *SignalType, *ProcessType, *TimerType, *LineType, *AgendaType, *NumbersType, *CoreType,
    *WaitType, *CustomerType, *FifoCoreType, *DepartureType, *JobType, *ServerCoreType, *DriveCoreType, *FeedType,
    *EndedType, *StageCoreType, *HostLoopType;

/* What the Python side tells us of, once: see `learn`. */
static PyTypeObject *ArrivalClass, *TaskClass, *HandleClass, *FutureClass, *EventClass, *OpClass, *FifoClass;
static PyObject *Stop, *CancelledError, *request_of_task, *current_tasks, *is_stale, *heappush;
static PyObject *set_running_loop, *sleep_over_function;
static Py_ssize_t task_ticket, task_home, task_send, task_fut_waiter, task_body, task_context, task_must_cancel,
    task_due;

#define NAMES(X)                                                                                                       \
    X(_add_waiter) X(_admit) X(_adopt) X(_as_future) X(_await) X(_bits) X(_call_at) X(_call_later) X(_call_soon)       \
    X(_cells) X(_counters) X(_drop) X(_end) X(_finish) X(_go_far) X(_is_idle) X(_luck_anew) X(_note) X(_places)        \
    X(_polling) X(_put) X(_raise) X(_raised) X(_registers) X(_run) X(_run_other) X(_start) X(_stops) X(_table)         \
    X(_take) X(_time) X(_turn_away) X(_turn_far) X(_used) X(_wait) X(_within) X(add_done_callback) X(admitted)         \
    X(append) X(call_soon) X(clock) X(close) X(conservative) X(context) X(daemon) X(depth) X(describe) X(done)         \
    X(drifts) X(gave_up) X(get) X(hash_count) X(hold) X(host) X(jobs) X(left) X(look) X(monotonic) X(name) X(ok)       \
    X(pop) X(popleft) X(precision) X(push) X(raised) X(request) X(result) X(serve) X(served) X(set) X(set_result)      \
    X(size_bits) X(sleep_future) X(submit) X(tasks) X(throw) X(time) X(total) X(unanswered) X(width)

#define DECLARE(name) static PyObject *s_##name;
NAMES(DECLARE)
#undef DECLARE
static PyObject *empty_text, *only_context; /* only_context: the names of a call with that one keyword */

#define IS(object, type) (Py_TYPE(object) == (type))
/* A kind of signal that is awaited as any other: nothing stands between its fields and who waits. */
#define IS_PLAIN(object) (IS(object, SignalType) || IS(object, ProcessType) || IS(object, JobType))
#define Signal_Check(object) PyObject_TypeCheck(object, SignalType)
#define Core_Check(object) PyObject_TypeCheck(object, CoreType)

/* Of a tuple that nobody else knows: they may be changed. */
#define ITEMS(tuple) (((PyTupleObject *)(tuple))->ob_item)

/* A slot of a Python class by its offset. */
#define SLOT(object, offset) (*(PyObject **)((char *)(object) + (offset)))

static inline PyObject *call0(PyObject *self, PyObject *name) { return PyObject_CallMethodNoArgs(self, name); }
static inline PyObject *call1(PyObject *self, PyObject *name, PyObject *arg) {
    return PyObject_CallMethodOneArg(self, name, arg);
}

/* A field that holds the simulator, set by Python; -1 where it is none. */
static inline int set_core(PyObject **field, PyObject *sim, const char *otherwise) {
    if (sim == NULL || !Core_Check(sim)) {
        PyErr_SetString(PyExc_TypeError, otherwise);
        return -1;
    }
    Py_XSETREF(*field, Py_NewRef(sim));
    return 0;
}

static inline PyObject *tuple_of(PyObject *const *items, Py_ssize_t count) {
    PyObject *all = PyTuple_New(count);
    for (Py_ssize_t i = 0; all != NULL && i < count; i++) PyTuple_SET_ITEM(all, i, Py_NewRef(items[i]));
    return all;
}

/* Call a method of the text as it was called here. */
static inline PyObject *by_text_of(PyObject *text, PyObject *self, PyObject *const *args, Py_ssize_t given,
                                   PyObject *names) {
    Py_ssize_t all = given + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    if (text == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "This class was not told of its text.");
        return NULL;
    }
    PyObject **with_self = PyMem_Malloc(sizeof(PyObject *) * (size_t)(all + 1));
    if (with_self == NULL) return PyErr_NoMemory();
    with_self[0] = self;
    for (Py_ssize_t i = 0; i < all; i++) with_self[i + 1] = args[i];
    PyObject *found = PyObject_Vectorcall(text, with_self, (size_t)given + 1, names);
    PyMem_Free(with_self);
    return found;
}

/* Whether a class has this very method, and none of its own. */
static inline int text_is(PyObject *self, PyObject *name, PyObject *text) {
    return text != NULL && _PyType_Lookup(Py_TYPE(self), name) == text;
}

/* Drop a result; 0, or -1 where there is none. */
static inline int settled(PyObject *result) {
    if (result == NULL) return -1;
    Py_DECREF(result);
    return 0;
}

/* Adds; 1 where 64 bits do not hold the sum. */
static inline int overflows(int64_t a, int64_t b, int64_t *sum) {
    if (b > 0 ? a > INT64_MAX - b : a < INT64_MIN - b) return 1;
    *sum = a + b;
    return 0;
}

/* As dict.pop(key, None), for a key that is mostly there. */
static inline int forget(PyObject *dict, PyObject *key) {
    if (PyDict_DelItem(dict, key) == 0) return 0;
    if (!PyErr_ExceptionMatches(PyExc_KeyError)) return -1;
    PyErr_Clear();
    return 0;
}

/* A whole number of nanoseconds as 64 bits; those that no 64 bits hold are as good as the outermost ones. */
static inline int as_ns(PyObject *number, int64_t *out) {
    int overflow;
    long long found = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (found == -1 && PyErr_Occurred()) return -1;
    *out = overflow > 0 ? INT64_MAX : overflow < 0 ? INT64_MIN : found;
    return 0;
}

/* All attributes, as `vars` of the pure one: the members that are set, then what else is. */
static PyObject *held_of(PyObject *self, const PyMemberDef *member) {
    PyObject *held = PyDict_New(), *rest = held == NULL ? NULL : PyObject_GetAttrString(self, "__dict__");
    for (; rest != NULL && member->name != NULL; member++) {
        PyObject *value = PyObject_GetAttrString(self, member->name);
        if (value == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_AttributeError)) goto failed;
            PyErr_Clear();
            continue;
        }
        int how = PyDict_SetItemString(held, member->name, value);
        Py_DECREF(value);
        if (how < 0) goto failed;
    }
    if (rest != NULL && PyDict_Update(held, rest) == 0) {
        Py_DECREF(rest);
        return held;
    }
failed:
    Py_XDECREF(rest);
    Py_XDECREF(held);
    return NULL;
}

/* `__setstate__`, for what `__getstate__` of either tier gave. */
static PyObject *take_state(PyObject *self, PyObject *state) {
    PyObject *name, *value;
    Py_ssize_t place = 0;
    if (!PyDict_Check(state)) {
        PyErr_SetString(PyExc_TypeError, "The state of a block is a dict.");
        return NULL;
    }
    while (PyDict_Next(state, &place, &name, &value))
        if (PyObject_SetAttr(self, name, value) < 0) return NULL;
    Py_RETURN_NONE;
}

static int agenda_push(Agenda *agenda, int64_t when, int64_t number, PyObject *thing);
static int ready_append(Core *core, PyObject *thing, int64_t number, PyObject *error);
static int signal_wake(Signal *self);
static int core_plan_object(Core *core, PyObject *when, int64_t number, PyObject *thing);
static int core_plan(Core *core, int64_t when, int64_t number, PyObject *thing);
static int core_forget_timer(Core *core);
static int core_leave(Core *core);
static int core_count_poll(Core *core);
static void set_current(Core *core, PyObject *who);
static int loop_enters(Core *core, PyObject *home, PyObject *thing, int64_t number, PyObject *error);
static int handle_run(Core *core, PyObject *handle, int64_t number, PyObject *error);
static int handle_is_stale(PyObject *handle);
static int task_await(PyObject *task, PyObject *future);
static int task_ended(Core *core, PyObject *task, PyObject *value);
static PyObject *timer_new(PyObject *call, PyObject *args);
static PyObject *core_get_request(Core *core, void *unused);
static PyObject *core_get_seconds(Core *core, void *unused);
static PyObject *core_luck(Core *core, PyObject *args, PyObject *kwargs);
static int departure_plan(Departure *self);
static int departure_run(Departure *self);
static int job_run_object(PyObject *job);
static int64_t job_due(PyObject *job);
static int ended_run(PyObject *self);

/* The exception that is set, whole and with its traceback; it is no longer set. */
static inline PyObject *caught(void) {
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL) PyException_SetTraceback(error, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return error;
}

/* Raise this exception; NULL, for who returns it. */
static inline PyObject *raise_error(PyObject *error) {
    PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    return NULL;
}

/* Raise the exception that a call made, and take its reference; NULL. */
static inline PyObject *raise_made(PyObject *error) {
    if (error != NULL) {
        raise_error(error);
        Py_DECREF(error);
    }
    return NULL;
}

/* Raise what was thrown into a coroutine: an exception, its class, or its class and the exception; NULL. */
static inline PyObject *raise_thrown(PyObject *const *args, Py_ssize_t count) {
    PyObject *error = args[0];
    if (PyExceptionInstance_Check(error)) return raise_error(error);
    if (!PyExceptionClass_Check(error))
        PyErr_SetString(PyExc_TypeError, "exceptions must be classes or instances deriving from BaseException");
    else if (count > 1 && args[1] != Py_None)
        PyErr_SetObject(error, args[1]);
    else
        PyErr_SetNone(error);
    return NULL;
}

/* The value of the StopIteration that is set. */
static inline int stop_value(PyObject **value) {
    PyObject *error = caught();
    *value = PyObject_GetAttrString(error, "value");
    Py_DECREF(error);
    return *value == NULL ? -1 : 0;
}

/* End an iterator with this value, and take its reference; NULL. */
static inline PyObject *raise_stop(PyObject *value) {
    PyObject *stop = PyObject_CallOneArg(PyExc_StopIteration, value);
    Py_DECREF(value);
    return raise_made(stop);
}

/* Seconds as whole nanoseconds, as `(seconds * 1_000_000_000).__round__()`: half to even. */
static inline PyObject *seconds_as_ns(PyObject *seconds) {
    if (PyFloat_CheckExact(seconds)) {
        double ns = rint(PyFloat_AS_DOUBLE(seconds) * 1e9);
        if (ns > -9e15 && ns < 9e15) return PyLong_FromLongLong((long long)ns);
    }
    PyObject *factor = PyLong_FromLong(1000000000);
    PyObject *product = factor == NULL ? NULL : PyNumber_Multiply(seconds, factor);
    Py_XDECREF(factor);
    if (product == NULL) return NULL;
    PyObject *ns = PyObject_CallMethod(product, "__round__", NULL);
    Py_DECREF(product);
    return ns;
}

static inline int64_t next_number(Core *core) { return ++((Numbers *)core->numbers)->last; }

#endif
