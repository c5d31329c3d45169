// Lines and bands over time: what is drawn of them, and the axis beside them.
import { finite } from './frames.mjs';

const MAX_STATES = 100;

// A line keeps its gaps, as null.
export function pointsOf(isBand, field, time, seen) {
  if (isBand) return { times: seen.map(({ at }) => at), values: seen.map(({ value }) => value) };
  return { times: field.values.map((_, row) => time?.values[row] ?? null), values: field.values.map((value) => (finite(value) ? value : null)) };
}

export function notDrawn(field, values) {
  const { min, max, custom = {} } = field.config;
  const stacked = (custom.stacking?.mode ?? 'none') !== 'none';
  if (!stacked) {
    const low = values.filter((value) => finite(min) && value < min).length;
    const high = values.filter((value) => finite(max) && value > max).length;
    if (low + high === values.length) return `all ${values.length} points are off the axis, which goes from ${min ?? 'the lowest'} to ${max ?? 'the highest'}`;
  }
  if (custom.scaleDistribution?.type === 'log' && values.every((value) => value <= 0)) return 'no point is above 0 on a logarithmic axis';
  const style = custom.drawStyle ?? 'line';
  const points = custom.showPoints ?? 'auto';
  const line = (custom.lineWidth ?? 1) > 0 && custom.lineStyle?.fill !== 'none';
  if (style === 'points') return (custom.pointSize ?? 5) > 0 ? '' : 'points of size 0';
  if (points !== 'never') return '';
  if (style === 'line' && values.length === 1) return 'a single point, and showPoints is never';
  return line || (custom.fillOpacity ?? 0) > 0 ? '' : 'no line, no fill and no points';
}

export function bandNotDrawn(field) {
  const { fillOpacity = 70, lineWidth = 0 } = field.config.custom ?? {};
  return fillOpacity > 0 || lineWidth > 0 ? '' : 'no fill and no line';
}

// Each value that a band has, with what is written on it and its colour.
export function statesOf(g, field, seen) {
  const states = {};
  for (const { value } of seen) {
    if (Object.keys(states).length >= MAX_STATES) break;
    if (String(value) in states) continue;
    const shown = field.display(value);
    states[String(value)] = { text: g.formattedValueToString(shown), color: shown.color ?? null };
  }
  return states;
}

// The y axis as the library would write it: ends from the settings, else from the lines; round steps.
export function axisOf({ g, data, fieldConfig, result }) {
  const field = data.flatMap((frame) => frame.fields).find((one) => one.type === 'number' && !one.config.custom?.hideFrom?.viz);
  if (!field) return undefined;
  const lines = result.items.filter((item) => item.shown);
  const stacked = field.config.custom?.stacking?.mode === 'normal';
  const values = stacked ? heights(lines) : lines.flatMap((item) => item.values);
  const limits = /line/.test(field.config.custom?.thresholdsStyle?.mode ?? '')
    ? (fieldConfig.defaults.thresholds?.steps ?? []).filter((step) => finite(step.value)).map((step) => ({ at: step.value, color: step.color })) : [];
  const reach = [...values, ...limits.map((limit) => limit.at)];
  const low = field.config.min ?? reach.reduce((one, other) => Math.min(one, other), Infinity);
  const high = field.config.max ?? reach.reduce((one, other) => Math.max(one, other), -Infinity);
  if (!finite(low) || !finite(high)) return undefined;
  const span = high > low ? high - low : Math.abs(high) || 1;
  const raw = span / 4;
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * 10 ** Math.floor(Math.log10(raw))).find((one) => one >= raw);
  const ticks = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9 && ticks.length < 12; at += 1) {
    const value = Number((at * step).toPrecision(12));
    ticks.push({ at: value, text: g.formattedValueToString(field.display(value)) });
  }
  return { low, high: high > low ? high : low + span, ticks, limits };
}

// How high stacked lines reach at each time, and the ground they stand on.
function heights(lines) {
  const sums = new Map();
  for (const { times, values } of lines) {
    times.forEach((at, index) => sums.set(at, (sums.get(at) ?? 0) + (values[index] ?? 0)));
  }
  return [0, ...sums.values()];
}
