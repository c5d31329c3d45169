// What panels would display, by Grafana's own library:  node main.mjs COMPONENT < REQUEST > ANSWER
//   REQUEST {"panels": [{"panel": JSON, "frames": {"A": [frame, ...]}, "tables": ["A"], "variables": {...}, "from": ms, "to": ms}]}
//   ANSWER  {"versions": {"12": "12.4.10", ...}, "panels": [{"12": DISPLAYED, "13": DISPLAYED}, ...]}  (see shown.mjs)
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import { loadMajor, majorsIn, openDom } from './library.mjs';
import { display } from './shown.mjs';

const folder = path.resolve(process.argv[2]);
console.log = console.info = console.warn = console.error = () => {}; // the libraries talk; the answer is JSON
const dom = openDom(createRequire(path.join(folder, 'package.json')));
const request = JSON.parse(fs.readFileSync(0, 'utf8'));
const versions = {};
const panels = request.panels.map(() => ({}));
for (const major of majorsIn(folder)) {
  const library = loadMajor(folder, major);
  versions[major] = library.version;
  for (const [index, one] of request.panels.entries()) {
    panels[index][major] = await display(library, one);
  }
}
fs.writeFileSync(1, JSON.stringify({ versions, panels }));
dom.window.close();
process.exit(0); // the libraries leave timers behind
