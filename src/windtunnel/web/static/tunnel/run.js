// One run as columns: requests, attempts and messages, and what is inside of what at a moment. Times are units of the
// trace; Infinity is a time that never came. Everything here is a function of the run and the moment.

export const FATES = ["open", "served", "unanswered", "rejected", "dropped", "withdrawn", "lost"];
export const OUTCOMES = ["ok", "fail", "unknown"];
const UNKEPT = OUTCOMES.length, USUAL = new Set(["yes", "given", "open", "no", "1"]);
const BUCKETS = 512;

const REQUEST = ["id", "client", "name", "due", "end", "outcome", "first", "tries", "message", "messages"];
const ATTEMPT = ["req", "number", "source", "target", "fate", "used", "sent", "until", "begun", "ended", "gone", "before", "next", "left", "back"];
const MESSAGE = ["req", "source", "target", "sent", "arrived", "lost", "carries"];

// The first place at which sorted numbers are at least x.
export function below(list, x, length = list.length) {
  let low = 0, high = length;
  while (low < high) { const mid = (low + high) >> 1; if (list[mid] < x) low = mid + 1; else high = mid; }
  return low;
}

const table = names => ({length: 0, ...Object.fromEntries(names.map(n => [n, new Float64Array(0)]))});
function extend(rows, names, more) {
  for (const name of names) {
    const both = new Float64Array(rows.length + more);
    both.set(rows[name]); rows[name] = both;
  }
  const first = rows.length;
  rows.length += more;
  return first;
}
const never = (after, since) => after === 0 ? Infinity : since + after - (after > 0);

export class Run {
  constructor(head, name, idea) {
    this.head = head;
    this.name = name ?? head.run.design; this.idea = idea ?? "";
    this.unit = head.run.unit_s;
    this.end = head.run.end * this.unit;                       // seconds
    this.boxes = head.boxes.map(([name, kind, workers, bound, discipline]) => ({name, kind, workers, bound, discipline}));
    this.byName = new Map(this.boxes.map((box, i) => [box.name, i]));
    this.inBox = Int32Array.from(head.names, name => this.byName.get(name) ?? -1);
    this.requests = table(REQUEST); this.attempts = table(ATTEMPT); this.messages = table(MESSAGE);
    this.place = new Map();                                    // request number -> row
    this.order = new Int32Array(0);                            // attempts by the time of coming
    this.pieces = 0;
    this.longestWay = 0;
    this.kept = null;
    this.changes = head.changes.map(([at, thing, facet, state, why]) => ({at, thing, facet, state, why}));
  }

  get whole() { return this.pieces >= this.head.pieces; }
  name_of(number) { return this.head.names[number]; }

  // --- what comes piece by piece -----------------------------------------------------------------------------------
  add(column) {
    const [n, m, k] = column(3), {requests: R, attempts: A, messages: M} = this;
    const r0 = extend(R, REQUEST, n), a0 = extend(A, ATTEMPT, m), m0 = extend(M, MESSAGE, k);
    const [ids, clients, names, dues, ends, outcomes, tries, sends] = Array.from({length: 8}, () => column(n));
    const [sources, targets, fates, sents, untils, begins, endeds] = Array.from({length: 7}, () => column(m));
    const [froms, tos, leaves, comes, losts] = Array.from({length: 5}, () => column(k));
    let id = 0, due = 0, a = 0, s = 0;
    for (let i = 0; i < n; i++) {
      const r = r0 + i;
      id += ids[i]; due += dues[i];
      R.id[r] = id; R.client[r] = clients[i]; R.name[r] = names[i]; R.due[r] = due; R.outcome[r] = outcomes[i];
      R.end[r] = never(ends[i], due);
      R.first[r] = a0 + a; R.tries[r] = tries[i]; R.message[r] = m0 + s; R.messages[r] = sends[i];
      if (outcomes[i] !== UNKEPT) this.place.set(id, r);
      for (let j = 0; j < tries[i]; j++, a++) {
        const x = a0 + a, sent = due + sents[a];
        A.req[x] = r; A.number[x] = j; A.source[x] = this.inBox[sources[a]]; A.target[x] = this.inBox[targets[a]];
        A.fate[x] = fates[a] >> 1; A.used[x] = fates[a] & 1; A.sent[x] = sent; A.until[x] = never(untils[a], sent);
        A.begun[x] = never(begins[a], sent);
        A.ended[x] = never(endeds[a], A.begun[x] < Infinity ? A.begun[x] : sent);
      }
      for (let j = 0; j < sends[i]; j++, s++) {
        const x = m0 + s, sent = due + leaves[s];
        M.req[x] = r; M.source[x] = this.inBox[froms[s]]; M.target[x] = this.inBox[tos[s]]; M.sent[x] = sent;
        M.arrived[x] = never(comes[s], sent); M.lost[x] = losts[s];
      }
      this.tie(r);
    }
    this.merge(a0, m);
    this.index();
    this.pieces++;
  }

