/* Who has to go: as `windtunnel.blocks.caching.cache_policies`, `cache_s3_fifo` and `cache_tiny_lfu`, for the caches
 * that `windtunnel.blocks.caching.cache` makes by the name of a policy. `windtunnel.blocks.caching.cache_compiled`
 * turns one into the other.
 *
 * Comparing keys may run anything, also calls of the same policy. So a queue owns its nodes and a node its key, whatever
 * the tables say; a node that is no longer in a queue says so (`where`); and who looks at one over a comparison holds it.
 */
typedef struct Node Node;
typedef struct Bucket Bucket;

typedef struct {
    Node *oldest, *newest;
    Py_ssize_t count;
} Queue;

struct Node {
    PyObject_HEAD
    PyObject *key;
    Node *older, *newer;
    Bucket *bucket; /* LFU: the queue of those with as many uses */
    int uses;       /* or whether it was used */
    signed char where;
};

struct Bucket {
    Queue queue;
    int64_t uses;
    Bucket *less, *more;
};

enum { FIFO, LRU, CLOCK, LFU, SIEVE, S3_FIFO, W_TINY_LFU, POLICIES };
enum { OUT = -1, SMALL = 0, MAIN = 1, GHOST = 2, WINDOW = 0, PROBATION = 1, PROTECTED = 2, IN_BUCKET = 3 };

typedef struct {
    PyObject_HEAD
    PyObject *nodes; /* by key */
    PyObject *ghosts;
    Queue queues[3];
    Node *hand;     /* SIEVE */
    Bucket *fewest; /* LFU: the lowest bucket */
    int64_t fewest_uses;
    Py_ssize_t capacity, sizes[3]; /* S3-FIFO: of small and main; W-TinyLFU: of window, main and protected */
    unsigned char *counters;       /* W-TinyLFU: four rows */
    Py_ssize_t left, sample;
    int bits;
    int kind;
    char circles; /* a key was let in that may be part of a circle: the collector has to see all of them */
} Policy;

static PyTypeObject *NodeType, *PolicyType, *PolicyTypes[POLICIES];

static const uint64_t ROW_MULTIPLIERS[4] = {0x6A09E667F3BCC909ull, 0xBB67AE8584CAA73Bull, 0x3C6EF372FE94F82Bull,
                                            0xA54FF53A5F1D36F1ull};

/* --- queues ------------------------------------------------------------------------------------------------------- */
/* Takes over a reference. */
static void link_newest(Queue *queue, Node *node) {
    node->newer = NULL;
    node->older = queue->newest;
    if (queue->newest == NULL)
        queue->oldest = node;
    else
        queue->newest->newer = node;
    queue->newest = node;
    queue->count++;
}

static void unlink_node(Queue *queue, Node *node) {
    if (node->newer == NULL)
        queue->newest = node->older;
    else
        node->newer->older = node->older;
    if (node->older == NULL)
        queue->oldest = node->newer;
    else
        node->older->newer = node->newer;
    queue->count--;
}

/* Into the bucket of so many uses, which stands behind `before` (NULL: at the bottom); takes over a reference. */
static int enter_bucket(Policy *self, Bucket *before, int64_t uses, Node *node) {
    Bucket *next = before == NULL ? self->fewest : before->more;
    if (next == NULL || next->uses != uses) {
        Bucket *made = PyMem_Calloc(1, sizeof(Bucket));
        if (made == NULL) {
            node->where = OUT;
            Py_DECREF(node);
            PyErr_NoMemory();
            return -1;
        }
        made->uses = uses;
        made->less = before;
        made->more = next;
        if (next != NULL) next->less = made;
        if (before == NULL)
            self->fewest = made;
        else
            before->more = made;
        next = made;
    }
    node->bucket = next;
    node->where = IN_BUCKET;
    link_newest(&next->queue, node);
    return 0;
}

/* Gives a reference back. Returns the bucket behind which those with one use more stand. */
static Bucket *leave_bucket(Policy *self, Node *node) {
    Bucket *of = node->bucket, *before = of;
    unlink_node(&of->queue, node);
    node->bucket = NULL;
    if (of->queue.count == 0) {
        before = of->less;
        if (of->more != NULL) of->more->less = before;
        if (before == NULL)
            self->fewest = of->more;
        else
            before->more = of->more;
        PyMem_Free(of);
    }
    return before;
}

