"use strict";
/* What bills mean for customers: a home counts as many times as it has customers. */
const Statistics = (() => {
  const EVEN = 0.005;  // $ a year: a customer this near to zero neither gains nor loses
  const HEAVY = 0.06;  // of income: above it energy bills are called a high burden
  const WORSE = 0.1;   // of the bill: what a change of more than this is counted apart
  const BARS = 40;

  const ratio = (part, whole) => (whole ? part / whole : NaN);

  /* {customers, up, upMean, down, downMean, worse, mean, before, after} of the homes chosen
     (all when null): shares of the customers who pay more, less and WORSE, $ a customer. */
  function change(annual, base, weight, chosen = null) {
    let customers = 0, up = 0, upSum = 0, down = 0, downSum = 0, worse = 0, before = 0, after = 0;
    for (let i = 0; i < weight.length; i++) {
      if (chosen && !chosen[i]) continue;
      const w = weight[i], by = annual[i] - base[i];
      customers += w;
      before += w * base[i];
      after += w * annual[i];
      if (by > EVEN) { up += w; upSum += w * by; } else if (by < -EVEN) { down += w; downSum += w * by; }
      if (by > EVEN && by > WORSE * base[i]) worse += w;
    }
    return {
      customers, up: ratio(up, customers), upMean: ratio(upSum, up),
      down: ratio(down, customers), downMean: ratio(downSum, down),
      worse: ratio(worse, customers), mean: ratio(after - before, customers),
      before: ratio(before, customers), after: ratio(after, customers),
    };
  }

  /* Rows by group of a segment, all customers last: `change`, what the group pays and costs, bill
     alignment, bills as a share of income. */
  function byGroup(view, segment) {
    const { annual, base, weight, cost, costBase, runBill, energy, energyBase, income } = view;
    const count = segment.groups.length + 1;
    const column = () => new Float64Array(count);
    const sums = { customers: column(), up: column(), down: column(), worse: column(),
      before: column(), after: column(), cost: column(), alignmentBefore: column(),
      income: column(), energy: column(), energyBefore: column(), heavy: column(),
      heavyBefore: column(), known: column() };
    const add = (g, i) => {
      const w = weight[i], by = annual[i] - base[i];
      sums.customers[g] += w;
      if (by > EVEN) sums.up[g] += w; else if (by < -EVEN) sums.down[g] += w;
      if (by > EVEN && by > WORSE * base[i]) sums.worse[g] += w;
      sums.before[g] += w * base[i];
      sums.after[g] += w * annual[i];
      sums.cost[g] += w * cost[i];
      sums.alignmentBefore[g] += w * (runBill[i] - costBase[i]);
      if (income && income[i] > 0) {
        sums.known[g] += w;
        sums.income[g] += w * income[i];
        sums.energy[g] += w * energy[i];
        sums.energyBefore[g] += w * energyBase[i];
        if (energy[i] > HEAVY * income[i]) sums.heavy[g] += w;
        if (energyBase[i] > HEAVY * income[i]) sums.heavyBefore[g] += w;
      }
    };
    for (let i = 0; i < weight.length; i++) add(segment.code[i], i);
    for (const sum of Object.values(sums)) {
      for (let g = 0; g < count - 1; g++) sum[count - 1] += sum[g];
    }
    return [...segment.groups, "All customers"].map((group, g) => {
      const n = sums.customers[g];
      return {
        group, customers: n,
        up: ratio(sums.up[g], n), down: ratio(sums.down[g], n), worse: ratio(sums.worse[g], n),
        before: ratio(sums.before[g], n), after: ratio(sums.after[g], n),
        mean: ratio(sums.after[g] - sums.before[g], n), cost: ratio(sums.cost[g], n),
        alignment: ratio(sums.after[g] - sums.cost[g], n),
        alignmentBefore: ratio(sums.alignmentBefore[g], n),
        burden: ratio(sums.energy[g], sums.income[g]),
        burdenBefore: ratio(sums.energyBefore[g], sums.income[g]),
        heavy: ratio(sums.heavy[g], sums.known[g]),
        heavyBefore: ratio(sums.heavyBefore[g], sums.known[g]),
      };
    });
  }

  /* Weighted mean over the homes chosen. */
  function mean(values, weight, chosen) {
    let sum = 0, customers = 0;
    for (let i = 0; i < weight.length; i++) {
      if (chosen && !chosen[i]) continue;
      sum += weight[i] * values[i];
      customers += weight[i];
    }
    return ratio(sum, customers);
  }

  /* A round number at or above a width: 1, 2 or 5 times a power of ten. */
  function round(width) {
    const power = 10 ** Math.floor(Math.log10(width));
    return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= width * (1 - 1e-9));
  }

  /* Edges of bars, zero among them, that hold all but the outermost hundredths of the homes, within
     `most` on either side. */
  function edges(values, least, most) {
    const ordered = Float64Array.from(values).sort(), n = ordered.length;
    const low = Math.max(Math.min(ordered[Math.floor(0.01 * (n - 1))], -least), -most);
    const high = Math.min(Math.max(ordered[Math.ceil(0.99 * (n - 1))], least), most);
    const width = round((high - low) / BARS), first = Math.floor(low / width);
    const bars = Math.ceil(high / width) - first;
    return Array.from({ length: bars + 1 }, (_, k) => (first + k) * width);
  }

  /* Customers by bar, [chosen, others]; the outermost bars hold all beyond them. */
  function histogram(values, weight, chosen, at) {
    const bars = at.length - 1, width = at[1] - at[0], first = at[0];
    const counts = [new Float64Array(bars), new Float64Array(bars)];
    for (let i = 0; i < values.length; i++) {
      const bar = Math.floor((values[i] - first) / width);
      counts[chosen && chosen[i] ? 0 : 1][Math.min(Math.max(bar, 0), bars - 1)] += weight[i];
    }
    return counts;
  }

  return { EVEN, HEAVY, WORSE, change, byGroup, mean, edges, histogram };
})();
