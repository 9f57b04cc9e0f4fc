"use strict";
/* Numbers and designs in words. */
const Words = (() => {
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
    "Dec"];
  const UNITS = ["kWh a month", "kWh a month and kW of peak", "kWh a day",
    "kWh a day and kW of peak"];  // by the codes of a tariff's tier limits
  const MOST_PRICES = 6;  // more than these are told as a range

  const fixed = (value, places) => Math.abs(value).toLocaleString("en-US",
    { minimumFractionDigits: places, maximumFractionDigits: places });
  const sign = (value, text) => (value < 0 && /[1-9]/.test(text) ? "−" : "");

  const count = (value, places = 0) => {
    const text = fixed(value, places);
    return Number.isFinite(value) ? sign(value, text) + text : "–";
  };
  const dollars = (value, places = 0) => {
    const text = fixed(value, places);
    return Number.isFinite(value) ? `${sign(value, text)}$${text}` : "–";
  };
  const change = (value, places = 0) => {
    const text = dollars(value, places);
    return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
  };
  const percent = (share, places = 1) =>
    Number.isFinite(share) ? `${count(100 * share, places)}%` : "–";
  const large = (value) => (Math.abs(value) >= 1e9 ? `${dollars(value / 1e9, 2)} billion`
    : Math.abs(value) >= 1e6 ? `${dollars(value / 1e6, 1)} million` : dollars(value));
  const rate = (value) => `${sign(value, fixed(value, 4))}$${fixed(value, 4)}`;

  /* `Jun–Sep` of a year's months that are one span of it. */
  function span(seasons) {
    if (seasons.every(Boolean)) return "all year";
    const first = seasons.findIndex((is, m) => is && !seasons[(m + 11) % 12]);
    const last = seasons.findIndex((is, m) => is && !seasons[(m + 1) % 12]);
    if (first < 0) return "no month";
    return first === last ? MONTHS[first] : `${MONTHS[first]}–${MONTHS[last]}`;
  }

  /* A period's times; a tariff of one period applies always. */
  const when = (tariff, period) =>
    (tariff.when.length === 1 ? "at all hours" : tariff.when[period].join("; "));

  const tierRange = (tariff, design, period, tier) => {
    const limits = design.limit[period], unit = UNITS[tariff.unit[period]];
    if (limits.length < 2) return "";
    return tier < limits.length - 1 ? ` up to ${count(limits[tier])} ${unit}`
      : ` above ${count(limits[tier - 1])} ${unit}`;
  };

  /* {month: kinds} of a period: whether it is in summer months, winter months, or both. */
  function kinds(tariff, period, seasons) {
    const months = tariff.pairs.filter(([, p]) => p === period).map(([month]) => month);
    return { summer: months.some((m) => seasons[m]), winter: months.some((m) => !seasons[m]) };
  }

  /* Every energy price of a design: {price [$/kWh], text}. */
  function prices(tariff, design, seasons, level) {
    const all = [];
    design.ratio.forEach((tiers, period) => {
      const { summer, winter } = kinds(tariff, period, seasons);
      const both = summer && winter && design.summer !== 1;
      tiers.forEach((ratio, tier) => {
        const text = when(tariff, period) + tierRange(tariff, design, period, tier);
        const base = level * ratio;
        if (both) {
          all.push({ price: base * design.summer, text: `${text} in ${span(seasons)}` });
          all.push({ price: base, text: `${text} in other months` });
        } else if (summer || winter) {
          all.push({ price: summer ? base * design.summer : base, text });
        }
      });
    });
    return all;
  }

  /* What a tariff of a design charges, in a sentence. */
  function charges(tariff, design, seasons, level) {
    const parts = [`Fixed charge ${dollars(design.fixed, 2)} a month`];
    if (design.minimum > 0) parts.push(`at least ${dollars(design.minimum, 2)} a month`);
    if (design.annualMinimum > 0) parts.push(`at least ${dollars(design.annualMinimum, 2)} a year`);
    const all = prices(tariff, design, seasons, level);
    if (all.length > MOST_PRICES) {
      const values = all.map((one) => one.price);
      parts.push(`${all.length} energy prices from ${rate(Math.min(...values))} to `
        + `${rate(Math.max(...values))} a kWh`);
    } else {
      parts.push(...all.map((one) => `${rate(one.price)} a kWh ${one.text}`));
    }
    if (tariff.fuel.some(Boolean)) parts.push("fuel adjustment by month, as in the run");
    if (tariff.demand) parts.push("demand charges as in the run");
    return `${parts.join("; ")}.`;
  }

  /* Who pays more and who less, in a sentence. */
  function outcome(found, base) {
    if (!(found.up > 0) && !(found.down > 0)) return `Nobody's bill differs from that ${base}.`;
    const part = (share, word, by) => `${percent(share, 0)} of customers pay ${word}, `
      + `on average ${dollars(Math.abs(by))} a year`;
    const parts = [];
    if (found.up > 0) parts.push(part(found.up, "more", found.upMean));
    if (found.down > 0) parts.push(part(found.down, "less", found.downMean));
    const worse = found.worse > 0
      ? ` ${percent(found.worse, 0)} pay over 10% more than ${base}.` : "";
    return `${parts.join("; ")}.${worse}`;
  }

  return { MONTHS, UNITS, count, dollars, change, percent, large, rate, span, when, tierRange, prices,
    charges, outcome };
})();
