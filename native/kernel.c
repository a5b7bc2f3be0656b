/* The loop: as `windtunnel.sim.kernel.Simulator._turn`, and the methods that are called for each event. */

/* --- scheduling --------------------------------------------------------------------------------------------------- */
static int ready_append(Core *core, PyObject *thing, int64_t number, PyObject *error) {
    if (IS(core->ready, LineType)) return line_append((Line *)core->ready, thing, number, error);
    /* The explorer's queue. */
    PyObject *turn = Py_BuildValue("OLO", thing, (long long)number, error == NULL ? Py_None : error);
    if (turn == NULL) return -1;
    int how = settled(call1(core->ready, s_append, turn));
    Py_DECREF(turn);
    return how;
}

/* --- times that 64 bits do not hold ----------------------------------------------------------------------------------
 *
 * Moments after 292 years stand aside in `Agenda.far`. Where one of them is the next, `_go_far` of the Python side puts
 * the pure tier's list and deque in the place of our structs, and its loop goes on.
 */
static inline int is_near(Core *core) { return IS(core->heap, AgendaType); }

static int core_plan(Core *core, int64_t when, int64_t number, PyObject *thing) {
    if (is_near(core)) return agenda_push((Agenda *)core->heap, when, number, thing);
    PyObject *moment = PyLong_FromLongLong(when);
    if (moment == NULL) return -1;
    int how = core_plan_object(core, moment, number, thing);
    Py_DECREF(moment);
    return how;
}

static int core_plan_object(Core *core, PyObject *when, int64_t number, PyObject *thing) {
    if (is_near(core)) {
        int overflow;
        long long moment = PyLong_AsLongLongAndOverflow(when, &overflow);
        if (moment == -1 && PyErr_Occurred()) return -1;
        if (!overflow) return core_plan(core, moment, number, thing);
    }
    PyObject *entry = Py_BuildValue("OLO", when, (long long)number, thing);
    if (entry == NULL) return -1;
    int how = -1;
    if (is_near(core)) {
        Agenda *agenda = (Agenda *)core->heap;
        if (agenda->far == NULL) agenda->far = PyList_New(0);
        if (agenda->far != NULL) how = PyList_Append(agenda->far, entry);
    } else
        how = settled(PyObject_CallFunctionObjArgs(heappush, core->heap, entry, NULL));
    Py_DECREF(entry);
    return how;
}

static PyObject *core_get_now(Core *self, void *unused) {
    return self->far_now == NULL ? PyLong_FromLongLong(self->now_ns) : Py_NewRef(self->far_now);
}

static int core_set_now(Core *self, PyObject *now, void *unused) {
    if (now == NULL || !PyLong_Check(now)) {
        PyErr_SetString(PyExc_TypeError, "now_ns is a whole number of nanoseconds.");
        return -1;
    }
    int overflow;
    long long moment = PyLong_AsLongLongAndOverflow(now, &overflow);
    if (moment == -1 && PyErr_Occurred()) return -1;
    self->now_ns = overflow ? INT64_MAX : moment;
    if (overflow)
        Py_XSETREF(self->far_now, Py_NewRef(now));
    else
        Py_CLEAR(self->far_now);
    return 0;
}

/* `now + nanoseconds`, which may be more than 64 bits hold. */
static int core_plan_after(Core *core, PyObject *nanoseconds, int64_t number, PyObject *thing) {
    int overflow;
    long long wait = PyLong_AsLongLongAndOverflow(nanoseconds, &overflow);
    if (wait == -1 && PyErr_Occurred()) return -1;
    int64_t when;
    if (core->far_now == NULL && !overflow && !overflows(core->now_ns, wait, &when))
        return core_plan(core, when, number, thing);
    PyObject *now = core_get_now(core, NULL);
    PyObject *sum = now == NULL ? NULL : PyNumber_Add(now, nanoseconds);
    Py_XDECREF(now);
    if (sum == NULL) return -1;
    int how = core_plan_object(core, sum, number, thing);
    Py_DECREF(sum);
    return how;
}

