/**
 * The features of a customer from the encoded rows of its views, read where they lie: a sum needs no common row, as it is
 * the same whether cells are added first or last.
 */
import { hourUs, minuteUs } from '../../workloads/durations.js';
import { cellWords } from './cell-list.js';
import { deviceOf, type EncodedRow, laterDevice, openRow, ordersAt } from './view-row.js';
import { wideAt } from './words.js';

const quarterUs = 15 * minuteUs;
const weekHours = 7 * 24;
/** Of a cell: category + 1, or 0 for clicks. */
const kinds = 64;
/** Of the rows that are being evaluated. */
const ordersOfKind = new Int32Array(kinds);

/**
 * The features of customer_activity, in the view's order, at `asOfUs`, of the rows added one to the other: the batch row
 * and then the speed row. What a later row says of an order holds against an earlier one.
 */
export function evaluateRows(values: readonly Uint8Array[], asOfUs: number): (number | null)[] {
  const rows = values.map(openRow);
  const week = Math.floor(asOfUs / hourUs) - weekHours;
  const { count, amount, clicks } = sumCells(rows, {
    minute: Math.floor(asOfUs / minuteUs) - 60,
    quarter: Math.floor(asOfUs / quarterUs) - 96,
    hour: week,
  });
  let top: number | null = null;
  let topCount = 0;
  for (let kind = 1; kind < kinds; kind++) {
    const orders = ordersOfKind[kind] as number;
    if (orders > topCount) [top, topCount] = [kind - 1, orders];
  }
  const share = top === null ? null : Math.floor((topCount * 10_000) / (count[2] as number));
  const lastUs = lastOrderUs(rows, week * hourUs);
  const device = rows.map(deviceOf).reduce(laterDevice, null);
  return [...count, ...amount, ...clicks, lastUs === null ? null : asOfUs - lastUs, top, share, device?.risk ?? null];
}

/**
 * Sums over 1 h, 24 h and 7 d, and the week's orders of each kind. `before`: the last tile of each length that has left
 * its window.
 */
function sumCells(
  rows: readonly EncodedRow[],
  before: { readonly minute: number; readonly quarter: number; readonly hour: number },
) {
  const count = [0, 0, 0] as [number, number, number];
  const amount = [0, 0, 0] as [number, number, number];
  const clicks = [0, 0, 0] as [number, number, number];
  ordersOfKind.fill(0);
  for (const { words, cellsAt, cells } of rows) {
    const end = cellsAt + cells * cellWords;
    for (let at = cellsAt; at < end; at += cellWords) {
      const packed = words[at] as number;
      const level = packed & 3;
      const tile = packed >> 2;
      const quarter = level === 0 ? Math.ceil(tile / 15) : tile;
      const hour = level === 2 ? tile : Math.ceil(quarter / 4);
      if (hour <= before.hour) continue;
      const kind = words[at + 1] as number;
      const n = words[at + 2] as number;
      const inDay = level < 2 && quarter > before.quarter;
      const inHour = level === 0 && tile > before.minute;
      if (kind === 0) {
        clicks[2] += n;
        if (inDay) clicks[1] += n;
        if (inHour) clicks[0] += n;
        continue;
      }
      const sum = wideAt(words, at + 3);
      ordersOfKind[kind] = (ordersOfKind[kind] as number) + n;
      count[2] += n;
      amount[2] += sum;
      if (inDay) {
        count[1] += n;
        amount[1] += sum;
      }
      if (inHour) {
        count[0] += n;
        amount[0] += sum;
      }
    }
  }
  return { count, amount, clicks };
}

/** When the last live order was placed, if it was after `sinceUs`. */
function lastOrderUs(rows: readonly EncodedRow[], sinceUs: number): number | null {
  let lastUs = sinceUs;
  for (let i = 0; i < rows.length; i++) {
    const { words, deletedAt } = rows[i] as EncodedRow;
    for (let at = ordersAt; at < deletedAt; at += 4) {
      const placedUs = wideAt(words, at + 2);
      if (placedUs > lastUs && !isSpokenOf(wideAt(words, at), rows, i + 1)) lastUs = placedUs;
    }
  }
  return lastUs > sinceUs ? lastUs : null;
}

/** Whether a row from `from` on lists an order. */
function isSpokenOf(order: number, rows: readonly EncodedRow[], from: number): boolean {
  for (let i = from; i < rows.length; i++) if (speaksOf(rows[i] as EncodedRow, order)) return true;
  return false;
}

/** Whether a row lists an order, as live or as deleted. */
function speaksOf({ words, deletedAt, cellsAt }: EncodedRow, order: number): boolean {
  for (let at = ordersAt; at < deletedAt; at += 4) if (wideAt(words, at) === order) return true;
  for (let at = deletedAt; at < cellsAt; at += 2) if (wideAt(words, at) === order) return true;
  return false;
}
