// What one panel displays. DISPLAYED is
//   {"items": [{"ref", "title", "text", "color", "number", "shown", "why", ...}, ...], "faults": ["..."], "notes": ["..."],
//    "axis": {"low", "high", "ticks": [{"at", "text"}], "limits": [{"at", "color"}]} of lines}
// An item also has: of a table cell "row"; of a gauge or bar "low" and "high", the ends of its scale; of a line or band
// "times" (ms), "values", "points" (how many of them are numbers in the time range), "dashed"; of a band "states".
// An item is a value, line, band or table cell; `why` says why one that has data is not seen.
import { finite, readFrames, withData, words } from './frames.mjs';
import { fieldRegistry } from './library.mjs';
import { axisOf, bandNotDrawn, notDrawn, pointsOf, statesOf } from './lines.mjs';

const SINGLE = new Set(['stat', 'gauge', 'bargauge', 'piechart']);
const BANDS = new Set(['state-timeline', 'status-history']);
const MAX_ROWS = 100;

export async function display(library, request) {
  const result = { items: [], faults: [], notes: [], reasons: [] }; // reasons: why nothing may be left
  try {
    await fill(library, request, result);
  } catch (error) {
    result.items = [];
    result.faults.push(`Grafana's library refuses this panel: ${words(error)}`);
  }
  delete result.reasons;
  return result;
}

async function fill(library, { panel, frames: answered, tables, variables, from, to }, result) {
  const { g } = library;
  const frames = readFrames(g, answered, new Set(tables), result);
  const fieldConfig = { defaults: panel.fieldConfig?.defaults ?? {}, overrides: panel.fieldConfig?.overrides ?? [] };
  const replace = replacer(g, variables);
  const before = withData(frames);
  const transformed = await transform(library, panel.transformations ?? [], frames, result, replace);
  const theme = g.createTheme({ colors: { mode: 'light' } });
  const data = g.applyFieldOverrides({
    data: transformed, fieldConfig, replaceVariables: replace, theme, timeZone: 'utc', fieldConfigRegistry: fieldRegistry(g, fieldConfig),
  });
  const scene = { g, panel, options: panel.options ?? {}, fieldConfig, theme, replace, data, from, to, result };
  if (SINGLE.has(panel.type)) singles(scene);
  else if (panel.type === 'table') table(scene);
  else series(scene);
  if (panel.type === 'timeseries') result.axis = axisOf(scene);
  for (const item of result.items) {
    if (item.shown && isTransparent(item.color) && panel.type !== 'table') Object.assign(item, { shown: false, why: `its colour ${item.color} cannot be seen` });
  }
  judge(result, before, (panel.transformations ?? []).length > 0, withData(data));
}

function replacer(g, variables) {
  const known = (name, scope) => {
    const context = scope?.__dataContext?.value;
    if (name === '__field.name') return context?.field?.name;
    if (name === '__field.displayName') return context && g.getFieldDisplayName(context.field, context.frame, context.data);
    if (name === '__series.name') return context?.frame?.name;
    if (name.startsWith('__field.labels.')) return context?.field?.labels?.[name.slice('__field.labels.'.length)];
    return scope?.[name]?.text ?? variables[name];
  };
  const text = (value) => (Array.isArray(value) ? value.join(' + ') : value);
  return (given, scope) =>
    String(given ?? '').replace(/\$\{([\w.]+)(?::\w+)?\}|\$(\w+)|\[\[(\w+)\]\]/g, (whole, braced, plain, boxed) => text(known(braced ?? plain ?? boxed, scope)) ?? whole);
}

// ---- transformations, one at a time, so that the one which leaves nothing can be named

