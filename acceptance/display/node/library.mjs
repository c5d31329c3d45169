// Loads @grafana/data for each major and sets up what Grafana's application sets up at start.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const STANDARD = {
  unit: 'unitOverrideProcessor', min: 'numberOverrideProcessor', max: 'numberOverrideProcessor', fieldMinMax: 'booleanOverrideProcessor',
  decimals: 'numberOverrideProcessor', displayName: 'displayNameOverrideProcessor', noValue: 'stringOverrideProcessor',
  mappings: 'valueMappingsOverrideProcessor', thresholds: 'thresholdsOverrideProcessor', color: 'identityOverrideProcessor',
  links: 'identityOverrideProcessor', filterable: 'booleanOverrideProcessor', description: 'stringOverrideProcessor',
};

// The library looks for a browser; nothing of it is drawn.
export function openDom(require) {
  const { JSDOM } = require('jsdom');
  const dom = new JSDOM('<!doctype html><body></body>', { url: 'http://localhost/', pretendToBeVisual: true });
  dom.window.matchMedia = () => ({ matches: false, addEventListener() {}, addListener() {} });
  Object.assign(globalThis, { window: dom.window, document: dom.window.document, localStorage: dom.window.localStorage });
  globalThis.navigator ??= dom.window.navigator;
  return dom;
}

// Majors are the aliases grafana-N in the component's package.json: a third one is one line there.
export function majorsIn(folder) {
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json')));
  return Object.keys(dependencies).filter((name) => name.startsWith('grafana-')).map((name) => name.slice('grafana-'.length));
}

export function loadMajor(folder, major) {
  const require = createRequire(path.join(folder, 'package.json'));
  const g = require(`grafana-${major}`);
  const lazy = Number(major) >= 13; // from 13 on the registry holds loaders, before that the transformers
  const byId = new Map(Object.values(g.standardTransformers).map((one) => [one.id, one])); // some are exported twice
  g.standardTransformersRegistry.setInit(() =>
    [...byId.values()].map((one) => ({ id: one.id, name: one.name, transformation: lazy ? async () => one : one, editor: () => null })));
  g.standardFieldConfigEditorRegistry.setInit(() => standardFields(g));
  return { g, transformers: new Set(byId.keys()), version: versionOf(require, major) };
}

function versionOf(require, major) {
  const entry = require.resolve(`grafana-${major}`); // PACKAGE/dist/cjs/index.cjs
  return JSON.parse(fs.readFileSync(path.join(entry, '../../../package.json'))).version;
}

const field = (id, fieldPath, process, more = {}) =>
  ({ id, path: fieldPath, name: id, editor: () => null, override: () => null, settings: {}, process, shouldApply: () => true, ...more });

const standardFields = (g) => Object.entries(STANDARD).map(([id, processor]) => field(id, id, g[processor]));

// A panel type adds settings of its own under `custom`; those that this panel sets are all that matter.
export function fieldRegistry(g, fieldConfig) {
  const custom = new Set(Object.keys(fieldConfig.defaults?.custom ?? {}));
  for (const override of fieldConfig.overrides ?? []) {
    for (const property of override.properties ?? []) {
      if (property.id?.startsWith('custom.')) custom.add(property.id.slice('custom.'.length));
    }
  }
  const added = [...custom].map((name) => field(`custom.${name}`, name, g.identityOverrideProcessor, { isCustom: true }));
  return new g.FieldConfigOptionsRegistry(() => [...standardFields(g), ...added]);
}