/* Whether nothing would happen if it were this entry's turn: -1 where that cannot be told. */
static int entry_is_stale(Entry *entry) {
    PyObject *thing = entry->thing;
    if (IS(thing, TimerType)) return ((Timer *)thing)->call == NULL;
    if (HandleClass != NULL && IS(thing, HandleClass)) return handle_is_stale(thing);
    if (IS(thing, DepartureType)) return ((Departure *)thing)->due_ns != entry->when;
    if (IS(thing, JobType)) return job_due(thing) != entry->when;
    if (TaskClass != NULL && IS(thing, TaskClass)) {
        int64_t ticket = ticket_of(thing);
        if (ticket == -1 && PyErr_Occurred()) return -1;
        return ticket != entry->number;
    }
    if (ArrivalClass != NULL && PyObject_TypeCheck(thing, ArrivalClass)) return 0;
    if (PyObject_TypeCheck(thing, ProcessType)) return ((Process *)thing)->ticket != entry->number;
    PyObject *tuple = entry_as_tuple(entry);
    if (tuple == NULL) return -1;
    PyObject *stale = PyObject_CallOneArg(is_stale, tuple);
    Py_DECREF(tuple);
    if (stale == NULL) return -1;
    int how = PyObject_IsTrue(stale);
    Py_DECREF(stale);
    return how;
}

static int core_forget_timer(Core *core) {
    if (!is_near(core)) return 0;
    Agenda *agenda = (Agenda *)core->heap;
    if (++core->dead_timers <= 512 || core->dead_timers * 2 <= agenda->count) return 0;
    core->dead_timers = 0;
    if (!agenda->count) return 0; /* the cancelled one has left already: it is ready, or was counted twice */
    /* What is being stepped stands on top, and stays there. */
    Py_ssize_t kept = 1, count = agenda->count;
    int failed = 0;
    Entry *dropped = PyMem_New(Entry, count);
    Py_ssize_t gone = 0;
    if (dropped == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 1; i < count; i++) {
        Entry entry = agenda->entries[i];
        int stale = failed ? 0 : entry_is_stale(&entry);
        if (stale < 0) failed = 1;
        if (stale > 0)
            dropped[gone++] = entry;
        else
            agenda->entries[kept++] = entry;
    }
    agenda->count = kept;
    for (Py_ssize_t i = kept / 2; i-- > 0;) agenda_sift_down(agenda, i, agenda->entries[i]);
    while (gone) Py_DECREF(dropped[--gone].thing);
    PyMem_Free(dropped);
    return failed ? -1 : 0;
}