/* Out of the queue that it stands in; gives the reference of that back. */
static void unlink_of(Policy *self, Node *node) {
    if (node == self->hand) self->hand = node->newer;
    if (node->where == IN_BUCKET)
        leave_bucket(self, node);
    else
        unlink_node(&self->queues[(int)node->where], node);
    node->where = OUT;
}

static void leave_queue(Policy *self, Node *node) {
    if (node->where == OUT) return;
    unlink_of(self, node);
    Py_DECREF(node);
}

/* From one queue to another. */
static void move_to(Policy *self, Node *node, int where) {
    unlink_of(self, node);
    node->where = (signed char)where;
    link_newest(&self->queues[where], node);
}

/* --- tables ------------------------------------------------------------------------------------------------------- */
/* The node of a key, held; NULL without an error where there is none. */
static Node *find(PyObject *table, PyObject *key) { return (Node *)Py_XNewRef(PyDict_GetItemWithError(table, key)); }

static PyObject *no_such_key(PyObject *key) {
    return PyErr_Occurred() ? NULL : raise_made(PyObject_CallOneArg(PyExc_KeyError, key));
}

/* Out of a table; NULL with a KeyError where it is not there. */
static PyObject *popped(PyObject *table, PyObject *key) {
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *found;
    if (PyDict_Pop(table, key, &found) == 0) no_such_key(key);
    return found;
#else
    return _PyDict_Pop(table, key, NULL);
#endif
}

/* Out of queue and table; the key, or NULL. */
static PyObject *take_out(Policy *self, PyObject *table, Node *node) {
    PyObject *key = Py_NewRef(node->key);
    leave_queue(self, node);
    Node *out = (Node *)popped(table, key);
    if (out == NULL)
        Py_CLEAR(key);
    else { /* another one, where comparing keys let the key in anew */
        leave_queue(self, out);
        Py_DECREF(out);
    }
    return key;
}

static Node *spare; /* that was freed last: a full cache makes one for each that it drops */

/* Let a key into a table, as the newest of a queue. */
static int put_in(Policy *self, PyObject *table, PyObject *key, int where) {
    Node *node = spare;
    if (node == NULL) {
        if ((node = PyObject_New(Node, NodeType)) == NULL) return -1;
    } else {
        spare = NULL;
        _Py_NewReference((PyObject *)node);
    }
    *node = (Node){.ob_base = node->ob_base, .key = Py_NewRef(key), .where = OUT};
    if (PyObject_IS_GC(key)) self->circles = 1;
    Node *there = (Node *)PyDict_SetDefault(table, key, (PyObject *)node);
    int how = there == NULL ? -1 : 0;
    if (there == node) {
        Py_INCREF(node);
        if (where == IN_BUCKET)
            how = enter_bucket(self, NULL, 1, node);
        else {
            node->where = (signed char)where;
            link_newest(&self->queues[where], node);
        }
    }
    Py_DECREF(node);
    return how;
}

/* --- how often a key was asked for: as `FrequencySketch` ---------------------------------------------------------- */
/* As `key_hash`. */
static int sketch_hash(PyObject *key, uint64_t *word) {
    if (!(PyLong_CheckExact(key) || PyUnicode_CheckExact(key) || PyBytes_CheckExact(key)) || !plain_hash(key, word)) {
        Py_hash_t found = PyObject_Hash(key);
        if (found == -1) return -1;
        *word = (uint64_t)(int64_t)found;
    }
    return 0;
}

static inline unsigned char *counter_of(Policy *self, int row, uint64_t word) {
    return self->counters + ((size_t)row << self->bits) + (word * ROW_MULTIPLIERS[row] >> (64 - self->bits));
}

static int sketch_add(Policy *self, PyObject *key) {
    uint64_t word;
    if (sketch_hash(key, &word) < 0) return -1;
    for (int row = 0; row < 4; row++) {
        unsigned char *counter = counter_of(self, row, word);
        if (*counter < 15) ++*counter;
    }
    if (--self->left == 0) {
        self->left = self->sample;
        for (size_t i = 0; i < (size_t)4 << self->bits; i++) self->counters[i] >>= 1;
    }
    return 0;
}

static int sketch_count(Policy *self, PyObject *key) {
    uint64_t word;
    int least = 255;
    if (sketch_hash(key, &word) < 0) return -1;
    for (int row = 0; row < 4; row++)
        if (*counter_of(self, row, word) < least) least = *counter_of(self, row, word);
    return least;
}