async function transform({ g, transformers }, steps, frames, result, replace) {
  let data = frames;
  for (const [index, step] of steps.entries()) {
    if (step.disabled) continue;
    const name = `transformation ${index + 1}, ${step.id}`;
    if (!transformers.has(step.id)) {
      result.notes.push(`not judged: ${name} is part of Grafana's application, not of its library`);
      continue;
    }
    const had = withData(data).size;
    data = await new Promise((resolve, reject) => {
      g.transformDataFrame([step], data, { interpolate: replace }).subscribe({ next: resolve, error: reject });
    });
    if (had && !withData(data).size) result.reasons.push(`${name}, leaves no data: ${JSON.stringify(step.options ?? {}).slice(0, 200)}`);
  }
  return data;
}

// ---- single values: stat, gauge, bar gauge, pie chart

function singles({ g, panel, options, fieldConfig, theme, replace, data, result }) {
  const given = options.reduceOptions ?? {};
  const reduceOptions = { ...given, calcs: given.calcs ?? ['lastNotNull'] };
  const unknown = reduceOptions.calcs.filter((id) => !g.fieldReducers.getIfExists(id));
  if (unknown.length && !reduceOptions.values) result.reasons.push(`the reducer ${unknown.join(', ')} is not one of Grafana's`);
  const values = g.getFieldDisplayValues({ fieldConfig, reduceOptions, replaceVariables: replace, theme, data, timeZone: 'utc' });
  for (const value of values) {
    const frame = value.view?.dataFrame;
    const field = value.colIndex === undefined ? undefined : frame?.fields[value.colIndex];
    const item = {
      ref: frame?.refId ?? '', title: titleOf(panel, options, values, value), text: g.formattedValueToString(value.display),
      color: value.display.color ?? null, number: finite(value.display.numeric) ? value.display.numeric : null, shown: true, why: '',
      low: value.field?.min ?? null, high: value.field?.max ?? null,
    };
    if (!field) {
      const names = [...new Set(data.flatMap((one) => one.fields.map((each) => g.getFieldDisplayName(each, one, data))))];
      Object.assign(item, { shown: false, why: `no field to show: reduceOptions.fields ${JSON.stringify(reduceOptions.fields ?? '')} of ${JSON.stringify(names.slice(0, 8))}` });
    } else if (!finite(value.display.numeric) && field.type === 'number' && field.values.some(finite)) {
      Object.assign(item, { shown: false, why: `the reducer ${value.name || reduceOptions.calcs} gives no number of ${field.values.length} values` });
    } else if (panel.type === 'piechart' && (value.field.custom?.hideFrom?.viz || Number.isNaN(value.display.numeric))) {
      Object.assign(item, { shown: false, why: 'hidden by hideFrom.viz' });
    } else if (panel.type === 'stat' && options.textMode === 'none' && options.graphMode === 'none' && !String(options.colorMode).startsWith('background')) {
      Object.assign(item, { shown: false, why: 'textMode is none, and there is neither graph nor background' });
    } else if (!item.text.trim() && options.textMode !== 'name' && panel.type === 'stat') {
      Object.assign(item, { shown: false, why: 'its text is empty: a mapping or an override writes nothing' });
    }
    result.items.push(item);
  }
  if (panel.type === 'piechart' && options.legend?.showLegend === false && !(options.displayLabels ?? []).length) {
    if (values.every((value) => !value.display.numeric)) result.items.forEach((item) => Object.assign(item, { shown: false, why: 'all slices are 0 and there is no legend' }));
  }
}

// A single series of a stat shows no name; its override can ask for one.
function titleOf(panel, options, values, value) {
  const title = value.display.title ?? '';
  if (panel.type !== 'stat') return title;
  const mode = options.textMode ?? 'auto';
  return mode === 'name' || mode === 'value_and_name' || (mode === 'auto' && values.length > 1) ? title : '';
}

// ---- lines and bands over time, and the fields of every other type