static PyObject *core_forget_timer_py(Core *self, PyObject *unused) {
    if (core_forget_timer(self) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *core_plan_py(Core *self, PyObject *const *args, Py_ssize_t count) {
    int64_t number;
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "_plan takes a moment, a number and a thing.");
        return NULL;
    }
    if (as_ns(args[1], &number) < 0 || core_plan_object(self, args[0], number, args[2]) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *core_push_py(Core *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "push takes a moment and a thing.");
        return NULL;
    }
    if (core_plan_object(self, args[0], next_number(self), args[1]) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *planned_call(Core *self, PyObject *when, int after, PyObject *const *args, Py_ssize_t count) {
    PyObject *exact = PyNumber_Index(when);
    if (exact == NULL) return NULL;
    PyObject *now = core_get_now(self, NULL);
    PyObject *due = now == NULL ? NULL : after ? PyNumber_Add(now, exact) : Py_NewRef(exact);
    int passed = due == NULL ? -1 : PyObject_RichCompareBool(due, now, Py_LT);
    if (passed > 0) PyErr_Format(PyExc_ValueError, "%S ns has passed: it is %S ns; times only go forward.", due, now);
    Py_XDECREF(now);
    Py_XDECREF(due);
    if (passed) goto failed;
    PyObject *with = tuple_of(args + 2, count - 2);
    if (with == NULL) goto failed;
    PyObject *timer = timer_new(args[1], with);
    Py_DECREF(with);
    if (timer == NULL) goto failed;
    int64_t number = next_number(self);
    if ((after ? core_plan_after(self, exact, number, timer) : core_plan_object(self, exact, number, timer)) < 0) {
        Py_DECREF(timer);
        goto failed;
    }
    Py_DECREF(exact);
    return timer;
failed:
    Py_DECREF(exact);
    return NULL;
}

static PyObject *core_call_at(Core *self, PyObject *const *args, Py_ssize_t count) {
    if (count < 2) {
        PyErr_SetString(PyExc_TypeError, "call_at takes a moment and what to call.");
        return NULL;
    }
    return planned_call(self, args[0], 0, args, count);
}

static PyObject *core_call_after(Core *self, PyObject *const *args, Py_ssize_t count) {
    if (count < 2) {
        PyErr_SetString(PyExc_TypeError, "call_after takes a delay and what to call.");
        return NULL;
    }
    return planned_call(self, args[0], 1, args, count);
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */
static PyObject *core_sleep(Core *self, PyObject *seconds) { return wait_new(SLEEP, (PyObject *)self, seconds, 0); }
static PyObject *core_sleep_ns(Core *self, PyObject *ns) { return wait_new(SLEEP, (PyObject *)self, ns, 1); }

static PyObject *core_signal(Core *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    Py_ssize_t given = count + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    if (given > 1) {
        PyErr_SetString(PyExc_TypeError, "signal takes a name, or nothing.");
        return NULL;
    }
    Signal *signal = (Signal *)signal_new(SignalType, NULL, NULL);
    if (signal == NULL) return NULL;
    signal->sim = Py_NewRef(self);
    if (given) Py_XSETREF(signal->name, Py_NewRef(args[0]));
    return (PyObject *)signal;
}

/* What a light process yields for `sleep`. */
static PyObject *sleep_command(Core *core, Wait *self) {
    if (self->in_ns) return Py_NewRef(self->exact);
    PyObject *wait = seconds_as_ns(self->exact);
    if (wait == NULL && PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyObject *error = caught(), *zero = PyLong_FromLong(0);
        int negative = zero == NULL ? -1 : PyObject_RichCompareBool(self->exact, zero, Py_LT);
        Py_XDECREF(zero);
        if (negative > 0) raise_error(error);
        Py_DECREF(error);
        if (negative) return NULL;
        PyObject *name = PyUnicode_FromString("the end of an endless sleep");
        if (name == NULL) return NULL;
        wait = PyObject_CallFunctionObjArgs((PyObject *)SignalType, core, name, NULL);
        Py_DECREF(name);
    }
    return wait;
}

/* --- processes ---------------------------------------------------------------------------------------------------- */
static PyObject *core_spawn(Core *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    PyObject *coro = NULL, *name = empty_text, *host = Py_None, *daemon = Py_False, *request = Py_None;
    if (count > 2) {
        PyErr_SetString(PyExc_TypeError, "spawn takes a coroutine and a name; the rest by keyword.");
        return NULL;
    }
    if (count > 0) coro = args[0];
    if (count > 1) name = args[1];
    for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++) {
        PyObject *key = PyTuple_GET_ITEM(names, i), *value = args[count + i];
        if (!PyUnicode_Compare(key, s_name))
            name = value;
        else if (!PyUnicode_Compare(key, s_host))
            host = value;
        else if (!PyUnicode_Compare(key, s_daemon))
            daemon = value;
        else if (!PyUnicode_Compare(key, s_request))
            request = value;
        else if (!PyUnicode_CompareWithASCIIString(key, "coro"))
            coro = value;
        else {
            PyErr_Format(PyExc_TypeError, "spawn() got an unexpected keyword argument '%U'", key);
            return NULL;
        }
    }
    if (coro == NULL) {
        PyErr_SetString(PyExc_TypeError, "spawn takes a coroutine.");
        return NULL;
    }
    int is_daemon = PyObject_IsTrue(daemon);
    if (is_daemon < 0) return NULL;
    int64_t number = -1;
    PyObject *own_host = NULL, *own_request = NULL;
    if (self->loop != Py_None) {
        if (host == Py_None && (host = own_host = PyObject_GetAttr(self->loop, s_host)) == NULL) return NULL;
        if (request == Py_None && (request = own_request = call0(request_of_task, s_get)) == NULL) goto failed;
    } else if (self->current != Py_None) {
        if (PyObject_TypeCheck(self->current, ProcessType)) {
            Process *current = (Process *)self->current;
            if (host == Py_None && current->host != NULL) host = current->host;
            if (request == Py_None) number = current->request;
        } else {
            if (host == Py_None && (host = own_host = PyObject_GetAttr(self->current, s_host)) == NULL) return NULL;
            if (request == Py_None && (request = own_request = PyObject_GetAttr(self->current, s_request)) == NULL)
                goto failed;
        }
    }
    if (request != Py_None && as_ns(request, &number) < 0) goto failed;
    Process *process = (Process *)signal_new(ProcessType, NULL, NULL);
    if (process == NULL) goto failed;
    process->signal.sim = Py_NewRef(self);
    Py_XSETREF(process->signal.name, Py_NewRef(name));
    process->coro = Py_NewRef(coro);
    process->host = Py_NewRef(host);
    process->daemon = (char)is_daemon;
    process->request = number;
    int64_t ticket = process->ticket = next_number(self);
    Py_XDECREF(own_host);
    Py_XDECREF(own_request);
    if (PyDict_SetItem(self->live, (PyObject *)process, Py_None) < 0) goto dropped;
    if (process->host != Py_None && settled(call1(process->host, s__adopt, (PyObject *)process)) < 0) goto dropped;
    if (self->trace != Py_None) {
        PyObject *what = call0((PyObject *)process, s_describe);
        PyObject *where = process->host == Py_None ? Py_NewRef(empty_text) : PyObject_GetAttr(process->host, s_name);
        int how = what == NULL || where == NULL
                      ? -1
                      : settled(PyObject_CallMethod(self->trace, "record", "LsOO", (long long)self->now_ns, "start", what,
                                                    where));
        Py_XDECREF(what);
        Py_XDECREF(where);
        if (how < 0) goto dropped;
    }
    if (ready_append(self, (PyObject *)process, ticket, NULL) < 0) goto dropped;
    return (PyObject *)process;
dropped:
    Py_DECREF(process);
    return NULL;
failed:
    Py_XDECREF(own_host);
    Py_XDECREF(own_request);
    return NULL;
}

static void set_current(Core *self, PyObject *who) { Py_SETREF(self->current, Py_NewRef(who)); }

/* The process ended: as `_end`, for the commonest case; the Python text does the others. */
static int core_end(Core *self, PyObject *thing, PyObject *value, PyObject *error) {
    if (error == NULL && IS(thing, ProcessType) && self->trace == Py_None) {
        Process *process = (Process *)thing;
        if (process->host == NULL || process->host == Py_None) {
            set_current(self, Py_None);
            process->ticket = -1;
            if (process->signal.done) return 0;
            if (forget(self->live, thing) < 0) return -1;
            return signal_settle(&process->signal, value, NULL);
        }
    }
    if (error == NULL && IS(thing, TaskClass) && self->trace == Py_None && SLOT(thing, task_must_cancel) == Py_False)
        return task_ended(self, thing, value);
    return settled(PyObject_CallMethodObjArgs((PyObject *)self, s__end, thing, value == NULL ? Py_None : value,
                                              error == NULL ? Py_None : error, NULL));
}

/* An exception came out of a process or task. 1: the loop stops. */
static int core_raised(Core *self, PyObject *thing) {
    if (PyErr_ExceptionMatches(Stop)) {
        PyErr_Clear();
        return 1;
    }
    PyObject *error = caught();
    int how = core_end(self, thing, NULL, error);
    Py_DECREF(error);
    return how;
}

/* What it yielded is no sleep: as `_wait`, for the commonest cases. */
static int core_wait(Core *self, PyObject *thing, int64_t number, PyObject *command) {
    int is_task = !IS(thing, ProcessType);
    if (PyTuple_CheckExact(command) && PyTuple_GET_SIZE(command) == 2) {
        PyObject *signal = PyTuple_GET_ITEM(command, 0);
        if (core_plan_after(self, PyTuple_GET_ITEM(command, 1), number, thing) < 0) return -1;
        if (core_forget_timer(self) < 0) return -1;
        command = signal;
    }
    if (Signal_Check(command)) {
        if (is_task)
            Py_XSETREF(SLOT(thing, task_fut_waiter), Py_NewRef(command));
        else
            Py_XSETREF(((Process *)thing)->waits_for, Py_NewRef(command));
        return wait_for((Signal *)command, thing, number);
    }
    if (command == Py_None) { /* asyncio.sleep(0): after what is ready now */
        if (core_count_poll(self) < 0) return -1;
        if (is_task) Py_XSETREF(SLOT(thing, task_due), Py_NewRef(SLOT(thing, task_ticket)));
        return ready_append(self, thing, number, NULL);
    }
    PyObject *ticket = PyLong_FromLongLong(number);
    if (ticket == NULL) return -1;
    int how = settled(PyObject_CallMethodObjArgs((PyObject *)self, s__wait, thing, ticket, command, NULL));
    Py_DECREF(ticket);
    return how;
}

/* Neither a process nor a task. Borrows. */
static int core_run_other(Core *self, PyObject *thing, int64_t number, PyObject *error) {
    if (IS(thing, TimerType) || IS(thing, DepartureType) || IS(thing, JobType) || IS(thing, EndedType)) {
        set_current(self, Py_None);
        if (core_leave(self) < 0) return -1;
        if (IS(thing, TimerType)) return timer_run((Timer *)thing);
        if (IS(thing, DepartureType)) return departure_run((Departure *)thing);
        if (IS(thing, JobType)) return job_run_object(thing);
        return ended_run(thing);
    }
    if (HandleClass != NULL && IS(thing, HandleClass)) return handle_run(self, thing, number, error);
    if (ArrivalClass != NULL && PyObject_TypeCheck(thing, ArrivalClass)) {
        set_current(self, Py_None);
        return settled(call0(thing, s__run));
    }
    PyObject *ticket = PyLong_FromLongLong(number);
    if (ticket == NULL) return -1;
    int how = settled(PyObject_CallMethodObjArgs((PyObject *)self, s__run_other, thing, ticket,
                                                 error == NULL ? Py_None : error, NULL));
    Py_DECREF(ticket);
    return how;
}

/* A turn of a task. 0: its loop does not run now. */
static int task_enters(Core *self, PyObject *task, int64_t number, PyObject *error) {
    PyObject *home = SLOT(task, task_home);
    int entered = loop_enters(self, home, task, number, error);
    if (entered <= 0) return entered;
    return PyObject_SetItem(current_tasks, home, task) < 0 ? -1 : 1;
}

/* Step a task as `process._send(None)` does. */
static PySendResult task_send_to(PyObject *task, PyObject *error, PyObject **result) {
    *result = NULL;
    if (error != NULL) {
        *result = call1(task, s__raise, error);
    } else {
        PyObject *send = SLOT(task, task_send);
        PyObject *body = SLOT(task, task_body), *context = SLOT(task, task_context);
        if (send == NULL || body == NULL || context == NULL) {
            PyErr_SetString(PyExc_AttributeError, "This task has ended.");
            return PYGEN_ERROR;
        }
        if (send == Py_None) { /* nothing stands between: no cancellation is to be delivered */
            Py_INCREF(body);
            Py_INCREF(context);
            PySendResult how = PYGEN_ERROR;
            if (PyContext_Enter(context) == 0) {
                how = PyIter_Send(body, Py_None, result);
                if (PyContext_Exit(context) < 0) {
                    Py_CLEAR(*result);
                    how = PYGEN_ERROR;
                }
            }
            Py_DECREF(body);
            Py_DECREF(context);
            return how;
        }
        Py_INCREF(send);
        *result = PyObject_CallOneArg(send, Py_None);
        Py_DECREF(send);
    }
    if (*result != NULL) return PYGEN_NEXT;
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return PYGEN_ERROR;
    return stop_value(result) < 0 ? PYGEN_ERROR : PYGEN_RETURN;
}

/* Step a process. */
static PySendResult process_send_to(Process *process, PyObject *error, PyObject **result) {
    PyObject *coro = process->coro;
    *result = NULL;
    Py_INCREF(coro);
    PySendResult how;
    if (error == NULL)
        how = PyIter_Send(coro, Py_None, result);
    else {
        *result = call1(coro, s_throw, error);
        if (*result != NULL)
            how = PYGEN_NEXT;
        else if (!PyErr_ExceptionMatches(PyExc_StopIteration))
            how = PYGEN_ERROR;
        else
            how = stop_value(result) < 0 ? PYGEN_ERROR : PYGEN_RETURN;
    }
    Py_DECREF(coro);
    return how;
}

/* One step of a process or task, and what follows from what it did. 1: the loop stops. */
static int core_step(Core *self, PyObject *thing, PyObject *error, int top) {
    Agenda *agenda = (Agenda *)self->heap;
    PyObject *command;
    PySendResult how;
    int is_task = !IS(thing, ProcessType);
    set_current(self, thing);
    if (is_task) {
        Py_SETREF(SLOT(thing, task_fut_waiter), Py_NewRef(Py_None));
        how = task_send_to(thing, error, &command);
    } else
        how = process_send_to((Process *)thing, error, &command);
    if (how != PYGEN_NEXT) {
        if (top && !(how == PYGEN_ERROR && PyErr_ExceptionMatches(Stop))) { /* nothing is smaller than what is being served */
            Entry gone = agenda->count ? agenda_pop(agenda) : (Entry){0, 0, NULL};
            int ended;
            if (how == PYGEN_RETURN) {
                ended = core_end(self, thing, command, NULL);
                Py_DECREF(command);
            } else
                ended = core_raised(self, thing);
            Py_XDECREF(gone.thing);
            return ended;
        }
        if (how == PYGEN_ERROR) return core_raised(self, thing);
        int ended = core_end(self, thing, command, NULL);
        Py_DECREF(command);
        return ended;
    }
    int64_t number = next_number(self);
    if (is_task) {
        PyObject *ticket = PyLong_FromLongLong(number);
        if (ticket == NULL) goto failed;
        Py_XSETREF(SLOT(thing, task_ticket), ticket);
    } else
        ((Process *)thing)->ticket = number;
    if (PyLong_CheckExact(command)) {
        int overflow;
        long long wait = PyLong_AsLongLongAndOverflow(command, &overflow);
        int64_t when;
        if (!overflow && wait > 0 && !overflows(self->now_ns, wait, &when)) {
            Py_DECREF(command);
            if (top && agenda->count) {
                Entry *first = agenda->entries; /* it goes back without leaving: its reference stays */
                Entry back = {when, number, first->thing};
                if (first->thing == thing) {
                    agenda_sift_down(agenda, 0, back);
                    return 0;
                }
            }
            return agenda_push(agenda, when, number, thing);
        }
    }
    if (top) agenda_drop_top(agenda);
    int done;
    if (is_task && FutureClass != NULL && IS(command, FutureClass))
        done = task_await(thing, command);
    else if (PyLong_CheckExact(command) && PyObject_RichCompareBool(command, Py_False, Py_GT) > 0)
        done = core_plan_after(self, command, number, thing);
    else
        done = core_wait(self, thing, number, command);
    Py_DECREF(command);
    return done;
failed:
    Py_DECREF(command);
    return -1;
}

enum { FAR = 2 };

/* The loop. FAR: what comes next is the pure tier's; 1: stopped; 0: nothing was left, or not before the limit; -1: raised. */
static int core_loop(Core *self, int64_t limit, int64_t *steps) {
    int result = 0;
    for (;;) {
        PyObject *thing, *error = NULL;
        int64_t number;
        int some;
        if (IS(self->ready, LineType)) {
            Line *line = (Line *)self->ready;
            some = line->count > 0;
            if (some) {
                Turn turn = line_popleft(line);
                thing = turn.thing;
                error = turn.error;
                number = turn.number;
            }
        } else {
            some = PyObject_IsTrue(self->ready);
            if (some < 0) return -1;
            if (some) {
                PyObject *turn = call0(self->ready, s_popleft);
                if (turn == NULL) return -1;
                long long given;
                if (!PyArg_ParseTuple(turn, "OLO", &thing, &given, &error)) {
                    Py_DECREF(turn);
                    return -1;
                }
                number = given;
                Py_INCREF(thing);
                if (error == Py_None)
                    error = NULL;
                else
                    Py_INCREF(error);
                Py_DECREF(turn);
            }
        }
        if (some) {
            if (IS(thing, ProcessType)) {
                if (((Process *)thing)->ticket != number) goto next;
                if (self->loop != Py_None && core_leave(self) < 0) goto failed;
                ++*steps;
                result = core_step(self, thing, error, 0);
            } else if (IS(thing, TaskClass)) {
                if (ticket_of(thing) != number) goto next;
                int entered = task_enters(self, thing, number, error);
                if (entered < 0) goto failed;
                if (!entered) goto next;
                ++*steps;
                result = core_step(self, thing, error, 0);
            } else
                result = core_run_other(self, thing, number, error);
            if (result < 0 && PyErr_ExceptionMatches(Stop)) {
                PyErr_Clear();
                result = 1;
            }
        next:
            Py_DECREF(thing);
            Py_XDECREF(error);
            if (result) return result;
            if (!(*steps & 1023) && PyErr_CheckSignals() < 0) return -1;
            continue;
        failed:
            Py_DECREF(thing);
            Py_XDECREF(error);
            if (PyErr_ExceptionMatches(Stop)) {
                PyErr_Clear();
                return 1;
            }
            return -1;
        }
        Agenda *agenda = (Agenda *)self->heap;
        if (!agenda->count) {
            if (agenda->far != NULL && PyList_GET_SIZE(agenda->far) && limit == INT64_MAX)
                return settled(call0((PyObject *)self, s__go_far)) < 0 ? -1 : FAR;
            return 0;
        }
        Entry *first = agenda->entries;
        thing = first->thing;
        number = first->number;
        int64_t when = first->when;
        if (IS(thing, ProcessType)) {
            if (((Process *)thing)->ticket != number) {
                agenda_drop_top(agenda);
                continue;
            }
            if (when > limit) return 0;
            Py_INCREF(thing);
            if (self->loop != Py_None && core_leave(self) < 0) goto failed;
            self->now_ns = when;
            ++*steps;
            result = core_step(self, thing, NULL, 1);
        } else if (IS(thing, TaskClass)) {
            if (ticket_of(thing) != number) {
                agenda_drop_top(agenda);
                continue;
            }
            if (when > limit) return 0;
            Py_INCREF(thing);
            int entered = task_enters(self, thing, number, NULL);
            if (entered < 0) goto failed;
            if (!entered)
                agenda_drop_top(agenda);
            else {
                self->now_ns = when;
                ++*steps;
                result = core_step(self, thing, NULL, 1);
            }
        } else {
            int stale = entry_is_stale(first);
            if (stale < 0) return -1;
            if (stale) {
                agenda_drop_top(agenda);
                continue;
            }
            if (when > limit) return 0;
            Entry top = agenda_pop(agenda); /* whose reference is now ours */
            self->now_ns = when;
            /* As in asyncio, callbacks that are due together are made before what the first of them causes. */
            while (agenda->count && agenda->entries[0].when == when && IS(agenda->entries[0].thing, HandleClass)) {
                Entry other = agenda_pop(agenda);
                int how = ready_append(self, other.thing, 0, NULL);
                Py_DECREF(other.thing);
                if (how < 0) {
                    Py_DECREF(top.thing);
                    return -1;
                }
            }
            thing = top.thing;
            result = core_run_other(self, thing, number, NULL);
        }
        if (result < 0 && PyErr_ExceptionMatches(Stop)) {
            PyErr_Clear();
            result = 1;
        }
        Py_DECREF(thing);
        if (result) return result;
        if (!(*steps & 1023) && PyErr_CheckSignals() < 0) return -1;
    }
}

static PyObject *core_turn(Core *self, PyObject *limit) {
    int64_t last, steps = 0;
    if (as_ns(limit, &last) < 0) return NULL;
    if (self->heap != NULL && !is_near(self)) return call1((PyObject *)self, s__turn_far, limit);
    if (self->live == NULL || self->ready == NULL || self->heap == NULL || !IS(self->heap, AgendaType) ||
        self->numbers == NULL || !IS(self->numbers, NumbersType)) {
        PyErr_SetString(PyExc_RuntimeError, "This simulator was not made by its class.");
        return NULL;
    }
    int how = core_loop(self, last, &steps);
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    set_current(self, Py_None);
    self->steps += steps;
    PyErr_Restore(type, error, traceback);
    if (how < 0) return NULL;
    return how == FAR ? call1((PyObject *)self, s__turn_far, limit) : PyBool_FromLong(how);
}

/* --- Core --------------------------------------------------------------------------------------------------------- */
static PyObject *core_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Core *self = (Core *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->trace = Py_NewRef(Py_None);
        self->current = Py_NewRef(Py_None);
        self->loop = Py_NewRef(Py_None);
    }
    return (PyObject *)self;
}

static int core_traverse(Core *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->trace);
    Py_VISIT(self->current);
    Py_VISIT(self->loop);
    Py_VISIT(self->ready);
    Py_VISIT(self->heap);
    Py_VISIT(self->live);
    Py_VISIT(self->graveyard);
    Py_VISIT(self->streams);
    Py_VISIT(self->lucks);
    return 0;
}