/* --- what a policy is told and asked ------------------------------------------------------------------------------ */
static int policy_hit(Policy *self, PyObject *key) {
    if (self->kind == FIFO) return 0;
    if (self->kind == W_TINY_LFU && sketch_add(self, key) < 0) return -1;
    Node *node = find(self->nodes, key);
    if (node == NULL) {
        no_such_key(key);
        return -1;
    }
    int how = 0;
    if (node->where != OUT) switch (self->kind) {
    case LRU:
        move_to(self, node, 0);
        break;
    case LFU: {
        int64_t uses = node->bucket->uses;
        int alone = node->bucket->queue.count == 1;
        Bucket *before = leave_bucket(self, node);
        if (alone && uses == self->fewest_uses) self->fewest_uses = uses + 1;
        how = enter_bucket(self, before, uses + 1, node);
        break;
    }
    case S3_FIFO:
        if (node->uses < 3) node->uses++;
        break;
    case W_TINY_LFU:
        if (node->where == PROBATION) {
            move_to(self, node, PROTECTED);
            if (self->queues[PROTECTED].count > self->sizes[2])
                move_to(self, self->queues[PROTECTED].oldest, PROBATION);
        } else
            move_to(self, node, node->where);
        break;
    default: /* CLOCK and SIEVE */
        node->uses = 1;
    }
    Py_DECREF(node);
    return how;
}

/* Remember the name of one that leaves the small queue. */
static PyObject *send_to_ghosts(Policy *self, Node *node) {
    PyObject *key = NULL;
    int how = 0;
    Py_INCREF(node);
    if (self->queues[GHOST].count == self->sizes[1]) how = settled(take_out(self, self->ghosts, self->queues[GHOST].oldest));
    if (how == 0) key = take_out(self, self->nodes, node);
    Py_DECREF(node);
    if (key != NULL && put_in(self, self->ghosts, key, GHOST) < 0) Py_CLEAR(key);
    return key;
}

static PyObject *evict_s3_fifo(Policy *self) {
    Queue *small = &self->queues[SMALL], *main = &self->queues[MAIN];
    while (small->oldest != NULL && (small->count >= self->sizes[0] || main->oldest == NULL)) {
        Node *node = small->oldest;
        if (node->uses < 2) return send_to_ghosts(self, node);
        node->uses = 0;
        move_to(self, node, MAIN);
        if (main->count > self->sizes[1]) break;
    }
    while (main->oldest != NULL && main->oldest->uses > 0) {
        main->oldest->uses--;
        move_to(self, main->oldest, MAIN);
    }
    return main->oldest == NULL ? NULL : take_out(self, self->nodes, main->oldest);
}

/* Of the next to go in the window and behind it, who is asked for less often. */
static PyObject *evict_tiny_lfu(Policy *self) {
    Node *in_window = self->queues[WINDOW].oldest, *behind = self->queues[PROBATION].oldest;
    if (behind == NULL) behind = self->queues[PROTECTED].oldest;
    if (in_window == NULL || behind == NULL) {
        Node *only = in_window == NULL ? behind : in_window;
        return only == NULL ? NULL : take_out(self, self->nodes, only);
    }
    Py_INCREF(in_window);
    Py_INCREF(behind);
    PyObject *gone = NULL;
    int one = sketch_count(self, in_window->key), other = one < 0 ? -1 : sketch_count(self, behind->key);
    if (other >= 0) gone = take_out(self, self->nodes, one <= other ? in_window : behind);
    Py_DECREF(in_window);
    Py_DECREF(behind);
    return gone;
}

/* Send one of those held away; whom, or NULL. */
static PyObject *policy_evict(Policy *self) {
    Queue *queue = &self->queues[0];
    Node *node = queue->oldest;
    PyObject *gone = NULL;
    if (self->kind == LFU) {
        if (self->fewest == NULL) goto none;
        self->fewest_uses = self->fewest->uses;
        node = self->fewest->queue.oldest;
    } else if (self->kind == CLOCK) {
        for (; node != NULL && node->uses; node = queue->oldest) {
            node->uses = 0;
            move_to(self, node, 0);
        }
    } else if (self->kind == SIEVE) {
        if (self->hand != NULL) node = self->hand;
        while (node != NULL && node->uses) {
            node->uses = 0;
            node = node->newer != NULL ? node->newer : queue->oldest;
        }
        self->hand = node; /* which taking it out moves on */
    } else if (self->kind == S3_FIFO || self->kind == W_TINY_LFU) {
        gone = self->kind == S3_FIFO ? evict_s3_fifo(self) : evict_tiny_lfu(self);
        if (gone == NULL) goto none;
        return gone;
    }
    if (node == NULL) goto none;
    return take_out(self, self->nodes, node);
none:
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_KeyError, "dictionary is empty");
    return NULL;
}