  // What a request's attempts have to do with each other and with its messages.
  tie(r) {
    const {requests: R, attempts: A, messages: M} = this, first = R.first[r], last = first + R.tries[r];
    const end = R.outcome[r] === UNKEPT ? Infinity : R.end[r];
    for (let i = first; i < last; i++) {
      let before = -1, next = Infinity;
      for (let j = first; j < last; j++) {
        if (j < i && A.ended[j] <= A.sent[i] && (before < 0 || A.ended[j] >= A.ended[before])) before = j;
        if (j > i && A.sent[j] >= A.ended[i]) next = Math.min(next, A.sent[j]);
      }
      A.before[i] = before; A.next[i] = next;
      A.left[i] = Infinity; A.back[i] = -1;
    }
    for (let m = R.message[r]; m < R.message[r] + R.messages[r]; m++) {
      for (let i = first; i < last; i++) {
        const there = M.source[m] === A.source[i] && M.target[m] === A.target[i], here = M.source[m] === A.target[i] && M.target[m] === A.source[i];
        if (there && A.left[i] === Infinity && M.arrived[m] <= A.sent[i] && A.sent[i] - M.arrived[m] <= 2) { A.left[i] = M.sent[m]; M.carries[m] = 1; break; }
        if (here && A.back[i] < 0 && M.sent[m] >= A.ended[i] && M.sent[m] - A.ended[i] <= 2) { A.back[i] = M.arrived[m]; M.carries[m] = 1; break; }
      }
    }
    for (let i = first; i < last; i++) if (A.left[i] < Infinity) this.longestWay = Math.max(this.longestWay, A.sent[i] - A.left[i]);
    for (let i = first; i < last; i++) A.gone[i] = Math.min(A.until[i] + 1, end);      // from then on nobody waits
  }

  // The new attempts take their places among those that came before, by time, request and number.
  merge(first, count) {
    const A = this.attempts, R = this.requests;
    const earlier = (x, y) => A.sent[x] - A.sent[y] || R.id[A.req[x]] - R.id[A.req[y]] || A.number[x] - A.number[y];
    const own = Int32Array.from({length: count}, (_, i) => first + i).sort(earlier), old = this.order;
    const both = new Int32Array(old.length + count);
    for (let i = 0, j = 0, k = 0; k < both.length; k++) both[k] = j >= count || (i < old.length && earlier(old[i], own[j]) <= 0) ? old[i++] : own[j++];
    this.order = both;
  }

  // For each stretch of the run the first attempt, request and message that can still be seen in it.
  index() {
    const {attempts: A, requests: R, messages: M} = this, end = this.head.run.end + 1, margin = end / 20;
    this.step = end / BUCKETS;
    this.times = Float64Array.from(this.order, i => A.sent[i]);
    const alive = (count, leaves) => {
      const found = new Int32Array(BUCKETS + 1).fill(count);
      for (let i = count - 1; i >= 0; i--) {
        const bucket = Math.min(BUCKETS, Math.floor(Math.min(end, leaves(i)) / this.step));
        found[bucket] = Math.min(found[bucket], i);
      }
      for (let b = BUCKETS - 1; b >= 0; b--) found[b] = Math.min(found[b], found[b + 1]);
      return found;
    };
    this.aliveAttempts = alive(this.order.length, i => Math.max(A.ended[this.order[i]] + margin, A.back[this.order[i]]));
    this.aliveRequests = alive(R.length, i => R.end[i] + margin);
    if (!this.sends || this.sends.length !== M.length) this.sends = Int32Array.from({length: M.length}, (_, i) => i).sort((x, y) => M.sent[x] - M.sent[y]);
    this.sendTimes = Float64Array.from(this.sends, i => M.sent[i]);
    this.aliveMessages = alive(this.sends.length, i => (M.lost[this.sends[i]] ? M.sent[this.sends[i]] : M.arrived[this.sends[i]]) + margin);
  }

  // --- a moment ------------------------------------------------------------------------------------------------------
  units(moment_s) { return Math.floor(moment_s / this.unit + 1e-6); }
  stretch(units) { return Math.max(0, Math.min(BUCKETS, Math.floor(units / this.step))); }

