"use strict";
/* Designs: what the controls hold, made from a run, and written into the page's address. */
const Designs = (() => {
  const { MONTHS } = Bills;
  const PLACES = 1e4;  // decimal places of a precalc run's relative rates
  const SUMMER = [3, 9];  // April to September, where a tariff has no seasons of its own

  const lowest = (rates) => {
    const above = rates.flat().filter((rate) => rate > 0);
    return above.length ? Math.min(...above) : 0;
  };

  /* Rates as multiples of a level; a tariff without rates has one multiple for all. */
  function ratios(rates, level, rounded) {
    if (!(level > 0)) return rates.map((tiers) => tiers.map(() => 1));
    return rates.map((tiers) => tiers.map((rate) => {
      const exact = rate / level, near = Math.round(exact * PLACES) / PLACES;
      return rounded && Math.abs(near - exact) <= 1e-9 * Math.abs(exact) ? near : exact;
    }));
  }

  /* Whether each month is of summer: the tariffs' own two groups of months, or half the year. */
  function seasonsOf(run) {
    for (const { pairs } of run.tariffs) {
      const groups = new Map();
      for (let m = 0; m < MONTHS; m++) {
        const periods = pairs.filter(([month]) => month === m).map(([, period]) => period);
        const key = periods.sort((a, b) => a - b).join();
        groups.set(key, [...(groups.get(key) || []), m]);
      }
      const summer = [...groups.values()].find((group) => group.includes(6));
      if (groups.size === 2 && spans(summer)) {
        return Array.from({ length: MONTHS }, (_, m) => summer.includes(m));
      }
    }
    return season(...SUMMER);
  }

  /* Months from the first up to the one past the last, round the year. */
  const season = (first, past) => Array.from({ length: MONTHS }, (_, m) =>
    first < past ? m >= first && m < past : m >= first || m < past);

  /* Whether months are one span of the year. */
  const spans = (group) =>
    group.filter((m) => !group.includes((m + 1) % MONTHS)).length === 1;

  /* The run's own rates as a design; `place` is that of the run. */
  function fromRun(run, place, name) {
    const own = !run.oneLevel, rounded = run.type === "precalc";
    const all = lowest(run.tariffs.map(({ rate }) => rate.flat()));
    return {
      run: place,
      name,
      own,
      collect: run.collected,
      seasons: seasonsOf(run),
      tariffs: run.tariffs.map((one) => ({
        fixed: one.fixed,
        minimum: one.minimum,
        annualMinimum: one.annualMinimum,
        summer: 1,
        ratio: ratios(one.rate, own ? lowest(one.rate) : all, rounded),
        limit: one.limit.map((tiers) => [...tiers]),
        share: one.collected / run.collected,
      })),
    };
  }

  /* The same rates, with one level for all tariffs or one each. */
  function withOwnLevels(run, design, own, levels) {
    const rates = design.tariffs.map((one, t) =>
      one.ratio.map((tiers) => tiers.map((ratio) => ratio * levels[t])));
    const all = lowest(rates.map((rate) => rate.flat()));
    return { ...design, own, tariffs: design.tariffs.map((one, t) => (
      { ...one, ratio: ratios(rates[t], own ? lowest(rates[t]) : all, true) })) };
  }

  /* A share of one tariff; the others keep their proportions. */
  function withShare(design, chosen, share) {
    const rest = design.tariffs.reduce((sum, one, t) => sum + (t === chosen ? 0 : one.share), 0);
    const others = design.tariffs.length - 1;
    return { ...design, tariffs: design.tariffs.map((one, t) => ({
      ...one,
      share: t === chosen ? share
        : rest > 0 ? one.share / rest * (1 - share) : (1 - share) / others,
    })) };
  }

  // In the page's address: what differs from the run's own rates, under short names.

  const FIELDS = { f: "fixed", m: "minimum", a: "annualMinimum", s: "summer", h: "share",
    x: "ratio", l: "limit" };
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  function packed(design, run) {
    const origin = fromRun(run, design.run, design.name);
    const of = {};
    design.tariffs.forEach((one, t) => {
      const changed = Object.entries(FIELDS)
        .filter(([, field]) => !same(one[field], origin.tariffs[t][field]))
        .map(([letter, field]) => [letter, one[field]]);
      if (changed.length) of[run.tariffs[t].key] = Object.fromEntries(changed);
    });
    const all = { r: design.run };
    if (design.own !== origin.own) all.o = design.own;
    if (design.collect !== origin.collect) all.c = design.collect;
    if (!same(design.seasons, origin.seasons)) {
      all.u = design.seasons.map((is, m) => (is ? m + 1 : 0)).filter(Boolean);
    }
    if (Object.keys(of).length) all.t = of;
    return all;
  }

  const finite = (value, low = -Infinity) =>
    typeof value === "number" && Number.isFinite(value) && value >= low;
  /* Whether a value is laid out as another, with numbers where that has numbers. */
  const shaped = (value, like, low) => Array.isArray(like)
    ? Array.isArray(value) && value.length === like.length
      && value.every((one, at) => shaped(one, like[at], low))
    : like === null ? value === null : finite(value, low);

  /* A design of what `packed` gave. Throws what does not fit the run. */
  function unpacked(all, runs, name) {
    const run = all && Number.isInteger(all.r) ? runs[all.r] : undefined;
    if (!run) throw new Error("it is of a run that this page does not have");
    const design = fromRun(run, all.r, name);
    if (typeof all.o === "boolean") design.own = all.o;
    if (finite(all.c, 0)) design.collect = all.c;
    if (Array.isArray(all.u)) design.seasons = design.seasons.map((_, m) => all.u.includes(m + 1));
    for (const [key, changed] of Object.entries(all.t || {})) {
      const at = run.tariffs.findIndex((one) => one.key === key);
      if (at < 0) throw new Error(`it has a tariff ${key} that this page does not have`);
      for (const [letter, value] of Object.entries(changed)) {
        const field = Object.hasOwn(FIELDS, letter) ? FIELDS[letter] : undefined;
        const low = field === "ratio" ? -Infinity : 0;
        if (!field || !shaped(value, design.tariffs[at][field], low)) {
          throw new Error(`its ${field || letter} of ${key} does not fit`);
        }
        design.tariffs[at][field] = value;
      }
    }
    return design;
  }

  const toHash = (designs, active, runs) => "#" + encodeURIComponent(JSON.stringify(
    { a: active, d: designs.map((design) => packed(design, runs[design.run])) }));

  /* {designs, active} of an address; null when it holds none. Throws what does not fit. */
  function fromHash(hash, runs, names) {
    if (!/^#(%7B|{)/i.test(hash)) return null;
    let all;
    try {
      all = JSON.parse(decodeURIComponent(hash.slice(1)));
    } catch {
      throw new Error("it is cut off or not a link of this page");
    }
    const given = all && all.d;
    if (!Array.isArray(given) || !given.length || given.length > names.length) {
      throw new Error("it holds no design");
    }
    const designs = given.map((one, at) => unpacked(one, runs, names[at]));
    return { designs, active: designs[all.a] ? all.a : 0 };
  }

  const copy = (design, name) => ({ ...structuredClone(design), name });

  return { fromRun, withOwnLevels, withShare, season, toHash, fromHash, copy };
})();