function series(scene) {
  const { g, panel, data, theme, result, from, to } = scene;
  const overTime = panel.type === 'timeseries' || BANDS.has(panel.type);
  if (!overTime) result.notes.push(`not judged: how a panel of type ${panel.type} draws these fields`);
  for (const frame of data) {
    const time = frame.fields.find((field) => field.type === 'time');
    for (const field of frame.fields) {
      if (field.type === 'time' || (field.type !== 'number' && !BANDS.has(panel.type))) continue;
      const seen = field.values.map((value, row) => ({ value, at: time?.values[row] })).filter(({ value }) => value !== null && value !== undefined && (field.type !== 'number' || finite(value)));
      const inside = overTime ? seen.filter(({ at }) => at >= from && at <= to) : seen;
      const last = (inside.at(-1) ?? seen.at(-1))?.value;
      const shown = last === undefined ? undefined : field.display(last);
      const item = {
        ref: frame.refId ?? '', title: g.getFieldDisplayName(field, frame, data), text: shown ? g.formattedValueToString(shown) : '',
        color: (BANDS.has(panel.type) ? shown?.color : g.getFieldSeriesColor(field, theme).color) ?? null, number: finite(last) ? last : null, points: inside.length,
        ...pointsOf(BANDS.has(panel.type), field, time, seen), dashed: field.config.custom?.lineStyle?.fill === 'dash', shown: false,
      };
      if (field.config.custom?.hideFrom?.viz) item.why = 'hidden by hideFrom.viz';
      else if (overTime && !time) item.why = 'its frame has no time field';
      else if (!seen.length) item.why = 'no value is a number';
      else if (!inside.length) item.why = `all ${seen.length} points are outside the time range`;
      else item.why = panel.type === 'timeseries' ? notDrawn(field, inside.map(({ value }) => value)) : BANDS.has(panel.type) ? bandNotDrawn(field) : '';
      item.shown = item.why === '';
      if (BANDS.has(panel.type)) item.states = statesOf(g, field, seen);
      result.items.push(item);
    }
  }
}

// ---- tables

function table({ g, options, data, result }) {
  const index = options.frameIndex > 0 && options.frameIndex < data.length ? options.frameIndex : 0;
  const frame = data[index];
  if (!frame) return;
  if (data.length > 1) result.notes.push(`of ${data.length} frames a table shows one until another is chosen; merge them`);
  const hidden = (field) => field.config.custom?.hidden || field.config.custom?.hideFrom?.viz;
  for (const field of frame.fields) {
    const title = g.getFieldDisplayName(field, frame, data);
    const filled = field.config.custom?.cellOptions?.type === 'color-background';
    for (let row = 0; row < Math.min(frame.length, MAX_ROWS); row += 1) {
      const shown = field.display(field.values[row]);
      const text = g.formattedValueToString(shown);
      const why = hidden(field) ? 'its column is hidden' : text.trim() ? '' : 'its text is empty';
      result.items.push({ ref: frame.refId ?? '', title, text, color: filled ? shown.color ?? null : null, number: finite(shown.numeric) ? shown.numeric : null, row, shown: why === '', why });
    }
  }
}

// ---- what is wrong

const isTransparent = (color) => typeof color === 'string' && (color === 'transparent' || /^#[0-9a-f]{6}00$/i.test(color) || /^(rgba|hsla)\(.*,\s*0(\.0*)?\s*\)$/i.test(color));

function judge(result, before, transformed, after) {
  if (!before.size) return; // no data: that is said of the answer, not of the display
  const shown = new Set(result.items.filter((item) => item.shown).map((item) => item.ref));
  const why = (items) => [...new Set(items.filter((item) => !item.shown && item.why).map((item) => `${item.title || item.ref || 'value'}: ${item.why}`))].slice(0, 3).join('; ');
  if (!shown.size) {
    result.faults.push(`has data, shows none: ${[...result.reasons, why(result.items)].filter(Boolean).join('; ') || 'nothing of it is left'}`);
  } else if (!transformed) {
    for (const ref of after) {
      if (!shown.has(ref)) result.faults.push(`${ref} has data, shows none: ${why(result.items.filter((item) => item.ref === ref)) || result.notes.join('; ') || 'its frame is not shown'}`);
    }
  }
}
