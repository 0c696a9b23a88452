/**
 * How planes look, and what all charts share. Colours are CSS variables, so that one drawing serves light, dark and
 * print; a plane is told by its dash and its marker as well as by its colour (after Okabe and Ito's palette, see
 * page-style.ts).
 */
import type { Config } from 'vega-lite';

export interface Look {
  readonly color: string;
  readonly dash: readonly number[];
  readonly shape: 'circle' | 'square' | 'triangle-up' | 'diamond' | 'cross' | 'triangle-down';
}

export const looks: readonly Look[] = [
  { color: 'var(--plane-1)', dash: [1, 0], shape: 'circle' },
  { color: 'var(--plane-2)', dash: [7, 3], shape: 'square' },
  { color: 'var(--plane-3)', dash: [2, 2], shape: 'triangle-up' },
  { color: 'var(--plane-4)', dash: [9, 3, 2, 3], shape: 'diamond' },
  { color: 'var(--plane-5)', dash: [4, 4], shape: 'cross' },
  { color: 'var(--plane-6)', dash: [12, 4], shape: 'triangle-down' },
];

/** The look of the plane at this place of the list; places beyond the palette begin it again, told by their names. */
export function lookOf(index: number): Look {
  return looks[index % looks.length]!;
}

export const ink = { text: 'var(--ink)', muted: 'var(--muted)', grid: 'var(--grid)', warn: 'var(--warn)' } as const;

/** `aria: false`: a drawing is one image with a text alternative beside it, not a tree of marks. */
export const config: Config = {
  aria: false,
  background: 'transparent',
  font: 'inherit',
  view: { stroke: null },
  axis: {
    labelColor: ink.muted,
    titleColor: ink.muted,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    gridColor: ink.grid,
    domainColor: ink.muted,
    tickColor: ink.muted,
    tickSize: 4,
  },
};

/** Axis labels in human units; the axes themselves stay in microseconds, bytes and counts. */
export const axisLabels = {
  time: "datum.value < 1000 ? format(datum.value, '~r') + ' \u00B5s' : datum.value < 1e6 ? format(datum.value / 1e3, '~r') + ' ms' : datum.value < 12e7 ? format(datum.value / 1e6, '~r') + ' s' : format(datum.value / 6e7, '.3~r') + ' min'",
  count: "format(datum.value, '~s')",
  bytes:
    "datum.value === 0 ? '0' : datum.value < 1e3 ? format(datum.value, '~r') + ' B' : datum.value < 1e6 ? format(datum.value / 1e3, '~r') + ' kB' : datum.value < 1e9 ? format(datum.value / 1e6, '~r') + ' MB' : format(datum.value / 1e9, '~r') + ' GB'",
  cores: "format(datum.value, '~r')",
} as const;
