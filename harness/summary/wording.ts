/** Figures in words, for the sentences of a verdict and for notes. Tables and charts have the reports' own formats. */
import type { Unit } from '../../reports/summary.js';

export function inWords(value: number, unit: Unit): string {
  switch (unit) {
    case 'us':
      return duration(value);
    case 'us_per_tb':
      return `${duration(value)}/TB`;
    case 'share':
      return share(value);
    case 'per_s':
      return `${digits(value)}/s`;
    case 'changes_per_s':
      return `${digits(value)} changes/s`;
    case 'times':
      return `${digits(value)} times`;
    case 'files_per_million_rows':
      return `${digits(value)} files per million rows`;
    case 'bytes':
      return bytes(value);
    case 'usd':
      return money(value);
    case 'count':
      return digits(value);
    case 'changes':
    case 'rows':
    case 'cores':
      return `${digits(value)} ${unit}`;
  }
}

/** Of two figures: that of shares is in points, as a percentage would be one of them. */
export function differenceInWords(value: number, unit: Unit): string {
  return unit === 'share' ? `${digits(100 * value)} points` : inWords(value, unit);
}

/** Only what is all of it is called 100 %. */
function share(value: number): string {
  const percent = digits(100 * value);
  return value < 1 && percent === '100' ? 'more than 99.9 %' : `${percent} %`;
}

function duration(us: number): string {
  const size = Math.abs(us);
  if (size < 1e3) return `${digits(us)} µs`;
  if (size < 1e6) return `${digits(us / 1e3)} ms`;
  if (size < 120e6) return `${digits(us / 1e6)} s`;
  return `${digits(us / 60e6)} min`;
}

function money(value: number): string {
  const size = Math.abs(value);
  if (size < 1e-3) return `${digits(1e6 * value)} µUSD`;
  if (size < 1) return `${digits(1e3 * value)} mUSD`;
  return `${digits(value)} USD`;
}

function bytes(value: number): string {
  const size = Math.abs(value);
  if (size < 1e3) return `${digits(value)} B`;
  if (size < 1e6) return `${digits(value / 1e3)} kB`;
  if (size < 1e9) return `${digits(value / 1e6)} MB`;
  return `${digits(value / 1e9)} GB`;
}

/** Three significant digits, whole numbers whole, thousands apart. */
export function digits(value: number): string {
  const rounded = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  const [whole = '', fraction] = String(Math.abs(rounded)).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return `${rounded < 0 ? '-' : ''}${grouped}${fraction === undefined ? '' : `.${fraction}`}`;
}

export function listed(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items[items.length - 1]}`;
}

export function counted(count: number, noun: string): string {
  return `${digits(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Notes of several figures as one: each of their clauses once. */
export function joinedOnce(notes: readonly string[]): string {
  return [...new Set(notes.flatMap((note) => note.split('; ')))].join('; ');
}
