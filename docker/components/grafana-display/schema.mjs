// Makes schema.json from the types of @grafana/schema, for every major in package.json:
//   {"12": {"version": "12.4.10", "schemaVersion": 42, "dashboard": SCHEMA, "panel": SCHEMA,
//           "panelTypes": {"stat": {"Options": SCHEMA, "FieldConfig": SCHEMA or missing}, ...}}, ...}
//   node schema.mjs FOLDER      FOLDER holds package.json and node_modules; schema.json is written there
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = path.resolve(process.argv[2]);
const require = createRequire(path.join(folder, 'package.json'));
const { createGenerator } = require('ts-json-schema-generator');
const wanted = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'))).dependencies;
const majors = Object.keys(wanted).filter((name) => name.startsWith('grafana-'));

// The schema package that this major's own library is built on; its entry point is <package>/dist/cjs/index.cjs.
const schemaOf = (alias) => {
  const own = createRequire(require.resolve(alias));
  return path.dirname(path.dirname(path.dirname(own.resolve('@grafana/schema'))));
};

// What the types call required is what Grafana fills with a default: a file may leave it out.
const optional = (node) => {
  if (Array.isArray(node)) return node.map(optional);
  if (node === null || typeof node !== 'object') return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key, value]) => key !== 'required' || !Array.isArray(value))
      .map(([key, value]) => [key, optional(value)]),
  );
};

const made = {};
for (const alias of majors) {
  const root = schemaOf(alias);
  const composable = path.join(root, 'dist/types/raw/composable');
  const types = fs.readdirSync(composable).filter((name) => fs.existsSync(path.join(composable, name, 'panelcfg/x/types.gen.d.ts'))).sort();
  const lines = [
    `import type * as dashboard from '${root}/dist/types/raw/dashboard/x/types.gen';`,
    'export type Dashboard = dashboard.Dashboard;',
    'export type Panel = dashboard.Panel;',
  ];
  const parts = {}; // panel type -> which of the two it has
  for (const type of types) {
    const file = path.join(composable, type, 'panelcfg/x/types.gen');
    const text = fs.readFileSync(`${file}.d.ts`, 'utf8');
    parts[type] = ['Options', 'FieldConfig'].filter((name) => new RegExp(`export (interface|type) ${name}\\b`).test(text));
    lines.push(`import type * as ${type} from '${file}';`, ...parts[type].map((name) => `export type ${type}_${name} = ${type}.${name};`));
  }
  const source = path.join(folder, `${alias}.ts`);
  fs.writeFileSync(source, `${lines.join('\n')}\n`);
  const config = path.join(folder, `${alias}.json`);
  const options = { module: 'esnext', moduleResolution: 'bundler', skipLibCheck: true, strict: true, noEmit: true, types: [] };
  fs.writeFileSync(config, JSON.stringify({ compilerOptions: options, files: [source] }));
  const generator = createGenerator({ path: source, tsconfig: config, skipTypeCheck: true, expose: 'none', topRef: false, jsDoc: 'none', additionalProperties: false });
  const schema = (name) => optional(generator.createSchema(name));
  const defaults = await import(pathToFileURL(path.join(root, 'dist/esm/raw/dashboard/x/types.gen.mjs')));
  made[alias.slice('grafana-'.length)] = {
    version: JSON.parse(fs.readFileSync(path.join(root, 'package.json'))).version,
    schemaVersion: defaults.defaultDashboard.schemaVersion,
    dashboard: schema('Dashboard'),
    panel: schema('Panel'),
    panelTypes: Object.fromEntries(types.map((type) => [type, Object.fromEntries(parts[type].map((name) => [name, schema(`${type}_${name}`)]))])),
  };
  fs.rmSync(source);
  fs.rmSync(config);
}
fs.writeFileSync(path.join(folder, 'schema.json'), JSON.stringify(made));
