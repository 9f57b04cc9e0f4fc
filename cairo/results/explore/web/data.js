"use strict";
/* The page's data: facts as JSON, numbers of homes in one block of base64. */
const Data = (() => {
  const KINDS = { f8: Float64Array, i4: Int32Array, u1: Uint8Array };
  const { MONTHS } = Bills;

  function bytes(text) {
    const letters = atob(text), all = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) all[i] = letters.charCodeAt(i);
    return all.buffer;
  }

  /* Facts with typed arrays in the place of what says where they are. */
  function filled(value, buffer) {
    if (Array.isArray(value)) return value.map((one) => filled(one, buffer));
    if (value === null || typeof value !== "object") return value;
    if (value.type in KINDS && "at" in value) {
      return new KINDS[value.type](buffer, value.at, value.n);
    }
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, filled(one, buffer)]));
  }

  /* (month, period) pairs with the energies of n homes each. */
  const byPair = (pairs, energy, n) => pairs.map(([month, period], at) => ({
    month, period, kwh: energy.subarray(at * n, (at + 1) * n),
  }));

  function tariffOf(given, weight) {
    const n = given.homes.length;
    const energy = byPair(given.pairs, given.energy, n);
    const monthlyKwh = new Float64Array(MONTHS * n), annualKwh = new Float64Array(n);
    for (const { month, kwh } of energy) {
      for (let i = 0; i < n; i++) {
        monthlyKwh[month * n + i] += kwh[i];
        annualKwh[i] += kwh[i];
      }
    }
    const exports = given.exports && {
      homes: given.exports.homes,
      pairs: byPair(given.exports.pairs, given.exports.kwh, given.exports.homes.length),
    };
    const own = Float64Array.from(given.homes, (home) => weight[home]);
    return { ...given, energy, exports, monthlyKwh, annualKwh, weight: own };
  }

  function runOf(given, weight) {
    const tariffs = given.tariffs.map((one) => tariffOf(one, weight));
    const n = weight.length, run = { ...given, tariffs };
    if (run.assistance) {
      run.monthlyKwh = new Float64Array(MONTHS * n);
      for (const { homes, monthlyKwh } of tariffs) {
        for (let m = 0, k = 0; m < MONTHS; m++) {
          for (let i = 0; i < homes.length; i++, k++) {
            run.monthlyKwh[m * n + homes[i]] = monthlyKwh[k];
          }
        }
      }
    }
    return run;
  }

  /* All that the page's two data elements hold. */
  function read() {
    const text = (name) => document.getElementById(name).textContent;
    const all = filled(JSON.parse(text("facts")), bytes(text("numbers").trim()));
    all.runs = all.runs.map((one) => runOf(one, all.weight));
    return all;
  }

  return { read };
})();
