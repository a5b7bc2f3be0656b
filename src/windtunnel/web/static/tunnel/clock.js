// The clock of the picture: it plays, goes from event to event, and chooses its speed where nobody has.

import {SPEEDS, speedAt} from "./scene.js";

export class Clock {
  // `moved` is called when there is something to draw; `stopped` when it plays no more.
  constructor(moved, stopped) {
    this.t = 0; this.playing = false; this.chosen = -1;         // -1: the speed chooses itself
    this.limit = 0; this.last = 0; this.still = matchMedia("(prefers-reduced-motion: reduce)"); this.shown = 0;
    this.moved = moved; this.stopped = stopped; this.asked = 0; this.ended = false;
  }
  speed(scene) { return this.chosen >= 0 ? this.chosen : speedAt(scene, this.t); }

  later() { if (!this.asked && !this.ended) this.asked = requestAnimationFrame(now => this.frame(now)); }
  frame(now) {
    this.asked = 0;
    if (this.playing) {
      const passed = Math.min(0.1, (now - this.last) / 1000), speed = SPEEDS[this.speed(this.scene)][0];
      if (!this.still.matches) this.t += passed * speed;
      else if (now - this.shown >= 1000) { this.t += speed; this.shown = now; }       // stills instead of motion
      if (this.t >= this.limit) { this.t = this.limit; this.pause(); }
    }
    this.last = now;
    this.moved();
    if (this.playing) this.later();
  }
  play() { if (this.t >= this.limit) this.t = 0; this.playing = true; this.last = this.shown = performance.now(); this.later(); }
  pause() { if (this.playing) { this.playing = false; this.stopped(); } this.later(); }
  go(t) { this.t = Math.max(0, Math.min(this.limit, t)); this.later(); }
  end() { this.ended = true; cancelAnimationFrame(this.asked); }
}
