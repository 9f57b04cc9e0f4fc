"use strict";
/* Files of a design: its tariffs as URDB JSON, a scenario's run, and both in a zip. */
const Files = (() => {
  const SCHEDULES = ["energyweekdayschedule", "energyweekendschedule"];

  /* A tariff of a design as URDB JSON. A period of both seasons whose rates differ becomes two:
     the summer one stands after all others. */
  function urdb(tariff, design, seasons, level, description) {
    const filed = structuredClone(tariff.urdb), item = filed.items[0];
    const months = (period, summer) => SCHEDULES.some((name) => item[name].some(
      (hours, m) => seasons[m] === summer && hours.includes(period)));
    const structure = [], of = [];
    const tiers = (period, factor) => item.energyratestructure[period].map((tier, t) => ({
      ...tier,
      rate: level * design.ratio[period][t] * factor,
      adj: 0,
      ...(tariff.ofRetail || !tariff.exports ? {} : { sell: tariff.credit[period] }),
      ...(t < design.limit[period].length - 1 ? { max: design.limit[period][t] } : {}),
    }));
    design.ratio.forEach((_, period) => {
      const winter = months(period, false);
      structure.push(tiers(period, winter ? 1 : design.summer));
      of[period] = period;
    });
    design.ratio.forEach((_, period) => {
      if (design.summer !== 1 && months(period, false) && months(period, true)) {
        of[period] = structure.length;
        structure.push(tiers(period, design.summer));
      }
    });
    item.energyratestructure = structure;
    for (const name of SCHEDULES) {
      item[name] = item[name].map((hours, m) =>
        hours.map((period) => (seasons[m] ? of[period] : period)));
    }
    item.fixedchargefirstmeter = design.fixed;
    item.fixedchargeunits = "$/month";
    // URDB has room for one minimum charge; of two the annual one goes by its older name.
    delete item.annualmincharge;
    const annual = design.annualMinimum > 0;
    if (annual && design.minimum > 0) item.annualmincharge = design.annualMinimum;
    const alone = annual && !(design.minimum > 0);
    item.mincharge = alone ? design.annualMinimum : design.minimum;
    item.minchargeunits = alone ? "$/year" : "$/month";
    item.description = description;
    return filed;
  }

  /* A scenario file whose run has these settings. JSON's values are YAML too. */
  function scenario(settings, name, notes) {
    const lines = Object.entries(settings)
      .map(([key, value]) => `    ${key}: ${JSON.stringify(value)}`);
    return [...notes.map((note) => `# ${note}`), "runs:", `  ${JSON.stringify(name)}:`, ...lines, ""]
      .join("\n");
  }

  // A zip of uncompressed files (PKWARE APPNOTE 6.3.3: local headers, central directory, end).

  const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
    for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n;
  });

  const crc32 = (bytes) => {
    let crc = 0xffffffff;
    for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
    return (crc ^ 0xffffffff) >>> 0;
  };

  /* Numbers of given widths in bytes, lowest byte first. */
  const numbers = (pairs) => Uint8Array.from(pairs.flatMap(([value, width]) =>
    Array.from({ length: width }, (_, at) => (value >>> (8 * at)) & 255)));

  const UTF8_NAMES = 0x800, DAY = 0x21;  // the first day that the format knows

  function zip(files) {
    const parts = [], central = [];
    let at = 0;
    for (const [name, text] of Object.entries(files)) {
      const path = new TextEncoder().encode(name.replace(/\\|\.\./g, "_")), body = new TextEncoder().encode(text);
      const common = [[20, 2], [UTF8_NAMES, 2], [0, 2], [0, 2], [DAY, 2], [crc32(body), 4],
        [body.length, 4], [body.length, 4], [path.length, 2], [0, 2]];
      const head = numbers([[0x04034b50, 4], ...common]);
      central.push(numbers([[0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4],
        [at, 4]]), path);
      parts.push(head, path, body);
      at += head.length + path.length + body.length;
    }
    const size = central.reduce((sum, part) => sum + part.length, 0), count = central.length / 2;
    const end = numbers([[0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4],
      [at, 4], [0, 2]]);
    return new Blob([...parts, ...central, end], { type: "application/zip" });
  }

  /* Give the reader a file. */
  function offer(name, blob) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  return { urdb, scenario, zip, offer };
})();