/* Behind the window: the newcomer who leaves it, or who would have to go for him; NULL without an error: nobody. */
static PyObject *contest(Policy *self) {
    if (self->queues[WINDOW].count <= self->sizes[0]) return NULL;
    Node *candidate = self->queues[WINDOW].oldest, *victim = self->queues[PROBATION].oldest;
    if (self->queues[PROBATION].count + self->queues[PROTECTED].count < self->sizes[1]) {
        move_to(self, candidate, PROBATION);
        return NULL;
    }
    if (victim == NULL) victim = self->queues[PROTECTED].oldest;
    if (victim == NULL) return take_out(self, self->nodes, candidate);
    Py_INCREF(candidate);
    Py_INCREF(victim);
    PyObject *gone = NULL;
    int one = sketch_count(self, candidate->key), other = one < 0 ? -1 : sketch_count(self, victim->key);
    if (other >= 0 && one <= other)
        gone = take_out(self, self->nodes, candidate);
    else if (other >= 0 && (gone = take_out(self, self->nodes, victim)) != NULL && candidate->where == WINDOW)
        move_to(self, candidate, PROBATION);
    Py_DECREF(candidate);
    Py_DECREF(victim);
    return gone;
}

/* Let in a key that is not in; `gone` is whom that sends away, or NULL. */
static int policy_admit(Policy *self, PyObject *key, PyObject **gone) {
    *gone = NULL;
    if (self->kind == W_TINY_LFU) {
        if (sketch_add(self, key) < 0 || put_in(self, self->nodes, key, WINDOW) < 0) return -1;
        *gone = contest(self);
        return PyErr_Occurred() ? -1 : 0;
    }
    if (PyDict_GET_SIZE(self->nodes) == self->capacity && (*gone = policy_evict(self)) == NULL) return -1;
    int where = 0;
    if (self->kind == LFU) {
        self->fewest_uses = 1;
        where = IN_BUCKET;
    } else if (self->kind == S3_FIFO) {
        Node *ghost = find(self->ghosts, key);
        if (ghost != NULL) {
            settled(take_out(self, self->ghosts, ghost));
            Py_DECREF(ghost);
            where = MAIN;
        }
    }
    if (PyErr_Occurred() || put_in(self, self->nodes, key, where) < 0) {
        Py_CLEAR(*gone);
        return -1;
    }
    return 0;
}

