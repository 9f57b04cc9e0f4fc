"use strict";
/* The page: designs, what they do to all homes, and what is shown of it. */
const Explorer = (() => {
  const NAMES = ["A", "B", "C"];
  const { el } = Controls;
  const at = (id) => document.getElementById(id);
  let data, controls, queued = false, told = 0;
  const state = { designs: [], active: 0, segment: 0, group: 0, chosen: null,
    allocation: "" };
  /* By design: {levels, annual} of its last rates that could be solved, and what to keep of it. */
  const results = [];

  const design = () => state.designs[state.active];
  const runOf = (one) => data.runs[one.run];

  function solve(place) {
    const one = state.designs[place], kept = results[place] || {};
    const keep = kept.run === one.run ? kept.keep : {};
    const found = { keep, run: one.run };
    try {
      Object.assign(found, Bills.solved(runOf(one), one, data.weight, keep));
    } catch (error) {
      found.error = error.message;
    }
    results[place] = found;
  }

  // Changes

  function changed(next) {
    state.designs[state.active] = next(design());
    queue();
  }

  /* Changes of one frame are answered together. */
  function queue() {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => {
      queued = false;
      solve(state.active);
      show();
    });
  }

  const act = {
    own(own) {
      const { levels } = results[state.active];
      if (levels) changed((one) => Designs.withOwnLevels(runOf(one), one, own, levels));
    },
    start(place) {
      state.designs[state.active] = Designs.fromRun(data.runs[place], place, design().name);
      activate(state.active);
    },
    add() {
      if (state.designs.length === NAMES.length) return;
      state.designs.push(Designs.copy(design(), NAMES[state.designs.length]));
      activate(state.designs.length - 1);
    },
    remove() {
      if (state.designs.length === 1) return;
      state.designs.splice(state.active, 1);
      results.splice(state.active, 1);
      state.designs = state.designs.map((one, k) => ({ ...one, name: NAMES[k] }));
      activate(Math.min(state.active, state.designs.length - 1));
    },
    save() {
      const one = design(), run = runOf(one), { levels } = results[state.active];
      const name = `${run.name}_design_${one.name.toLowerCase()}`;
      const said = `Design ${one.name}, made with cairo explore from the run ${run.name}.`;
      const files = {};
      run.tariffs.forEach((tariff, t) => {
        const filed = Files.urdb(tariff, one.tariffs[t], one.seasons, levels[t], said);
        files[`tariffs/${tariff.key}.json`] = JSON.stringify(filed, null, 2);
      });
      if (run.settings) {
        const notes = [said, "Its rates are those on the page; a run of this file bills them.",
          ...(run.responds ? ["Customers respond anew to these rates, so bills differ."] : [])];
        files["scenario.yaml"] = Files.scenario(run.settings, name, notes);
      }
      Files.offer(`${name}.zip`, Files.zip(files));
    },
    async link() {
      keepAddress();
      try {
        await navigator.clipboard.writeText(location.href);
        say("The link is copied.");
      } catch {
        say("The link is the page's address.");
      }
    },
  };

  function activate(place) {
    state.active = place;
    const one = design();
    state.designs.forEach((_, k) => { if (k === place || !results[k]) solve(k); });
    controls = Controls.build(runOf(one), one, changed, act);
    at("controls").replaceChildren(...controls.elements);
    at("start").value = one.run;
    at("names").replaceChildren(...state.designs.map((each, k) => el("button", {
      type: "button", "aria-pressed": String(k === place), "data-name": `design ${each.name}`,
      onclick: () => activate(k) }, `Design ${each.name}`)));
    at("add").disabled = state.designs.length === NAMES.length;
    at("remove").disabled = state.designs.length === 1;
    show();
  }

  // The address

  let hash = "";  // as it was read or written last
  const keepAddress = () => {
    // A link that has just been followed is about to be opened.
    if (location.hash !== hash) return;
    history.replaceState(null, "", Designs.toHash(state.designs, state.active, data.runs));
    hash = location.hash;
  };

  function open() {
    hash = location.hash;
    try {
      const found = Designs.fromHash(location.hash, data.runs, NAMES);
      if (!found && state.designs.length) return;
      at("refused").hidden = true;
      state.designs = found ? found.designs
        : data.runs.slice(0, NAMES.length).map((run, k) => Designs.fromRun(run, k, NAMES[k]));
      results.length = 0;
      activate(found ? found.active : 0);
    } catch (error) {
      at("refused").textContent = `The design in the page's address cannot be opened: `
        + `${error.message}. ${state.designs.length ? "What was shown stays."
          : "The run's own rates are shown."}`;
      at("refused").hidden = false;
      if (!state.designs.length) {
        state.designs = [Designs.fromRun(data.runs[0], 0, NAMES[0])];
        activate(0);
      }
    }
  }

  function say(text) {
    clearTimeout(told);
    told = setTimeout(() => { at("said").textContent = text; }, 600);
  }

  // What is shown

  function show() {
    const one = design(), run = runOf(one), found = results[state.active];
    controls.set(one, { levels: found.levels });
    const refused = run.tariffs.find((tariff) => !tariff.urdb);
    at("save").disabled = Boolean(found.error || refused);
    at("save-note").textContent = refused ? `It cannot be saved: ${refused.urdbRefused}`
      : run.settings ? "" : "The run was made by a script: the tariffs are saved without a scenario.";
    at("title").textContent = `Design ${one.name} in words`;
    at("error").hidden = !found.error;
    at("error").textContent = found.error ? `These rates cannot be: ${found.error}` : "";
    document.body.classList.toggle("unsolved", Boolean(found.error));
    if (found.error) say(at("error").textContent);
    else say(Results.show(one, run, found));
    clearTimeout(show.later);
    show.later = setTimeout(keepAddress, 400);
  }

  // Menus

  function choose() {
    const segment = data.segments[state.segment];
    if (!segment) return;
    state.chosen = Uint8Array.from(segment.code, (code) => (code === state.group ? 1 : 0));
    at("group").replaceChildren(...segment.groups.map((group, g) => el("option",
      { value: g, selected: g === state.group }, group)));
    at("segment-note").textContent = segment.note;
    for (const place of document.querySelectorAll("[data-segment]")) place.textContent = segment.name;
  }

  function menus() {
    at("start").replaceChildren(...data.runs.map((run, k) => el("option", { value: k }, run.name)));
    at("segment").replaceChildren(...data.segments.map((one, k) => el("option", { value: k },
      one.name)));
    at("allocation").replaceChildren(...data.allocations.map((one) => el("option",
      { value: one.name }, one.label)));
    state.allocation = data.allocations[0].name;
    if (data.chosen) [state.segment, state.group] = data.chosen;
    at("segment").value = state.segment;
    choose();
    const on = (id, take) => at(id).addEventListener("change", () => { take(at(id).value); show(); });
    on("segment", (value) => { state.segment = Number(value); state.group = 0; choose(); });
    on("group", (value) => { state.group = Number(value); choose(); });
    on("allocation", (value) => { state.allocation = value; });
    at("start").addEventListener("change", () => act.start(Number(at("start").value)));
    at("reset").addEventListener("click", () => act.start(design().run));
    for (const name of ["add", "remove", "save", "link"]) at(name).addEventListener("click", act[name]);
    if (data.runs.length === 1) at("start-label").hidden = true;
  }

  async function begin() {
    data = Data.read();
    Results.use({ data, state, results });
    menus();
    open();
    window.addEventListener("hashchange", open);
    // The outcome stays in sight at the bottom once it is scrolled away above.
    new IntersectionObserver(([one]) => { at("bottom").hidden = one.isIntersecting; })
      .observe(at("outcome"));
    await Charts.embed();
    const dark = matchMedia("(prefers-color-scheme: dark)");
    Charts.paint(dark.matches);
    dark.addEventListener("change", () => Charts.paint(dark.matches));
    show();
    document.documentElement.dataset.ready = "yes";
  }

  /* What scripts and the curious ask: bills [$] of the homes under the design shown, the levels of
     its rates; and to show another. */
  const bills = () => Array.from(results[state.active].annual);
  const levels = () => results[state.active].levels;

  document.addEventListener("DOMContentLoaded", begin);
  return { bills, levels, state, get data() { return data; }, set: (one) => changed(() => one) };
})();
