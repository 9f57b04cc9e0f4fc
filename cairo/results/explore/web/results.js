"use strict";
/* What a design does to all homes: words, charts and tables. */
const Results = (() => {
  const { el } = Controls;
  const at = (id) => document.getElementById(id);

  /* {data, state, results} of the page: its data, what is chosen, and each design's bills. */
  let page;
  const use = (given) => { page = given; };

  const base = () => page.data.runs[0];
  const baseName = () => (page.data.runs.length > 1 ? `under ${base().name}` : "in the run");
  const runOf = (design) => page.data.runs[design.run];

  /* Costs of each home by the allocation chosen. */
  function costOf(run) {
    const key = page.state.allocation, kept = run.costs || (run.costs = {});
    if (!kept[key]) kept[key] = run.burden.map((one, i) => one + run.shares[key][i]);
    return kept[key];
  }

  const withGas = (run, bills) => (run.gas ? bills.map((one, i) => one + run.gas[i]) : bills);

  /* What tables and charts are made of for one design. */
  function view(place) {
    const one = page.state.designs[place], run = runOf(one), { annual } = page.results[place];
    return { annual, base: base().bill, weight: page.data.weight, cost: costOf(run),
      costBase: costOf(base()), runBill: base().bill, income: page.data.income,
      energy: withGas(run, annual), energyBase: withGas(base(), base().bill) };
  }

  function showResults(one, run, { levels }) {
    const now = view(page.state.active);
    const change = Statistics.change(now.annual, now.base, page.data.weight);
    const outcome = Words.outcome(change, baseName());
    at("words").replaceChildren(...run.tariffs.map((tariff, t) => el("li", {},
      ...(run.tariffs.length > 1 ? [el("strong", {}, `${tariff.key}: `)] : []),
      Words.charges(tariff, one.tariffs[t], one.seasons, levels[t]))));
    const sum = one.own
      ? one.tariffs.reduce((all, each) => all + each.share * one.collect, 0) : one.collect;
    at("collects").textContent = `It collects ${Words.large(sum)} a year before taxes, as the run`
      + `${one.collect === run.requirement && run.requirement !== run.collected
        ? "'s requirement asks" : " does"}.`
      + (levels.some((level) => level < 0)
        ? " Some energy prices are below zero: the other charges collect more than is needed." : "");
    at("outcome").textContent = outcome;
    at("outcome-small").textContent = outcome;
    showCharts(now, run);
    showSegments(now);
    showDesigns();
    return outcome;
  }

  function showCharts(now, run) {
    const { weight } = page.data, part = now.annual.map((after, i) => after - now.base[i]);
    const share = part.map((by, i) => (now.base[i] > 0 ? 100 * by / now.base[i] : 0));
    const others = page.state.designs.map((_, k) => k)
      .filter((k) => k !== page.state.active && page.results[k].annual);
    for (const [name, values, least, most] of [["dollars", part, 5, Infinity],
      ["percent", share, 2, 100]]) {
      const edges = Statistics.edges(values, least, most);
      const [mine, rest] = Statistics.histogram(values, weight, page.state.chosen, edges);
      const bars = { left: edges.slice(0, -1), right: edges.slice(1), chosen: mine,
        all: mine.map((count, k) => count + rest[k]) };
      const lines = {};
      [1, 2].forEach((line) => {
        const k = others[line - 1];
        if (k === undefined) { lines[`points${line}`] = { x: [], y: [] }; return; }
        const its = page.results[k].annual.map((after, i) => (name === "dollars" ? after - now.base[i]
          : now.base[i] > 0 ? 100 * (after - now.base[i]) / now.base[i] : 0));
        const [a, b] = Statistics.histogram(its, weight, page.state.chosen, edges);
        lines[`points${line}`] = { x: edges, y: [...a.map((count, j) => count + b[j]), 0] };
      });
      const tops = [bars.all, lines.points1.y, lines.points2.y];
      Charts.show(name, { bars, ...lines }, { x: [edges[0], edges.at(-1)],
        y: Charts.around(...tops) });
    }
    at("lines").textContent = others.length ? `Lines: ${others.map((k) =>
      `design ${page.state.designs[k].name}`).join(" (dark), ")}${others.length > 1 ? " (green)" : ""}.` : "";
    showPays(now, run);
  }

  const groupName = () => {
    const segment = page.data.segments[page.state.segment];
    return segment ? `${segment.name}: ${segment.groups[page.state.group]}` : "all customers";
  };

  function showPays(now, run) {
    const { weight } = page.data, mean = (values) => Statistics.mean(values, weight, page.state.chosen);
    const before = [], after = [], rows = [];
    for (const { name, label } of page.data.allocations) {
      const cost = mean(run.burden) + mean(run.shares[name]);
      const costBase = mean(base().burden) + mean(base().shares[name]);
      before.push(mean(base().bill) - costBase);
      after.push(mean(now.annual) - cost);
      rows.push([label, Words.dollars(cost), Words.change(before.at(-1)),
        Words.change(after.at(-1))]);
    }
    Charts.show("alignment", { bars: { name: page.data.allocations.map((one) => one.label), before,
      after } }, { y: Charts.around(before, after) });
    fill("alignment-rows", rows);
    const names = ["costs", "run"], bills = [0, mean(base().bill)];
    page.state.designs.forEach((one, k) => {
      if (!page.results[k].annual) return;
      names.push(one.name);
      bills.push(mean(page.results[k].annual));
    });
    const burden = mean(run.burden), share = mean(run.shares[page.state.allocation]);
    Charts.show("pays", { bars: { name: names, bill: bills,
      burden: names.map((_, k) => (k ? 0 : burden)),
      share: names.map((_, k) => (k ? 0 : burden + share)) } },
    { factors: names, y: Charts.around(bills, [burden, burden + share]) });
    const pays = mean(now.annual);
    at("pays-words").textContent = `${groupName()}: a customer pays ${Words.dollars(pays)} a year `
      + `and costs ${Words.dollars(burden + share)} (${Words.dollars(burden)} to serve, `
      + `${Words.dollars(share)} of the residual); it paid ${Words.dollars(mean(base().bill))} `
      + `${baseName()}.`;
    for (const place of document.querySelectorAll("[data-group]")) place.textContent = groupName();
  }

  /* The body rows of a table; the first cell heads its row. Cells that are there are set anew. */
  function fill(id, rows, total = false) {
    const body = at(id), old = [...body.rows];
    if (old.length === rows.length && old.every((row, k) => row.cells.length === rows[k].length)) {
      rows.forEach((cells, k) => cells.forEach((text, c) => {
        const cell = old[k].cells[c];
        if (cell.textContent !== text) cell.textContent = text;
      }));
      return;
    }
    body.replaceChildren(...rows.map((cells, k) => el("tr",
      { class: total && k === rows.length - 1 ? "total" : null },
      ...cells.map((text, c) => (c ? el("td", {}, text) : el("th", { scope: "row" }, text))))));
  }

  function showSegments(now) {
    const segment = page.data.segments[page.state.segment];
    if (!segment) return;
    const rows = Statistics.byGroup(now, segment);
    fill("segment-rows", rows.map((row) => [row.group, Words.count(row.customers),
      Words.percent(row.up, 0), Words.percent(row.down, 0), Words.percent(row.worse, 0),
      Words.dollars(row.after), Words.change(row.mean), Words.percent(row.mean / row.before),
      Words.dollars(row.cost), Words.change(row.alignmentBefore), Words.change(row.alignment),
      ...(page.data.income ? [Words.percent(row.burdenBefore), Words.percent(row.burden)] : []),
    ]), true);
    const groups = rows.slice(0, -1), names = groups.map((row) => row.group).reverse();
    const of = (field) => groups.map((row) => row[field]).reverse();
    const before = of("alignmentBefore"), after = of("alignment");
    Charts.show("segment", { bars: { name: names, before, after } },
      { factors: names, x: Charts.around(before, after) });
    if (!page.data.income) return;
    const incomes = Statistics.byGroup(now, page.data.incomeGroups);
    const all = incomes.at(-1), shown = incomes.filter((row) => Number.isFinite(row.burden)
      && row !== all);
    const keys = shown.map((row) => row.group).reverse();
    const share = (field) => shown.map((row) => 100 * row[field]).reverse();
    const was = share("burdenBefore"), is = share("burden");
    Charts.show("income", { bars: { name: keys, before: was, after: is } },
      { factors: keys, x: Charts.around(was, is) });
    at("income-words").textContent = `${Words.percent(all.heavy)} of customers pay more than `
      + `${Words.percent(Statistics.HEAVY, 0)} of their income for energy; ${baseName()} it was `
      + `${Words.percent(all.heavyBefore)}.`;
  }

  /* The run and each design, a column each. */
  function showDesigns() {
    const columns = [{ name: page.data.runs.length > 1 ? base().name : "The run",
      one: Designs.fromRun(base(), 0, ""), annual: base().bill,
      levels: null, run: base() },
    ...page.state.designs.map((one, k) => ({ name: `Design ${one.name}`, one, run: runOf(one),
      annual: page.results[k].annual, levels: page.results[k].levels }))];
    const facts = columns.map(factsOf);
    const names = Object.keys(Object.assign({}, ...facts));
    at("designs-head").replaceChildren(el("td", {}),
      ...columns.map(({ name }) => el("th", { scope: "col" }, name)));
    fill("designs-rows", names.map((name) => [name, ...facts.map((one) => one[name] ?? "–")]));
  }

  function factsOf({ one, run, annual, levels }) {
    if (!annual) return {};
    const { weight } = page.data, facts = {};
    const price = levels || run.tariffs.map(({ rate }, t) => (one.own
      ? Math.min(...rate.flat().filter((r) => r > 0), Infinity)
      : Math.min(...run.tariffs.flatMap((each) => each.rate.flat()).filter((r) => r > 0))));
    run.tariffs.forEach((tariff, t) => {
      const many = page.data.runs.some((each) => each.tariffs.length > 1);
      const of = many ? ` (${tariff.key})` : "";
      const rates = Words.prices(tariff, one.tariffs[t], one.seasons, price[t])
        .map((each) => each.price);
      const low = Math.min(...rates), high = Math.max(...rates);
      facts[`Fixed charge a month${of}`] = Words.dollars(one.tariffs[t].fixed, 2);
      facts[`Minimum bill a month${of}`] = Words.dollars(one.tariffs[t].minimum, 2);
      facts[`Energy prices a kWh${of}`] = rates.length === 1 || low === high ? Words.rate(low)
        : `${Words.rate(low)} to ${Words.rate(high)}`;
    });
    const change = Statistics.change(annual, base().bill, weight);
    const costs = costOf(run), apart = annual.map((bill, i) => bill - costs[i]);
    const middle = Statistics.mean(apart, weight);
    const paid = apart.reduce((sum, value, i) => sum + weight[i] * Math.abs(value - middle), 0) / 2;
    return Object.assign(facts, {
      "Customers who pay more": Words.percent(change.up),
      "by, on average": Words.dollars(change.upMean),
      "Customers who pay less": Words.percent(change.down),
      "by, on average ": Words.dollars(change.downMean),
      "Pay over 10% more": Words.percent(change.worse),
      "Dollars that customers pay for one another": Words.large(paid),
      [`Mean bill, ${groupName()}`]: Words.dollars(Statistics.mean(annual, weight, page.state.chosen)),
      [`Pays beyond its costs, ${groupName()}`]:
        Words.change(Statistics.mean(apart, weight, page.state.chosen)),
    });
  }

  return { use, show: showResults };
})();