/* --- the type ----------------------------------------------------------------------------------------------------- */
static PyObject *hit_method(Policy *self, PyObject *key) {
    return policy_hit(self, key) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *admit_method(Policy *self, PyObject *key) {
    PyObject *gone;
    if (policy_admit(self, key, &gone) < 0) return NULL;
    return gone == NULL ? Py_NewRef(Py_None) : gone;
}

static PyObject *remove_method(Policy *self, PyObject *key) {
    Node *node = find(self->nodes, key);
    if (node == NULL) return no_such_key(key);
    int how = settled(take_out(self, self->nodes, node));
    Py_DECREF(node);
    return how < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *evict_method(Policy *self, PyObject *unused) { return policy_evict(self); }

static int append_rows(PyObject *rows, const Queue *queue, int64_t uses) {
    for (Node *node = queue->oldest; node != NULL; node = node->newer) {
        PyObject *row = Py_BuildValue("(OL)", node->key, (long long)(uses >= 0 ? uses : node->uses));
        int how = row == NULL ? -1 : PyList_Append(rows, row);
        Py_XDECREF(row);
        if (how < 0) return -1;
    }
    return 0;
}

/* Keys with their uses, oldest first, queue by queue; where SIEVE's hand stands; LFU's fewest uses; counters of the
 * sketch, and how many requests are left until they are halved. */
static PyObject *rows_method(Policy *self, PyObject *unused) {
    PyObject *all[3] = {PyList_New(0), PyList_New(0), PyList_New(0)}, *hand = Py_NewRef(Py_None), *counters;
    int how = all[0] == NULL || all[1] == NULL || all[2] == NULL ? -1 : 0;
    for (int i = 0; !how && i < 3; i++) how = append_rows(all[i], &self->queues[i], -1);
    for (Bucket *bucket = self->fewest; !how && bucket != NULL; bucket = bucket->more)
        how = append_rows(all[0], &bucket->queue, bucket->uses);
    if (self->hand != NULL) {
        Py_ssize_t place = 0;
        for (Node *node = self->queues[0].oldest; node != self->hand; node = node->newer) place++;
        Py_SETREF(hand, PyLong_FromSsize_t(place));
    }
    counters = PyBytes_FromStringAndSize((char *)self->counters, self->counters == NULL ? 0 : (Py_ssize_t)4 << self->bits);
    PyObject *found = NULL;
    if (!how && hand != NULL && counters != NULL)
        found = Py_BuildValue("(OOOOLOn)", all[0], all[1], all[2], hand, (long long)self->fewest_uses, counters,
                              self->left);
    for (int i = 0; i < 3; i++) Py_XDECREF(all[i]);
    Py_XDECREF(hand);
    Py_XDECREF(counters);
    return found;
}

/* What `rows` gave, into one that is empty. */
static PyObject *fill_method(Policy *self, PyObject *args) {
    PyObject *all[3], *hand;
    Py_buffer counters;
    long long fewest;
    Py_ssize_t left;
    if (!PyArg_ParseTuple(args, "O!O!O!OLy*n", &PyList_Type, &all[0], &PyList_Type, &all[1], &PyList_Type, &all[2],
                          &hand, &fewest, &counters, &left))
        return NULL;
    int how = 0;
    Bucket *last = NULL;
    for (int i = 0; i < 3; i++)
        for (Py_ssize_t k = 0; !how && k < PyList_GET_SIZE(all[i]); k++) {
            PyObject *key, *table = i == GHOST && self->kind == S3_FIFO ? self->ghosts : self->nodes;
            long long uses; /* of LFU: as many as there were */
            if (!PyArg_ParseTuple(PyList_GET_ITEM(all[i], k), "OL", &key, &uses) || put_in(self, table, key, i) < 0) {
                how = -1;
                break;
            }
            Node *node = self->queues[i].newest;
            if (node == NULL || node->key != key) {
                PyErr_Format(PyExc_ValueError, "A policy holds each key once, and %R twice.", key);
                how = -1;
                break;
            }
            node->uses = (int)uses;
            if (self->kind == LFU) {
                unlink_of(self, node);
                how = enter_bucket(self, last != NULL && last->uses == uses ? last->less : last, uses, node);
                last = node->bucket;
            }
        }
    if (!how && hand != Py_None) {
        Py_ssize_t place = PyLong_AsSsize_t(hand);
        if (place == -1 && PyErr_Occurred()) how = -1;
        for (self->hand = self->queues[0].oldest; self->hand != NULL && place > 0; place--) self->hand = self->hand->newer;
    }
    if (self->counters != NULL && counters.len == (Py_ssize_t)4 << self->bits)
        memcpy(self->counters, counters.buf, (size_t)counters.len);
    self->fewest_uses = fewest;
    self->left = left;
    PyBuffer_Release(&counters);
    return how ? NULL : Py_NewRef(Py_None);
}

static Py_ssize_t policy_length(Policy *self) { return PyDict_GET_SIZE(self->nodes); }

static int policy_contains(Policy *self, PyObject *key) { return PyDict_Contains(self->nodes, key); }

static PyObject *policy_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Py_ssize_t capacity, sizes[3] = {0, 0, 0}, sample = 0;
    int bits = 0, kind = 0;
    while (kind < POLICIES && PolicyTypes[kind] != type) kind++;
    if (kind == POLICIES) {
        PyErr_SetString(PyExc_TypeError, "This is no policy by itself.");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "n|nnnin", &capacity, &sizes[0], &sizes[1], &sizes[2], &bits, &sample)) return NULL;
    if (bits < 0 || bits > 40) {
        PyErr_SetString(PyExc_ValueError, "A row of a sketch has 2**0 to 2**40 counters.");
        return NULL;
    }
    Policy *self = (Policy *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->kind = kind;
    self->capacity = capacity;
    memcpy(self->sizes, sizes, sizeof sizes);
    self->sample = self->left = sample;
    self->bits = bits;
    self->fewest_uses = 1;
    self->nodes = PyDict_New();
    self->ghosts = PyDict_New();
    self->counters = kind == W_TINY_LFU ? PyMem_Calloc((size_t)4 << bits, 1) : NULL;
    if (self->nodes == NULL || self->ghosts == NULL || (kind == W_TINY_LFU && self->counters == NULL)) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static int visit_keys(const Queue *queue, visitproc visit, void *arg) {
    for (Node *node = queue->oldest; node != NULL; node = node->newer) Py_VISIT(node->key);
    return 0;
}

static int policy_traverse(Policy *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->nodes);
    Py_VISIT(self->ghosts);
    int how = 0;
    for (int i = 0; self->circles && how == 0 && i < 3; i++) how = visit_keys(&self->queues[i], visit, arg);
    for (Bucket *bucket = self->fewest; self->circles && how == 0 && bucket != NULL; bucket = bucket->more)
        how = visit_keys(&bucket->queue, visit, arg);
    return how;
}

/* The queues alone: the collector knows the tables, and empties them itself. */
static int policy_clear(Policy *self) {
    for (int i = 0; i < 3; i++)
        while (self->queues[i].oldest != NULL) leave_queue(self, self->queues[i].oldest);
    while (self->fewest != NULL) leave_queue(self, self->fewest->queue.oldest);
    return 0;
}

static void policy_dealloc(Policy *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    policy_clear(self);
    Py_CLEAR(self->nodes);
    Py_CLEAR(self->ghosts);
    PyMem_Free(self->counters);
    type->tp_free(self);
    Py_DECREF(type);
}

static void node_dealloc(Node *self) {
    PyObject *key = self->key;
    if (spare == NULL)
        spare = self;
    else {
        PyTypeObject *type = Py_TYPE(self);
        PyObject_Free(self);
        Py_DECREF(type);
    }
    Py_XDECREF(key); /* which may run anything */
}

static PyType_Slot node_slots[] = {
    {Py_tp_doc, "A key of a policy, in its place."},
    {Py_tp_dealloc, node_dealloc},
    {0, NULL},
};
static PyType_Spec node_spec = {"windtunnel._native.Node", sizeof(Node), 0, Py_TPFLAGS_DEFAULT, node_slots};

static PyMemberDef policy_members[] = {{"capacity", T_PYSSIZET, offsetof(Policy, capacity), 0, NULL}, {NULL}};
static PyMethodDef policy_methods[] = {
    {"hit", (PyCFunction)hit_method, METH_O, "A key that is in was used."},
    {"admit", (PyCFunction)admit_method, METH_O, "Let in a key that is not in; returns whom that sends away, if anyone."},
    {"remove", (PyCFunction)remove_method, METH_O, "Take out a key that is in."},
    {"evict", (PyCFunction)evict_method, METH_NOARGS, "Send one of those held away; returns whom."},
    {"rows", (PyCFunction)rows_method, METH_NOARGS, "All that it knows; `fill` takes it."},
    {"fill", (PyCFunction)fill_method, METH_VARARGS, "Take over what `rows` gave."},
    {NULL},
};
static PyType_Slot policy_slots[] = {
    {Py_tp_doc, "Decides who stays among at most `capacity` keys."},
    {Py_tp_new, policy_new},
    {Py_tp_members, policy_members},
    {Py_tp_methods, policy_methods},
    {Py_sq_length, policy_length},
    {Py_mp_length, policy_length},
    {Py_sq_contains, policy_contains},
    {Py_tp_traverse, policy_traverse},
    {Py_tp_clear, policy_clear},
    {Py_tp_dealloc, policy_dealloc},
    {0, NULL},
};
static PyType_Spec policy_spec = {"windtunnel._native.Policy", sizeof(Policy), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, policy_slots};
static PyType_Slot kind_slots[] = {
    {Py_tp_doc, "The compiled form of a policy of `windtunnel.blocks.caching`."},
    {Py_tp_new, policy_new},
    {Py_tp_traverse, policy_traverse},
    {Py_tp_clear, policy_clear},
    {Py_tp_dealloc, policy_dealloc},
    {0, NULL},
};
#define KIND_SPEC(name) {"windtunnel._native." name, sizeof(Policy), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, kind_slots}
static const char *const kind_names[POLICIES] = {"Fifo", "Lru", "Clock", "Lfu", "Sieve", "S3Fifo", "WTinyLfu"};
static PyType_Spec kind_specs[POLICIES] = {KIND_SPEC("Fifo"),  KIND_SPEC("Lru"),    KIND_SPEC("Clock"),   KIND_SPEC("Lfu"),
                                           KIND_SPEC("Sieve"), KIND_SPEC("S3Fifo"), KIND_SPEC("WTinyLfu")};