  // Attempts that came and have not gone, by box; requests that are open and in no box; messages under way.
  at(moment_s) {
    const now = this.units(moment_s), {attempts: A, requests: R, messages: M, order} = this;
    const boxes = this.boxes.map(() => ({waiting: [], serving: [], hollow: 0})), inside = new Set(), held = [], sent = [];
    let open = 0, since = Infinity;                            // how many wait for an answer, and since when
    if (!this.pieces) return {now, boxes, held, sent, open, since, inside};
    for (let p = this.aliveAttempts[this.stretch(now)], to = below(this.times, now + 0.5); p < to; p++) {
      const i = order[p];
      if (A.ended[i] <= now) continue;
      const box = boxes[A.target[i]];
      (A.begun[i] <= now ? box.serving : box.waiting).push(i);
      if (A.gone[i] <= now) box.hollow++;
      inside.add(A.req[i]);
    }
    for (let r = this.aliveRequests[this.stretch(now)], to = below(R.due, now + 0.5, R.length); r < to; r++) {
      if (R.end[r] <= now || R.outcome[r] === UNKEPT) continue;
      open++; since = Math.min(since, R.due[r]);
      if (!inside.has(r)) held.push(r);
    }
    for (let p = this.aliveMessages[this.stretch(now)], to = below(this.sendTimes, now + 0.5); p < to; p++) {
      const m = this.sends[p];
      if (!M.lost[m] && M.arrived[m] > now) sent.push(m);
    }
    return {now, boxes, held, sent, open, since, inside};
  }

  // Attempts that can be seen outside of boxes: on their way in, and answers on their way out. What takes no time, or too
  // little to be seen, is drawn with `fly` units: it leaves so long before it comes, and its answer comes so long after.
  // In the boxes everything is where it was.
  flights(units, fly) {
    const A = this.attempts, coming = [], going = [], now = Math.floor(units + 1e-6);
    for (let p = this.pieces ? this.aliveAttempts[this.stretch(units)] : 0, to = below(this.times, units + this.longest(fly)); p < to; p++) {
      const i = this.order[p];
      if (A.sent[i] > now) { if (this.leaves(i, fly) <= units) coming.push(i); }
      else if (A.ended[i] <= now && this.returns(i, fly) > units) going.push(i);
    }
    return {coming, going};
  }
  leaves(i, fly) {
    const A = this.attempts, soon = A.sent[i] - fly;
    return A.left[i] < soon ? A.left[i] : Math.max(soon, A.before[i] < 0 ? -Infinity : A.ended[A.before[i]]);
  }
  returns(i, fly) {
    const A = this.attempts, late = A.ended[i] + fly;
    return A.back[i] > late ? A.back[i] : Math.min(late, A.next[i]);
  }
  // The longest way in: that of a message that really takes long.
  longest(fly) { return Math.max(fly, this.longestWay); }

  // What differs from how things are usually, by thing and facet: the state, and the fault's number (-1: none).
  things(moment_s) {
    const now = this.units(moment_s), all = new Map();
    for (const change of this.changes) {
      if (change.at > now) break;
      if (!all.has(change.thing)) all.set(change.thing, new Map());
      all.get(change.thing).set(change.facet, change);
    }
    const unusual = new Map();
    for (const [thing, facets] of all) {
      const some = [...facets].filter(([, change]) => !USUAL.has(change.state));
      if (some.length) unusual.set(thing, new Map(some));
    }
    return unusual;
  }

  // At which of a box's places each attempt is served: the lowest that is free. Known when the whole run is.
  slots() {
    if (this.kept || !this.whole) return this.kept ?? null;
    const A = this.attempts, begun = Int32Array.from(this.order).filter(i => A.begun[i] < Infinity).sort((x, y) => A.begun[x] - A.begun[y]);
    const free = this.boxes.map(() => []);
    this.kept = new Int32Array(A.length).fill(1e9);
    for (const i of begun) {
      const own = free[A.target[i]];
      let slot = own.findIndex(until => until <= A.begun[i]);
      if (slot < 0) { if (own.length >= 100) continue; slot = own.length; }
      own[slot] = A.ended[i]; this.kept[i] = slot;
    }
    return this.kept;
  }

  // Columns of a curve in the last stretch before a moment.
  last(kind, moment_s, columns) {
    const {width, [kind]: values} = this.head.curves, to = Math.min(values.length, Math.floor(this.units(moment_s) / width));
    return values.slice(Math.max(0, to - (columns ?? Math.max(1, Math.round(values.length * 0.025)))), to);
  }
  recent(kind, moment_s, columns) {
    const some = this.last(kind, moment_s, columns);
    return some.reduce((a, b) => a + b, 0) / (some.length || 1);
  }
  // How long the slow answers usually take, in units: the median over the columns.
  get usual() { const some = this.head.curves.p99.filter(one => one >= 0).sort((a, b) => a - b); return some[some.length >> 1] ?? 0; }
  slowest(moment_s) { return Math.max(0, ...this.last("p99", moment_s)) * this.unit; }
}
