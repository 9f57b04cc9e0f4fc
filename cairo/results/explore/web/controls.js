"use strict";
/* The controls of a design: fields and sliders, built once for a run and set anew at each change. */
const Controls = (() => {
  let ids = 0;

  /* An element with attributes, handlers (`onx`) and children; text is text, never markup. */
  function el(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== null) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  const shown = (value) => String(Number(value.toPrecision(6)));

  /* A label, a slider and a field of one number. `get` and `put` are of a design. */
  function number({ label, name, unit, high, step, get, put, tell, low = 0 }, changed) {
    const id = `control-${ids++}`;
    const slider = el("input", { type: "range", min: low, max: high, step, tabindex: 0,
      "aria-labelledby": `${id}-label`, "data-name": name });
    const field = el("input", { type: "number", id, min: low, step: "any", inputmode: "decimal",
      "data-name": name });
    const told = el("span", { class: "told" });
    const give = (value) => {
      if (Number.isFinite(value) && value >= low) changed((design) => put(design, value));
    };
    slider.addEventListener("input", () => give(slider.valueAsNumber));
    field.addEventListener("input", () => give(field.valueAsNumber));
    field.addEventListener("blur", () => { field.value = shown(Number(field.dataset.value)); });
    const element = el("div", { class: "control" },
      el("label", { for: id, id: `${id}-label` }, label), told,
      el("div", { class: "inputs" }, slider, field, el("span", { class: "unit" }, unit)));
    const set = (design, context) => {
      const value = get(design);
      if (value > Number(slider.max)) slider.max = value;
      if (document.activeElement !== slider) slider.value = value;
      field.dataset.value = value;
      if (document.activeElement !== field) field.value = shown(value);
      slider.setAttribute("aria-valuetext", `${shown(value)} ${unit}`);
      if (tell) told.textContent = tell(design, context);
    };
    return { element, set };
  }

  /* A design with one value of one tariff replaced. */
  const inTariff = (design, t, change) => ({ ...design,
    tariffs: design.tariffs.map((one, at) => (at === t ? { ...one, ...change(one) } : one)) });

  const cell = (rows, p, t, value) => rows.map((row, at) =>
    (at === p ? row.map((one, tier) => (tier === t ? value : one)) : row));

  /* Controls of one tariff. */
  function ofTariff(run, design, t, changed) {
    const tariff = run.tariffs[t], start = design.tariffs[t], parts = [];
    const add = (given, into = parts) => {
      const made = number({ ...given, name: `${tariff.key} ${given.name}`,
        get: (d) => given.get(d.tariffs[t]),
        put: (d, value) => inTariff(d, t, (one) => given.put(one, value)) }, changed);
      into.push(made);
      return made;
    };
    add({ label: "Fixed charge", name: "fixed", unit: "$ a month", step: 0.25,
      high: Math.max(40, Math.ceil(3 * start.fixed)), get: (d) => d.fixed,
      put: (_, fixed) => ({ fixed }) });
    add({ label: "Minimum bill", name: "minimum", unit: "$ a month", step: 0.5,
      high: Math.max(80, Math.ceil(3 * start.minimum)), get: (d) => d.minimum,
      put: (_, minimum) => ({ minimum }) });
    add({ label: "Minimum bill of the year", name: "annualMinimum", unit: "$ a year", step: 5,
      high: Math.max(900, Math.ceil(3 * start.annualMinimum)), get: (d) => d.annualMinimum,
      put: (_, annualMinimum) => ({ annualMinimum }) });
    add({ label: "Summer rates", name: "summer", unit: "times",
      step: 0.01, low: 0, high: 4, get: (d) => d.summer, put: (_, summer) => ({ summer }),
      tell: (d) => `summer is ${Words.span(d.seasons)}` });
    const own = [...parts], energy = [], alone = [];
    const cells = start.ratio.flatMap((tiers, p) => tiers.map((_, k) => [p, k]));
    if (cells.length > 1 || run.tariffs.length > 1) {
      for (const [p, k] of cells) {
        const text = Words.when(tariff, p);
        const tier = start.ratio[p].length > 1 ? `, tier ${k + 1}` : "";
        const made = add({
          label: cells.length > 1 ? `Price ${text}${tier}` : "Price beside other tariffs'",
          name: `ratio ${p} ${k}`, unit: "× lowest", step: 0.01,
          high: Math.max(4, Math.ceil(2 * start.ratio[p][k])),
          get: (d) => d.ratio[p][k], put: (d, value) => ({ ratio: cell(d.ratio, p, k, value) }),
          tell: (d, { levels }) => (levels
            ? `${Words.rate(levels[t] * d.tariffs[t].ratio[p][k])} a kWh` : "") }, energy);
        // The one price of a tariff with a level of its own has nothing to be beside.
        if (cells.length === 1) alone.push(made.element);
      }
    }
    for (const [p, limits] of start.limit.entries()) {
      for (const [k, limit] of limits.entries()) {
        if (limit === null || k === limits.length - 1) continue;
        const where = start.limit.length > 1 ? ` ${Words.when(tariff, p)}` : "";
        add({ label: `Tier ${k + 1} ends${where}`, name: `limit ${p} ${k}`,
          unit: Words.UNITS[tariff.unit[p]], step: limit >= 100 ? 10 : 1, high: Math.ceil(3 * limit) || 10,
          get: (d) => d.limit[p][k],
          put: (d, value) => ({ limit: cell(d.limit, p, k, value) }) }, energy);
      }
    }
    let share = null;
    if (run.tariffs.length > 1) {
      share = number({ label: "Share of what is collected", name: `${tariff.key} share`,
        unit: "%", step: 0.1, high: 100, get: (d) => 100 * d.tariffs[t].share,
        put: (d, value) => Designs.withShare(d, t, Math.min(value, 100) / 100),
        tell: (d) => Words.large(d.tariffs[t].share * d.collect) }, changed);
    }
    const many = energy.length > 8;
    const element = el("details", { open: true, class: "tariff" },
      el("summary", {}, run.tariffs.length > 1 ? `Tariff ${tariff.key}` : `Rates of ${tariff.key}`),
      ...own.map((one) => one.element),
      ...(energy.length ? [el("details", { open: !many, class: "energy" },
        el("summary", {}, many ? `All ${energy.length} energy prices and tiers` : "Energy prices"),
        ...energy.map((one) => one.element))] : []),
      ...(share ? [share.element] : []));
    return { element, set: (d, context) => {
      for (const one of [...own, ...energy]) one.set(d, context);
      for (const one of alone) one.parentElement.hidden = d.own;
      if (share) {
        share.element.hidden = !d.own;
        share.set(d, context);
      }
    } };
  }

  const monthMenu = (label, name, changed) => {
    const menu = el("select", { "aria-label": label, "data-name": name, onchange: changed },
      ...Words.MONTHS.map((month, m) => el("option", { value: m }, month)));
    return menu;
  };

  /* Controls that all tariffs share: seasons, one level or several, what is collected. */
  function ofAll(run, changed, act) {
    const first = monthMenu("First month of summer", "summer first", () => season());
    const last = monthMenu("Last month of summer", "summer last", () => season());
    const season = () => changed((d) => ({ ...d,
      seasons: Designs.season(Number(first.value), (Number(last.value) + 1) % 12) }));
    const own = el("input", { type: "checkbox", "data-name": "own",
      onchange: () => act.own(own.checked) });
    const differ = run.type === "default"
      && Math.abs(run.requirement - run.collected) > 1e-6 * Math.abs(run.requirement);
    const collect = el("select", { "data-name": "collect", onchange: () => changed((d) => (
      { ...d, collect: collect.value === "requirement" ? run.requirement : run.collected })) },
    el("option", { value: "run" }, `as this run: ${Words.large(run.collected)}`),
    el("option", { value: "requirement" }, `the requirement: ${Words.large(run.requirement)}`));
    const element = el("div", { class: "all" },
      el("div", { class: "control" }, el("span", { class: "name" }, "Summer"),
        el("span", { class: "inputs" }, first, "to", last)),
      run.tariffs.length > 1 && el("div", { class: "control" },
        el("label", { class: "check" }, own, "Each tariff collects a share of its own")),
      differ && el("div", { class: "control" }, el("label", {}, "Rates collect ", collect)));
    for (const node of [...element.childNodes]) if (node.nodeType === 3) node.remove();
    return { element, set: (d) => {
      const at = d.seasons.findIndex((is, m) => is && !d.seasons[(m + 11) % 12]);
      const end = d.seasons.findIndex((is, m) => is && !d.seasons[(m + 1) % 12]);
      if (at >= 0) [first.value, last.value] = [at, end];
      own.checked = d.own;
      collect.value = d.collect === run.requirement && differ ? "requirement" : "run";
    } };
  }

  /* All controls of a run's designs; `changed` takes a function of a design to the next one. */
  function build(run, design, changed, act) {
    const all = ofAll(run, changed, act);
    const tariffs = run.tariffs.map((_, t) => ofTariff(run, design, t, changed));
    return {
      elements: [all.element, ...tariffs.map((one) => one.element)],
      set: (d, context) => { for (const one of [all, ...tariffs]) one.set(d, context); },
    };
  }

  return { el, build };
})();