static int core_clear(Core *self) {
    Py_SETREF(self->trace, Py_NewRef(Py_None));
    Py_SETREF(self->current, Py_NewRef(Py_None));
    Py_SETREF(self->loop, Py_NewRef(Py_None));
    Py_CLEAR(self->ready);
    Py_CLEAR(self->heap);
    Py_CLEAR(self->live);
    Py_CLEAR(self->graveyard);
    Py_CLEAR(self->streams);
    Py_CLEAR(self->lucks);
    Py_CLEAR(self->luck_keys);
    return 0;
}

static void core_dealloc(Core *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    core_clear(self);
    Py_CLEAR(self->trace);
    Py_CLEAR(self->current);
    Py_CLEAR(self->loop);
    Py_CLEAR(self->numbers);
    Py_CLEAR(self->far_now);
    type->tp_free(self);
    Py_DECREF(type);
}

#define OBJECT(name, field)                                                                                            \
    { name, T_OBJECT_EX, offsetof(Core, field), 0, NULL }
static PyMemberDef core_members[] = {
    {"steps", T_LONGLONG, offsetof(Core, steps), 0, NULL},
    {"_calls", T_LONGLONG, offsetof(Core, calls), 0, NULL},
    {"_patience", T_LONGLONG, offsetof(Core, patience), 0, NULL},
    {"_dead_timers", T_LONGLONG, offsetof(Core, dead_timers), 0, NULL},
    OBJECT("trace", trace),
    OBJECT("_current", current),
    OBJECT("_loop", loop),
    OBJECT("_ready", ready),
    OBJECT("_heap", heap),
    OBJECT("_numbers", numbers),
    OBJECT("_live", live),
    OBJECT("_graveyard", graveyard),
    OBJECT("_streams", streams),
    OBJECT("_luck", lucks),
    OBJECT("_luck_keys", luck_keys),
    {NULL},
};
static PyGetSetDef core_getset[] = {
    {"now_ns", (getter)core_get_now, (setter)core_set_now, NULL, NULL},
    {"now", (getter)core_get_seconds, NULL, "Seconds since the start.", NULL},
    {"request", (getter)core_get_request, NULL, "The id of the request that is being worked for; -1 where there is none.",
     NULL},
    {NULL},
};
static PyMethodDef core_methods[] = {
    {"_turn", (PyCFunction)core_turn, METH_O, NULL},
    {"_forget_timer", (PyCFunction)core_forget_timer_py, METH_NOARGS, NULL},
    {"_plan", (PyCFunction)(void (*)(void))core_plan_py, METH_FASTCALL, NULL},
    {"push", (PyCFunction)(void (*)(void))core_push_py, METH_FASTCALL, NULL},
    {"call_at", (PyCFunction)(void (*)(void))core_call_at, METH_FASTCALL, NULL},
    {"call_after", (PyCFunction)(void (*)(void))core_call_after, METH_FASTCALL, NULL},
    {"sleep", (PyCFunction)core_sleep, METH_O, NULL},
    {"sleep_ns", (PyCFunction)core_sleep_ns, METH_O, NULL},
    {"signal", (PyCFunction)(void (*)(void))core_signal, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"luck", (PyCFunction)(void (*)(void))core_luck, METH_VARARGS | METH_KEYWORDS, NULL},
    {"spawn", (PyCFunction)(void (*)(void))core_spawn, METH_FASTCALL | METH_KEYWORDS, NULL},
    {NULL},
};
static PyType_Slot core_slots[] = {
    {Py_tp_doc, "The loop of a `windtunnel.sim.kernel.Simulator`."},
    {Py_tp_new, core_new},
    {Py_tp_members, core_members},
    {Py_tp_getset, core_getset},
    {Py_tp_methods, core_methods},
    {Py_tp_traverse, core_traverse},
    {Py_tp_clear, core_clear},
    {Py_tp_dealloc, core_dealloc},
    {0, NULL},
};
static PyType_Spec core_spec = {"windtunnel._native.Core", sizeof(Core), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, core_slots};
