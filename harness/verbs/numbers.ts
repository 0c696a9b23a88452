/** Numbers on a command line. */
import { InvalidArgumentError } from 'commander';

export function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError(`expected an integer from 0 to 999999999, found ${text}`);
  return Number(text);
}

export function parsePositive(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text))
    throw new InvalidArgumentError(`expected an integer from 1 to 99999, found ${text}`);
  return Number(text);
}
