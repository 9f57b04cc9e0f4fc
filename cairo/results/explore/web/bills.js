"use strict";
/* Bills of homes, and the rate level at which they meet a requirement.

   Each function is the mirror of one in Python, named beside it; tests hold the two together to
   1e-9 of a bill. Months count from 0, arrays by month are one after another: month * n + home.
   Energies are in kWh, charges in $. */
const Bills = (() => {
  const MONTHS = 12;
  const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  const PER_KW = [1, 3], PER_DAY = [2, 3];
  const MOST_STEPS = 200;

  /* Sum with what rounding has lost added at the end (Neumaier). */
  class Sum {
    constructor() { this.sum = 0; this.lost = 0; }
    add(value) {
      const next = this.sum + value;
      this.lost += Math.abs(this.sum) >= Math.abs(value)
        ? (this.sum - next) + value : (value - next) + this.sum;
      this.sum = next;
    }
    get total() { return this.sum + this.lost; }
  }

  /* A period's rates in a month as multiples of the level: ratios, times the season's factor. */
  const relative = (design, seasons, month, period) => {
    const factor = seasons[month] ? design.summer : 1;
    return design.ratio[period].map((one) => one * factor);
  };

  /* fill_tiers, tier_limits (model/bills.py): adds energy x ratio of each home to `charges`. */
  function addEnergy(charges, kwh, ratio, limits, unit, peak, month) {
    const n = kwh.length, last = ratio.length - 1;
    if (last === 0) {
      const one = ratio[0];
      for (let i = 0; i < n; i++) charges[i] += kwh[i] * one;
      return;
    }
    const days = PER_DAY.includes(unit) ? DAYS[month] : 1;
    const perKw = PER_KW.includes(unit);
    for (let i = 0; i < n; i++) {
      let lower = 0, charge = 0;
      for (let t = 0; t <= last; t++) {
        let upper = Infinity;
        if (t < last) upper = limits[t] * days * (perKw ? peak[i] : 1);
        charge += Math.max(Math.min(kwh[i], upper) - lower, 0) * ratio[t];
        lower = upper;
      }
      charges[i] += charge;
    }
  }

  /* rate_response (model/bills.py): a month's charges are slope x level + constant. */
  function response(tariff, design, seasons) {
    const n = tariff.homes.length;
    const slope = new Float64Array(MONTHS * n), constant = new Float64Array(MONTHS * n);
    const of = (array, month) => array.subarray(month * n, (month + 1) * n);
    for (const { month, period, kwh } of tariff.energy) {
      addEnergy(of(slope, month), kwh, relative(design, seasons, month, period),
        design.limit[period], tariff.unit[period],
        tariff.peak && of(tariff.peak, month), month);
    }
    for (let m = 0; m < MONTHS; m++) {
      const charges = of(constant, m), kwh = of(tariff.monthlyKwh, m), fuel = tariff.fuel[m];
      const demand = tariff.demand && of(tariff.demand, m);
      for (let i = 0; i < n; i++) {
        charges[i] = (demand ? demand[i] : 0) + design.fixed + kwh[i] * fuel;
      }
    }
    if (tariff.exports) addCredits(tariff, design, seasons, of, slope, constant);
    return { n, slope, constant, weight: tariff.weight, minimum: design.minimum,
      annualMinimum: design.annualMinimum };
  }

  /* solar_credits (model/bills.py): a part of the retail rate, or a price of its own. */
  function addCredits(tariff, design, seasons, of, slope, constant) {
    const { homes, pairs } = tariff.exports;
    for (const { month, period, kwh } of pairs) {
      const credit = tariff.credit[period];
      const ratio = relative(design, seasons, month, period)[0];
      const slopes = of(slope, month), constants = of(constant, month);
      for (let j = 0; j < homes.length; j++) {
        if (tariff.ofRetail) {
          slopes[homes[j]] -= kwh[j] * credit * ratio;
          constants[homes[j]] -= kwh[j] * credit * tariff.fuel[month];
        } else {
          constants[homes[j]] -= kwh[j] * credit;
        }
      }
    }
  }

  /* with_minimum (model/bills.py): {year, rise}, each home's year at a level and how it rises.
     Without minimum charges both are sums; with them months, then the year, stay at a floor. */
  function yearly(one, level) {
    const { n, slope, constant, minimum, annualMinimum } = one;
    const year = new Float64Array(n), rise = new Float64Array(n);
    for (let m = 0, k = 0; m < MONTHS; m++) {
      for (let i = 0; i < n; i++, k++) {
        const charge = slope[k] * level + constant[k];
        if (minimum > 0 && !(charge > minimum)) {
          year[i] += minimum;
        } else {
          year[i] += charge;
          rise[i] += slope[k];
        }
      }
    }
    if (annualMinimum > 0) {
      for (let i = 0; i < n; i++) {
        if (!(year[i] > annualMinimum)) { year[i] = annualMinimum; rise[i] = 0; }
      }
    }
    return { year, rise };
  }

  /* revenue (model/precalc.py): [weighted revenue, its slope] of all at a level. */
  function revenue(level, responses) {
    const revenues = new Sum(), slopes = new Sum();
    for (const one of responses) {
      const { year, rise } = yearly(one, level);
      for (let i = 0; i < one.n; i++) {
        revenues.add(one.weight[i] * year[i]);
        slopes.add(one.weight[i] * rise[i]);
      }
    }
    return [revenues.total, slopes.total];
  }

  /* rate_level (model/precalc.py): the level at which weighted bills are the requirement. From the
     linear answer Newton steps go down the pieces of the revenue. Throws what cannot be met. */
  function rateLevel(responses, requirement) {
    const bare = responses.map((one) => ({ ...one, minimum: 0, annualMinimum: 0 }));
    const [constant, slope] = revenue(0, bare);
    if (!(slope > 0)) {
      throw new Error("There is no billed energy that an energy rate could charge.");
    }
    let level = (requirement - constant) / slope, best = level, miss = Infinity;
    if (responses.every((one) => !(one.minimum > 0) && !(one.annualMinimum > 0))) return level;
    for (let step = 0; step < MOST_STEPS; step++) {
      const [collected, rise] = revenue(level, responses);
      const excess = collected - requirement;
      if (Math.abs(excess) >= miss) break;
      best = level;
      miss = Math.abs(excess);
      if (excess === 0) break;
      if (!(rise > 0)) {
        throw new Error("Minimum and fixed charges alone collect more than is to be collected.");
      }
      level -= excess / rise;
    }
    return best;
  }

  /* monthly_relief, apply_low_income_assistance (model/low_income_assistance.py): monthly bills
     (12 n) after assistance and the rider per kWh that pays for it. Weighted bills stay. */
  function assisted(monthly, run, weight) {
    const { helped, renter, discount, renterCredit } = run.assistance;
    const n = weight.length, relief = new Float64Array(n), paidOn = new Float64Array(n);
    for (let m = 0, k = 0; m < MONTHS; m++) {
      for (let i = 0; i < n; i++, k++) {
        if (!helped[i]) {
          paidOn[i] += run.monthlyKwh[k];
          continue;
        }
        const positive = Math.max(monthly[k], 0);
        const off = renter[i] ? Math.min(positive, renterCredit) : positive * discount;
        monthly[k] -= off;
        relief[i] += off;
      }
    }
    const cost = new Sum(), kwh = new Sum();
    for (let i = 0; i < n; i++) {
      cost.add(weight[i] * relief[i]);
      kwh.add(weight[i] * paidOn[i]);
    }
    if (!(cost.total > 0)) return;
    if (!(kwh.total > 0)) throw new Error("Nobody is left who could pay for the assistance.");
    const rider = cost.total / kwh.total;
    for (let m = 0, k = 0; m < MONTHS; m++) {
      for (let i = 0; i < n; i++, k++) {
        if (!helped[i]) monthly[k] += rider * run.monthlyKwh[k];
      }
    }
  }

  /* Monthly bills (12 n) of one tariff at a level, before taxes; the year's shortfall of the
     annual minimum is added to December. */
  function monthlyBills(one, level) {
    const { n, slope, constant, minimum, annualMinimum } = one;
    const months = new Float64Array(MONTHS * n), year = new Float64Array(n);
    for (let m = 0, k = 0; m < MONTHS; m++) {
      for (let i = 0; i < n; i++, k++) {
        const charge = slope[k] * level + constant[k];
        months[k] = minimum > 0 ? Math.max(charge, minimum) : charge;
        year[i] += months[k];
      }
    }
    const december = (MONTHS - 1) * n;
    for (let i = 0; annualMinimum > 0 && i < n; i++) {
      months[december + i] += Math.max(annualMinimum - year[i], 0);
    }
    return months;
  }

  /* Annual bills (N) of all homes, with taxes and assistance, at each tariff's level. */
  function annualBills(run, responses, levels, weight) {
    const annual = new Float64Array(weight.length);
    if (run.assistance) {
      const all = new Float64Array(MONTHS * weight.length);
      responses.forEach((one, t) => {
        const months = monthlyBills(one, levels[t]), homes = run.tariffs[t].homes;
        for (let m = 0, k = 0; m < MONTHS; m++) {
          for (let i = 0; i < one.n; i++, k++) all[m * weight.length + homes[i]] = months[k];
        }
      });
      for (let k = 0; k < all.length; k++) {
        all[k] = all[k] * (1 + run.taxRate) + run.monthlyKwh[k] * run.surcharge;
      }
      assisted(all, run, weight);
      for (let m = 0, k = 0; m < MONTHS; m++) {
        for (let i = 0; i < weight.length; i++, k++) annual[i] += all[k];
      }
      return annual;
    }
    responses.forEach((one, t) => {
      const { homes, annualKwh } = run.tariffs[t], { year } = yearly(one, levels[t]);
      for (let i = 0; i < one.n; i++) {
        annual[homes[i]] = year[i] * (1 + run.taxRate) + annualKwh[i] * run.surcharge;
      }
    });
    return annual;
  }

  /* Tariffs that share a level, as lists of their places: all of them, or each alone. */
  const together = (run, design) => {
    const all = run.tariffs.map((_, t) => t);
    return design.own ? all.map((t) => [t]) : [all];
  };

  /* A design's {levels, annual}: rates solved so that they collect what they have to. `keep` has
     what of the last design can be used again. */
  function solved(run, design, weight, keep = {}) {
    const responses = run.tariffs.map((tariff, t) => {
      const key = JSON.stringify([design.tariffs[t], design.seasons]);
      const kept = keep[t];
      if (kept && kept.key === key) return kept.response;
      const made = response(tariff, design.tariffs[t], design.seasons);
      keep[t] = { key, response: made };
      return made;
    });
    const levels = [];
    for (const group of together(run, design)) {
      const goal = design.own ? design.tariffs[group[0]].share * design.collect : design.collect;
      let level;
      try {
        level = rateLevel(group.map((t) => responses[t]), goal);
      } catch (error) {
        const names = group.map((t) => run.tariffs[t].key).join(", ");
        throw new Error(`${names}: ${error.message}`);
      }
      for (const t of group) levels[t] = level;
    }
    return { levels, annual: annualBills(run, responses, levels, weight) };
  }

  return { MONTHS, Sum, relative, solved };
})();
