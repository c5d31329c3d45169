// Reads the frames that `/api/ds/query` answered, and says which of them hold data.

export const words = (error) => String(error?.message ?? error).split('\n')[0].slice(0, 300);

export const finite = (value) => typeof value === 'number' && Number.isFinite(value);
const isData = (field) => field.type === 'number' ? field.values.some(finite) : field.type === 'boolean' || (field.type === 'string' && field.values.some((value) => value));
export const withData = (frames) => new Set(frames.filter((frame) => frame.fields.some(isData)).map((frame) => frame.refId ?? ''));

export function readFrames(g, answered, tables, result) {
  const read = [];
  for (const [ref, list] of Object.entries(answered)) {
    const own = [];
    for (const frame of list) {
      try {
        const made = g.dataFrameFromJSON(frame);
        made.refId ??= ref;
        own.push(made);
      } catch (error) {
        result.faults.push(`the answer to ${ref} is not a frame that Grafana reads: ${words(error)}`);
      }
    }
    read.push(...(tables.has(ref) ? asTable(g, ref, own, answered) : own));
  }
  return read;
}

// What Grafana's Prometheus datasource does in the browser for queries with format "table": series become rows.
function asTable(g, ref, frames, answered) {
  const filled = frames.filter((frame) => frame.fields.length > 0);
  if (filled.length === 0) return frames;
  const numbers = (frame) => frame.fields.filter((field) => field.type === 'number');
  const names = [...new Set(filled.flatMap((frame) => numbers(frame).flatMap((field) => Object.keys(field.labels ?? {}))))].sort();
  const columns = Object.fromEntries(names.map((name) => [name, []]));
  const times = [];
  const values = [];
  for (const frame of filled) {
    const time = frame.fields.find((field) => field.type === 'time');
    for (const field of numbers(frame)) {
      field.values.forEach((value, row) => {
        times.push(time?.values[row] ?? null);
        names.forEach((name) => columns[name].push(field.labels?.[name] ?? ''));
        values.push(value);
      });
    }
  }
  const name = Object.keys(answered).length > 1 ? `Value #${ref}` : 'Value';
  const fields = [
    { name: 'Time', type: 'time', config: {}, values: times },
    ...names.map((label) => ({ name: label, type: 'string', config: { filterable: true }, values: columns[label] })),
    { name, type: 'number', config: {}, values },
  ];
  return [{ refId: ref, meta: filled[0].meta, fields, length: values.length }];
}
