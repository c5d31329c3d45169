// What panels would display, by Grafana's own library:  node main.mjs COMPONENT
// One request a line on standard input, one answer a line on standard output, until the input ends.
//   REQUEST {"majors": ["13"] (all if empty), "panels": [{"panel": JSON, "frames": {"A": [frame, ...]}, "tables": ["A"],
//            "variables": {...}, "from": ms, "to": ms}, ...]}
//   ANSWER  {"versions": {"12": "12.4.10", ...}, "panels": [{"12": DISPLAYED, "13": DISPLAYED}, ...]}  (see shown.mjs)
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { loadMajor, majorsIn, openDom } from './library.mjs';
import { display } from './shown.mjs';

const folder = path.resolve(process.argv[2]);
console.log = console.info = console.warn = console.error = () => {}; // the libraries talk; the answers are JSON
openDom(createRequire(path.join(folder, 'package.json')));
const known = majorsIn(folder);
const loaded = new Map();

async function answer({ majors, panels }) {
  const versions = {};
  const shown = panels.map(() => ({}));
  for (const major of known.filter((one) => !majors.length || majors.includes(one))) {
    if (!loaded.has(major)) loaded.set(major, loadMajor(folder, major));
    versions[major] = loaded.get(major).version;
    for (const [index, one] of panels.entries()) {
      shown[index][major] = await display(loaded.get(major), one);
    }
  }
  return { versions, panels: shown };
}

// A pipe takes what fits; the rest has to wait until the other side has read.
function write(text) {
  const bytes = Buffer.from(`${text}\n`);
  for (let sent = 0; sent < bytes.length; ) sent += fs.writeSync(1, bytes, sent);
}

for await (const line of createInterface({ input: process.stdin })) {
  write(JSON.stringify(await answer(JSON.parse(line))));
}
process.exit(0); // the libraries leave timers behind
