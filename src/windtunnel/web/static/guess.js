// Guesses on a line, and how far they were from what was measured.
import { grouped } from "./numbers.js";

export function toShare(number, ask) {
  const share = ask.log ? Math.log(Math.max(number, ask.low) / ask.low) / Math.log(ask.high / ask.low) : (number - ask.low) / (ask.high - ask.low);
  return Math.min(1, Math.max(0, share));
}

export function fromShare(share, ask) {
  const value = ask.log ? ask.low * (ask.high / ask.low) ** share : ask.low + share * (ask.high - ask.low);
  return short(value, 3);
}

export function short(value, digits = 4) {
  return value === 0 ? 0 : Number(value.toPrecision(digits));
}

export function asUnit(value, unit) {
  const number = grouped(short(value), 12);
  return unit ? `${number} ${unit}` : number;
}

// The distance in the words of the scale: how many times on a logarithmic one, else by how much.
export function answered(number, answer, ask) {
  const span = ask.high - ask.low;
  if (Math.abs(number - answer) <= 0.02 * (ask.log ? Math.abs(answer) : span)) return "right";
  if (number > 0 && answer > 0 && (ask.log || Math.max(number / answer, answer / number) >= 1.5)) {
    const times = number > answer ? number / answer : answer / number;
    return `${short(times, 2)} times too ${number > answer ? "much" : "little"}`;
  }
  return `${asUnit(Math.abs(number - answer), ask.unit)} too ${number > answer ? "much" : "little"}`;
}
